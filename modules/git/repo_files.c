/* What lies in a .git folder and may lead git elsewhere: links and devices among its own files, and borrowed objects. */
#include "repo_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 200000u /* of refs and their logs that are looked at */
#define ALTERNATES_DEPTH 5  /* as deep as git follows them */

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
