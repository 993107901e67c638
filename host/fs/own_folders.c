/* The host's own folders; see own_folders.h. */
#include "fs/own_folders.h"
#include "base/log.h"
#include "base/str.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATHS_MAX 128
#define CLIMB_MAX 4096

static struct {
  pthread_mutex_t lock;
  char *paths[PATHS_MAX];
  unsigned count;
  bool is_cut;
} own = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_known(const char *path) {
  for (unsigned i = 0; i < own.count; i++)
    if (strcmp(own.paths[i], path) == 0)
      return true;
  return false;
}

void own_folders_add(const char *path) {
  pthread_mutex_lock(&own.lock);
  if (!is_known(path)) {
    own.is_cut |= own.count == PATHS_MAX;
    if (own.count < PATHS_MAX)
      own.paths[own.count++] = str_dupz(str_from(path));
  }
  bool is_cut = own.is_cut;
  pthread_mutex_unlock(&own.lock);
  if (is_cut)
    log_error("fs", "more than %u folders of the host's own: no file is served; keep the modules in fewer folders", PATHS_MAX);
}

/* Folders that hold much that is not the host's. */
static bool is_shared(const char *folder) {
  const char *home = getenv("HOME");
  size_t len = strlen(folder);
  if (strcmp(folder, "/") == 0 || strcmp(folder, "/tmp") == 0)
    return true;
  return home && strncmp(home, folder, len) == 0 && (home[len] == '\0' || home[len] == '/');
}

void own_folders_add_of(const char *file) {
  const char *slash = strrchr(file, '/');
  if (!slash)
    return;
  char *folder = str_dupz(bp_str_make(file, slash == file ? 1 : (size_t)(slash - file)));
  own_folders_add(is_shared(folder) ? file : folder);
  free(folder);
}

void own_folders_release(void) {
  pthread_mutex_lock(&own.lock);
  for (unsigned i = 0; i < own.count; i++)
    free(own.paths[i]);
  own.count = 0;
  own.is_cut = false;
  pthread_mutex_unlock(&own.lock);
}

bool own_ids_has(const struct own_ids *ids, const struct stat *info) {
  for (unsigned i = 0; i < ids->count; i++)
    if (ids->items[i].inode == info->st_ino && ids->items[i].device == info->st_dev)
      return true;
  return ids->is_cut;
}

static void add_id(struct own_ids *ids, const struct stat *info) {
  if (own_ids_has(ids, info))
    return;
  ids->is_cut |= ids->count == OWN_IDS_MAX;
  if (ids->is_cut)
    return;
  ids->items[ids->count].device = info->st_dev;
  ids->items[ids->count++].inode = info->st_ino;
}

void own_folders_read(struct own_ids *ret) {
  struct stat info;
  pthread_mutex_lock(&own.lock);
  ret->count = 0;
  ret->is_cut = own.is_cut;
  for (unsigned i = 0; i < own.count; i++)
    if (stat(own.paths[i], &info) == 0)
      add_id(ret, &info);
  pthread_mutex_unlock(&own.lock);
}

/* Goes from an open folder up to "/", taking the descriptor; `each` says whether to go on. */
static void climb(int at, bool (*each)(void *ctx, const struct stat *info), void *ctx) {
  struct stat info, above;
  bool goes_on = at >= 0 && fstat(at, &info) == 0;
  for (unsigned steps = 0; goes_on && each(ctx, &info) && steps < CLIMB_MAX; steps++) {
    int next = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    close(at);
    at = next;
    goes_on = at >= 0 && fstat(at, &above) == 0 && (above.st_ino != info.st_ino || above.st_dev != info.st_dev);
    info = above;
  }
  if (at >= 0)
    close(at);
}

static bool collect(void *ctx, const struct stat *info) {
  add_id(ctx, info);
  return true;
}

/* The folder of a file, or the folder itself. */
static int open_start(const char *path, struct own_ids *ids) {
  struct stat info;
  if (stat(path, &info) != 0)
    return -1;
  add_id(ids, &info);
  if (S_ISDIR(info.st_mode))
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  const char *slash = strrchr(path, '/');
  char *folder = str_dupz(bp_str_make(path, slash == path ? 1 : (size_t)(slash - path)));
  int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  free(folder);
  return fd;
}

void own_folders_read_above(struct own_ids *ret) {
  pthread_mutex_lock(&own.lock);
  ret->count = 0;
  ret->is_cut = own.is_cut;
  for (unsigned i = 0; i < own.count; i++)
    climb(open_start(own.paths[i], ret), collect, ret);
  pthread_mutex_unlock(&own.lock);
}

struct search {
  struct own_ids ids;
  bool is_found;
};

static bool look(void *ctx, const struct stat *info) {
  struct search *search = ctx;
  search->is_found = own_ids_has(&search->ids, info);
  return !search->is_found;
}

bool own_folders_hold(int folder) {
  struct search search = {0};
  own_folders_read(&search.ids);
  climb(openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), look, &search);
  return search.is_found;
}
