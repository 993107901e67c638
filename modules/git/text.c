/* Growing texts and word lists; see text.h. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct text *text, size_t more) {
  if (text->has_failed)
    return false;
  if (text->len + more + 1 <= text->room)
    return true;
  size_t room = text->room ? text->room : 256;
  while (room < text->len + more + 1)
    room *= 2;
  char *data = realloc(text->data, room);
  if (!data) {
    text->has_failed = true;
    return false;
  }
  text->data = data;
  text->room = room;
  return true;
}

void text_append(struct text *text, const void *data, size_t len) {
  if (!make_room(text, len))
    return;
  if (len)
    memcpy(text->data + text->len, data, len);
  text->len += len;
  text->data[text->len] = '\0';
}

void text_put(struct text *text, const char *z) {
  text_append(text, z, strlen(z));
}

void text_put_str(struct text *text, bp_str str) {
  text_append(text, str.ptr, str.len);
}

void text_release(struct text *text) {
  free(text->data);
  *text = (struct text){0};
}

bp_str text_str(const struct text *text) {
  return bp_str_make(text->data ? text->data : "", text->len);
}

void text_put_utf8(struct text *text, bp_str from) {
  size_t start = 0, at = 0;
  while (at < from.len) {
    size_t len = kit_utf8_length(from, at);
    if (len) {
      at += len;
      continue;
    }
    text_append(text, from.ptr + start, at - start);
    text_put(text, "\xEF\xBF\xBD");
    start = ++at;
  }
  if (from.len > start)
    text_append(text, from.ptr + start, from.len - start);
}

/* Where the authority of an address ends, and its last '@' before that (or NULL). */
static const char *find_userinfo(const char *from, const char *end) {
  const char *at = NULL;
  for (; from < end && !strchr("/?# \t\r\n'\"<>", *from); from++)
    if (*from == '@')
      at = from;
  return at;
}

void text_put_masked(struct text *text, bp_str from) {
  const char *p = from.ptr, *end = from.len ? from.ptr + from.len : from.ptr;
  while (p < end) {
    const char *found = memmem(p, (size_t)(end - p), "://", 3);
    if (!found)
      break;
    const char *at = find_userinfo(found + 3, end);
    bool is_plain = at && at - (found + 3) == 3 && memcmp(found + 3, "git", 3) == 0;
    text_append(text, p, (size_t)(found + 3 - p));
    p = found + 3;
    if (at && !is_plain) {
      text_put(text, "***");
      p = at;
    }
  }
  if (p < end)
    text_append(text, p, (size_t)(end - p));
}

static bool words_room(struct words *words) {
  if (words->has_failed)
    return false;
  if (words->count + 1 < words->room)
    return true;
  size_t room = words->room ? words->room * 2 : 16;
  char **at = realloc(words->at, room * sizeof(*at));
  if (!at) {
    words->has_failed = true;
    return false;
  }
  words->at = at;
  words->room = room;
  return true;
}

void words_add(struct words *words, bp_str word) {
  if (!words_room(words))
    return;
  char *copy = str_dup(word);
  if (!copy) {
    words->has_failed = true;
    return;
  }
  words->at[words->count++] = copy;
  words->at[words->count] = NULL;
}

void words_add_z(struct words *words, const char *word) {
  words_add(words, str_z(word));
}

void words_insert(struct words *words, size_t index, const char *word) {
  words_add_z(words, word);
  if (words->has_failed || index >= words->count)
    return;
  char *last = words->at[words->count - 1];
  memmove(words->at + index + 1, words->at + index, (words->count - 1 - index) * sizeof(*words->at));
  words->at[index] = last;
}

void words_drop_first(struct words *words) {
  if (words->count == 0)
    return;
  free(words->at[0]);
  memmove(words->at, words->at + 1, words->count * sizeof(*words->at));
  words->count--;
}

void words_copy(struct words *to, const struct words *from) {
  for (size_t i = 0; i < from->count; i++)
    words_add_z(to, from->at[i]);
  to->has_failed = to->has_failed || from->has_failed;
}

void words_release(struct words *words) {
  for (size_t i = 0; i < words->count; i++)
    free(words->at[i]);
  free(words->at);
  *words = (struct words){0};
}

bool str_begins(bp_str a, const char *start) {
  size_t len = strlen(start);
  return a.len >= len && (len == 0 || memcmp(a.ptr, start, len) == 0);
}

bool z_begins(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

bool str_cut_at(bp_str *rest, char sep, bp_str *ret_piece) {
  if (rest->len == 0)
    return false;
  const char *found = memchr(rest->ptr, sep, rest->len);
  size_t len = found ? (size_t)(found - rest->ptr) : rest->len;
  *ret_piece = bp_str_make(rest->ptr, len);
  size_t taken = found ? len + 1 : len;
  *rest = bp_str_make(rest->ptr + taken, rest->len - taken);
  return true;
}
