/* What several modules of this tree need in the same way: values of statements, and a request that waits for the store.
 *
 * Linked into each module; it knows no module and keeps no state. A plugin outside the tree does not need it. */
#ifndef MODULES_KIT_H
#define MODULES_KIT_H

#include <backplane/backplane.h>
#include <stdbool.h>

/* ---- Descriptors ---- */

#define KIT_NEED(name, table)                                                                                                                        \
  { sizeof(bp_need), 0, BP_STR(name), (uint32_t)sizeof(table), 0 }

/* The members of a bp_route that every route has; the others follow as designated initialisers. */
#define KIT_ROUTE(verb, template, id, text)                                                                                                          \
  .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(template), .operation_id = BP_STR(id), .summary = BP_STR(text)

/* ---- Values ---- */

/* A text; one without a pointer is NULL in the store. */
bp_db_value db_text(bp_str text);
bp_db_value db_integer(int64_t value);
bp_db_value db_null(void);
/* The text in a column of a result, or an empty one without a pointer. */
bp_str db_column(const bp_db_1 *db, const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column);
/* Runs statement number `statement` with `count` parameters. */
bp_db_step db_exec(uint32_t statement, const bp_db_value *params, uint32_t count);
/* Publishes what step `payload_step` returned. */
bp_db_step db_publish(bp_str topic, bp_str key, uint32_t payload_step);

bp_str str_z(const char *text);
/* A copy that ends in a NUL, for free(); NULL without memory. An empty text gives "". */
char *str_dup(bp_str text);
/* Appends to the end of a program's output that is kept: the oldest bytes give way where `room` is full. */
void kit_keep_tail(char *tail, size_t *len, size_t room, bp_str bytes);
/* Of the last words of a program the line that tells most: the first that names an error ("Error: "), else the last that is not
 * empty; empty where there is none. Points into `words`. */
bp_str kit_telling_line(bp_str words);
/* Adds one event to the live log, on a durable topic of the plugin's own, for a change that is not in the store (a file). */
void kit_publish(bp_plugin self, const bp_db_1 *db, bp_str topic, bp_str key, bp_str payload);
/* A wall clock time in the form of JavaScript's toISOString, "2026-11-21T08:17:00.123Z". */
#define KIT_TIME_BYTES 32
bp_str kit_time_text(int64_t wall_ns, char text[KIT_TIME_BYTES]);
bool kit_same(bp_str a, const char *b);
/* A member whose value is a text. */
void json_text_member(const bp_json_1 *json, bp_json_writer out, bp_str name, bp_str value);

/* ---- Members of an object whose types nobody has checked yet (fields.c) ---- */

/* True if the member is there and not null. */
bool kit_field(const bp_json_1 *json, bp_json object, const char *name, bp_json *ret);
/* A member that is a string, or NULL ptr where it is absent or null. False: it is something else. */
bool kit_field_text(const bp_json_1 *json, bp_json object, const char *name, bp_str *ret);
/* The text of a member that is a string, or one without a pointer for anything else. */
bp_str kit_member_text(const bp_json_1 *json, bp_json object, const char *name);
/* The number that up to 15 digits make; -1 for anything else. */
int64_t kit_digits(bp_str text);
/* A member that is a positive integer, or a string of digits; -1 for anything else, 0 where it is absent or null. */
int64_t kit_field_number(const bp_json_1 *json, bp_json object, const char *name);

/* ---- Texts that outlive the call they came with ---- */

/* A text of our own, ended by a NUL that does not count. */
struct kit_text {
  char *ptr;
  size_t len;
};
/* A copy, or one without a pointer when there is no memory or nothing to copy. */
struct kit_text kit_text_copy(bp_str from);
void kit_text_free(struct kit_text *text);
bp_str kit_text_str(const struct kit_text *text);
/* The writer's text as a copy; the writer is freed. */
struct kit_text kit_text_of_writer(const bp_json_1 *json, bp_json_writer writer);
/* A value as JSON text, or one without a pointer when there is none, or no memory. */
struct kit_text kit_text_of_json(const bp_json_1 *json, bp_plugin self, bp_json value);
/* Bytes up to `most`, not ending within a character. */
bp_str kit_cut(bp_str text, size_t most);

/* A text that grows, ended by a NUL that does not count. Zeroed: empty. */
struct kit_buf {
  char *ptr;
  size_t len, cap;
};
/* False without memory, or when it would grow beyond `limit` bytes; then nothing is added. */
bool kit_buf_add(struct kit_buf *t, bp_str bytes, size_t limit);
void kit_buf_free(struct kit_buf *t);
bp_str kit_buf_str(const struct kit_buf *t);

/* ---- Texts of programs that are not strict (lenient.c) ---- */

/* The length of the well-formed character at `at`, or 0 (RFC 3629). */
size_t kit_utf8_length(bp_str s, size_t at);
/* Puts '?' for each byte that is part of no such character, and for each NUL. */
void kit_mark_bad(char *text, size_t len);
/* As json->parse, but half of a surrogate pair and bytes that are no UTF-8 count as U+FFFD, as they do for programs in JavaScript. */
bp_status kit_parse_lenient(const bp_json_1 *json, bp_plugin self, bp_str text, bp_json *ret, bp_error *err);

/* ---- Calls of a service ---- */

/* Closes the open object of `payload`, calls with it, and frees it. */
bp_status kit_service_call(bp_plugin self, const bp_service_1 *service, const bp_json_1 *json, bp_str name, bp_str method, bp_json_writer payload,
                           uint32_t timeout_ms, bp_service_done_fn done, void *ctx);

/* A random UUID (RFC 9562, version 4). */
#define KIT_UUID_BYTES 37
void kit_uuid(const bp_core_1 *core, char text[KIT_UUID_BYTES]);

/* ---- A request that waits for the store ---- */

/* First member of a module's own call. */
struct kit_call {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_db_1 *db;
  bp_request request;
};

/* Defers the request and makes a zeroed call of `size` bytes; NULL when that failed and the request has been answered. All
 * functions below that answer also free the call. */
void *kit_call_new(bp_plugin self, const bp_http_1 *http, const bp_db_1 *db, bp_request request, size_t size);
/* Answers a failed outcome with the host's mapping and returns true; false and nothing done for a good one. */
bool kit_call_failed(void *call, const bp_db_outcome *outcome);
/* The same for a status of any other operation that has failed. */
void kit_call_refuse(void *call, bp_status status, const bp_error *err);
/* Hands a write or reads to the store; answers if it is refused, else `done` gets the call. */
void kit_call_write(void *call, const bp_db_step *steps, uint32_t count, bp_db_done_fn done);
void kit_call_read(void *call, const bp_db_query *queries, uint32_t count, bp_db_done_fn done);
/* Answers with a sentence in the family's shape, with JSON text, with a writer (which is freed). */
void kit_call_problem(void *call, uint32_t status, bp_str message);
void kit_call_text(void *call, uint32_t status, bp_str json_text);
void kit_call_json(void *call, uint32_t status, const bp_json_1 *json, bp_json_writer body);
/* The short form of reply_problem, for a request without a call. */
void kit_problem(const bp_http_1 *http, bp_request request, uint32_t status, bp_str message);

#endif
