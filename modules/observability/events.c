/* Taking events in: from the body to one unit of the store that inserts the row, moves the session and tells the live log.
 *
 * Reading events back is event_queries.c. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>

/* Members of the body that are optional, in the order the original lists them in a broadcast. */
enum optional_member { TOOL_NAME, TOOL_INPUT, TOOL_OUTPUT, ERROR_TEXT, EXIT_CODE, REASON, ROLE, CONTENT, OPTIONAL_COUNT };
static const bp_str optional_names[OPTIONAL_COUNT] = {BP_STR("tool_name"), BP_STR("tool_input"), BP_STR("tool_output"), BP_STR("error"),
                                                      BP_STR("exit_code"), BP_STR("reason"),     BP_STR("role"),        BP_STR("content")};

struct event {
  bp_str type, session_id, session_name, timestamp;
  bp_json optional[OPTIONAL_COUNT]; /* 0: absent */
  struct process_fact process;
  bool has_process;
};

static bp_str member_text(const struct observability *o, bp_json body, bp_str name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (o->json->get(body, name, &value) == BP_OK)
    o->json->string(value, &text);
  return text;
}

static void read_process(const struct observability *o, bp_json body, struct event *ret) {
  bp_json value = 0;
  int64_t pid = 0;
  if (o->json->get(body, BP_LIT("pid"), &value) == BP_OK && o->json->integer(value, &pid) == BP_OK)
    ret->has_process = process_fact_read(pid, &ret->process);
}

static void read_event(const struct observability *o, bp_json body, struct event *ret) {
  *ret = (struct event){.type = member_text(o, body, BP_LIT("event_type")),
                        .session_id = member_text(o, body, BP_LIT("session_id")),
                        .session_name = member_text(o, body, BP_LIT("session_name")),
                        .timestamp = member_text(o, body, BP_LIT("timestamp"))};
  for (uint32_t i = 0; i < OPTIONAL_COUNT; i++)
    if (o->json->get(body, optional_names[i], &ret->optional[i]) != BP_OK || o->json->type(ret->optional[i]) == BP_JSON_NULL)
      ret->optional[i] = 0;
  read_process(o, body, ret);
}

/* What the original stores as NULL: whatever Python finds false. */
static bool is_falsy(const struct observability *o, bp_json value) {
  bp_str text;
  double number;
  switch (value ? o->json->type(value) : BP_JSON_NULL) {
  case BP_JSON_NULL:
  case BP_JSON_FALSE:
    return true;
  case BP_JSON_INTEGER:
  case BP_JSON_REAL:
    return o->json->real(value, &number) == BP_OK && !(number < 0) && !(number > 0);
  case BP_JSON_STRING:
    return o->json->string(value, &text) == BP_OK && text.len == 0;
  case BP_JSON_ARRAY:
  case BP_JSON_OBJECT:
    return o->json->count(value) == 0;
  default:
    return false;
  }
}

/* The broadcast: the body with every optional key present, without what is not part of an event. */
static bp_json_writer write_broadcast(const struct observability *o, const struct event *event) {
  bp_json_writer out = 0;
  if (o->json->writer_new(o->self, &out) != BP_OK)
    return 0;
  const bp_str names[] = {BP_STR("event_type"), BP_STR("session_id"), BP_STR("session_name"), BP_STR("timestamp")};
  const bp_str values[] = {event->type, event->session_id, event->session_name, event->timestamp};
  o->json->object_begin(out);
  for (uint32_t i = 0; i < 4; i++) {
    o->json->key(out, names[i]);
    o->json->put_string(out, values[i]);
  }
  for (uint32_t i = 0; i < OPTIONAL_COUNT; i++) {
    o->json->key(out, optional_names[i]);
    if (event->optional[i])
      o->json->put_value(out, event->optional[i]);
    else
      o->json->put_null(out);
  }
  o->json->object_end(out);
  return out;
}

