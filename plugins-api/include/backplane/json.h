/* bp.json/1: strict JSON (RFC 8259) without a JSON library in the plugin.
 *
 * Reading: a parsed document is a tree of bp_json values owned by its root; releasing the root makes all of them stale.
 * Writing: a writer produces compact text and checks its own nesting. All calls are synchronous and local. */
#ifndef BACKPLANE_JSON_H
#define BACKPLANE_JSON_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_JSON_1 "bp.json/1"

/* Value types. */
#define BP_JSON_NULL 1u
#define BP_JSON_FALSE 2u
#define BP_JSON_TRUE 3u
#define BP_JSON_INTEGER 4u /* fits int64_t */
#define BP_JSON_REAL 5u    /* finite double */
#define BP_JSON_STRING 6u
#define BP_JSON_ARRAY 7u
#define BP_JSON_OBJECT 8u

typedef struct bp_json_1 {
  uint32_t size;

  /* Parses `text`: one value, UTF-8 without BOM, nothing after it, no duplicate keys, no NUL in strings, depth <= 64, at
   * most 1024 keys an object, integers within int64_t, reals finite. On success *ret_root is owned by the caller until
   * `release`. BP_E_PARSE: error.message says what, error.pointer is the byte offset in decimal. [any] */
  bp_status (*parse)(bp_plugin self, bp_str text, bp_json *ret_root, bp_error *err);
  /* Ends a document got from `parse`. Values of a request's body are the host's and are not released. [any] */
  void (*release)(bp_plugin self, bp_json root);

  /* The value's type, one of BP_JSON_*, or 0 for a stale handle. [any, but one thread at a time per document; so for all
   * readers below] */
  uint32_t (*type)(bp_json value);
  /* Members of an object or elements of an array; 0 for anything else. */
  uint32_t (*count)(bp_json value);
  /* Object member by key: BP_OK and *ret, BP_E_NOT_FOUND, BP_E_TYPE (not an object), BP_E_STALE. */
  bp_status (*get)(bp_json object, bp_str key, bp_json *ret);
  /* Array element by index: BP_OK, BP_E_NOT_FOUND past the end, BP_E_TYPE, BP_E_STALE. */
  bp_status (*at)(bp_json array, uint32_t index, bp_json *ret);
  /* Walks an object's members in text order. Start with *cursor = 0; BP_E_NOT_FOUND ends the walk. `ret_key` is borrowed
   * from the document. */
  bp_status (*next)(bp_json object, uint64_t *cursor, bp_str *ret_key, bp_json *ret_value);
  /* Typed reads: BP_OK, or BP_E_TYPE with *ret untouched. The string is borrowed from the document. `real` takes integers too. */
  bp_status (*string)(bp_json value, bp_str *ret);
  bp_status (*integer)(bp_json value, int64_t *ret);
  bp_status (*real)(bp_json value, double *ret);
  bp_status (*boolean)(bp_json value, uint32_t *ret);

  /* A new writer, owned by the caller until `writer_free`. It remembers the first misuse (a value where a key is due, an
   * unclosed array, bytes that are not UTF-8): later calls do nothing and `writer_text` reports it. [any, one thread at a time] */
  bp_status (*writer_new)(bp_plugin self, bp_json_writer *ret);
  void (*writer_free)(bp_json_writer writer);
  void (*object_begin)(bp_json_writer writer);
  void (*object_end)(bp_json_writer writer);
  void (*array_begin)(bp_json_writer writer);
  void (*array_end)(bp_json_writer writer);
  void (*key)(bp_json_writer writer, bp_str key);
  void (*put_null)(bp_json_writer writer);
  void (*put_boolean)(bp_json_writer writer, uint32_t value);
  void (*put_integer)(bp_json_writer writer, int64_t value);
  void (*put_real)(bp_json_writer writer, double value); /* NaN and infinities are a misuse */
  void (*put_string)(bp_json_writer writer, bp_str value);
  void (*put_value)(bp_json_writer writer, bp_json value); /* a copy of a parsed value */
  /* Text that is already one complete JSON value, such as a column that holds JSON. Trusted: it is not parsed again. */
  void (*put_raw)(bp_json_writer writer, bp_str json_text);
  /* The finished text, borrowed until the writer is freed, reset or written to. BP_E_STATE with the first misuse. */
  bp_status (*writer_text)(bp_json_writer writer, bp_str *ret, bp_error *err);
  /* Empties the writer for reuse; its memory is kept. */
  void (*writer_reset)(bp_json_writer writer);
} bp_json_1;

#ifdef __cplusplus
}
#endif

#endif
