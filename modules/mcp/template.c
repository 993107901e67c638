/* URI templates; see template.h. Expressions are not understood, only skipped over. All places a match may have come to are followed at
 * once, so that the cost is the template's length times the URI's, whatever either says. */
#include "template.h"

#include <string.h>

#define EXPRESSIONS_MOST 16
#define URI_BYTES_MOST 2048

struct places {
  bool at[URI_BYTES_MOST + 1];
};

/* {+a}, {a*}, {?a}, {/a}, {#a}, {&a} and {;a} stand for anything, also nothing; {a} and {.a} for at least one byte that is not "/". */
static bool is_wide(bp_str expression) {
  return expression.len > 0 && (strchr("+?/#&;", expression.ptr[0]) || expression.ptr[expression.len - 1] == '*');
}

static void pass_literal(struct places *places, bp_str literal, bp_str uri) {
  for (size_t i = uri.len + 1; i-- > 0;) {
    bool fits = i >= literal.len && places->at[i - literal.len] && memcmp(uri.ptr + i - literal.len, literal.ptr, literal.len) == 0;
    places->at[i] = fits;
  }
}

static void pass_expression(struct places *places, bool wide, bp_str uri) {
  bool is_open = false; /* some place before this one may go on to here */
  for (size_t i = 0; i <= uri.len; i++) {
    bool was = places->at[i];
    if (!wide && i > 0 && uri.ptr[i - 1] == '/')
      is_open = false;
    places->at[i] = is_open || (wide && was);
    is_open = is_open || was;
  }
}

bool template_fits(bp_str pattern, bp_str uri) {
  struct places places = {.at = {true}};
  unsigned count = 0;
  if (uri.len > URI_BYTES_MOST || pattern.len > URI_BYTES_MOST)
    return false;
  while (pattern.len) {
    const char *open = memchr(pattern.ptr, '{', pattern.len);
    size_t literal = open ? (size_t)(open - pattern.ptr) : pattern.len;
    if (literal)
      pass_literal(&places, bp_str_make(pattern.ptr, literal), uri);
    pattern = bp_str_make(pattern.ptr + literal, pattern.len - literal);
    if (!open)
      break;
    const char *close = memchr(pattern.ptr, '}', pattern.len);
    if (!close || ++count > EXPRESSIONS_MOST)
      return false;
    size_t len = (size_t)(close - pattern.ptr) + 1;
    pass_expression(&places, is_wide(bp_str_make(pattern.ptr + 1, len - 2)), uri);
    pattern = bp_str_make(pattern.ptr + len, pattern.len - len);
  }
  return places.at[uri.len];
}