/* A member as JSON text for its column, or NULL; *ret_writer holds the text and is freed by the caller. */
static bp_db_value json_column(const struct observability *o, bp_json value, bp_json_writer *ret_writer) {
  bp_str text;
  if (is_falsy(o, value) || o->json->writer_new(o->self, ret_writer) != BP_OK)
    return db_null();
  o->json->put_value(*ret_writer, value);
  return o->json->writer_text(*ret_writer, &text, NULL) == BP_OK ? db_text(text) : db_null();
}

static bp_db_value text_column(const struct observability *o, bp_json value) {
  bp_str text;
  return value && o->json->string(value, &text) == BP_OK ? db_text(text) : db_null();
}

static bp_db_value integer_column(const struct observability *o, bp_json value) {
  int64_t number;
  return value && o->json->integer(value, &number) == BP_OK ? db_integer(number) : db_null();
}

static void answer_ok(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  if (outcome->status == BP_E_CONFLICT && outcome->failed_step == 0) {
    kit_problem(call->module->http, call->kit.request, 404, BP_LIT("Session not found"));
    free(call);
    return;
  }
  if (kit_call_failed(call, outcome))
    return;
  o->metrics->add(o->events_total, 1);
  o->http->reply_text(call->kit.request, 200, BP_LIT("application/json"), BP_LIT("{\"ok\":true}"));
  free(call);
}

/* Parameters and texts of one unit; all inputs are copied by the store when it takes the unit. */
struct event_unit {
  bp_db_value insert[12];
  bp_db_value session[6];
  bp_db_value key[1];
  bp_db_step steps[6];
  uint32_t step_count;
  char now[TIMESTAMP_BYTES];
  bp_json_writer writers[4];
};

#define PARAMS(values, number) ((bp_array){(values), (number), (uint32_t)sizeof(bp_db_value)})

static bp_db_step *add_exec(struct event_unit *unit, uint32_t statement, bp_array params) {
  bp_db_step *step = &unit->steps[unit->step_count++];
  *step = (bp_db_step){.size = sizeof(*step), .kind = BP_DB_EXEC, .statement = statement, .params = params};
  return step;
}

static bp_db_step *add_publish(struct event_unit *unit, bp_str topic, bp_str key, bp_str payload) {
  bp_db_step *step = &unit->steps[unit->step_count++];
  *step = (bp_db_step){.size = sizeof(*step), .kind = BP_DB_PUBLISH, .topic = topic, .key = key, .payload = payload};
  return step;
}

static void add_insert(const struct observability *o, const struct event *event, struct event_unit *unit) {
  const bp_db_value values[12] = {
      db_text(event->session_id),
      db_text(event->type),
      db_text(event->timestamp),
      text_column(o, event->optional[TOOL_NAME]),
      json_column(o, event->optional[TOOL_INPUT], &unit->writers[1]),
      json_column(o, event->optional[TOOL_OUTPUT], &unit->writers[2]),
      text_column(o, event->optional[ERROR_TEXT]),
      integer_column(o, event->optional[EXIT_CODE]),
      text_column(o, event->optional[REASON]),
      text_column(o, event->optional[ROLE]),
      json_column(o, event->optional[CONTENT], &unit->writers[3]),
      db_integer(o->core->now_wall_ns() / 1000000),
  };
  for (uint32_t i = 0; i < 12; i++)
    unit->insert[i] = values[i];
  add_exec(unit, INSERT_EVENT, PARAMS(unit->insert, 12));
}

static bool type_is(const struct event *event, const char *name, size_t len) {
  return event->type.len == len && __builtin_memcmp(event->type.ptr, name, len) == 0;
}
#define TYPE_IS(event, literal) type_is((event), (literal), sizeof(literal) - 1)

