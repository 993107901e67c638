/* Names in descriptors; see syntax.h. Plain scanners: nothing here depends on a locale. */
#include "loader/syntax.h"
#include "base/str.h"

static bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Runs of [a-z][a-z0-9<extra>]* joined by dots. */
static bool is_dotted(bp_str s, const char *extra, size_t limit, bool allow_dots) {
  if (s.len == 0 || s.len > limit)
    return false;
  bool at_start = true;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (c == '.' && allow_dots && !at_start) {
      at_start = true;
      continue;
    }
    bool is_extra = false;
    for (const char *e = extra; *e; e++)
      is_extra |= c == *e;
    if (!is_lower(c) && (at_start || !(is_digit(c) || is_extra)))
      return false;
    at_start = false;
  }
  return !at_start;
}

bool syntax_is_plugin_id(bp_str s) {
  return is_dotted(s, "-", 64, true);
}

bool syntax_is_family(bp_str s) {
  return is_dotted(s, "-", 32, false);
}

bool syntax_is_word(bp_str s) {
  return is_dotted(s, "_", 64, false);
}

bool syntax_is_topic(bp_str s) {
  return is_dotted(s, "-_", 128, true);
}

bool syntax_is_reserved_id(bp_str s) {
  return str_eq(s, BP_LIT("bp")) || str_starts(s, BP_LIT("bp.")) || str_starts(s, BP_LIT("bp-"));
}

/* A number without leading zero; moves *at past it. */
static bool take_number(bp_str s, size_t *at) {
  size_t start = *at;
  while (*at < s.len && is_digit(s.ptr[*at]))
    (*at)++;
  size_t digits = *at - start;
  return digits > 0 && digits <= 9 && (digits == 1 || s.ptr[start] != '0');
}

bool syntax_is_interface(bp_str s) {
  ptrdiff_t slash = str_find(s, '/');
  size_t at = (size_t)slash + 1;
  return slash > 0 && is_dotted(bp_str_make(s.ptr, (size_t)slash), "-", 64, true) && take_number(s, &at) && at == s.len;
}

/* What follows '-' or '+': dot-separated, not empty, [0-9A-Za-z-]. */
static bool take_tags(bp_str s, size_t *at) {
  size_t run = 0;
  for (; *at < s.len && s.ptr[*at] != '+'; (*at)++) {
    char c = s.ptr[*at];
    if (c == '.') {
      if (run == 0)
        return false;
      run = 0;
      continue;
    }
    if (!is_lower(c) && !is_digit(c) && !(c >= 'A' && c <= 'Z') && c != '-')
      return false;
    run++;
  }
  return run > 0;
}

bool syntax_is_version(bp_str s) {
  size_t at = 0;
  if (s.len > 64)
    return false;
  for (unsigned part = 0; part < 3; part++) {
    if (part > 0 && (at >= s.len || s.ptr[at++] != '.'))
      return false;
    if (!take_number(s, &at))
      return false;
  }
  if (at < s.len && s.ptr[at] == '-') {
    at++;
    if (!take_tags(s, &at))
      return false;
  }
  if (at < s.len && s.ptr[at] == '+') {
    at++;
    if (!take_tags(s, &at))
      return false;
  }
  return at == s.len;
}
