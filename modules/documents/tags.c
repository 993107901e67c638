/* Tags: splitting, and the filter's needle. What a tag may look like is scripts/validation/documents.lua's. */
#include "documents.h"

#include <string.h>

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static bp_str trim(bp_str s) {
  while (s.len && is_space(s.ptr[0]))
    s = bp_str_make(s.ptr + 1, s.len - 1);
  while (s.len && is_space(s.ptr[s.len - 1]))
    s.len--;
  return s;
}

void tags_add(struct tags *tags, bp_str tag) {
  for (uint32_t i = 0; i < tags->count; i++)
    if (tags->items[i].len == tag.len && memcmp(tags->items[i].ptr, tag.ptr, tag.len) == 0)
      return;
  if (tags->count == TAGS_MOST)
    tags->is_too_many = true;
  else
    tags->items[tags->count++] = tag;
}

void tags_from_list(bp_str list, struct tags *ret) {
  *ret = (struct tags){.count = 0};
  while (list.len) {
    const char *comma = memchr(list.ptr, ',', list.len);
    size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
    bp_str tag = trim(bp_str_make(list.ptr, len));
    if (tag.len)
      tags_add(ret, tag);
    size_t used = comma ? len + 1 : len;
    list = bp_str_make(list.ptr + used, list.len - used);
  }
}

bool tags_as_needle(const struct tags *tags, char *needle, size_t size) {
  size_t at = 0;
  for (uint32_t i = 0; i < tags->count; i++) {
    if (at + tags->items[i].len + 3 > size)
      return false;
    needle[at++] = ',';
    memcpy(needle + at, tags->items[i].ptr, tags->items[i].len);
    at += tags->items[i].len;
  }
  needle[at++] = ',';
  needle[at] = '\0';
  return true;
}
