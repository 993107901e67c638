/* With `agent` set, a user's message runs a turn of that ACP agent, through the service acp-gateway/1. One turn of a session runs at a
 * time, later messages wait. The answer is stored as a message and as the session's output, then told. */
#include "flow.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATEWAY BP_LIT("acp-gateway/1")
#define CALL_MS 60000
#define NAME_BYTES 64

/* The agent's side of one session. It stays while something is under way. */
struct turns {
  struct turns *next;
  struct flow *flow;
  int64_t session_id;
  struct kit_text agent_session; /* of the gateway; no pointer: none yet */
  struct kit_text waiting[WAITING_MOST];
  uint32_t count;    /* the first is the one that runs */
  bool is_busy;      /* a call or a write is under way */
  bool is_second;    /* the agent's session was lost: this is the second attempt */
  bool is_forgotten; /* the session is gone; ends when nothing is under way */
};

static void begin_turn(struct turns *t);

static void note(const struct flow *f, const char *what, bp_str more) {
  const bp_log_field field = {.size = sizeof(field), .key = BP_LIT("detail"), .value = kit_cut(more, 200)};
  f->log->write(f->self, BP_LOG_WARN, str_z(what), (bp_array){&field, 1, sizeof(field)});
}

static void ignored(void *ctx, bp_status status, bp_str payload) {
  (void)ctx, (void)status, (void)payload;
}

static bp_str agent_of(const struct flow *f) {
  bp_str agent = {NULL, 0};
  f->config->string(f->self, BP_LIT("agent"), &agent);
  return agent;
}

static bp_str name_of(const struct turns *t, const char *prefix, char name[NAME_BYTES]) {
  snprintf(name, NAME_BYTES, "%s%lld", prefix, (long long)t->session_id);
  return str_z(name);
}

/* ---- Keeping them ---- */

static void turns_free(struct turns *t) {
  struct flow *f = t->flow;
  struct turns **at = &f->turns;
  while (*at != t)
    at = &(*at)->next;
  *at = t->next;
  f->turn_count--;
  for (uint32_t i = 0; i < t->count; i++)
    kit_text_free(&t->waiting[i]);
  kit_text_free(&t->agent_session);
  free(t);
}

/* One that is forgotten only waits for its end: what is asked now gets another. */
static struct turns *turns_find(const struct flow *f, int64_t session_id) {
  struct turns *t = f->turns;
  while (t && (t->session_id != session_id || t->is_forgotten))
    t = t->next;
  return t;
}

static bp_status call(const struct flow *f, bp_str method, bp_json_writer out, uint32_t timeout_ms, bp_service_done_fn done, void *ctx) {
  return kit_service_call(f->self, f->service, f->json, GATEWAY, method, out, timeout_ms, done, ctx);
}

static bp_json_writer begin_payload(const struct flow *f, bp_str name, bp_str value) {
  bp_json_writer out = 0;
  if (f->json->writer_new(f->self, &out) != BP_OK)
    return 0;
  f->json->object_begin(out);
  json_text_member(f->json, out, name, value);
  return out;
}

/* Its session at the gateway ends, and with it a turn that runs, whether the agent reacts or not. */
static void close_agent(const struct turns *t) {
  bp_json_writer out = t->agent_session.ptr ? begin_payload(t->flow, BP_LIT("id"), kit_text_str(&t->agent_session)) : 0;
  if (out)
    call(t->flow, BP_LIT("session.close"), out, CALL_MS, ignored, NULL);
}

/* The root of what the agent does on the timeline, where there is one; the gateway puts the rest below it. */
static void put_timeline(const struct turns *t, const char *status) {
  const struct flow *f = t->flow;
  char id[NAME_BYTES], session[NAME_BYTES], title[NAME_BYTES];
  bp_json_writer out = f->is_draining ? 0 : begin_payload(f, BP_LIT("id"), name_of(t, "flow.session:", id));
  if (!out)
    return;
  json_text_member(f->json, out, BP_LIT("session_id"), name_of(t, "flow:", session));
  json_text_member(f->json, out, BP_LIT("kind"), BP_LIT("session"));
  json_text_member(f->json, out, BP_LIT("title"), name_of(t, "Flow session ", title));
  json_text_member(f->json, out, BP_LIT("status"), str_z(status));
  json_text_member(f->json, out, BP_LIT("module"), BP_LIT("flow"));
  json_text_member(f->json, out, BP_LIT("agent_id"), agent_of(f));
  kit_service_call(f->self, f->service, f->json, BP_LIT("timeline/1"), BP_LIT("put"), out, 0, ignored, NULL);
}

static bool has_agent(const struct turns *t) {
  return t->is_busy || t->agent_session.ptr;
}

/* The one unused for longest gives its agent up. */
static void drop_idle(struct flow *f) {
  struct turns *last = NULL;
  for (struct turns *t = f->turns; t; t = t->next)
    if (!t->is_busy && t->count == 0 && t->agent_session.ptr)
      last = t; /* new ones are put in front */
  if (!last)
    return;
  close_agent(last);
  turns_free(last);
}

