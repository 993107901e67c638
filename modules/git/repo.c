/* Looking at a repository before git does; see repo.h.
 *
 * An explicit GIT_DIR switches git's own owner check off, so it is made here; and every way in which the files of a repository may point
 * out of it (a .git file, commondir, links) is either checked or refused. */
#include "repo_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POINTER_BYTES 8192 /* of a .git file, gitdir, commondir */
#define TODO_BYTES (256u * 1024)

/* ---- Paths ---- */

static bool is_below(const char *path, const char *folder) {
  size_t len = strlen(folder);
  if (len == 1)
    return true;
  return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

const char *root_of(const struct words *roots, const char *path) {
  const char *best = NULL;
  for (size_t i = 0; i < roots->count; i++)
    if (is_below(path, roots->at[i]) && (!best || strlen(roots->at[i]) > strlen(best)))
      best = roots->at[i];
  return best;
}

int open_below(const char *root, const char *path) {
  struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS};
  int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  const char *rest = path + (strcmp(root, "/") == 0 ? 0 : strlen(root));
  while (*rest == '/')
    rest++;
  if (top < 0)
    return -1;
  int fd = -1;
  for (int tries = 0; tries < 3; tries++) {
    fd = (int)syscall(SYS_openat2, top, *rest ? rest : ".", &how, sizeof(how));
    if (fd >= 0 || errno != EAGAIN)
      break;
  }
  int error = errno;
  close(top);
  errno = error;
  return fd;
}

void repo_fail(struct repo *repo, bool is_refused, const char *text, const char *what) {
  if (repo->fault)
    return;
  size_t room = strlen(text) + strlen(what) + 8;
  repo->fault_text = malloc(room);
  if (repo->fault_text)
    snprintf(repo->fault_text, room, "%s%s%s", text, *what ? ": " : "", what);
  repo->fault = repo->fault_text ? repo->fault_text : text;
  repo->is_refused = is_refused;
}

char *repo_join(const char *folder, const char *name) {
  char *path = NULL;
  return asprintf(&path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0 ? NULL : path;
}

/* lstat of folder/name. */
static bool look(const char *folder, const char *name, struct stat *ret) {
  char *path = repo_join(folder, name);
  bool is_there = path && lstat(path, ret) == 0;
  free(path);
  return is_there;
}

/* The first line of a small plain file that is ours, without its end; NULL if there is none. */
static char *read_pointer(const char *folder, const char *name) {
  char *path = repo_join(folder, name), *text = NULL;
  struct stat info;
  int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
  free(path);
  if (fd < 0)
    return NULL;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() && info.st_size < POINTER_BYTES)
    text = calloc(1, POINTER_BYTES);
  ssize_t got = text ? read(fd, text, POINTER_BYTES - 1) : -1;
  close(fd);
  if (got < 0) {
    free(text);
    return NULL;
  }
  text[strcspn(text, "\r\n")] = '\0';
  return text;
}

/* `target`, relative to `folder`, resolved; NULL if it is not there. */
char *repo_resolve_from(const char *folder, const char *target) {
  char *path = target[0] == '/' ? strdup(target) : repo_join(folder, target);
  char *real = path ? realpath(path, NULL) : NULL;
  free(path);
  return real;
}

/* ---- Owners and links ---- */

static bool is_ours(const struct stat *info) {
  return info->st_uid == geteuid();
}

static void check_folder(struct repo *repo, const char *folder) {
  struct stat info;
  if (lstat(folder, &info) != 0 || !S_ISDIR(info.st_mode))
    repo_fail(repo, true, "The repository's folder is a link or no folder", folder);
  else if (!is_ours(&info))
    repo_fail(repo, true, "The repository belongs to another user", folder);
}

