/* What a check found: a list of places, sentences and fixes, shown for people or as JSON. */
#ifndef HOST_CLI_FINDINGS_H
#define HOST_CLI_FINDINGS_H

#include "config/config.h"
#include <jansson.h>

/* Appends one to `findings` (a JSON array). `file` may be NULL, `line` 0, `hint` NULL. */
void finding_add(json_t *findings, const char *file, int line, const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));
void finding_add_errors(json_t *findings, const struct config_errors *errors);
/* Shows all of them ("file:line: message"); returns the exit code. */
int findings_show(const json_t *findings, bool wants_json);

#endif
