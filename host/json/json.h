/* JSON inside the host, over jansson: the only folder that includes <jansson.h> besides those that include this header.
 *
 * Strictness (security.md 2.4) is here: a pre-scan counts depth and keys before the library sees a byte. */
#ifndef HOST_JSON_JSON_H
#define HOST_JSON_JSON_H

#include "base/buf.h"
#include <backplane/base.h>
#include <jansson.h>
#include <stdbool.h>

struct doc_limits {
  uint32_t depth; /* 64 */
  uint32_t keys;  /* members an object, 1024 by default */
};
extern const struct doc_limits doc_default_limits;

/* Parses one value. NULL and `err` (code BP_E_PARSE, or BP_E_LIMIT for too many keys; pointer = byte offset in decimal) on
 * failure. Any thread. */
json_t *doc_parse(bp_str text, const struct doc_limits *limits, bp_error *err);
/* An integer, or a real without a fraction (1.0, which JSON Schema counts as one), within int64_t. */
bool doc_integer(const json_t *value, int64_t *ret);
/* Appends compact text. */
void doc_write(struct buf *out, const json_t *value);
/* Appends a quoted string that is ASCII and needs no escape. False: it is not of that kind (or memory is short), nothing is written. */
bool doc_write_ascii(struct buf *out, bp_str text);
/* Appends a quoted string of any UTF-8, escaped where it must be. */
void doc_write_escaped(struct buf *out, bp_str text);
/* The one or the other. */
void doc_write_string(struct buf *out, bp_str text);

/* bp_json handles for host-owned documents: the root handle of a request's body. `doc_close` makes all its values stale;
 * it drops the reference given to doc_open. Main thread. */
bp_json doc_open(json_t *root);
void doc_close(bp_json root);
/* The value behind a handle, borrowed, or NULL. */
json_t *doc_value(bp_json handle);
/* The writer's text; false with *err on misuse. */
bool doc_writer_text(bp_json_writer writer, bp_str *ret, bp_error *err);
/* A writer for the host's own use (owner 0), and its end. */
bp_json_writer doc_writer_new(bp_plugin owner);
void doc_writer_free(bp_json_writer writer);
/* Ends every document and writer a plugin still has: the loader calls it when the plugin's generation has drained. */
void doc_forget(bp_plugin owner);

#endif
