/* Places; see place.h. */
#include "fs/place.h"
#include "base/fail.h"
#include "base/str.h"
#include "fs/beneath.h"
#include "fs/durable.h"
#include "fs/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINK_HOPS_MAX 8
#define CLIMB_MAX 2048
#define WRITE_DEPTH_MAX 256

/* ---- Errors ---- */

/* At most `most` bytes of a text, cut on a character. */
static int shown_of(bp_str text, size_t most) {
  if (text.len <= most)
    return (int)text.len;
  while (most > 0 && ((unsigned char)text.ptr[most] & 0xC0) == 0x80)
    most--;
  return (int)most;
}

/* Bytes of the path that a message has room for. */
static int shown(const char *path) {
  return shown_of(str_from(path), 120);
}

bp_status place_refuse(bp_error *err, bp_status status, const char *path, const char *reason) {
  return fail(err, status, "\"%.*s\" %s", shown(path), path, reason);
}

static bp_status status_of(int error) {
  static const struct {
    int error;
    bp_status status;
  } known[] = {
      {ENOENT, BP_E_NOT_FOUND}, {ENOTDIR, BP_E_NOT_FOUND},  {ENAMETOOLONG, BP_E_NOT_FOUND},
      {EXDEV, BP_E_DENIED},     {ELOOP, BP_E_DENIED},       {EACCES, BP_E_DENIED},
      {EPERM, BP_E_DENIED},     {EROFS, BP_E_DENIED},       {EEXIST, BP_E_EXISTS},
      {EISDIR, BP_E_EXISTS},    {ENOTEMPTY, BP_E_CONFLICT}, {EINVAL, BP_E_INVALID},
      {ENOSPC, BP_E_FULL},      {EDQUOT, BP_E_FULL},        {EMFILE, BP_E_BUSY},
      {ENFILE, BP_E_BUSY},      {EAGAIN, BP_E_BUSY},        {ENOMEM, BP_E_NO_MEMORY},
      {EFBIG, BP_E_LIMIT},      {ENXIO, BP_E_DENIED},
  };
  for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (known[i].error == error)
      return known[i].status;
  return BP_E_IO;
}

bp_status place_fail(bp_error *err, int error, const char *what, const char *path) {
  const char *text = error == EXDEV || error == ELOOP ? "the path leads out of the root or over a link" : strerror(error);
  bp_status status = fail(err, status_of(error), "cannot %s \"%.*s\": %s", what, shown(path), path, text);
  if (error == EXDEV && err)
    snprintf(err->pointer, sizeof(err->pointer), "%s", BP_FS_OUTSIDE);
  return status;
}

/* ---- Folders ---- */

/* The path of what is open, from the kernel; "" if it cannot be told. */
static void path_now(int fd, char ret[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, ret, PATH_MAX - 1);
  ret[len > 0 ? len : 0] = '\0';
}

/* The name a folder has now; "" likewise. */
static void name_now(int folder, char *ret, size_t size) {
  char target[PATH_MAX];
  path_now(folder, target);
  const char *slash = strrchr(target, '/');
  snprintf(ret, size, "%s", slash ? slash + 1 : "");
}

static bp_status check_top(const struct fs_root *root, const char *name, const char *path, bp_error *err) {
  bool is_hidden = name[0] == '.' || name[0] == '\0';
  if (!(root->flags & BP_ROOT_NO_DOT) || !is_hidden || strcmp(name, ".") == 0 || strcmp(name, TRASH_FOLDER) == 0)
    return BP_OK;
  return place_refuse(err, BP_E_DENIED, path, "lies in a hidden folder of the root, which are not served");
}

/* Goes up to the root: nothing on the way may be the host's own, and the last step must not be hidden. Reaching "/" means
 * that somebody has moved the folder out while we looked. */
