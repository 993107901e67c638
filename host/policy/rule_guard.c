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

static size_t line_len(bp_str source) {
  size_t len = 0;
  while (len < source.len && source.ptr[len] != '\n' && source.ptr[len] != '\r') /* both end a line of Lua */
    len++;
  return len;
}

/* Blanks and comments to the end of a line; a long comment "--[" stays, and is no token of ours. */
static void skip_space(bp_str *source) {
  for (;;) {
    while (source->len && is_blank(source->ptr[0]))
      skip(source, 1);
    bool is_comment = str_starts(*source, BP_LIT("--")) && !str_starts(*source, BP_LIT("--["));
    if (!is_comment)
      return;
    skip(source, line_len(*source));
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

/* What came before a token, as far as it decides whether an opening parenthesis or a text would call something. */
enum before { BEFORE_OTHER, BEFORE_VALUE, BEFORE_POINT, BEFORE_VERDICT };

static bool is_among(bp_str word, const char *const *words) {
  for (; *words; words++)
    if (str_eq(word, str_from(*words)))
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

/* Only these names stand by themselves; any may stand behind a point. */
static bool skip_word(bp_str *source, enum before *before) {
  static const char *const keywords[] = {"and", "else", "elseif", "end", "false", "if", "nil", "not", "or", "return", "then", "true", NULL};
  static const char *const verdicts[] = {"allow", "ask", "deny", NULL};
  size_t len = 1;
  while (len < source->len && is_word(source->ptr[len]))
    len++;
  bp_str word = bp_str_make(source->ptr, len);
  bool is_value = *before == BEFORE_POINT || (word.ptr[0] >= '0' && word.ptr[0] <= '9') || str_eq(word, BP_LIT("request"));
  skip(source, len);
  *before = is_value ? BEFORE_VALUE : is_among(word, verdicts) ? BEFORE_VERDICT : BEFORE_OTHER;
  return *before != BEFORE_OTHER || is_among(word, keywords);
}

/* Comparisons and what groups; false for all else, as for concatenation, arithmetic, tables and methods. */
static bool skip_sign(bp_str *source, enum before *before) {
  static const char *const two[] = {"==", "~=", "<=", ">=", NULL};
  char c = source->ptr[0];
  bool is_call = c == '(' && *before == BEFORE_VALUE;
  bool is_two = source->len > 1 && is_among(bp_str_make(source->ptr, 2), two);
  if (is_call || (c == '.' && source->len > 1 && source->ptr[1] == '.'))
    return false;
  if (!is_two && (c == '\0' || !strchr("<>().,;#", c)))
    return false;
  skip(source, is_two ? 2 : 1);
  *before = c == ')' ? BEFORE_VALUE : c == '.' ? BEFORE_POINT : BEFORE_OTHER;
  return true;
}

static bool skip_token(bp_str *source, enum before *before) {
  char c = source->ptr[0];
  if (is_word(c))
    return skip_word(source, before);
  if (*before == BEFORE_VERDICT && c != '(')
    return false; /* a verdict under another name */
  if (c != '"' && c != '\'')
    return skip_sign(source, before);
  bool is_call = *before == BEFORE_VALUE;
  *before = BEFORE_VALUE;
  return !is_call && skip_string(source);
}

bool rule_is_straight(bp_str source) {
  enum before before = BEFORE_OTHER;
  size_t bytes = 0;
  for (skip_space(&source); source.len > 0; skip_space(&source)) {
    size_t left = source.len;
    if (!skip_token(&source, &before))
      return false;
    bytes += left - source.len;
  }
  return bytes <= RULE_STRAIGHT_BYTES;
}
