/* The service "observability/1" for other modules, which run agents and show them as sessions. Payloads are JSON objects.
 *
 *   running {agent_name}                                                         -> {sessions: [id of a running session, at most 100]}
 *   session {session_id, session_name, project_dir?, agent_name?}                -> {} as POST /sessions; BP_E_EXISTS
 *   event   an event as for POST /events, with pid                               -> {} once it is stored */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

struct service_call {
  struct observability *module;
  bp_service_call call;
};

static void end(struct service_call *c, bp_status status, bp_str payload) {
  c->module->service->answer(c->call, status, payload);
  free(c);
}

static bool has_failed(struct service_call *c, const bp_db_outcome *outcome) {
  if (outcome->status == BP_OK)
    return false;
  end(c, outcome->status, str_z(outcome->error->message));
  return true;
}

static bp_db_value text_member(const struct observability *o, bp_json payload, bp_str name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (o->json->get(payload, name, &value) == BP_OK)
    o->json->string(value, &text);
  return db_text(text);
}

static void on_running(void *ctx, const bp_db_outcome *outcome) {
  struct service_call *c = ctx;
  if (!has_failed(c, outcome))
    end(c, BP_OK, db_column(c->module->db, outcome, 0, 0, 0));
}

static bp_status find_running(struct service_call *c, bp_json payload) {
  const struct observability *o = c->module;
  bp_db_value name = text_member(o, payload, BP_LIT("agent_name"));
  bp_db_query query = {.size = sizeof(query), .statement = RUNNING_OF_AGENT, .max_rows = 1, .params = {&name, 1, sizeof(name)}};
  return o->db->read(o->self, (bp_array){&query, 1, sizeof(query)}, 0, on_running, c);
}

static void on_stored(void *ctx, const bp_db_outcome *outcome) {
  struct service_call *c = ctx;
  if (!has_failed(c, outcome))
    end(c, BP_OK, BP_LIT("{}"));
}

static bp_status add_session(struct service_call *c, bp_json payload) {
  const struct observability *o = c->module;
  char now[TIMESTAMP_BYTES];
  bp_db_value params[] = {text_member(o, payload, BP_LIT("session_id")), text_member(o, payload, BP_LIT("session_name")),
                          db_text(timestamp_now(o, now)), text_member(o, payload, BP_LIT("project_dir")),
                          text_member(o, payload, BP_LIT("agent_name"))};
  bp_db_step steps[] = {
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = CREATE_SESSION, .expect = BP_DB_ONE, .params = BP_ARRAY(params)},
      db_publish(BP_LIT("observability.session_created"), params[0].text, 0),
  };
  return params[0].text.len && params[1].text.len ? o->db->write(o->self, (bp_array)BP_ARRAY(steps), on_stored, c) : BP_E_INVALID;
}

static bp_status add_event(struct service_call *c, bp_json payload) {
  return events_put(c->module, payload, on_stored, c);
}

static const struct {
  const char *name;
  bp_status (*run)(struct service_call *c, bp_json payload);
} methods[] = {{"event", add_event}, {"running", find_running}, {"session", add_session}};

static bp_status dispatch(struct service_call *c, bp_str method, bp_json payload) {
  for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (strlen(methods[i].name) == method.len && memcmp(methods[i].name, method.ptr, method.len) == 0)
      return methods[i].run(c, payload);
  return BP_E_UNSUPPORTED;
}

static void on_call(void *ctx, bp_service_call call, bp_str method, bp_str text) {
  struct observability *o = ctx;
  bp_json payload = 0;
  struct service_call *c = malloc(sizeof(*c));
  if (!c) {
    o->service->answer(call, BP_E_NO_MEMORY, BP_LIT("out of memory"));
    return;
  }
  *c = (struct service_call){.module = o, .call = call};
  bp_status status = o->json->parse(o->self, text, &payload, NULL);
  if (status == BP_OK)
    status = dispatch(c, method, payload);
  if (status != BP_OK)
    end(c, status, BP_LIT("observability/1 has the methods event, running and session; each takes a JSON object"));
  if (payload)
    o->json->release(o->self, payload);
}

bp_status observability_service_start(struct observability *o) {
  return o->service->serve(o->self, BP_LIT("observability/1"), on_call, o);
}