static bp_status check_folder(const struct fs_root *root, const struct own_ids *own, int folder, bool *ret_is_top, const char *path, bp_error *err) {
  struct stat info = {0}, above;
  char name[NAME_MAX + 1] = ".";
  int at = openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  bp_status status = at < 0 || fstat(at, &info) != 0 ? place_fail(err, errno, "open", path) : BP_OK;
  *ret_is_top = status == BP_OK && info.st_ino == root->inode && info.st_dev == root->device;
  for (unsigned steps = 0; status == BP_OK; steps++) {
    if (own_ids_has(own, &info))
      status = place_refuse(err, BP_E_DENIED, path, "lies in one of the host's own folders, which are never served");
    if (status != BP_OK || (info.st_ino == root->inode && info.st_dev == root->device))
      break;
    int next = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (next < 0 || fstat(next, &above) != 0 || steps == CLIMB_MAX || (above.st_ino == info.st_ino && above.st_dev == info.st_dev))
      status = place_refuse(err, BP_E_DENIED, path, "is no longer in the root");
    else if (above.st_ino == root->inode && above.st_dev == root->device)
      name_now(at, name, sizeof(name));
    close(at);
    at = next;
    info = above;
  }
  if (at >= 0)
    close(at);
  return status == BP_OK ? check_top(root, name, path, err) : status;
}

static bp_status open_folder(const struct fs_root *root, const char *folder, enum place_use use, struct place *ret, const char *path, bp_error *err) {
  struct own_ids own;
  ret->folder = beneath_open(root->fd, folder[0] == '\0' ? "." : folder, O_PATH | O_DIRECTORY | O_CLOEXEC, use == PLACE_READ);
  if (ret->folder < 0)
    return place_fail(err, errno, "open", path);
  own_folders_read(&own);
  bp_status status = check_folder(root, &own, ret->folder, &ret->is_top, path, err);
  if (status == BP_OK && ret->is_top)
    status = check_top(root, ret->name, path, err);
  if (status != BP_OK)
    place_release(ret);
  return status;
}

void place_release(struct place *place) {
  if (place->folder >= 0)
    close(place->folder);
  place->folder = -1;
}

/* ---- From a path to a place ---- */

/* The last component, with the path before it left in `path`; "." and ".." at the end name a folder as a whole. */
static bool split(char *path, struct place *ret) {
  size_t len = strlen(path);
  while (len > 0 && path[len - 1] == '/')
    path[--len] = '\0';
  char *slash = strrchr(path, '/');
  char *last = slash ? slash + 1 : path;
  if (last[0] == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
    snprintf(ret->name, sizeof(ret->name), ".");
    return true;
  }
  if (strlen(last) > NAME_MAX)
    return false;
  snprintf(ret->name, sizeof(ret->name), "%s", last);
  *(slash ? slash : path) = '\0';
  return true;
}

/* Writing takes plain components only: "." and empty ones are dropped in place. */
static bp_status make_plain(char *path, bp_error *err) {
  char *to = path;
  unsigned depth = 0;
  for (const char *at = path, *end; *at; at = *end ? end + 1 : end) {
    end = strchrnul(at, '/');
    bp_str part = bp_str_make(at, (size_t)(end - at));
    if (part.len == 0 || str_eq(part, BP_LIT(".")))
      continue;
    if (str_eq(part, BP_LIT("..")))
      return fail(err, BP_E_DENIED, "a path to write to does not lead up by \"..\"");
    if (names_is_git(part))
      return fail(err, BP_E_DENIED, "what belongs to git (\"%.*s\") is not written", (int)(part.len > 40 ? 40 : part.len), part.ptr);
    if (part.len > NAME_MAX)
      return fail(err, BP_E_INVALID, "a name is longer than %d bytes: \"%.*s…\"", NAME_MAX, shown_of(part, 40), part.ptr);
    if (++depth > WRITE_DEPTH_MAX)
      return fail(err, BP_E_INVALID, "a path to write to has at most %d folders", WRITE_DEPTH_MAX);
    char after = *end;
    if (to != path)
      *to++ = '/';
    memmove(to, at, part.len);
    to += part.len;
    if (!after)
      break;
  }
  *to = '\0';
  return depth > 0 ? BP_OK : fail(err, BP_E_DENIED, "the root itself is not written");
}

