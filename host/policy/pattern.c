/* The pattern matcher; see pattern.h. Recursion happens only where an item must wait for the rest of the pattern, and its
 * depth is bounded. */
#include "policy/pattern.h"

#include <ctype.h>
#include <string.h>

#define NO_MATCH ((size_t)-1)

static size_t match(struct pattern *p, size_t s, size_t at);

static size_t fail_with(struct pattern *p, const char *error) {
  if (!p->error)
    p->error = error;
  return NO_MATCH;
}

static bool step(struct pattern *p) {
  if (++p->steps > p->limit)
    fail_with(p, "pattern too complex");
  return !p->error;
}

/* ---- Single characters and sets ---- */

static bool in_class(int c, int letter) {
  bool is_in;
  switch (tolower(letter)) {
  case 'a':
    is_in = isalpha(c);
    break;
  case 'c':
    is_in = iscntrl(c);
    break;
  case 'd':
    is_in = isdigit(c);
    break;
  case 'g':
    is_in = isgraph(c);
    break;
  case 'l':
    is_in = islower(c);
    break;
  case 'p':
    is_in = ispunct(c);
    break;
  case 's':
    is_in = isspace(c);
    break;
  case 'u':
    is_in = isupper(c);
    break;
  case 'w':
    is_in = isalnum(c);
    break;
  case 'x':
    is_in = isxdigit(c);
    break;
  default:
    return letter == c;
  }
  return isupper(letter) ? !is_in : is_in;
}

/* Where the single-character item that starts at `at` ends (behind it stands its suffix, if any). */
static size_t item_end(struct pattern *p, size_t at) {
  char c = p->pattern[at++];
  if (c == '%') {
    if (at >= p->pattern_len)
      return fail_with(p, "malformed pattern (ends with '%')");
    return at + 1;
  }
  if (c != '[')
    return at;
  if (at < p->pattern_len && p->pattern[at] == '^')
    at++;
  do {
    if (at >= p->pattern_len)
      return fail_with(p, "malformed pattern (missing ']')");
    c = p->pattern[at++];
    if (c == '%')
      at++; /* whatever follows is literal, also a ']' */
  } while (at >= p->pattern_len || p->pattern[at] != ']');
  return at + 1;
}

/* `at` is behind the '[', `end` is at the closing ']'. */
static bool in_set(const struct pattern *p, int c, size_t at, size_t end) {
  bool is_negated = p->pattern[at] == '^';
  if (is_negated)
    at++;
  while (at < end) {
    int low = (unsigned char)p->pattern[at];
    if (low == '%' && at + 1 < end) {
      if (in_class(c, (unsigned char)p->pattern[at + 1]))
        return !is_negated;
      at += 2;
    } else if (at + 2 < end && p->pattern[at + 1] == '-') {
      if (low <= c && c <= (unsigned char)p->pattern[at + 2])
        return !is_negated;
      at += 3;
    } else {
      if (low == c)
        return !is_negated;
      at++;
    }
  }
  return is_negated;
}

/* Does the byte at `s` match the single-character item [at, end)? */
static bool single(struct pattern *p, size_t s, size_t at, size_t end) {
  if (!step(p) || s >= p->text_len)
    return false;
  int c = (unsigned char)p->text[s];
  switch (p->pattern[at]) {
  case '.':
    return true;
  case '%':
    return in_class(c, (unsigned char)p->pattern[at + 1]);
  case '[':
    p->steps += (end - at) / 8;
    return in_set(p, c, at + 1, end - 1);
  default:
    return (unsigned char)p->pattern[at] == c;
  }
}

/* ---- Items that wait for the rest ---- */

static size_t greedy(struct pattern *p, size_t s, size_t at, size_t end) {
  size_t count = 0;
  while (single(p, s + count, at, end))
    count++;
  for (;; count--) {
    size_t result = p->error ? NO_MATCH : match(p, s + count, end + 1);
    if (result != NO_MATCH || count == 0 || p->error)
      return result;
  }
}

static size_t lazy(struct pattern *p, size_t s, size_t at, size_t end) {
  for (;; s++) {
    size_t result = match(p, s, end + 1);
    if (result != NO_MATCH || p->error || !single(p, s, at, end))
      return result;
  }
}

static size_t open_capture(struct pattern *p, size_t s, size_t at, ptrdiff_t len) {
  if (p->captures >= PATTERN_CAPTURES)
    return fail_with(p, "too many captures");
  p->capture[p->captures++] = (struct pattern_capture){s, len};
  size_t result = match(p, s, at);
  if (result == NO_MATCH)
    p->captures--;
  return result;
}

static size_t close_capture(struct pattern *p, size_t s, size_t at) {
  unsigned i = p->captures;
  while (i > 0 && p->capture[i - 1].len != PATTERN_OPEN)
    i--;
  if (i == 0)
    return fail_with(p, "invalid pattern capture");
  p->capture[i - 1].len = (ptrdiff_t)(s - p->capture[i - 1].start);
  size_t result = match(p, s, at);
  if (result == NO_MATCH)
    p->capture[i - 1].len = PATTERN_OPEN;
  return result;
}

