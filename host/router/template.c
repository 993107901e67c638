/* Path templates: "/sessions/{id}/stop", "/files/{path*}". Checking and taking apart; matching is in match.c. */
#include "base/fail.h"
#include "base/str.h"
#include "router/route.h"

#include <string.h>

bool segment_next(bp_str path, size_t *at, bp_str *ret) {
  if (*at >= path.len || path.ptr[*at] != '/')
    return false;
  size_t start = *at + 1;
  const char *end = memchr(path.ptr + start, '/', path.len - start);
  size_t stop = end ? (size_t)(end - path.ptr) : path.len;
  *ret = bp_str_make(path.ptr + start, stop - start);
  *at = stop;
  return true;
}

struct segment segment_of(bp_str text) {
  struct segment segment = {.kind = SEGMENT_LITERAL, .text = text};
  if (text.len < 3 || text.ptr[0] != '{' || text.ptr[text.len - 1] != '}')
    return segment;
  bool is_tail = text.ptr[text.len - 2] == '*';
  segment.kind = is_tail ? SEGMENT_TAIL : SEGMENT_PARAM;
  segment.text = bp_str_make(text.ptr + 1, text.len - (is_tail ? 3 : 2));
  return segment;
}

static bool is_name(bp_str s) {
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!is_letter && !(i > 0 && c >= '0' && c <= '9'))
      return false;
  }
  return s.len > 0 && s.len <= 64;
}

static bool is_literal(bp_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] <= ' ' || s.ptr[i] == 0x7f || strchr("{}?#%*", s.ptr[i]))
      return false;
  return true;
}

static bool is_repeated(const bp_str *names, unsigned count, bp_str name) {
  for (unsigned i = 0; i < count; i++)
    if (str_eq(names[i], name))
      return true;
  return false;
}

#define BAD(...) fail(err, BP_E_INVALID, __VA_ARGS__)

bp_status template_check(bp_str path, bp_error *err) {
  int shown = (int)path.len;
  if (path.len == 0 || path.len > 512 || path.ptr[0] != '/')
    return BAD("path \"%.*s\" must begin with '/' and have at most 512 bytes", shown > 100 ? 100 : shown, path.ptr ? path.ptr : "");
  bp_str names[ROUTE_PATH_PARAMS];
  unsigned count = 0;
  bool ended = false;
  bp_str text;
  for (size_t at = 0; segment_next(path, &at, &text);) {
    struct segment segment = segment_of(text);
    if (ended)
      return BAD("path \"%.*s\": {%.*s*} must be the last segment", shown, path.ptr, (int)names[count - 1].len, names[count - 1].ptr);
    if (segment.kind == SEGMENT_LITERAL ? !is_literal(text) : !is_name(segment.text))
      return BAD("path \"%.*s\": segment \"%.*s\" is neither plain text nor one {name}", shown, path.ptr, (int)text.len, text.ptr);
    bool is_last = at == path.len;
    if (str_eq(text, BP_LIT(".")) || str_eq(text, BP_LIT("..")) || (text.len == 0 && !is_last))
      return BAD("path \"%.*s\": segment \"%.*s\" is in no client's request", shown, path.ptr, (int)text.len, text.ptr);
    if (segment.kind == SEGMENT_LITERAL)
      continue;
    if (count == ROUTE_PATH_PARAMS)
      return BAD("path \"%.*s\" has more than %u parameters", shown, path.ptr, ROUTE_PATH_PARAMS);
    if (is_repeated(names, count, segment.text))
      return BAD("path \"%.*s\" names \"%.*s\" twice", shown, path.ptr, (int)segment.text.len, segment.text.ptr);
    names[count++] = segment.text;
    ended = segment.kind == SEGMENT_TAIL;
  }
  return BP_OK;
}

void template_shape(bp_str path, struct buf *out) {
  bp_str text;
  for (size_t at = 0; segment_next(path, &at, &text);) {
    static const char *const marks[] = {[SEGMENT_PARAM] = "/{}", [SEGMENT_TAIL] = "/{*}"};
    struct segment segment = segment_of(text);
    if (segment.kind != SEGMENT_LITERAL) {
      buf_append_z(out, marks[segment.kind]);
      continue;
    }
    buf_append_char(out, '/');
    buf_append_str(out, text);
  }
}
