/* Reading a rule's first statement; see rule_guard.h. Whatever is not exactly as expected is no guard. */
#include "policy/rule_guard.h"
#include "base/str.h"

#include <string.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void skip(bp_str *source, size_t count) {
  *source = bp_str_make(source->ptr + count, source->len - count);
}

/* Blanks and comments to the end of a line; a long comment "--[" stays, and is no token of ours. */
static void skip_space(bp_str *source) {
  for (;;) {
    while (source->len && is_blank(source->ptr[0]))
      skip(source, 1);
    bool is_comment = str_starts(*source, BP_LIT("--")) && !str_starts(*source, BP_LIT("--["));
    if (!is_comment)
      return;
    ptrdiff_t end = str_find(*source, '\n');
    skip(source, end < 0 ? source->len : (size_t)end);
  }
}

static bool take(bp_str *source, bp_str token) {
  skip_space(source);
  bool is_here = str_starts(*source, token) && !(is_word(token.ptr[0]) && source->len > token.len && is_word(source->ptr[token.len]));
  if (is_here)
    skip(source, token.len);
  return is_here;
}

static bool take_name(bp_str *source, bp_str *ret) {
  if (!take(source, BP_LIT("\"")))
    return false;
  size_t len = 0;
  while (len < source->len && (is_word(source->ptr[len]) || source->ptr[len] == '-' || source->ptr[len] == '.'))
    len++;
  *ret = bp_str_make(source->ptr, len);
  if (len == source->len || source->ptr[len] != '"')
    return false;
  skip(source, len + 1);
  return len > 0;
}

static bool take_all(bp_str *source, const bp_str *tokens, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    if (!take(source, tokens[i]))
      return false;
  return true;
}

bp_str rule_guard_module(bp_str source) {
  static const bp_str before[] = {BP_STR("if"), BP_STR("request"), BP_STR("."), BP_STR("module"), BP_STR("~=")};
  static const bp_str after[] = {BP_STR("then"), BP_STR("return"), BP_STR("true"), BP_STR("end")};
  bp_str name = {NULL, 0};
  if (take_all(&source, before, 5) && take_name(&source, &name) && take_all(&source, after, 4))
    return name;
  return bp_str_make(NULL, 0);
}

/* ---- Code that runs through once ---- */

static bool is_turn(bp_str word) {
  static const char *const words[] = {"for", "while", "repeat", "goto", "function", "import"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (str_eq(word, str_from(words[i])))
      return true;
  return false;
}

/* Moves past a string in quotes; false where it does not end on its line. */
static bool skip_string(bp_str *source) {
  char quote = source->ptr[0];
  skip(source, 1);
  while (source->len && source->ptr[0] != quote && source->ptr[0] != '\n')
    skip(source, source->ptr[0] == '\\' && source->len > 1 ? 2 : 1);
  if (source->len == 0 || source->ptr[0] != quote)
    return false;
  skip(source, 1);
  return true;
}

static bool skip_word(bp_str *source) {
  size_t len = 1;
  while (len < source->len && is_word(source->ptr[len]))
    len++;
  bp_str word = bp_str_make(source->ptr, len);
  skip(source, len);
  return !is_turn(word);
}

static bool skip_token(bp_str *source) {
  char c = source->ptr[0];
  if (c == '"' || c == '\'')
    return skip_string(source);
  if (is_word(c))
    return skip_word(source);
  bool is_long = str_starts(*source, BP_LIT("[[")) || str_starts(*source, BP_LIT("[=")) || str_starts(*source, BP_LIT("--["));
  skip(source, 1);
  return !is_long;
}

bool rule_is_straight(bp_str source) {
  size_t bytes = 0;
  for (skip_space(&source); source.len > 0; skip_space(&source)) {
    size_t before = source.len;
    if (!skip_token(&source))
      return false;
    bytes += before - source.len;
  }
  return bytes <= RULE_STRAIGHT_BYTES;
}