/* Whether it may have an agent now. */
static bool has_room(const struct turns *t) {
  uint32_t agents = 0;
  for (const struct turns *other = t->flow->turns; other; other = other->next)
    agents += other != t && has_agent(other);
  return agents < TURNS_MOST;
}

static struct turns *next_waiting(const struct flow *f) {
  struct turns *oldest = NULL;
  for (struct turns *t = f->turns; t; t = t->next)
    if (!t->is_busy && t->count > 0 && !t->is_forgotten)
      oldest = t;
  return oldest;
}

/* Begins turns of sessions that wait, the oldest first, as long as there is room. A turn that fails at once comes here again. */
static void begin_waiting(struct flow *f) {
  struct turns *t;
  if (f->is_beginning)
    return;
  f->is_beginning = true;
  while (!f->is_draining && (t = next_waiting(f))) {
    if (!has_room(t))
      drop_idle(f);
    if (!has_room(t))
      break;
    begin_turn(t);
  }
  f->is_beginning = false;
}

static struct turns *turns_new(struct flow *f, int64_t session_id) {
  struct turns *t = f->turn_count < SESSIONS_MOST ? calloc(1, sizeof(*t)) : NULL;
  if (!t)
    return NULL;
  *t = (struct turns){.next = f->turns, .flow = f, .session_id = session_id};
  f->turns = t;
  f->turn_count++;
  return t;
}

/* ---- The end of a turn ---- */

static void next_turn(struct turns *t) {
  struct flow *f = t->flow;
  t->is_busy = false;
  t->is_second = false;
  if (t->count > 0) {
    kit_text_free(&t->waiting[0]);
    memmove(&t->waiting[0], &t->waiting[1], sizeof(t->waiting[0]) * --t->count);
  }
  if (t->is_forgotten) {
    close_agent(t);
    turns_free(t);
  } else if (t->count == 0 && !t->agent_session.ptr) {
    turns_free(t); /* its agent could not be had */
  }
  begin_waiting(f);
}

static void stored(void *ctx, const bp_db_outcome *outcome) {
  struct turns *t = ctx;
  if (outcome->status == BP_OK)
    message_tell(t->flow, t->session_id, db_column(t->flow->db, outcome, 0, 0, 0));
  else if (outcome->status != BP_E_CONFLICT) /* then the session was deleted meanwhile */
    note(t->flow, "an agent's answer could not be stored", str_z(outcome->error->message));
  if (t->flow->is_draining)
    t->is_busy = false;
  else
    next_turn(t);
}

/* Stores the message, the output where it is an answer, and the session's status. */
static void finish(struct turns *t, bp_str role, bp_str text, bp_str status) {
  const struct flow *f = t->flow;
  char id[KIT_UUID_BYTES];
  bp_db_step steps[6];
  kit_uuid(f->core, id);
  bp_db_value values[5] = {db_text(str_z(id)), db_integer(t->session_id), db_text(role), db_text(text), db_null()};
  const bp_db_value output[] = {db_integer(t->session_id), db_text(text)}, state[] = {db_integer(t->session_id), db_text(status)};
  message_steps(steps, values, &values[1]);
  uint32_t count = 3;
  if (kit_same(role, "assistant"))
    steps[count++] = db_exec(SET_OUTPUT, output, 2);
  steps[count] = db_exec(SET_STATUS, state, 2);
  steps[count + 1] = db_publish(BP_LIT("flow.updated"), bp_str_make(NULL, 0), count);
  count += 2;
  t->is_busy = true;
  put_timeline(t, t->is_forgotten ? "cancelled" : kit_same(status, "idle") ? "done" : "failed");
  if (f->db->write(f->self, (bp_array){steps, count, sizeof(steps[0])}, stored, t) == BP_OK)
    return;
  note(f, "an agent's answer could not be stored", text);
  if (f->is_draining)
    t->is_busy = false;
  else
    next_turn(t);
}

static void fail(struct turns *t, bp_str why) {
  char text[400];
  if (t->flow->is_draining) {
    t->is_busy = false;
    return;
  }
  if (t->is_forgotten) { /* that is why */
    put_timeline(t, "cancelled");
    next_turn(t);
    return;
  }
  note(t->flow, "an agent's turn failed", why);
  why = kit_cut(why, 300);
  snprintf(text, sizeof(text), "The agent could not answer: %.*s", (int)why.len, why.len ? why.ptr : "");
  finish(t, BP_LIT("system"), str_z(text), BP_LIT("error"));
}

/* ---- The turn ---- */

