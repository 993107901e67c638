/* Splitting; see split.h. */
#include "split.h"

#include <string.h>

/* One argument as it grows; `is_open` also for an empty one in quotes. */
struct splitter {
  bp_str rest;
  struct text word;
  bool is_open;
};

static bool take(struct splitter *s, char *ret) {
  if (s->rest.len == 0)
    return false;
  *ret = s->rest.ptr[0];
  s->rest = bp_str_make(s->rest.ptr + 1, s->rest.len - 1);
  return true;
}

static void keep(struct splitter *s, char c) {
  text_append(&s->word, &c, 1);
  s->is_open = true;
}

static const char *take_quoted(struct splitter *s, char quote) {
  char c;
  s->is_open = true;
  while (take(s, &c)) {
    if (c == quote)
      return NULL;
    if (c == '\\' && quote == '"' && s->rest.len && strchr("\"\\$`", s->rest.ptr[0]))
      take(s, &c);
    keep(s, c);
  }
  return "A quote in the command is not closed";
}

static const char *take_one(struct splitter *s, char c, char *ret_what) {
  if (c == '\'' || c == '"')
    return take_quoted(s, c);
  if (c == '\\') {
    if (!take(s, &c) || c == '\n')
      return "The command ends in a backslash";
    keep(s, c);
    return NULL;
  }
  if (strchr(";|&<>()`\n\r", c) || (c == '$' && s->rest.len && s->rest.ptr[0] == '(')) {
    *ret_what = c;
    return "No shell reads the command: put it in quotes where it is meant as text";
  }
  keep(s, c);
  return NULL;
}

static void end_word(struct splitter *s, struct words *ret) {
  if (s->is_open)
    words_add(ret, text_str(&s->word));
  s->is_open = false;
  s->word.len = 0;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

const char *split_command(bp_str command, struct words *ret, char *ret_what) {
  struct splitter s = {.rest = command};
  const char *fault = NULL;
  char c;
  *ret_what = '\0';
  while (s.rest.len && strchr(" \t\r\n", s.rest.ptr[s.rest.len - 1]) && s.rest.ptr[s.rest.len - 1])
    s.rest.len--; /* a line end at the very end is how a text ends */
  while (!fault && take(&s, &c)) {
    if (is_blank(c))
      end_word(&s, ret);
    else
      fault = c ? take_one(&s, c, ret_what) : "The command holds a NUL";
  }
  end_word(&s, ret);
  if (!fault && (ret->has_failed || s.word.has_failed))
    fault = "No memory for the command";
  text_release(&s.word);
  if (ret->count && strcmp(ret->at[0], "git") == 0)
    words_drop_first(ret);
  return fault;
}
