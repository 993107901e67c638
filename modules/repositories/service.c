/* The service "repositories/1" for other modules. Payloads are JSON objects; a repository looks as in the HTTP answers.
 *
 *   list        {}                                  -> [repository]
 *   get         {id}                                -> repository, or BP_E_NOT_FOUND
 *   add         {name, path, type, url?, branch?}   -> the repository at this path, made if there is none
 *   set_running {id, running, pid?, url?}           -> repository */
#include "repositories.h"

static void list(struct call *call, bp_json payload) {
  (void)payload;
  query_list(call);
}

static void get(struct call *call, bp_json payload) {
  call->id = kit_field_number(call->module->json, payload, "id");
  query_one(call);
}

static void add(struct call *call, bp_json payload) {
  struct new_repository wanted;
  const char *fault = create_read(call->module, payload, &wanted);
  if (fault)
    call_end_problem(call, 400, BP_E_INVALID, str_z(fault));
  else
    create_begin(call, &wanted, true);
}

static void set_running(struct call *call, bp_json payload) {
  const struct repositories *r = call->module;
  bp_json value = 0;
  uint32_t is_running = 0;
  bp_str url;
  call->id = kit_field_number(r->json, payload, "id");
  if (r->json->get(payload, BP_LIT("running"), &value) != BP_OK || r->json->boolean(value, &is_running) != BP_OK ||
      !kit_field_text(r->json, payload, "url", &url))
    call_end_problem(call, 400, BP_E_INVALID, BP_LIT("running must be true or false, url a string"));
  else
    change_running(call, is_running != 0, kit_field_number(r->json, payload, "pid"), url);
}

static const struct {
  const char *name;
  void (*run)(struct call *call, bp_json payload);
} methods[] = {{"add", add}, {"get", get}, {"list", list}, {"set_running", set_running}};

static void dispatch(struct call *call, bp_str method, bp_json payload) {
  for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (kit_same(method, methods[i].name)) {
      methods[i].run(call, payload);
      return;
    }
  call_end_problem(call, 404, BP_E_UNSUPPORTED, BP_LIT("repositories/1 has the methods add, get, list and set_running"));
}

static void on_call(void *ctx, bp_service_call service, bp_str method, bp_str payload) {
  struct repositories *r = ctx;
  bp_error err = BP_ERROR_INIT;
  bp_json root = 0;
  struct call *call = call_of_service(r, service);
  if (!call)
    return;
  bp_status status = r->json->parse(r->self, payload, &root, &err);
  if (status != BP_OK) {
    call_end_failure(call, status, &err);
    return;
  }
  dispatch(call, method, root);
  r->json->release(r->self, root);
}

bp_status service_start(struct repositories *r) {
  return r->service->serve(r->self, BP_LIT(SERVICE_NAME), on_call, r);
}