static void take_stamp(struct repo *repo, const char *folder, const char *name, struct stamp *ret) {
  struct stat info;
  *ret = (struct stamp){0};
  if (!look(folder, name, &info))
    return;
  if (!S_ISREG(info.st_mode) || !is_ours(&info)) {
    repo_fail(repo, true, "The repository's configuration is no plain file of ours", name);
    return;
  }
  *ret = (struct stamp){
      .device = (uint64_t)info.st_dev,
      .inode = (uint64_t)info.st_ino,
      .size = (uint64_t)info.st_size,
      .modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
      .changed_ns = (int64_t)info.st_ctim.tv_sec * 1000000000 + info.st_ctim.tv_nsec,
  };
}

/* ---- An interrupted rebase ---- */

static bool is_exec_line(const char *line) {
  while (*line == ' ' || *line == '\t')
    line++;
  return (line[0] == 'x' && (line[1] == ' ' || line[1] == '\t')) || strncmp(line, "exec", 4) == 0;
}

static bool has_exec(const char *git_dir, const char *name) {
  char *path = repo_join(git_dir, name), *text = NULL;
  struct stat info;
  bool found = false;
  int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
  free(path);
  if (fd < 0)
    return errno == ELOOP;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > TODO_BYTES || !(text = calloc(1, TODO_BYTES + 1))) {
    close(fd);
    return true;
  }
  ssize_t got = read(fd, text, TODO_BYTES);
  close(fd);
  for (char *line = text; got > 0 && line && !found; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
    found = is_exec_line(line);
  free(text);
  return found || got < 0;
}

/* ---- Finding it ---- */

/* The nearest folder with a .git at or above `folder`, not above the root. */
static char *find_work_tree(const struct repo *repo, struct stat *ret_dot_git) {
  char *at = strdup(repo->folder);
  while (at && is_below(at, repo->root)) {
    if (look(at, ".git", ret_dot_git))
      return at;
    char *slash = strrchr(at, '/');
    if (!slash || slash == at)
      break;
    *slash = '\0';
  }
  free(at);
  return NULL;
}

/* A linked work tree: gitdir points back at our .git file, commondir at the main repository. */
static bool is_worktree_of(struct repo *repo) {
  char *back = read_pointer(repo->git_dir, "gitdir"), *common = read_pointer(repo->git_dir, "commondir");
  char *dot_git = repo_join(repo->work_tree, ".git");
  bool points_back = back && common && dot_git && strcmp(back, dot_git) == 0;
  if (points_back)
    repo->common_dir = repo_resolve_from(repo->git_dir, common);
  free(back);
  free(common);
  free(dot_git);
  return points_back && repo->common_dir;
}

/* A submodule lies in modules/ of its super project's .git; its core.worktree is compared by the scan. */
static bool is_submodule(struct repo *repo) {
  struct stat info;
  if (!strstr(repo->git_dir, "/.git/modules/") || look(repo->git_dir, "commondir", &info) || look(repo->git_dir, "gitdir", &info))
    return false;
  const char *end = strstr(repo->git_dir, "/.git/modules/");
  size_t len = (size_t)(end - repo->git_dir);
  if (strncmp(repo->work_tree, repo->git_dir, len) != 0 || repo->work_tree[len] != '/')
    return false;
  repo->common_dir = strdup(repo->git_dir);
  return true;
}

static void follow_file(struct repo *repo, const struct words *roots) {
  char *text = read_pointer(repo->work_tree, ".git");
  if (text && strncmp(text, "gitdir: ", 8) == 0)
    repo->git_dir = repo_resolve_from(repo->work_tree, text + 8);
  free(text);
  repo->is_linked = true;
  if (!repo->git_dir) {
    repo_fail(repo, true, "The repository's .git file leads nowhere", "");
    return;
  }
  if (!root_of(roots, repo->git_dir) || !(is_worktree_of(repo) || is_submodule(repo)) || !root_of(roots, repo->common_dir))
    repo_fail(repo, true, "The repository's .git file points at a folder that does not point back, or that lies outside the roots", repo->git_dir);
}

