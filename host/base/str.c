/* Byte strings; see str.h. */
#include "base/str.h"
#include "base/mem.h"

#include <string.h>
#include <strings.h>

bp_str str_from(const char *z) {
  return bp_str_make(z, z ? strlen(z) : 0);
}

bool str_eq(bp_str a, bp_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_ieq(bp_str a, bp_str b) {
  return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_starts(bp_str s, bp_str prefix) {
  return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends(bp_str s, bp_str suffix) {
  return s.len >= suffix.len && (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

ptrdiff_t str_find(bp_str s, char byte) {
  const char *at = s.len ? memchr(s.ptr, byte, s.len) : NULL;
  return at ? at - s.ptr : -1;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bp_str str_trim(bp_str s) {
  while (s.len && is_blank(s.ptr[0])) {
    s.ptr++;
    s.len--;
  }
  while (s.len && is_blank(s.ptr[s.len - 1]))
    s.len--;
  return s;
}

size_t str_cut(bp_str s, size_t limit) {
  if (s.len <= limit)
    return s.len;
  while (limit > 0 && ((unsigned char)s.ptr[limit] & 0xC0) == 0x80)
    limit--;
  return limit;
}

char *str_dupz(bp_str s) {
  char *copy = mem_alloc(s.len + 1);
  if (s.len)
    memcpy(copy, s.ptr, s.len);
  return copy;
}

bool str_to_i64(bp_str s, int64_t *ret) {
  bool negative = s.len && s.ptr[0] == '-';
  uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
  uint64_t value = 0;
  size_t i = negative ? 1 : 0;
  if (i == s.len)
    return false;
  for (; i < s.len; i++) {
    if (s.ptr[i] < '0' || s.ptr[i] > '9')
      return false;
    uint64_t digit = (uint64_t)(s.ptr[i] - '0');
    if (value > (limit - digit) / 10)
      return false;
    value = value * 10 + digit;
  }
  *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
  return true;
}

/* Length of the well-formed sequence at `p`, or 0 (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *p, size_t left) {
  unsigned char lead = p[0];
  if (lead < 0x80)
    return 1;
  size_t len = lead >= 0xC2 && lead <= 0xDF ? 2 : (lead & 0xF0) == 0xE0 ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  if (len == 0 || left < len)
    return 0;
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (p[1] < low || p[1] > high)
    return 0;
  for (size_t i = 2; i < len; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  return len;
}

bool str_is_utf8(bp_str s) {
  const unsigned char *p = (const unsigned char *)s.ptr;
  size_t i = 0;
  while (i < s.len) {
    uint64_t block = 0x80;
    if (s.len - i >= sizeof(block))
      memcpy(&block, p + i, sizeof(block));
    if ((block & 0x8080808080808080u) == 0) { /* eight bytes of ASCII at once */
      i += sizeof(block);
      continue;
    }
    if (p[i] < 0x80) {
      i++;
      continue;
    }
    size_t len = utf8_sequence(p + i, s.len - i);
    if (len == 0)
      return false;
    i += len;
  }
  return true;
}

#define DISTANCE_MAX 64

unsigned str_distance(bp_str a, bp_str b) {
  unsigned row[DISTANCE_MAX + 1];
  if (a.len > DISTANCE_MAX || b.len > DISTANCE_MAX)
    return DISTANCE_MAX;
  for (unsigned j = 0; j <= b.len; j++)
    row[j] = j;
  for (unsigned i = 1; i <= a.len; i++) {
    unsigned diagonal = row[0];
    row[0] = i;
    for (unsigned j = 1; j <= b.len; j++) {
      unsigned replace = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
      unsigned edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = replace < edit ? replace : edit;
    }
  }
  return row[b.len];
}
