/* The service "flow/1" for other modules. Payloads are JSON objects; a session looks as in the HTTP answers.
 *
 *   sessions {limit?}   -> [session], the newest first; 50 without a limit, at most 1000 */
#include "flow.h"
#include "statements.h"

#include <stdlib.h>

#define LIMIT_DEFAULT 50

struct asking {
  struct flow *module;
  bp_service_call service;
};

static void refuse(const struct flow *f, bp_service_call service, bp_status status, const char *why) {
  f->service->answer(service, status, str_z(why));
}

static void on_sessions(void *ctx, const bp_db_outcome *outcome) {
  struct asking asking = *(struct asking *)ctx;
  const struct flow *f = asking.module;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  free(ctx);
  bp_status status = outcome->status == BP_OK ? f->json->writer_new(f->self, &out) : outcome->status;
  if (status != BP_OK) {
    refuse(f, asking.service, status, outcome->error ? outcome->error->message : "");
    return;
  }
  f->json->array_begin(out);
  for (uint32_t i = 0; i < f->db->rows(outcome->result, 0); i++)
    f->json->put_raw(out, db_column(f->db, outcome, 0, i, 0));
  f->json->array_end(out);
  status = f->json->writer_text(out, &text, NULL);
  f->service->answer(asking.service, status, text);
  f->json->writer_free(out);
}

static void list_sessions(struct flow *f, bp_service_call service, int64_t limit) {
  struct asking *asking = malloc(sizeof(*asking));
  if (!asking) {
    refuse(f, service, BP_E_NO_MEMORY, "out of memory");
    return;
  }
  *asking = (struct asking){f, service};
  const bp_db_value values[] = {db_integer(limit == 0              ? LIMIT_DEFAULT
                                           : limit > SESSIONS_MOST ? SESSIONS_MOST
                                                                   : limit),
                                db_text(bp_str_make(NULL, 0))};
  const bp_db_query query = {.size = sizeof(query), .statement = LIST_SESSIONS, .max_rows = SESSIONS_MOST, .params = BP_ARRAY(values)};
  bp_status status = f->db->read(f->self, (bp_array){&query, 1, sizeof(query)}, 0, on_sessions, asking);
  if (status == BP_OK)
    return;
  free(asking);
  refuse(f, service, status, "the store takes no more questions just now");
}

static void on_call(void *ctx, bp_service_call service, bp_str method, bp_str payload) {
  struct flow *f = ctx;
  bp_json root = 0;
  if (!kit_same(method, "sessions")) {
    refuse(f, service, BP_E_UNSUPPORTED, "flow/1 has the method sessions");
    return;
  }
  bp_status status = f->json->parse(f->self, payload, &root, NULL);
  if (status != BP_OK) {
    refuse(f, service, status, "the payload is not JSON");
    return;
  }
  int64_t limit = field_id(f, root, "limit");
  f->json->release(f->self, root);
  list_sessions(f, service, limit);
}

bp_status service_start(struct flow *f) {
  return f->service->serve(f->self, BP_LIT(SERVICE_NAME), on_call, f);
}
