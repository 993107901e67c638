/* Filling bp_error: the one way errors are made inside the host. */
#ifndef HOST_BASE_FAIL_H
#define HOST_BASE_FAIL_H

#include <backplane/base.h>

/* Fills `err` (NULL is fine) and returns `code`. The message is lower case: what failed first, the subject in quotes. */
bp_status fail(bp_error *err, bp_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Adds the hint or the pointer to an error just filled. */
void fail_hint(bp_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fail_pointer(bp_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A status as a word: "not found". */
const char *status_name(bp_status status);

#endif
