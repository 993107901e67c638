/* The files of the scripts folder: safe names, reading, listing the rules of a set. */
#ifndef HOST_POLICY_RULE_FILE_H
#define HOST_POLICY_RULE_FILE_H

#include <backplane/base.h>
#include <stdbool.h>

#define RULE_NAME_BYTES 256

struct rule_file {
  char *text;
  size_t len;
};

/* Letters, digits, '-', '_', '.' and '/' between components that do not begin with a dot. */
bool rule_file_name_is_safe(const char *name);
/* Reads `dir`/`file` (a plain file; at most 64 KiB and one byte, so that "too large" can be told). */
bp_status rule_file_read(const char *dir, const char *file, struct rule_file *ret, bp_error *err);
void rule_file_release(struct rule_file *file);
/* Calls `each` with "<set>/<name>.lua" for every rule, in name order, until one fails. Tests (*.test.lua) are left out. A set
 * without a folder has no rules. */
bp_status rule_file_each(const char *dir, const char *set, bp_status (*each)(void *ctx, const char *file, bp_error *err), void *ctx, bp_error *err);

#endif
