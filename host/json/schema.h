/* JSON Schema, the subset of the design's rule 11: compiled once at load, then validated without allocation on success. */
#ifndef HOST_JSON_SCHEMA_H
#define HOST_JSON_SCHEMA_H

#include "json/json.h"

struct schema;

/* Compiles. BP_E_INVALID with error.pointer = where, message = "unknown keyword \"x\"" and so on. Any thread. */
struct schema *schema_compile(bp_str text, bp_error *err);
void schema_free(struct schema *schema);
/* The parsed schema, for OpenAPI. Borrowed. */
const json_t *schema_source(const struct schema *schema);

/* One violation. Strings are borrowed for the call. */
struct schema_violation {
  bp_str pointer;      /* RFC 6901 into the instance, e.g. "/tags/0" */
  const char *keyword; /* "type", "required", "maxLength" … */
  bp_str message;      /* "Field required", "Input should be a valid string" … (pydantic v2 wording) */
  bp_str kind;         /* pydantic v2 type: "missing", "string_type", "int_type", "string_too_long" … */
  const json_t *input; /* the offending value, or the object that lacks the member */
};
/* Validates; calls `report` for every violation (all required members that are missing, not only the first), at most 32.
 * Returns true if there was none. `report` may be NULL. Any thread. */
bool schema_validate(const struct schema *schema, const json_t *value, void (*report)(void *ctx, const struct schema_violation *v), void *ctx);

#endif
