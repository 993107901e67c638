/* JSON writers behind bp_json_writer handles: the rows of bp.json/1 that write. Private to host/json; the host's own calls
 * are in json.h. A stale handle is ignored by all but `writers_text`. */
#ifndef HOST_JSON_WRITERS_H
#define HOST_JSON_WRITERS_H

#include "json/json.h"

bp_json_writer writers_new(bp_plugin owner); /* 0 at the limit or without memory */
void writers_free(bp_json_writer handle);
void writers_forget(bp_plugin owner);
void writers_reset(bp_json_writer handle);
bp_status writers_text(bp_json_writer handle, bp_str *ret, bp_error *err);

void writers_object_begin(bp_json_writer handle);
void writers_object_end(bp_json_writer handle);
void writers_array_begin(bp_json_writer handle);
void writers_array_end(bp_json_writer handle);
void writers_key(bp_json_writer handle, bp_str key);
void writers_null(bp_json_writer handle);
void writers_boolean(bp_json_writer handle, uint32_t value);
void writers_integer(bp_json_writer handle, int64_t value);
void writers_real(bp_json_writer handle, double value);
void writers_string(bp_json_writer handle, bp_str value);
void writers_value(bp_json_writer handle, bp_json value);
void writers_raw(bp_json_writer handle, bp_str json_text);

#endif
