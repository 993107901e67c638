/* Lua patterns (Lua 5.4 manual, section 6.4.1) matched with a step budget, so that no pattern can run away.
 *
 * Written for the sandbox: the standard library's matcher cannot be interrupted. */
#ifndef HOST_POLICY_PATTERN_H
#define HOST_POLICY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_CAPTURES 32
#define PATTERN_DEPTH 200 /* nested items that are waiting for the rest of the pattern */

struct pattern_capture {
  size_t start;
  ptrdiff_t len; /* >= 0; PATTERN_POSITION for "()"; PATTERN_OPEN while it is not closed */
};
#define PATTERN_POSITION (-2)
#define PATTERN_OPEN (-1)

enum pattern_status { PATTERN_MATCHED, PATTERN_NONE, PATTERN_ERROR };

struct pattern {
  const char *text;
  size_t text_len;
  const char *pattern;
  size_t pattern_len;
  uint64_t steps; /* used so far */
  uint64_t limit; /* the match ends with an error beyond it */
  const char *error;
  unsigned captures;
  struct pattern_capture capture[PATTERN_CAPTURES];
  unsigned depth;
};

/* Matches at exactly `start` (a leading '^' of the pattern is not looked at: the caller cuts it off). On PATTERN_MATCHED
 * *ret_end is where the match ends. */
enum pattern_status pattern_match(struct pattern *p, size_t start, size_t *ret_end);

#endif
