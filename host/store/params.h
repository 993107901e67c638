/* Copying declared parameters (bp_db_value) into memory of our own and binding them; shared by units and reads. */
#ifndef HOST_STORE_PARAMS_H
#define HOST_STORE_PARAMS_H

#include "store/unit.h"

/* A bump allocator over one block whose size was measured before. */
struct arena {
  char *at;
};
/* Aligned room; never fails when the measure was right. */
void *arena_take(struct arena *a, size_t bytes);
/* A copy of the bytes; empty strings get a pointer that is not NULL, so that SQLite binds '' and not NULL. */
bp_str arena_copy(struct arena *a, bp_str text);
/* Bytes an arena needs for these, with alignment. */
size_t arena_bytes(size_t count, size_t each);

/* Checks the parameters of one call of `s` and adds the bytes of their texts. References to steps are allowed below
 * `step_count` (0 for reads) and counted against their columns at run time. */
bp_status params_measure(const bp_array *params, const struct statement *s, uint32_t step_count, size_t *ret_text_bytes, bp_error *err);
/* Copies them; measured before. */
void params_copy(struct arena *a, const bp_array *params, struct unit_param *ret);
/* Binds all; RESULT and ROWID read from `r`. Texts are bound in place. Returns SQLite's code. */
int params_bind(sqlite3_stmt *stmt, const struct unit_param *params, uint32_t count, const struct result *r);

#endif
