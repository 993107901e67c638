/* The agents' folder: locks, reading and writing its files. All of it blocks: on a worker.
 *
 * The folder is named by the configuration; below it only single names are opened, and never over a link. Whoever changes agents
 * holds a lock (flock) on the folder itself. */
#include "agents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define TRY_MS 20
#define SHARED_TRIES 3
#define ALONE_TRIES 100
#define REMOVE_DEPTH_MOST 16

void bytes_free(struct bytes *bytes) {
  free(bytes->ptr);
  *bytes = (struct bytes){NULL, 0};
}

bool bytes_copy(struct bytes *ret, bp_str from) {
  char *copy = str_dup(from);
  if (!copy)
    return false;
  free(ret->ptr);
  *ret = (struct bytes){copy, from.len};
  return true;
}

bp_str bytes_str(const struct bytes *bytes) {
  return bp_str_make(bytes->ptr, bytes->len);
}

bool folder_is_agent_name(bp_str name) {
  return name.len > 0 && name.len < NAME_BYTES && name.ptr[0] != '.' && !memchr(name.ptr, '/', name.len) && !memchr(name.ptr, '\0', name.len);
}

/* ---- The folder ---- */

static bool make_folders(const char *path) {
  char copy[PATH_MAX];
  if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
    errno = ENAMETOOLONG;
    return false;
  }
  for (char *slash = copy + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    if (mkdir(copy, 0755) != 0 && errno != EEXIST)
      return false;
    *slash = '/';
  }
  return mkdir(copy, 0755) == 0 || errno == EEXIST;
}

static bool lock(int fd, enum folder_lock kind) {
  unsigned tries = kind == LOCK_ALONE ? ALONE_TRIES : SHARED_TRIES;
  for (unsigned i = 0; i < tries; i++) {
    if (flock(fd, (kind == LOCK_ALONE ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
      return true;
    if (errno != EWOULDBLOCK && errno != EINTR)
      break;
    nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000L}, NULL);
  }
  return kind == LOCK_SHARED;
}

int folder_open(const char *path, enum folder_lock kind, bool makes) {
  int fd = open(path, FOLDER_FLAGS);
  if (fd < 0 && errno == ENOENT && makes && make_folders(path))
    fd = open(path, FOLDER_FLAGS);
  if (fd < 0 || lock(fd, kind))
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int folder_open_agent(int folder, const char *name) {
  return openat(folder, name, FOLDER_FLAGS | O_NOFOLLOW);
}

/* ---- Files ---- */

static bool read_all(int fd, size_t size, struct bytes *ret) {
  char *text = malloc(size + 1);
  size_t len = 0;
  ssize_t got = text ? 1 : -1;
  while (got > 0 && len < size) {
    got = read(fd, text + len, size - len);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      len += (size_t)got;
  }
  if (got < 0) {
    free(text);
    return false;
  }
  text[len] = '\0';
  *ret = (struct bytes){text, len};
  return true;
}

bp_status folder_read(int dir, const char *name, struct bytes *ret, struct stat *ret_info) {
  int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? BP_E_NOT_FOUND : BP_E_DENIED;
  bp_status status = fstat(fd, ret_info) != 0 || !S_ISREG(ret_info->st_mode) ? BP_E_DENIED : BP_OK;
  if (status == BP_OK && (size_t)ret_info->st_size > FILE_BYTES)
    status = BP_E_LIMIT;
  if (status == BP_OK && !read_all(fd, (size_t)ret_info->st_size, ret))
    status = BP_E_IO;
  close(fd);
  return status;
}

static bool write_all(int fd, bp_str text) {
  while (text.len > 0) {
    ssize_t written = write(fd, text.ptr, text.len);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    text.ptr += written;
    text.len -= (size_t)written;
  }
  return true;
}

bool folder_write(int dir, const char *name, bp_str text, int64_t time_ns) {
  char temp[64];
  struct stat before;
  mode_t mode = fstatat(dir, name, &before, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(before.st_mode) ? before.st_mode & 0777 : 0644;
  snprintf(temp, sizeof(temp), ".%.40s.new", name);
  unlinkat(dir, temp, 0);
  int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0)
    return false;
  const struct timespec time = {.tv_sec = (time_t)(time_ns / 1000000000), .tv_nsec = (long)(time_ns % 1000000000)};
  bool is_written = write_all(fd, text) && futimens(fd, (const struct timespec[]){time, time}) == 0 && fsync(fd) == 0;
  int error = errno;
  close(fd);
  if (is_written && renameat(dir, temp, dir, name) == 0)
    return fsync(dir) == 0;
  if (is_written)
    error = errno;
  unlinkat(dir, temp, 0);
  errno = error;
  return false;
}

/* ---- Removing ---- */

static bool remove_below(int dir, const char *name, unsigned depth) {
  if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
    return true;
  int fd = depth < REMOVE_DEPTH_MOST ? openat(dir, name, FOLDER_FLAGS | O_NOFOLLOW) : -1;
  DIR *entries = fd < 0 ? NULL : fdopendir(fd);
  if (!entries) {
    if (fd >= 0)
      close(fd);
    return false;
  }
  bool is_empty = true;
  for (const struct dirent *entry; is_empty && (entry = readdir(entries));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      is_empty = remove_below(fd, entry->d_name, depth + 1);
  closedir(entries);
  return is_empty && unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

bool folder_remove_all(int folder, const char *name) {
  return remove_below(folder, name, 0);
}

static bool has_prefix(const char *name, const char *prefix) {
  return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Under the lock nobody else is making or removing an agent, so what is left of it is nobody's. */
void folder_sweep(int folder) {
  int fd = openat(folder, ".", FOLDER_FLAGS);
  DIR *entries = fd < 0 ? NULL : fdopendir(fd);
  if (!entries) {
    if (fd >= 0)
      close(fd);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(entries));)
    if (has_prefix(entry->d_name, ".backplane-new-") || has_prefix(entry->d_name, ".backplane-old-"))
      folder_remove_all(folder, entry->d_name);
  closedir(entries);
}
