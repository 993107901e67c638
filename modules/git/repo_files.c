/* What git would read and may lead it elsewhere or hold it up: links and devices among the files of a .git folder, pipes in the work tree,
 * and borrowed objects. */
#include "repo_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 200000u /* of refs and their logs, or of a repository that holds git up, that are looked at */
#define FOLDERS_DEPTH 100u
#define ALTERNATES_DEPTH 5 /* as deep as git follows them */

/* ---- Links and devices ---- */

static unsigned kind_of(int folder, const struct dirent *entry) {
  struct stat info;
  if (entry->d_type != DT_UNKNOWN)
    return entry->d_type;
  return fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 ? IFTODT(info.st_mode) : DT_REG;
}

/* Looks at what is in `path`, and `depth` levels below. Hooks never run, so a link of that name is let be. */
static void check_below(struct repo *repo, const char *path, unsigned depth, unsigned *left) {
  DIR *folder = repo->fault ? NULL : opendir(path);
  const struct dirent *entry;
  while (folder && !repo->fault && (entry = readdir(folder)) != NULL) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
      continue;
    unsigned kind = kind_of(dirfd(folder), entry);
    if (kind == DT_LNK && strcmp(name, "hooks") != 0)
      repo_fail(repo, true, "The repository has a link where git keeps its own files", name);
    else if (kind == DT_FIFO || kind == DT_CHR || kind == DT_BLK)
      repo_fail(repo, true, "The repository has a pipe or device where git keeps its own files", name);
    else if ((*left)-- == 0)
      repo_fail(repo, true, "The repository has more refs than are looked at here", "");
    else if (kind == DT_DIR && depth > 0) {
      char *below = repo_join(path, name);
      if (below)
        check_below(repo, below, depth - 1, left);
      free(below);
    }
  }
  if (folder)
    closedir(folder);
}

void repo_check_entries(struct repo *repo, const char *git_dir) {
  static const struct {
    const char *name;
    unsigned depth;
  } folders[] = {{"info", 0},         {"logs", 20},        {"objects", 0}, {"objects/info", 0},
                 {"rebase-apply", 0}, {"rebase-merge", 0}, {"refs", 20},   {"sequencer", 0}};
  unsigned left = ENTRIES_MAX;
  check_below(repo, git_dir, 0, &left);
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
    char *path = repo_join(git_dir, folders[i].name);
    if (path)
      check_below(repo, path, folders[i].depth, &left);
    free(path);
  }
}

/* ---- Files of the work tree that git reads for itself ---- */

static const char *const read_names[] = {".gitattributes", ".gitignore", ".gitmodules", ".mailmap"};

static bool holds_up(int folder, const char *name) {
  struct stat info;
  return fstatat(folder, name, &info, 0) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode));
}

/* Those at the top, which every command may read. Below, run_watch.c looks where one takes long. */
void repo_check_work_tree(struct repo *repo) {
  int folder = repo->fault ? -1 : open(repo->work_tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; folder >= 0 && i < sizeof(read_names) / sizeof(read_names[0]); i++)
    if (holds_up(folder, read_names[i]))
      repo_fail(repo, true, REPO_PIPE, read_names[i]);
  if (folder >= 0)
    close(folder);
}

static bool is_read_name(const char *name) {
  for (size_t i = 0; i < sizeof(read_names) / sizeof(read_names[0]); i++)
    if (strcmp(name, read_names[i]) == 0)
      return true;
  return false;
}

/* In a .git folder nothing may hold git up, in a work tree no file that it reads for itself. */
static char *find_below(const char *path, bool is_git, unsigned depth, unsigned *left) {
  DIR *folder = opendir(path);
  const struct dirent *entry;
  char *found = NULL;
  while (folder && !found && *left > 0 && (entry = readdir(folder)) != NULL) {
    const char *name = entry->d_name;
    (*left)--;
    unsigned kind = kind_of(dirfd(folder), entry);
    bool is_folder = kind == DT_DIR && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, ".git") != 0;
    bool is_candidate = kind != DT_REG && kind != DT_DIR && (is_git || is_read_name(name));
    char *below = is_folder || is_candidate ? repo_join(path, name) : NULL;
    if (below && is_folder && depth > 0)
      found = find_below(below, is_git, depth - 1, left);
    else if (below && is_candidate && holds_up(dirfd(folder), name))
      found = strdup(below);
    free(below);
  }
  if (folder)
    closedir(folder);
  return found;
}

char *repo_find_pipe(const char *git_dir, const char *common_dir, const char *work_tree) {
  unsigned left = ENTRIES_MAX;
  char *found = find_below(git_dir, true, FOLDERS_DEPTH, &left);
  if (!found && strcmp(git_dir, common_dir) != 0)
    found = find_below(common_dir, true, FOLDERS_DEPTH, &left);
  left = ENTRIES_MAX;
  return found ? found : find_below(work_tree, false, FOLDERS_DEPTH, &left);
}

/* ---- Objects of others ---- */

/* The list of alternates in `objects`; NULL: there is none, or it is at fault. */
static FILE *open_list(struct repo *repo, const char *objects) {
  char *path = repo_join(objects, "info/alternates");
  struct stat info;
  int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
  bool is_absent = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
  free(path);
  if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    FILE *file = fdopen(fd, "r");
    if (file)
      return file;
  }
  if (fd >= 0)
    close(fd);
  if (!is_absent)
    repo_fail(repo, true, "The repository's list of alternates is no plain file", "");
  return NULL;
}

/* A line in quotes is one that git takes for escaped text. */
static void check_list(struct repo *repo, const struct words *roots, const char *objects, unsigned depth) {
  FILE *file = open_list(repo, objects);
  char line[4096];
  while (file && !repo->fault && fgets(line, sizeof(line), file)) {
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0')
      continue;
    char *real = line[0] == '"' ? NULL : repo_resolve_from(objects, line);
    if (line[0] == '"' || (real && !root_of(roots, real)) || (real && depth == 0))
      repo_fail(repo, true, "The repository borrows objects from outside the roots", line);
    else if (real)
      check_list(repo, roots, real, depth - 1);
    free(real);
  }
  if (file)
    fclose(file);
}

void repo_check_alternates(struct repo *repo, const struct words *roots) {
  char *objects = repo_join(repo->common_dir, "objects");
  if (objects)
    check_list(repo, roots, objects, ALTERNATES_DEPTH);
  free(objects);
}
