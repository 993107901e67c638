/* A command as a text, split into arguments by our own rules; no shell ever sees it. */
#ifndef GIT_SPLIT_H
#define GIT_SPLIT_H

#include "text.h"

/* Splits at spaces and tabs. '…' is literal. In "…" a backslash escapes " \ $ and `; everything else is literal. Outside quotes a backslash
 * makes the next character literal. Pieces without a space between them are one argument; "" is an empty one. What a shell would
 * act on (; | & < > ( ) ` $( and a line end) is refused outside quotes. A leading word `git` is left out.
 * Returns NULL, or the sentence that says what is wrong, with the offending character in `ret_what` where there is one. */
const char *split_command(bp_str command, struct words *ret, char *ret_what);

#endif