static void check_repository(struct repo *repo, const struct words *roots) {
  struct stat info;
  check_folder(repo, repo->work_tree);
  check_folder(repo, repo->git_dir);
  check_folder(repo, repo->common_dir);
  repo_check_entries(repo, repo->git_dir);
  if (repo->is_linked)
    repo_check_entries(repo, repo->common_dir);
  if (look(repo->common_dir, "commondir", &info))
    repo_fail(repo, true, "The repository's .git folder redirects to another", "commondir");
  take_stamp(repo, repo->common_dir, "config", &repo->config);
  take_stamp(repo, repo->git_dir, "config.worktree", &repo->config_worktree);
  repo_check_alternates(repo, roots);
  repo_check_work_tree(repo);
  if (lstat(repo->common_dir, &info) == 0)
    repo->inode = (uint64_t)info.st_ino;
  repo->has_exec_todo = has_exec(repo->git_dir, "rebase-merge/git-rebase-todo") || has_exec(repo->git_dir, "rebase-apply/git-rebase-todo");
}

static void find_repository(struct repo *repo, const struct words *roots) {
  struct stat dot_git;
  repo->work_tree = find_work_tree(repo, &dot_git);
  if (!repo->work_tree) {
    repo_fail(repo, false, "fatal: not a git repository (or any of the parent directories): .git", "");
    return;
  }
  if (S_ISDIR(dot_git.st_mode)) {
    repo->git_dir = repo_join(repo->work_tree, ".git");
    repo->common_dir = repo->git_dir ? strdup(repo->git_dir) : NULL;
  } else if (S_ISREG(dot_git.st_mode)) {
    follow_file(repo, roots);
  } else {
    repo_fail(repo, true, "The repository's .git is neither a folder nor a file", repo->work_tree);
  }
  if (!repo->fault && repo->git_dir && repo->common_dir)
    check_repository(repo, roots);
}

void repo_inspect(struct repo *repo, const char *folder, const struct words *roots) {
  const char *root = root_of(roots, folder);
  int fd = root ? open_below(root, folder) : -1;
  if (!root) {
    repo_fail(repo, true, "Invalid repository path", "");
    return;
  }
  if (fd < 0) {
    bool is_absent = errno == ENOENT || errno == ENOTDIR;
    repo_fail(repo, !is_absent, is_absent ? "Repository path does not exist" : "Invalid repository path", is_absent ? folder : "");
    return;
  }
  close(fd);
  repo->folder = strdup(folder);
  repo->root = strdup(root);
  if (repo->folder && repo->root)
    find_repository(repo, roots);
  if (!repo->fault && !(repo->git_dir && repo->common_dir))
    repo_fail(repo, false, "No memory for the repository", "");
}

void repo_inspect_served(struct repo *repo, const char *path, const struct words *roots) {
  struct stat info;
  char *real = realpath(path, NULL);
  const char *root = real ? root_of(roots, real) : NULL;
  if (!root) {
    repo_fail(repo, true, real ? "A remote by path lies outside the roots" : "A remote by path is not there", path);
    free(real);
    return;
  }
  repo->folder = real;
  repo->root = strdup(root);
  repo->work_tree = strdup(real);
  repo->git_dir = look(real, ".git", &info) ? repo_join(real, ".git") : strdup(real);
  repo->common_dir = repo->git_dir ? strdup(repo->git_dir) : NULL;
  if (!repo->root || !repo->work_tree || !repo->git_dir || !repo->common_dir) {
    repo_fail(repo, false, "No memory for the repository", "");
    return;
  }
  check_repository(repo, roots);
  if (!repo->fault && (!look(repo->git_dir, "HEAD", &info) || !look(repo->git_dir, "objects", &info)))
    repo_fail(repo, true, "A remote by path is no repository", path);
}

void repo_release(struct repo *repo) {
  free(repo->folder);
  free(repo->root);
  free(repo->work_tree);
  free(repo->git_dir);
  free(repo->common_dir);
  free(repo->fault_text);
  *repo = (struct repo){0};
}
