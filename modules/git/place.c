/* Paths a client gave, made absolute and free of links, and only below a root. */
#include "git.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What some file system takes for ".git": nothing is run or cloned inside such a folder. */
static bool is_git_folder(bp_str part) {
  while (part.len && (part.ptr[part.len - 1] == '.' || part.ptr[part.len - 1] == ' '))
    part.len--;
  return part.len == 4 && strncasecmp(part.ptr, ".git", 4) == 0;
}

/* Absolute, no NUL, no "." or ".." or ".git" component. */
static bool is_plain(bp_str path) {
  bp_str rest = path, part;
  if (path.len == 0 || path.len >= PATH_MAX || path.ptr[0] != '/' || memchr(path.ptr, '\0', path.len))
    return false;
  while (str_cut_at(&rest, '/', &part))
    if (kit_same(part, "..") || kit_same(part, ".") || is_git_folder(part))
      return false;
  return true;
}

/* The nearest existing folder above, and the rest as it was given. */
static char *resolve_missing(char *path) {
  char *slash = strrchr(path, '/');
  while (slash && slash != path) {
    *slash = '\0';
    char *real = realpath(path, NULL), *full = NULL;
    *slash = '/';
    if (real && asprintf(&full, "%s%s", strcmp(real, "/") == 0 ? "" : real, slash) < 0)
      full = NULL;
    free(real);
    if (full)
      return full;
    if (errno != ENOENT)
      return NULL;
    do
      slash--;
    while (slash > path && *slash != '/');
  }
  return slash == path ? strdup(path) : NULL;
}

char *place_resolve(const struct git *git, bp_str path) {
  char *copy = is_plain(path) ? str_dup(path) : NULL;
  if (!copy)
    return NULL;
  for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
    copy[len - 1] = '\0';
  char *real = realpath(copy, NULL);
  if (!real && errno == ENOENT)
    real = resolve_missing(copy);
  free(copy);
  if (real && !root_of(&git->roots, real)) {
    free(real);
    return NULL;
  }
  return real;
}

bool place_is_inside(bp_str file) {
  bp_str rest = file, part;
  if (file.len == 0 || file.ptr[0] == '/' || file.ptr[0] == '-' || memchr(file.ptr, '\0', file.len))
    return false;
  while (str_cut_at(&rest, '/', &part))
    if (kit_same(part, "..") || is_git_folder(part))
      return false;
  return true;
}

bool place_is_revision(bp_str text) {
  if (text.len == 0 || text.len > 250 || text.ptr[0] == '-')
    return false;
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7F)
      return false;
  return true;
}

bool place_is_name(bp_str text) {
  if (text.len == 0 || text.len > 64 || text.ptr[0] == '.' || text.ptr[0] == '-')
    return false;
  for (size_t i = 0; i < text.len; i++)
    if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", text.ptr[i]) || text.ptr[i] == '\0')
      return false;
  return !memmem(text.ptr, text.len, "..", 2) && !(text.len > 5 && memcmp(text.ptr + text.len - 5, ".lock", 5) == 0) && text.ptr[text.len - 1] != '.';
}
