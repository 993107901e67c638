/* Paths as clients write them. Text only: where a path really leads is decided by bp.fs/1, whatever is said here. */
#include "files.h"

#include <string.h>

static bool is_part(bp_str part, const char *text) {
  return part.len == strlen(text) && memcmp(part.ptr, text, part.len) == 0;
}

/* The next component of *at, which moves behind it; false at the end. */
static bool next_part(bp_str *at, bp_str *ret) {
  while (at->len > 0 && at->ptr[0] == '/') {
    at->ptr++;
    at->len--;
  }
  if (at->len == 0)
    return false;
  const char *slash = memchr(at->ptr, '/', at->len);
  *ret = bp_str_make(at->ptr, slash ? (size_t)(slash - at->ptr) : at->len);
  at->ptr += ret->len;
  at->len -= ret->len;
  return true;
}

/* Appends the components of `given` to `ret`, which holds `len` bytes and lies `depth` folders below the root. */
static enum path_verdict append(bp_str given, char ret[PATH_BYTES], size_t *len, long *depth) {
  bp_str part;
  while (next_part(&given, &part)) {
    if (is_part(part, "."))
      continue;
    *depth += is_part(part, "..") ? -1 : 1;
    if (*depth < 0)
      return PATH_OUTSIDE;
    if (*len + part.len + 2 > PATH_BYTES)
      return PATH_TOO_LONG;
    if (*len > 0)
      ret[(*len)++] = '/';
    memcpy(ret + *len, part.ptr, part.len);
    *len += part.len;
  }
  ret[*len] = '\0';
  return PATH_FINE;
}

enum path_verdict path_read(bp_str given, char ret[PATH_BYTES]) {
  return path_join(given, bp_str_make("", 0), ret);
}

enum path_verdict path_join(bp_str folder, bp_str name, char ret[PATH_BYTES]) {
  size_t len = 0;
  long depth = 0;
  ret[0] = '\0';
  enum path_verdict verdict = append(folder, ret, &len, &depth);
  return verdict == PATH_FINE ? append(name, ret, &len, &depth) : verdict;
}

/* bp.fs/1 has the full rule for what is written; this one is for what is read. */
static bool is_git_part(bp_str part) {
  while (part.len > 0 && (part.ptr[part.len - 1] == '.' || part.ptr[part.len - 1] == ' '))
    part.len--;
  return (part.len == 4 && strncasecmp(part.ptr, ".git", 4) == 0) || (part.len == 5 && strncasecmp(part.ptr, "git~1", 5) == 0);
}

bool path_is_git(bp_str path) {
  bp_str part;
  while (next_part(&path, &part))
    if (is_git_part(part))
      return true;
  return false;
}

bool path_is_name(bp_str name) {
  return name.len > 0 && name.len <= 255 && !is_part(name, ".") && !is_part(name, "..") && !memchr(name.ptr, '/', name.len) &&
         !memchr(name.ptr, '\0', name.len);
}

bool path_is_trash(bp_str path) {
  static const char trash[] = ".backplane-trash";
  const size_t len = sizeof(trash) - 1;
  return path.len >= len && memcmp(path.ptr, trash, len) == 0 && (path.len == len || path.ptr[len] == '/');
}

bp_str path_name(bp_str path) {
  const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
  return slash ? bp_str_make(slash + 1, path.len - (size_t)(slash + 1 - path.ptr)) : path;
}

bool path_pattern(bp_str given, char ret[PATH_BYTES]) {
  bool is_glob = false;
  for (size_t i = 0; i < given.len; i++)
    is_glob |= given.ptr[i] == '*' || given.ptr[i] == '?' || given.ptr[i] == '[';
  if (given.len > 255)
    return false;
  size_t len = 0;
  if (given.len > 0 && !is_glob)
    ret[len++] = '*';
  memcpy(ret + len, given.len ? given.ptr : "", given.len);
  len += given.len;
  if (given.len > 0 && !is_glob)
    ret[len++] = '*';
  ret[len] = '\0';
  return true;
}