/* Makes one folder on the way if it is missing; each is checked as a place of its own. */
static bp_status make_folder(const struct fs_root *root, const char *folder, bp_error *err) {
  struct place place;
  int fd = beneath_open(root->fd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, false);
  if (fd >= 0) {
    close(fd);
    return BP_OK;
  }
  if (errno != ENOENT)
    return place_fail(err, errno, "open", folder);
  bp_status status = place_find(root, folder, PLACE_WRITE, &place, err);
  if (status != BP_OK)
    return status;
  if ((mkdirat(place.folder, place.name, 0700) != 0 && errno != EEXIST) || !durable_sync_folder(place.folder))
    status = place_fail(err, errno, "make folder", folder);
  place_release(&place);
  return status;
}

static bp_status make_folders(const struct fs_root *root, const char *path, bp_error *err) {
  bp_status status = BP_OK;
  char *folders = str_dupz(str_from(path));
  for (char *slash = folders; status == BP_OK && (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    status = make_folder(root, folders, err);
    *slash = '/';
  }
  free(folders);
  return status;
}

bp_status place_find(const struct fs_root *root, const char *path, enum place_use use, struct place *ret, bp_error *err) {
  *ret = (struct place){.folder = -1};
  if (!names_is_path(str_from(path)))
    return place_refuse(err, BP_E_INVALID, str_is_utf8(str_from(path)) ? path : "path",
                        "is not a path: relative, UTF-8, without control characters, shorter than 4096 bytes");
  char *copy = str_dupz(str_from(path));
  bp_status status = use == PLACE_READ ? BP_OK : make_plain(copy, err);
  if (status == BP_OK && use == PLACE_MAKE)
    status = make_folders(root, copy, err);
  if (status == BP_OK && !split(copy, ret))
    status = place_fail(err, ENAMETOOLONG, "find", path);
  if (status == BP_OK)
    status = open_folder(root, copy, use, ret, path, err);
  free(copy);
  return status;
}

/* ---- What lies there ---- */

bp_status place_check(const struct fs_root *root, const struct stat *info, const char *path, bp_error *err) {
  struct own_ids own;
  own_folders_read(&own);
  if (own_ids_has(&own, info))
    return place_refuse(err, BP_E_DENIED, path, "is the host's own, which is never served");
  if ((root->flags & BP_ROOT_SINGLE_LINK) && S_ISREG(info->st_mode) && info->st_nlink > 1)
    return place_refuse(err, BP_E_DENIED, path, "has more than one name (hard links): it may be a file of elsewhere");
  return BP_OK;
}

bp_status place_check_git(const struct fs_root *root, int fd, const char *path, bp_error *err) {
  char top[PATH_MAX], target[PATH_MAX];
  if (!(root->flags & BP_ROOT_NO_GIT))
    return BP_OK;
  path_now(root->fd, top);
  path_now(fd, target);
  size_t top_len = strcmp(top, "/") == 0 ? 0 : strlen(top);
  if (top[0] == '\0' || strncmp(target, top, top_len) != 0)
    return place_refuse(err, BP_E_DENIED, path, "is no longer in the root");
  for (const char *at = target + top_len, *end; *at; at = end) {
    at += *at == '/';
    end = strchrnul(at, '/');
    if (names_is_git(bp_str_make(at, (size_t)(end - at))))
      return place_refuse(err, BP_E_DENIED, path, "belongs to git, and is not read here");
  }
  return BP_OK;
}

bp_status place_stat(const struct fs_root *root, const struct place *place, const char *path, struct stat *ret, bp_error *err) {
  if (fstatat(place->folder, place->name, ret, AT_SYMLINK_NOFOLLOW) != 0)
    return place_fail(err, errno, "find", path);
  return place_check(root, ret, path, err);
}

bp_status place_stat_movable(const struct fs_root *root, const struct place *place, const char *path, struct stat *ret, bp_error *err) {
  struct own_ids above;
  bp_status status = place_stat(root, place, path, ret, err);
  if (status != BP_OK)
    return status;
  own_folders_read_above(&above);
  return own_ids_has(&above, ret) ? place_refuse(err, BP_E_DENIED, path, "holds one of the host's own folders: it stays where it is") : BP_OK;
}

/* The path with its last component replaced by what the link there says. */
static bp_status follow(const struct place *place, char **path, bp_error *err) {
  char target[PATH_MAX];
  ssize_t len = readlinkat(place->folder, place->name, target, sizeof(target) - 1);
  if (len < 0)
    return place_fail(err, errno, "read link", *path);
  target[len] = '\0';
  if (target[0] == '/')
    return place_fail(err, EXDEV, "open", *path);
  char *slash = strrchr(*path, '/');
  size_t before = slash ? (size_t)(slash - *path) + 1 : 0;
  if (before + (size_t)len >= PATH_MAX)
    return place_fail(err, ENAMETOOLONG, "open", *path);
  char *joined = malloc(before + (size_t)len + 1);
  if (!joined)
    return place_fail(err, ENOMEM, "open", *path);
  memcpy(joined, *path, before);
  memcpy(joined + before, target, (size_t)len + 1);
  free(*path);
  *path = joined;
  return BP_OK;
}

static bp_status check_type(const struct stat *info, mode_t type, const char *path, bp_error *err) {
  if ((info->st_mode & S_IFMT) == type)
    return BP_OK;
  if (type == S_IFDIR)
    return place_refuse(err, BP_E_TYPE, path, "is not a folder");
  return place_refuse(err, S_ISDIR(info->st_mode) ? BP_E_TYPE : BP_E_DENIED, path, "is not a plain file");
}

/* The type is looked at before opening, because opening a device may do something, and again of what was opened. */
static bp_status open_entry(const struct fs_root *root, const struct place *place, mode_t type, const char *path, int *ret_fd, struct stat *ret_info,
                            bp_error *err) {
  bp_status status = check_type(ret_info, type, path, err);
  if (status != BP_OK)
    return status;
  int fd = beneath_open(place->folder, place->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, false);
  if (fd < 0)
    return place_fail(err, errno, "open", path);
  status = fstat(fd, ret_info) != 0 ? place_fail(err, errno, "open", path) : check_type(ret_info, type, path, err);
  if (status == BP_OK)
    status = place_check(root, ret_info, path, err);
  if (status == BP_OK && type == S_IFREG) /* folders may be listed; whoever copies one asks for itself */
    status = place_check_git(root, fd, path, err);
  if (status == BP_OK)
    *ret_fd = fd;
  else
    close(fd);
  return status;
}

/* The place where `path` ends once its links have been followed, and what lies there. `*at` is replaced on the way; the place is
 * released unless BP_OK. */
static bp_status find_end(const struct fs_root *root, char **at, const char *path, struct place *ret, struct stat *ret_info, bp_error *err) {
  for (unsigned hops = 0;; hops++) {
    bp_status status = place_find(root, *at, PLACE_READ, ret, err);
    if (status != BP_OK)
      return status;
    status = place_stat(root, ret, path, ret_info, err);
    if (status == BP_OK && !S_ISLNK(ret_info->st_mode))
      return BP_OK;
    if (status == BP_OK)
      status = hops == LINK_HOPS_MAX ? place_fail(err, ELOOP, "open", path) : follow(ret, at, err);
    place_release(ret);
    if (status != BP_OK)
      return status;
  }
}

bp_status place_target(const struct fs_root *root, const char *path, struct stat *ret, bp_error *err) {
  struct place place;
  char *at = str_dupz(str_from(path));
  bp_status status = find_end(root, &at, path, &place, ret, err);
  if (status == BP_OK)
    place_release(&place);
  free(at);
  return status;
}

bp_status place_open(const struct fs_root *root, const char *path, mode_t type, int *ret_fd, struct stat *ret_info, bp_error *err) {
  struct place place;
  bp_str whole = str_from(path);
  while (whole.len > 1 && whole.ptr[whole.len - 1] == '/')
    whole.len--;
  char *at = str_dupz(whole);
  bp_status status = find_end(root, &at, path, &place, ret_info, err);
  if (status == BP_OK) {
    status = open_entry(root, &place, type, path, ret_fd, ret_info, err);
    place_release(&place);
  }
  free(at);
  return status;
}