static void prompted(void *ctx, bp_status status, bp_str payload) {
  struct turns *t = ctx;
  const struct flow *f = t->flow;
  bp_json root = 0;
  bool is_lost = status == BP_E_NOT_FOUND || status == BP_E_STATE || status == BP_E_STALE;
  if (is_lost && !t->is_second && !t->is_forgotten && !f->is_draining) {
    kit_text_free(&t->agent_session); /* the gateway ended it for want of use: begin a new one */
    t->is_second = true;
    begin_turn(t);
    return;
  }
  if (status != BP_OK || f->json->parse(f->self, payload, &root, NULL) != BP_OK) {
    fail(t, status == BP_E_TIMEOUT ? BP_LIT("it took too long") : payload);
    return;
  }
  struct kit_text text = kit_text_copy(field_text(f, root, "text")), reason = kit_text_copy(field_text(f, root, "stopReason"));
  f->json->release(f->self, root);
  if (text.ptr)
    finish(t, BP_LIT("assistant"), kit_text_str(&text), BP_LIT("idle"));
  else
    fail(t, reason.ptr ? kit_text_str(&reason) : BP_LIT("it said nothing"));
  kit_text_free(&text);
  kit_text_free(&reason);
}

static void prompt(struct turns *t) {
  const struct flow *f = t->flow;
  int64_t timeout_s = 3600;
  bp_status status = BP_E_NO_MEMORY;
  f->config->integer(f->self, BP_LIT("agent_timeout_s"), &timeout_s);
  bp_json_writer out = begin_payload(f, BP_LIT("id"), kit_text_str(&t->agent_session));
  if (out) {
    json_text_member(f->json, out, BP_LIT("prompt"), kit_text_str(&t->waiting[0]));
    status = call(f, BP_LIT("session.prompt"), out, (uint32_t)timeout_s * 1000, prompted, t);
  }
  if (status != BP_OK)
    fail(t, BP_LIT("the gateway takes no more calls"));
}

static void opened(void *ctx, bp_status status, bp_str payload) {
  struct turns *t = ctx;
  const struct flow *f = t->flow;
  bp_json root = 0;
  if (status == BP_OK && f->json->parse(f->self, payload, &root, NULL) == BP_OK) {
    t->agent_session = kit_text_copy(field_text(f, root, "id"));
    f->json->release(f->self, root);
  }
  if (t->is_forgotten) {
    put_timeline(t, "cancelled");
    next_turn(t);
  } else if (t->agent_session.ptr) {
    prompt(t);
  } else {
    fail(t, status == BP_E_NOT_FOUND && payload.len == 0 ? BP_LIT("module acp-gateway is not enabled") : payload);
  }
}

static bp_status open_session(struct turns *t) {
  const struct flow *f = t->flow;
  char title[NAME_BYTES], parent[NAME_BYTES], session[NAME_BYTES];
  bp_str folder = {NULL, 0};
  f->config->string(f->self, BP_LIT("working_directory"), &folder);
  bp_json_writer out = begin_payload(f, BP_LIT("agentId"), agent_of(f));
  if (!out)
    return BP_E_NO_MEMORY;
  json_text_member(f->json, out, BP_LIT("workingDirectory"), folder.len ? folder : f->core->start_folder(f->self));
  json_text_member(f->json, out, BP_LIT("title"), name_of(t, "Flow session ", title));
  json_text_member(f->json, out, BP_LIT("parent"), name_of(t, "flow.session:", parent));
  json_text_member(f->json, out, BP_LIT("timelineSession"), name_of(t, "flow:", session));
  return call(f, BP_LIT("session.new"), out, CALL_MS, opened, t);
}

static void noted(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx, (void)outcome; /* a status that is a little behind harms nobody */
}

static void begin_turn(struct turns *t) {
  const struct flow *f = t->flow;
  const bp_db_value values[] = {db_integer(t->session_id), db_text(BP_LIT("running"))};
  const bp_db_step steps[] = {db_exec(SET_STATUS, values, 2), db_publish(BP_LIT("flow.updated"), bp_str_make(NULL, 0), 0)};
  t->is_busy = true;
  put_timeline(t, "running");
  f->db->write(f->self, (bp_array)BP_ARRAY(steps), noted, NULL);
  if (t->agent_session.ptr)
    prompt(t);
  else if (open_session(t) != BP_OK)
    fail(t, BP_LIT("the gateway takes no more calls"));
}

void turn_ask(struct flow *f, int64_t session_id, bp_str text) {
  if (f->is_draining || agent_of(f).len == 0)
    return;
  struct turns *t = turns_find(f, session_id);
  if (!t)
    t = turns_new(f, session_id);
  struct kit_text copy = t && t->count < WAITING_MOST ? kit_text_copy(text) : (struct kit_text){NULL, 0};
  if (!copy.ptr) {
    note(f, "too many messages wait for the agent; this one gets no answer", text);
    return;
  }
  t->waiting[t->count++] = copy;
  begin_waiting(f);
}

void turn_forget(struct flow *f, int64_t session_id) {
  struct turns *t = turns_find(f, session_id);
  if (!t)
    return;
  close_agent(t);
  while (t->count > 1)
    kit_text_free(&t->waiting[--t->count]);
  t->is_forgotten = true;
  if (!t->is_busy)
    turns_free(t);
}

void turn_free(struct flow *f) {
  for (struct turns *t = f->turns, *next; t; t = next) {
    next = t->next;
    turns_free(t);
  }
}