/* Adds the step that moves the session; returns its number if it returns the session as JSON, else UINT32_MAX. */
static uint32_t add_session_step(const struct observability *o, const struct event *event, struct event_unit *unit) {
  bp_db_value now = db_text(timestamp_now(o, unit->now));
  bp_db_value pid = event->has_process ? db_integer(event->process.pid) : db_null();
  bp_db_value started = event->has_process ? db_integer(event->process.started_ticks) : db_null();
  bp_db_value *p = unit->session;
  p[0] = db_text(event->session_id);
  if (TYPE_IS(event, "session_start")) {
    p[1] = db_text(event->session_name), p[2] = db_text(event->timestamp), p[3] = now, p[4] = pid, p[5] = started;
    add_exec(unit, SESSION_STARTED, PARAMS(p, 6));
    return UINT32_MAX;
  }
  p[1] = now, p[2] = pid, p[3] = started;
  if (!TYPE_IS(event, "session_stop")) {
    add_exec(unit, SESSION_TOUCHED, PARAMS(p, 4));
    return UINT32_MAX;
  }
  add_exec(unit, SESSION_FINISHED, PARAMS(p, 2));
  return unit->step_count - 1;
}

static void add_session_update(const struct event *event, struct event_unit *unit, uint32_t from_step) {
  if (from_step != UINT32_MAX)
    add_publish(unit, BP_LIT("observability.session_updated"), event->session_id, bp_str_make(NULL, 0))->payload_step = from_step;
}

/* `must_exist`: the route by session id, which refuses unknown sessions and tells of the session before the event. */
static void build_unit(const struct observability *o, const struct event *event, bool must_exist, bp_str payload, struct event_unit *unit) {
  if (must_exist) {
    unit->key[0] = db_text(event->session_id);
    add_exec(unit, SESSION_EXISTS, PARAMS(unit->key, 1))->expect = BP_DB_ONE;
  }
  add_insert(o, event, unit);
  uint32_t moved = add_session_step(o, event, unit);
  if (must_exist)
    add_session_update(event, unit, moved);
  add_publish(unit, BP_LIT("observability.event"), event->session_id, payload);
  if (!must_exist)
    add_session_update(event, unit, moved);
}

static bp_status write_event(const struct observability *o, const struct event *event, bool must_exist, bp_db_done_fn done, void *ctx) {
  struct event_unit unit = {.step_count = 0};
  bp_str payload = {NULL, 0};
  unit.writers[0] = write_broadcast(o, event);
  bp_status status = unit.writers[0] ? o->json->writer_text(unit.writers[0], &payload, NULL) : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    build_unit(o, event, must_exist, payload, &unit);
    status = o->db->write(o->self, (bp_array){unit.steps, unit.step_count, (uint32_t)sizeof(bp_db_step)}, done, ctx);
  }
  for (uint32_t i = 0; i < 4; i++)
    if (unit.writers[i])
      o->json->writer_free(unit.writers[i]);
  return status;
}

static void store_event(struct observability *o, bp_request request, const struct event *event, bool must_exist) {
  struct call *call = call_new(o, request);
  bp_status status = call ? write_event(o, event, must_exist, answer_ok, call) : BP_OK;
  if (status != BP_OK)
    kit_call_refuse(call, status, NULL);
}

bp_status events_put(const struct observability *o, bp_json body, bp_db_done_fn done, void *ctx) {
  struct event event;
  read_event(o, body, &event);
  if (!event.type.len || !event.session_id.len || !event.session_name.len || !event.timestamp.len)
    return BP_E_INVALID;
  return write_event(o, &event, false, done, ctx);
}

void events_post(void *state, bp_request request) {
  struct observability *o = state;
  struct event event;
  bp_json body = 0;
  o->http->body(request, &body);
  read_event(o, body, &event);
  store_event(o, request, &event, false);
}

void events_post_to_session(void *state, bp_request request) {
  struct observability *o = state;
  struct event event;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  o->http->body(request, &body);
  o->http->param(request, BP_LIT("session_id"), &id);
  read_event(o, body, &event);
  if (id.len != event.session_id.len || __builtin_memcmp(id.ptr, event.session_id.ptr, id.len) != 0) {
    kit_problem(o->http, request, 400, BP_LIT("Event session_id must match URL session_id"));
    return;
  }
  store_event(o, request, &event, true);
}
