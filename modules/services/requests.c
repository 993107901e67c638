/* From a request to an operation: which action on which service; and the facts a policy decides on. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *word;
  enum action action;
} actions[] = {{"install", ACTION_INSTALL}, {"uninstall", ACTION_UNINSTALL}, {"remove", ACTION_UNINSTALL}, {"start", ACTION_START},
               {"stop", ACTION_STOP},       {"restart", ACTION_RESTART},     {"logs", ACTION_LOGS}};

static enum action action_of(bp_str word) {
  for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
    if (kit_same(word, actions[i].word))
      return actions[i].action;
  return ACTION_COUNT;
}

static bp_json body_of(const struct services *s, bp_request request) {
  bp_json body = 0;
  s->http->body(request, &body);
  return body;
}

/* ---- Facts ---- */

static void put_names(const struct services *s, bp_json_writer facts, bp_json object) {
  uint64_t cursor = 0;
  bp_str key;
  bp_json value = 0;
  s->json->key(facts, BP_LIT("env"));
  s->json->array_begin(facts);
  while (s->json->next(object, &cursor, &key, &value) == BP_OK)
    s->json->put_string(facts, key);
  s->json->array_end(facts);
}

static bp_status write_facts(const struct services *s, bp_request request, bp_str action, bp_json_writer facts) {
  bp_json body = body_of(s, request), value = 0;
  s->json->object_begin(facts);
  json_text_member(s->json, facts, BP_LIT("module"), BP_LIT("services"));
  json_text_member(s->json, facts, BP_LIT("action"), action.len ? action : BP_LIT("none"));
  json_text_member(s->json, facts, BP_LIT("service_id"), kit_member_text(s->json, body, "serviceId"));
  for (unsigned i = 0; i < 2; i++) {
    bp_str name = i ? BP_LIT("port") : BP_LIT("volumes");
    if (s->json->get(body, name, &value) != BP_OK)
      continue;
    s->json->key(facts, name);
    s->json->put_value(facts, value);
  }
  if (s->json->get(body, BP_LIT("environment"), &value) == BP_OK && s->json->type(value) == BP_JSON_OBJECT)
    put_names(s, facts, value);
  s->json->object_end(facts);
  return BP_OK;
}

bp_status facts_post(void *state, bp_request request, bp_json_writer facts) {
  const struct services *s = state;
  return write_facts(s, request, kit_member_text(s->json, body_of(s, request), "action"), facts);
}

bp_status facts_action(void *state, bp_request request, bp_json_writer facts) {
  const struct services *s = state;
  bp_str action = bp_str_make(NULL, 0);
  s->http->param(request, BP_LIT("action"), &action);
  return write_facts(s, request, action, facts);
}

/* ---- Beginning ---- */

static void on_gone(void *ctx, bp_request request, uint32_t reason) {
  struct operation *op = ctx;
  (void)request;
  (void)reason;
  op->request = 0;
}

static struct operation *operation_new(struct services *s, struct service *service, enum action action, bp_request request) {
  struct operation *op = calloc(1, sizeof(*op));
  if (!op)
    return NULL;
  *op = (struct operation){.module = s, .service = service, .action = action, .request = request};
  op->is_admin = s->http->has_scope(request, BP_LIT("admin")) != 0;
  op->port = service->entry->port;
  return op;
}

static void run(struct operation *op) {
  static void (*const begin[ACTION_COUNT])(struct operation * op) = {install_begin, uninstall_begin, run_begin, run_begin, run_begin, logs_begin};
  begin[op->action](op);
}

static void begin(struct services *s, bp_request request, enum action action, unsigned index, bp_json body) {
  struct service *service = &s->all[index];
  bool is_change = action != ACTION_LOGS;
  if (is_change && service->is_busy) {
    kit_problem(s->http, request, 409, BP_LIT("another operation on this service is under way; try again when it is done"));
    return;
  }
  struct operation *op = operation_new(s, service, action, request);
  if (!op) {
    s->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  const char *wrong = action == ACTION_INSTALL ? install_read(op, body) : NULL;
  if (wrong) {
    operation_problem(op, 400, wrong);
    return;
  }
  service->is_busy = service->is_busy || is_change;
  s->http->defer(request, on_gone, op);
  run(op);
}

static void begin_named(struct services *s, bp_request request, enum action action, bp_str id) {
  unsigned index = catalogue_find(id);
  if (id.len == 0)
    kit_problem(s->http, request, 400, BP_LIT("Service ID is required"));
  else if (index == CATALOGUE_COUNT)
    kit_problem(s->http, request, 404, BP_LIT("Service not found"));
  else
    begin(s, request, action, index, body_of(s, request));
}

static void answer_invalid_action(const struct services *s, bp_request request, bp_str word) {
  char text[128];
  snprintf(text, sizeof(text), "Invalid action: %.*s", (int)kit_cut(word, 64).len, word.ptr);
  kit_problem(s->http, request, 400, str_z(text));
}

void services_post(void *state, bp_request request) {
  struct services *s = state;
  bp_json body = body_of(s, request);
  bp_str word = kit_member_text(s->json, body, "action");
  enum action action = action_of(word);
  if (word.len == 0)
    kit_problem(s->http, request, 400, BP_LIT("Action is required"));
  else if (action == ACTION_COUNT)
    answer_invalid_action(s, request, word);
  else
    begin_named(s, request, action, kit_member_text(s->json, body, "serviceId"));
}

void services_action(void *state, bp_request request) {
  struct services *s = state;
  bp_str word = bp_str_make(NULL, 0);
  s->http->param(request, BP_LIT("action"), &word);
  enum action action = action_of(word);
  if (action == ACTION_COUNT)
    kit_problem(s->http, request, 404, BP_LIT("Endpoint not found"));
  else
    begin_named(s, request, action, kit_member_text(s->json, body_of(s, request), "serviceId"));
}

void services_logs(void *state, bp_request request) {
  struct services *s = state;
  bp_str id = bp_str_make(NULL, 0);
  s->http->param(request, BP_LIT("id"), &id);
  begin_named(s, request, ACTION_LOGS, id.len ? id : BP_LIT("?"));
}
