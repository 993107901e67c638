/* What git prints for programs, as JSON. Pure but for the writer. */
#ifndef GIT_PARSE_H
#define GIT_PARSE_H

#include "text.h"

/* `git status --porcelain=v2 --branch -z`: writes the members branch, files and clean. */
void parse_status(const bp_json_1 *json, bp_json_writer out, bp_str listing);
/* A unified diff: writes the member files, each with its hunks and lines, and the numbers of lines. */
void parse_diff(const bp_json_1 *json, bp_json_writer out, bp_str diff);
/* A text that may hold anything, as a string. */
void parse_put(const bp_json_1 *json, bp_json_writer out, const char *name, bp_str value);
/* A name as git quotes it in a diff ("a\303\244"), or as it is. */
void parse_unquote(struct text *to, bp_str name);
int64_t parse_number(bp_str digits);

#endif
