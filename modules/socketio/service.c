/* The service "socketio/1" for other modules. Payloads are JSON objects.
 *
 *   count {family}  -> {"connections": n}   clients that hear the family now */
#include "socketio.h"

#include <string.h>

static void answer_count(struct socketio *m, bp_service_call call, unsigned family) {
  bp_json_writer out = 0;
  bp_str text;
  bp_status status = m->json->writer_new(m->self, &out);
  if (status != BP_OK) {
    m->service->answer(call, status, bp_str_make(NULL, 0));
    return;
  }
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("connections"));
  m->json->put_integer(out, m->feeds[family].clients);
  m->json->object_end(out);
  if (m->json->writer_text(out, &text, NULL) == BP_OK)
    m->service->answer(call, BP_OK, text);
  m->json->writer_free(out);
}

static unsigned family_of(const struct socketio *m, bp_str payload) {
  bp_json root = 0, value = 0;
  bp_str name = bp_str_make(NULL, 0);
  if (m->json->parse(m->self, payload, &root, NULL) != BP_OK)
    return FAMILY_COUNT;
  if (m->json->get(root, BP_LIT("family"), &value) == BP_OK)
    m->json->string(value, &name);
  unsigned family = family_index(name);
  m->json->release(m->self, root);
  return family;
}

static void on_call(void *ctx, bp_service_call call, bp_str method, bp_str payload) {
  struct socketio *m = ctx;
  unsigned family = family_of(m, payload);
  if (method.len != strlen("count") || memcmp(method.ptr, "count", method.len) != 0)
    m->service->answer(call, BP_E_UNSUPPORTED, BP_LIT("socketio/1 has the method count"));
  else if (family == FAMILY_COUNT)
    m->service->answer(call, BP_E_INVALID, BP_LIT("family must be desktop or swarm"));
  else
    answer_count(m, call, family);
}

bp_status service_start(struct socketio *m) {
  return m->service->serve(m->self, BP_LIT(SERVICE_NAME), on_call, m);
}
