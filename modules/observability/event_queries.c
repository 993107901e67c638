/* Reading events back: a session's list in pages, and full-text search. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>

#define LIST_DEFAULT 100 /* what the original answers with */
#define LIST_MOST 1000
#define SEARCH_MOST 100

static const bp_str column_names[EVENT_COLUMN_COUNT] = {BP_STR("id"),        BP_STR("session_id"), BP_STR("event_type"),  BP_STR("timestamp"),
                                                        BP_STR("tool_name"), BP_STR("tool_input"), BP_STR("tool_output"), BP_STR("error"),
                                                        BP_STR("exit_code"), BP_STR("reason"),     BP_STR("role"),        BP_STR("content")};

static bool holds_json(uint32_t column) {
  return column == EVENT_TOOL_INPUT || column == EVENT_TOOL_OUTPUT || column == EVENT_CONTENT;
}

static void write_column(const struct observability *o, bp_json_writer out, const bp_db_value *value, uint32_t column) {
  if (value->type == BP_DB_INTEGER)
    o->json->put_integer(out, value->integer);
  else if (value->type != BP_DB_TEXT)
    o->json->put_null(out);
  else if (holds_json(column))
    o->json->put_raw(out, value->text);
  else
    o->json->put_string(out, value->text);
}

/* Writes one row's members into an open object. */
static void write_event(const struct observability *o, bp_json_writer out, const bp_db_outcome *outcome, uint32_t step, uint32_t row) {
  for (uint32_t column = 0; column < EVENT_COLUMN_COUNT; column++) {
    bp_db_value value = {.size = sizeof(value)};
    o->db->value(outcome->result, step, row, column, &value);
    o->json->key(out, column_names[column]);
    write_column(o, out, &value, column);
  }
}

static int64_t event_id(const struct observability *o, const bp_db_outcome *outcome, uint32_t row) {
  bp_db_value value = {.size = sizeof(value)};
  o->db->value(outcome->result, 0, row, EVENT_ID, &value);
  return value.integer;
}

static void answer_list(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  bp_json_writer out = 0;
  if (kit_call_failed(call, outcome))
    return;
  uint32_t rows = o->db->rows(outcome->result, 0);
  bool has_more = rows > call->limit;
  if (has_more)
    rows = call->limit;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("events"));
  o->json->array_begin(out);
  for (uint32_t row = 0; row < rows; row++) {
    o->json->object_begin(out);
    write_event(o, out, outcome, 0, row);
    o->json->object_end(out);
  }
  o->json->array_end(out);
  if (has_more && call->wants_paging) {
    o->json->key(out, BP_LIT("next"));
    o->json->put_integer(out, event_id(o, outcome, rows - 1));
  }
  o->json->object_end(out);
  kit_call_json(call, 200, call->module->json, out);
}

void events_list(void *state, bp_request request) {
  struct observability *o = state;
  bp_str session_id = {NULL, 0};
  int64_t after = 0, limit = LIST_DEFAULT;
  o->http->param(request, BP_LIT("session_id"), &session_id);
  bool has_limit = o->http->param_integer(request, BP_LIT("limit"), &limit) == BP_OK;
  bool has_after = o->http->param_integer(request, BP_LIT("after"), &after) == BP_OK;
  struct call *call = call_new(o, request);
  if (!call)
    return;
  call->limit = (uint32_t)limit;
  call->wants_paging = has_limit || has_after;
  bp_db_value params[] = {db_text(session_id), db_integer(limit + 1), db_integer(after)};
  bp_db_query query = {.size = sizeof(query),
                       .statement = has_after ? LIST_EVENTS_AFTER : LIST_EVENTS,
                       .max_rows = LIST_MOST + 1,
                       .params = {params, has_after ? 3 : 2, sizeof(bp_db_value)}};
  kit_call_read(call, &query, 1, answer_list);
}

static void answer_found(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  bp_json_writer out = 0;
  if (kit_call_failed(call, outcome))
    return;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("events"));
  o->json->array_begin(out);
  for (uint32_t i = 0; i < call->limit; i++) {
    if (o->db->rows(outcome->result, i) == 0)
      continue; /* deleted between the search and this snapshot */
    o->json->object_begin(out);
    write_event(o, out, outcome, i, 0);
    o->json->object_end(out);
  }
  o->json->array_end(out);
  o->json->object_end(out);
  kit_call_json(call, 200, call->module->json, out);
}

/* The search gave row ids, best first: fetch the rows in that order. */
static void fetch_found(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  bp_db_value ids[SEARCH_MOST];
  bp_db_query queries[SEARCH_MOST];
  if (kit_call_failed(call, outcome))
    return;
  uint32_t rows = o->db->rows(outcome->result, 0);
  call->limit = rows < SEARCH_MOST ? rows : SEARCH_MOST;
  if (call->limit == 0) {
    o->http->reply_text(call->kit.request, 200, BP_LIT("application/json"), BP_LIT("{\"events\":[]}"));
    free(call);
    return;
  }
  for (uint32_t i = 0; i < call->limit; i++) {
    ids[i] = (bp_db_value){.size = sizeof(ids[i])};
    o->db->value(outcome->result, 0, i, 0, &ids[i]);
    queries[i] = (bp_db_query){.size = sizeof(queries[i]), .statement = EVENT_BY_ID, .max_rows = 1, .params = {&ids[i], 1, sizeof(ids[i])}};
  }
  kit_call_read(call, queries, call->limit, answer_found);
}

void events_search(void *state, bp_request request) {
  struct observability *o = state;
  bp_str words = {NULL, 0};
  int64_t limit = 0, offset = 0;
  o->http->param(request, BP_LIT("q"), &words);
  o->http->param_integer(request, BP_LIT("limit"), &limit);
  o->http->param_integer(request, BP_LIT("offset"), &offset);
  struct call *call = call_new(o, request);
  if (!call)
    return;
  bp_status status = o->db->search(o->self, BP_LIT("events"), words, (uint32_t)limit, (uint32_t)offset, fetch_found, call);
  if (status != BP_OK) {
    o->http->reply_failure(request, status, NULL);
    free(call);
  }
}
