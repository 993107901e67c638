/* Names; see names.h. */
#include "fs/names.h"
#include "base/str.h"

#include <limits.h>
#include <string.h>

static bool is_text(bp_str text) {
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
      return false;
  return str_is_utf8(text);
}

bool names_is_path(bp_str path) {
  return path.len < PATH_MAX && (path.len == 0 || path.ptr[0] != '/') && is_text(path);
}

bool names_is_entry(bp_str name) {
  return name.len <= NAME_MAX && is_text(name);
}

/* ---- .git ---- */

/* Bytes of a code point that HFS+ leaves out when it compares names (U+200C-200F, U+202A-202E, U+206A-206F, U+FEFF), or 0. */
static size_t ignored_bytes(const char *at, size_t left) {
  if (left < 3)
    return 0;
  unsigned char a = (unsigned char)at[0], b = (unsigned char)at[1], c = (unsigned char)at[2];
  bool is_ignored = (a == 0xE2 && b == 0x80 && ((c >= 0x8C && c <= 0x8F) || (c >= 0xAA && c <= 0xAE))) ||
                    (a == 0xE2 && b == 0x81 && c >= 0xAA && c <= 0xAF) || (a == 0xEF && b == 0xBB && c == 0xBF);
  return is_ignored ? 3 : 0;
}

static bool is_git_part(bp_str part) {
  char bare[8];
  size_t len = 0;
  ptrdiff_t colon = str_find(part, ':');
  if (colon >= 0)
    part.len = (size_t)colon;
  while (part.len > 0 && (part.ptr[part.len - 1] == '.' || part.ptr[part.len - 1] == ' '))
    part.len--;
  for (size_t i = 0, skip; i < part.len; i += skip ? skip : 1) {
    skip = ignored_bytes(part.ptr + i, part.len - i);
    if (skip)
      continue;
    if (len == sizeof(bare))
      return false;
    bare[len++] = part.ptr[i];
  }
  bp_str name = bp_str_make(bare, len);
  return str_ieq(name, BP_LIT(".git")) || str_ieq(name, BP_LIT("git~1"));
}

bool names_is_git(bp_str component) {
  for (;;) {
    ptrdiff_t cut = str_find(component, '\\');
    bp_str part = cut < 0 ? component : bp_str_make(component.ptr, (size_t)cut);
    if (is_git_part(part))
      return true;
    if (cut < 0)
      return false;
    component = bp_str_make(component.ptr + cut + 1, component.len - (size_t)cut - 1);
  }
}

/* ---- Globs ---- */

/* The set that begins at pattern[at] == '['. Its end goes to *ret_next; an unfinished set is a plain '['. */
static bool match_set(bp_str pattern, size_t at, unsigned char byte, size_t *ret_next) {
  size_t i = at + 1;
  bool is_negated = i < pattern.len && (pattern.ptr[i] == '!' || pattern.ptr[i] == '^'), is_in = false;
  i += is_negated;
  for (size_t first = i; i < pattern.len && (pattern.ptr[i] != ']' || i == first); i++) {
    unsigned char low = (unsigned char)pattern.ptr[i], high = low;
    if (i + 2 < pattern.len && pattern.ptr[i + 1] == '-' && pattern.ptr[i + 2] != ']') {
      high = (unsigned char)pattern.ptr[i + 2];
      i += 2;
    }
    is_in |= byte >= low && byte <= high;
  }
  if (i >= pattern.len) {
    *ret_next = at + 1;
    return byte == '[';
  }
  *ret_next = i + 1;
  return is_in != is_negated;
}

/* One element that is no star against one byte. */
static bool match_one(bp_str pattern, size_t at, unsigned char byte, size_t *ret_next) {
  *ret_next = at + 1;
  if (pattern.ptr[at] == '?')
    return true;
  if (pattern.ptr[at] == '[')
    return match_set(pattern, at, byte, ret_next);
  return (unsigned char)pattern.ptr[at] == byte;
}

/* Going back to the last star only is enough: an earlier one could give nothing more. */
bool names_match(bp_str pattern, bp_str name) {
  size_t p = 0, n = 0, next = 0, star = SIZE_MAX, star_name = 0;
  while (n < name.len) {
    if (p < pattern.len && pattern.ptr[p] == '*') {
      star = ++p;
      star_name = n;
    } else if (p < pattern.len && match_one(pattern, p, (unsigned char)name.ptr[n], &next)) {
      p = next;
      n++;
    } else if (star != SIZE_MAX) {
      p = star;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.len && pattern.ptr[p] == '*')
    p++;
  return p == pattern.len;
}