/* %b(): balanced. Returns where it ends. */
static size_t balanced(struct pattern *p, size_t s, size_t at) {
  if (at + 1 >= p->pattern_len)
    return fail_with(p, "malformed pattern (missing arguments to '%b')");
  char open = p->pattern[at], close = p->pattern[at + 1];
  if (s >= p->text_len || p->text[s] != open)
    return NO_MATCH;
  size_t depth = 1;
  for (size_t i = s + 1; i < p->text_len && step(p); i++) {
    if (p->text[i] == close && --depth == 0)
      return i + 1;
    if (p->text[i] == open && open != close)
      depth++;
  }
  return NO_MATCH;
}

/* %f[set]: the border into the set. */
static size_t frontier(struct pattern *p, size_t s, size_t at) {
  if (at >= p->pattern_len || p->pattern[at] != '[')
    return fail_with(p, "missing '[' after '%f' in pattern");
  size_t end = item_end(p, at);
  if (end == NO_MATCH)
    return NO_MATCH;
  int before = s == 0 ? 0 : (unsigned char)p->text[s - 1];
  int here = s < p->text_len ? (unsigned char)p->text[s] : 0;
  if (in_set(p, before, at + 1, end - 1) || !in_set(p, here, at + 1, end - 1))
    return NO_MATCH;
  return end;
}

/* %1 ... %9: what was captured before. Returns where it ends in the text. */
static size_t back_reference(struct pattern *p, size_t s, int digit) {
  unsigned index = (unsigned)(digit - '1');
  if (index >= p->captures || p->capture[index].len == PATTERN_OPEN)
    return fail_with(p, "invalid capture index in pattern");
  size_t len = p->capture[index].len == PATTERN_POSITION ? 0 : (size_t)p->capture[index].len;
  p->steps += len / 8;
  if (p->text_len - s < len || memcmp(p->text + p->capture[index].start, p->text + s, len) != 0)
    return NO_MATCH;
  return s + len;
}

/* Handles an item that begins with '%' and is no single character. False: it is one. */
static bool special(struct pattern *p, size_t *s, size_t *at) {
  if (*at + 1 >= p->pattern_len)
    return false;
  char c = p->pattern[*at + 1];
  if (c == 'b') {
    *s = balanced(p, *s, *at + 2);
    *at += 4;
  } else if (c == 'f') {
    size_t end = frontier(p, *s, *at + 2);
    if (end == NO_MATCH)
      *s = NO_MATCH;
    else
      *at = end;
  } else if (c >= '0' && c <= '9') {
    *s = back_reference(p, *s, c);
    *at += 2;
  } else {
    return false;
  }
  return true;
}

/* ---- The walk along the pattern ---- */

static size_t walk(struct pattern *p, size_t s, size_t at) {
  while (at < p->pattern_len && step(p)) {
    char c = p->pattern[at];
    if (c == '(') {
      bool is_position = at + 1 < p->pattern_len && p->pattern[at + 1] == ')';
      return open_capture(p, s, at + (is_position ? 2 : 1), is_position ? PATTERN_POSITION : PATTERN_OPEN);
    }
    if (c == ')')
      return close_capture(p, s, at + 1);
    if (c == '$' && at + 1 == p->pattern_len)
      return s == p->text_len ? s : NO_MATCH;
    if (c == '%' && special(p, &s, &at)) {
      if (s == NO_MATCH)
        return NO_MATCH;
      continue;
    }
    size_t end = item_end(p, at);
    if (end == NO_MATCH)
      return NO_MATCH;
    char suffix = end < p->pattern_len ? p->pattern[end] : '\0';
    if (suffix == '*')
      return greedy(p, s, at, end);
    if (suffix == '-')
      return lazy(p, s, at, end);
    if (suffix == '+')
      return single(p, s, at, end) ? greedy(p, s + 1, at, end) : NO_MATCH;
    if (suffix == '?') {
      size_t with = single(p, s, at, end) ? match(p, s + 1, end + 1) : NO_MATCH;
      if (with != NO_MATCH)
        return with;
      at = end + 1;
      continue;
    }
    if (!single(p, s, at, end))
      return NO_MATCH;
    s++;
    at = end;
  }
  return p->error ? NO_MATCH : s;
}

static size_t match(struct pattern *p, size_t s, size_t at) {
  if (p->depth >= PATTERN_DEPTH)
    return fail_with(p, "pattern too complex");
  p->depth++;
  size_t result = walk(p, s, at);
  p->depth--;
  return result;
}

enum pattern_status pattern_match(struct pattern *p, size_t start, size_t *ret_end) {
  p->captures = 0;
  p->depth = 0;
  p->error = NULL;
  size_t end = match(p, start, 0);
  if (p->error)
    return PATTERN_ERROR;
  if (end == NO_MATCH)
    return PATTERN_NONE;
  for (unsigned i = 0; i < p->captures; i++)
    if (p->capture[i].len == PATTERN_OPEN) {
      p->error = "unfinished capture";
      return PATTERN_ERROR;
    }
  *ret_end = end;
  return PATTERN_MATCHED;
}
