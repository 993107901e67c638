/* Request targets; see target.h. */
#include "http/target.h"
#include "base/hex.h"
#include "base/str.h"
#include "http/chars.h"

#include <string.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Length of the bracketed address at the start, or 0. */
static size_t bracketed_len(bp_str text) {
  ptrdiff_t end = str_find(text, ']');
  if (end < 3)
    return 0;
  for (ptrdiff_t i = 1; i < end; i++)
    if (hex_value(text.ptr[i]) < 0 && text.ptr[i] != ':' && text.ptr[i] != '.')
      return 0;
  return (size_t)end + 1;
}

static size_t name_len(bp_str text) {
  size_t len = 0;
  while (len < text.len && char_is(text.ptr[len], CHAR_HOST))
    len++;
  return len;
}

bool target_is_authority(bp_str text) {
  if (text.len == 0)
    return false;
  size_t at = text.ptr[0] == '[' ? bracketed_len(text) : name_len(text);
  if (at == 0)
    return false;
  if (at == text.len)
    return true;
  if (text.ptr[at] != ':' || text.len - at > 6)
    return false;
  while (++at < text.len)
    if (!is_digit(text.ptr[at]))
      return false;
  return true;
}

static void split_query(bp_str text, struct target *ret) {
  ptrdiff_t mark = str_find(text, '?');
  ret->path = mark < 0 ? text : bp_str_make(text.ptr, (size_t)mark);
  ret->query = mark < 0 ? bp_str_make(NULL, 0) : bp_str_make(text.ptr + mark + 1, text.len - (size_t)mark - 1);
}

static bool split_absolute(bp_str text, struct target *ret) {
  const bp_str scheme = BP_STR("http://");
  if (text.len <= scheme.len || !str_ieq(bp_str_make(text.ptr, scheme.len), scheme))
    return false;
  bp_str rest = bp_str_make(text.ptr + scheme.len, text.len - scheme.len);
  size_t len = 0;
  while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
    len++;
  ret->authority = bp_str_make(rest.ptr, len);
  split_query(bp_str_make(rest.ptr + len, rest.len - len), ret);
  if (ret->path.len == 0)
    ret->path = BP_LIT("/");
  return target_is_authority(ret->authority);
}

bool target_split(bp_str method, bp_str text, struct target *ret) {
  memset(ret, 0, sizeof(*ret));
  if (text.len && text.ptr[0] == '/') {
    split_query(text, ret);
    return true;
  }
  if (str_eq(text, BP_LIT("*"))) {
    ret->path = text;
    return str_eq(method, BP_LIT("OPTIONS"));
  }
  return split_absolute(text, ret);
}

bool target_decode(bp_str path, char *room, bp_str *ret) {
  size_t len = 0;
  for (size_t i = 0; i < path.len; i++) {
    char c = path.ptr[i];
    if (c == '%') {
      int high = i + 2 < path.len ? hex_value(path.ptr[i + 1]) : -1;
      int low = high < 0 ? -1 : hex_value(path.ptr[i + 2]);
      if (low < 0)
        return false;
      c = (char)(high * 16 + low);
      if ((unsigned char)c < 0x20 || c == 0x7f)
        return false;
      if (c == '/')
        c = TARGET_SLASH;
      i += 2;
    }
    room[len++] = c;
  }
  *ret = bp_str_make(room, len);
  return str_is_utf8(*ret);
}
