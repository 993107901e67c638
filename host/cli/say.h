/* What commands print: errors on stderr, tables and JSON on stdout. Text from elsewhere is shown without control bytes. */
#ifndef HOST_CLI_SAY_H
#define HOST_CLI_SAY_H

#include "cli/command.h"
#include <backplane/base.h>
#include <jansson.h>

/* "backplane: ..." on stderr; returns CLI_FAILED. */
int say_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with the error's hint on a line of its own. */
int say_error(const bp_error *err);
/* As say_failure, with a pointer to `backplane help`; returns CLI_MISUSED. */
int say_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The name nearest to `wrong`, or NULL where none is near. `names` ends with NULL. */
const char *say_nearest(const char *wrong, const char *const *names);

/* Compact JSON and a newline. */
void say_json(const json_t *value);
/* Text without control bytes. */
void say_text(const char *text);

/* A table with aligned columns: one array per row. Cells are strings, numbers or null. */
void say_table(const char *const *headings, unsigned columns, const json_t *rows);
/* "name:   value" lines of an object's members in the order of `names`, which ends with NULL. */
void say_pairs(const json_t *object, const char *const *names);

#endif
