/* Splitting a start script into words; see script.h. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a shell would not take as part of a word. '~', '=' and '{' matter only in places that are looked at apart. */
static const char special[] = "|&;<>()$`*?[]#!\n\r";

static bool contains_npm(bp_str text) {
  for (size_t i = 0; i + 3 <= text.len; i++)
    if (memcmp(text.ptr + i, "npm", 3) == 0)
      return true;
  return false;
}

static const char *refuse(char *message, size_t bytes, const char *what) {
  snprintf(message, bytes,
           "the start script needs a shell (%s), and none is used: call one program with its arguments, or give package.json another script "
           "and start it with \"npm run NAME\"",
           what);
  return message;
}

static const char *refuse_byte(char *message, size_t bytes, char c) {
  char what[16];
  snprintf(what, sizeof(what), c == '\n' || c == '\r' ? "a line end" : "'%c'", c);
  return refuse(message, bytes, what);
}

/* "NAME=value node ..." sets a variable in a shell. */
static bool is_assignment(bp_str word) {
  const char *equals = memchr(word.ptr, '=', word.len);
  for (const char *at = word.ptr; equals && at < equals; at++)
    if (!((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || *at == '_' || (at > word.ptr && *at >= '0' && *at <= '9')))
      return false;
  return equals && equals > word.ptr;
}

/* Reads one word in place from *at on; the words are as long as their source at most. */
static const char *read_word(char **at, bp_str *ret, char *message, size_t bytes) {
  char *from = *at, *to = *at, *start = *at;
  char quote = '\0';
  for (; *from && (quote || (*from != ' ' && *from != '\t')); from++) {
    char c = *from;
    bool is_expanded = quote != '\'';
    if (quote ? c == quote : (c == '"' || c == '\'')) {
      quote = quote ? '\0' : c;
      continue;
    }
    if (c == '\\' && is_expanded && from[1]) {
      *to++ = *++from;
      continue;
    }
    if ((!quote && strchr(special, c)) || (quote == '"' && (c == '$' || c == '`')) || (!quote && c == '~' && to == start))
      return refuse_byte(message, bytes, c);
    *to++ = c;
  }
  if (quote)
    return refuse(message, bytes, "a quote that is not closed");
  *ret = bp_str_make(start, (size_t)(to - start));
  *at = from;
  return NULL;
}

static const char *split(struct script *s, char *message, size_t bytes) {
  char *at = s->text;
  for (;;) {
    at += strspn(at, " \t");
    if (!*at)
      break;
    if (s->count == SCRIPT_ARGUMENTS_MOST)
      return refuse(message, bytes, "more than 64 words");
    const char *fault = read_word(&at, &s->words[s->count], message, bytes);
    if (fault)
      return fault;
    s->count++;
  }
  if (s->count == 0)
    return refuse(message, bytes, "it is empty");
  if (is_assignment(s->words[0]))
    return refuse(message, bytes, "it sets a variable; use customEnvVars");
  return NULL;
}

const char *script_read(bp_str start, struct script *ret, char *message, size_t bytes) {
  bp_str text = !start.ptr ? BP_LIT("node index.js") : contains_npm(start) ? BP_LIT("npm start") : start;
  *ret = (struct script){0};
  if (text.len > SCRIPT_BYTES_MOST || memchr(text.ptr, '\0', text.len))
    return refuse(message, bytes, "it is longer than 4096 bytes, or holds a NUL");
  ret->text = malloc(text.len + 1);
  if (!ret->text)
    return "out of memory";
  memcpy(ret->text, text.ptr, text.len);
  ret->text[text.len] = '\0';
  return split(ret, message, bytes);
}

void script_release(struct script *script) {
  free(script->text);
  *script = (struct script){0};
}

bool script_is_node_file(const struct script *s) {
  return s->count >= 2 && s->words[0].len == 4 && memcmp(s->words[0].ptr, "node", 4) == 0 && s->words[1].len > 0 && s->words[1].ptr[0] != '-';
}
