/* The context of a request while the store works for it, and the values that go into statements. */
#include "observability.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct call *call_new(struct observability *module, bp_request request) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    module->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  call->module = module;
  call->request = request;
  call->from = BP_LIVE_FROM_NOW;
  module->http->defer(request, NULL, NULL);
  return call;
}

bool call_failed(struct call *call, const bp_db_outcome *outcome) {
  if (outcome->status == BP_OK)
    return false;
  call->module->http->reply_failure(call->request, outcome->status, outcome->error);
  free(call);
  return true;
}

static void refuse(struct call *call, bp_status status) {
  call->module->http->reply_failure(call->request, status, NULL);
  free(call);
}

void call_write(struct call *call, const bp_db_step *steps, uint32_t count, bp_db_done_fn done) {
  const struct observability *o = call->module;
  bp_array units = {steps, count, (uint32_t)sizeof(*steps)};
  bp_status status = o->db->write(o->self, units, done, call);
  if (status != BP_OK)
    refuse(call, status);
}

void call_read(struct call *call, const bp_db_query *queries, uint32_t count, bp_db_done_fn done) {
  const struct observability *o = call->module;
  bp_array all = {queries, count, (uint32_t)sizeof(*queries)};
  bp_status status = o->db->read(o->self, all, 0, done, call);
  if (status != BP_OK)
    refuse(call, status);
}

void reply_error(struct observability *module, bp_request request, uint32_t status, bp_str message) {
  bp_problem problem = {.size = sizeof(problem), .status = status, .message = message};
  module->http->reply_problem(request, &problem);
}

void call_reply(struct call *call, uint32_t status, bp_json_writer body) {
  call->module->http->reply_json(call->request, status, body);
  call->module->json->writer_free(body);
  free(call);
}

bp_db_value db_text(bp_str text) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = text};
}

bp_db_value db_text_or_null(bp_str text) {
  return text.ptr ? db_text(text) : db_null();
}

bp_db_value db_integer(int64_t value) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_INTEGER, .integer = value};
}

bp_db_value db_null(void) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_NULL};
}

bp_str column_text(const struct observability *module, const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  if (module->db->value(outcome->result, step, row, column, &value) != BP_OK || value.type != BP_DB_TEXT)
    return bp_str_make(NULL, 0);
  return value.text;
}

bp_str timestamp_now(const struct observability *module, char text[TIMESTAMP_BYTES]) {
  int64_t now_ns = module->core->now_wall_ns();
  time_t seconds = (time_t)(now_ns / 1000000000);
  struct tm parts;
  char head[20];
  gmtime_r(&seconds, &parts);
  strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &parts);
  int len = snprintf(text, TIMESTAMP_BYTES, "%s.%06u+00:00", head, (unsigned)(now_ns / 1000 % 1000000));
  return bp_str_make(text, (size_t)len);
}
