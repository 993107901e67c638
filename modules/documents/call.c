/* The context of a request while files and the store are worked on, and the values that go into statements. */
#include "documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct call *call_new(struct documents *module, bp_request request) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    module->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  call->module = module;
  call->request = request;
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

static void end_refused(struct call *call, bp_status status) {
  call->module->http->reply_failure(call->request, status, NULL);
  free(call);
}

void call_write(struct call *call, const bp_db_step *steps, uint32_t count, bp_db_done_fn done) {
  const struct documents *d = call->module;
  bp_array all = {steps, count, (uint32_t)sizeof(*steps)};
  bp_status status = d->db->write(d->self, all, done, call);
  if (status != BP_OK)
    end_refused(call, status);
}

void call_read(struct call *call, const bp_db_query *queries, uint32_t count, bp_db_done_fn done) {
  const struct documents *d = call->module;
  bp_array all = {queries, count, (uint32_t)sizeof(*queries)};
  bp_status status = d->db->read(d->self, all, 0, done, call);
  if (status != BP_OK)
    end_refused(call, status);
}

void call_end_problem(struct call *call, uint32_t status, bp_str message) {
  bp_problem problem = {.size = sizeof(problem), .status = status, .message = message};
  call->module->http->reply_problem(call->request, &problem);
  free(call);
}

void call_end_json(struct call *call, uint32_t status, bp_str json_text) {
  call->module->http->reply_text(call->request, status, BP_LIT("application/json"), json_text);
  free(call);
}

bp_db_value db_text(bp_str text) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = text.ptr ? BP_DB_TEXT : BP_DB_NULL, .text = text};
}

bp_db_value db_integer(int64_t value) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_INTEGER, .integer = value};
}

bp_str column_text(const struct documents *module, const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  if (module->db->value(outcome->result, step, row, column, &value) != BP_OK || value.type != BP_DB_TEXT)
    return bp_str_make(NULL, 0);
  return value.text;
}

bp_str str_z(const char *text) {
  return bp_str_make(text, strlen(text));
}

bp_str public_url(const struct documents *module) {
  bp_str url = {NULL, 0};
  module->config->string(module->self, BP_LIT("public_url"), &url);
  return url;
}

bp_str timestamp_now(const struct documents *module, char text[TIMESTAMP_BYTES]) {
  int64_t now_ns = module->core->now_wall_ns();
  time_t seconds = (time_t)(now_ns / 1000000000);
  struct tm parts;
  char head[20];
  localtime_r(&seconds, &parts);
  strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &parts);
  int len = snprintf(text, TIMESTAMP_BYTES, "%s.%06u", head, (unsigned)(now_ns / 1000 % 1000000));
  return bp_str_make(text, (size_t)len);
}
