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
  if (call->request)
    kit_problem(call->module->http, call->request, status, message);
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
