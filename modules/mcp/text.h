/* Growing text, and the few things the module asks of JSON again and again. */
#ifndef MCP_TEXT_H
#define MCP_TEXT_H

#include "kit.h"

struct mcp;

/* Owned bytes; zeroed it is empty. */
struct text {
  char *ptr;
  size_t len, capacity;
};

/* False without memory: the text is as before. */
bool text_add(struct text *text, bp_str bytes);
/* Drops bytes from the front. */
void text_drop(struct text *text, size_t count);
void text_release(struct text *text);
static inline bp_str text_str(const struct text *text) {
  return bp_str_make(text->ptr, text->len);
}

/* A NUL-terminated copy, or NULL: without memory, or of a string without a pointer. */
char *str_copy(bp_str text);
bool str_equal(bp_str a, bp_str b);
bool str_starts(bp_str text, const char *start);

/* Member `key` of an object, or 0. */
bp_json json_member(const struct mcp *m, bp_json object, const char *key);
/* The value as an owned text; NULL without memory. */
char *json_copy(const struct mcp *m, bp_json value);
/* Writes the members of `object` but those named `left_out` (may be NULL). */
void json_put_members(const struct mcp *m, bp_json_writer out, bp_json object, const char *left_out, const char *left_out_too);

/* ---- JSON-RPC 2.0 ---- */

#define RPC_PARSE (-32700)
#define RPC_INVALID (-32600)
#define RPC_NO_METHOD (-32601)
#define RPC_PARAMS (-32602)
#define RPC_INTERNAL (-32603)
#define RPC_SERVER (-32000)
#define RPC_GONE (-32001)
#define RPC_NO_RESOURCE (-32002)

/* A writer inside {"jsonrpc":"2.0"; 0 without memory. */
bp_json_writer rpc_begin(const struct mcp *m);
/* Closes the object, frees the writer, and gives the text; empty when it failed. Takes 0. */
struct text rpc_end(const struct mcp *m, bp_json_writer out);
/* `id` is JSON text. */
struct text rpc_error(const struct mcp *m, bp_str id, int32_t code, bp_str message);
struct text rpc_result_raw(const struct mcp *m, bp_str id, bp_str result);
/* Without params if `params` is empty. */
struct text rpc_notification(const struct mcp *m, const char *method, bp_str params);

/* The result of a tool call that is one text. */
void rpc_put_text_result(const struct mcp *m, bp_json_writer out, bp_str text, bool is_error);

#endif
