/* The context of a request or a service call while the store works for it, and how each of them is answered. */
#include "repositories.h"

#include <stdlib.h>
#include <string.h>

struct call *call_of_request(struct repositories *module, bp_request request, bp_str member) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    module->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  *call = (struct call){.module = module, .request = request, .member = member};
  module->http->defer(request, NULL, NULL);
  return call;
}

struct call *call_of_service(struct repositories *module, bp_service_call service) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    module->service->answer(service, BP_E_NO_MEMORY, BP_LIT("out of memory"));
    return NULL;
  }
  *call = (struct call){.module = module, .service = service};
  return call;
}

/* ---- Ends ---- */

static void reply_value(const struct call *call, bp_str text, bool is_json) {
  const struct repositories *r = call->module;
  bp_json_writer out = 0;
  bp_status status = r->json->writer_new(r->self, &out);
  if (status != BP_OK) {
    r->http->reply_failure(call->request, status, NULL);
    return;
  }
  r->json->object_begin(out);
  r->json->key(out, BP_LIT("success"));
  r->json->put_boolean(out, 1);
  r->json->key(out, call->member);
  if (is_json)
    r->json->put_raw(out, text);
  else
    r->json->put_string(out, text);
  r->json->object_end(out);
  r->http->reply_json(call->request, 200, out);
  r->json->writer_free(out);
}

void call_end_json(struct call *call, bp_str json_text) {
  if (call->request)
    reply_value(call, json_text, true);
  else
    call->module->service->answer(call->service, BP_OK, json_text);
  free(call);
}

void call_end_text(struct call *call, bp_str text) {
  reply_value(call, text, false);
  free(call);
}

void call_end_problem(struct call *call, uint32_t status, bp_status code, bp_str message) {
  bp_problem problem = {.size = sizeof(problem), .status = status, .message = message};
  if (call->request)
    call->module->http->reply_problem(call->request, &problem);
  else
    call->module->service->answer(call->service, code, message);
  free(call);
}

void call_end_failure(struct call *call, bp_status status, const bp_error *err) {
  if (call->request)
    call->module->http->reply_failure(call->request, status, err);
  else
    call->module->service->answer(call->service, status, err ? str_z(err->message) : BP_LIT(""));
  free(call);
}

bool call_failed(struct call *call, const bp_db_outcome *outcome) {
  if (outcome->status == BP_OK)
    return false;
  call_end_failure(call, outcome->status, outcome->error);
  return true;
}

/* ---- The store ---- */

void call_write(struct call *call, const bp_db_step *steps, uint32_t count, bp_db_done_fn done) {
  const struct repositories *r = call->module;
  bp_array all = {steps, count, (uint32_t)sizeof(*steps)};
  bp_status status = r->db->write(r->self, all, done, call);
  if (status != BP_OK)
    call_end_failure(call, status, NULL);
}

void call_read(struct call *call, const bp_db_query *query, bp_db_done_fn done) {
  const struct repositories *r = call->module;
  bp_array all = {query, 1, (uint32_t)sizeof(*query)};
  bp_status status = r->db->read(r->self, all, 0, done, call);
  if (status != BP_OK)
    call_end_failure(call, status, NULL);
}

bp_db_value db_text(bp_str text) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = text.ptr ? BP_DB_TEXT : BP_DB_NULL, .text = text};
}

bp_db_value db_integer(int64_t value) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_INTEGER, .integer = value};
}

bp_str column_text(const struct repositories *module, const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  if (module->db->value(outcome->result, step, row, column, &value) != BP_OK || value.type != BP_DB_TEXT)
    return bp_str_make(NULL, 0);
  return value.text;
}

bp_str str_z(const char *text) {
  return bp_str_make(text, strlen(text));
}

bool str_same(bp_str a, const char *b) {
  return a.len == strlen(b) && (a.len == 0 || memcmp(a.ptr, b, a.len) == 0);
}
