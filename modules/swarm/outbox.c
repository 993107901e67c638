/* Changes of one session on their way to the store: in order, several in one transaction, and none lost while the store is full.
 * What clients are told leaves when it is stored. When too much waits, the session's workers are held up. */
#include "statements.h"
#include "swarm.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 256u /* as many as a session begins with at most: they are stored together */
#define VALUES_MOST 6u
#define ENVELOPE 4u /* of an event: which text its durable topic gets */
#define RETRY_MS 1000
#define PRUNE_EVERY 256u

struct record {
  struct record *next;
  uint32_t statement; /* STATEMENT_COUNT: none */
  uint32_t count;
  bp_db_value values[VALUES_MOST];
  struct kit_text texts[VALUES_MOST]; /* what the values point to */
  const char *event;                  /* a name, for ADD_EVENT: payload is texts[2] */
  bool is_log;
  stored_fn then;
};

static void record_free(struct record *record) {
  for (uint32_t i = 0; i < VALUES_MOST; i++)
    kit_text_free(&record->texts[i]);
  free(record);
}

static void put_text(struct record *record, bp_str text) {
  uint32_t i = record->count++;
  record->texts[i] = kit_text_copy(text);
  record->values[i] = db_text(kit_text_str(&record->texts[i]));
}

static void put_number(struct record *record, int64_t value) {
  record->values[record->count++] = db_integer(value);
}

/* ---- Sending ---- */

static void send_batch(struct session *s);

static void try_again(void *ctx, bp_timer timer) {
  struct session *s = ctx;
  (void)timer;
  s->is_retrying = false;
  send_batch(s);
  session_settle(s);
}

/* After the commit: to the clients of the session. */
static void tell(const struct session *s, const struct record *record) {
  const struct swarm *w = s->module;
  char room[KIT_UUID_BYTES + 8] = "session:";
  bp_json_writer out = 0;
  if (w->live->listeners(BP_LIT("swarm.socket")) == 0 || w->json->writer_new(w->self, &out) != BP_OK)
    return;
  memcpy(room + 8, s->id, KIT_UUID_BYTES);
  w->json->object_begin(out);
  json_text_member(w->json, out, BP_LIT("family"), BP_LIT("swarm"));
  json_text_member(w->json, out, BP_LIT("event"), str_z(record->event));
  json_text_member(w->json, out, BP_LIT("room"), str_z(room));
  w->json->key(out, BP_LIT("args"));
  w->json->array_begin(out);
  w->json->put_raw(out, kit_text_str(&record->texts[2]));
  w->json->array_end(out);
  w->json->object_end(out);
  struct kit_text payload = kit_text_of_writer(w->json, out);
  if (payload.ptr)
    w->live->publish(w->self, BP_LIT("swarm.socket"), str_z(s->id), kit_text_str(&payload));
  kit_text_free(&payload);
}

static void hold(struct session *s, bool is_held) {
  if (s->is_held == is_held)
    return;
  s->is_held = is_held;
  for (const struct agent *agent = s->agents; agent; agent = agent->next)
    worker_hold(agent, is_held);
}

/* Whoever waits for what could not be stored. */
static void refuse_waiting(struct session *s, bp_status status) {
  bp_request *const waiting[] = {&s->request, &s->aborting};
  for (unsigned i = 0; i < 2 && !s->module->is_draining; i++) {
    if (*waiting[i])
      s->module->http->reply_failure(*waiting[i], status, NULL);
    *waiting[i] = 0;
  }
}

static void drop_sent(struct session *s, bp_status status) {
  bool is_stored = status == BP_OK;
  for (uint32_t i = s->in_flight; i > 0 && s->first; i--) {
    struct record *record = s->first;
    s->first = record->next;
    if (!s->first)
      s->last = NULL;
    s->waiting--;
    if (is_stored && record->event)
      tell(s, record);
    if (is_stored && record->then)
      record->then(s);
    else if (record->then)
      refuse_waiting(s, status);
    record_free(record);
  }
  s->in_flight = 0;
}

static void stored(void *ctx, const bp_db_outcome *outcome) {
  struct session *s = ctx;
  struct swarm *w = s->module;
  bool is_kept = outcome->status == BP_E_FULL || outcome->status == BP_E_BUSY || outcome->status == BP_E_TIMEOUT;
  if (is_kept) {
    s->in_flight = 0;
    s->is_retrying = w->loop->timer(w->self, RETRY_MS, 0, try_again, s, &s->retry_timer) == BP_OK;
    return;
  }
  if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
    swarm_note(w, BP_LOG_ERROR, outcome->error->message, s->id);
  drop_sent(s, outcome->status);
  if (s->waiting <= OUTBOX_LOW)
    hold(s, false);
  send_batch(s);
  session_settle(s);
}

/* State changes are also on the durable live log; of the many log events there is only the history. */
static uint32_t put_steps(const struct record *record, const char *key, bp_db_step *steps) {
  if (record->statement == STATEMENT_COUNT)
    return 0;
  steps[0] = db_exec(record->statement, record->values, record->count);
  if (!record->event || record->is_log)
    return 1;
  steps[1] = (bp_db_step){.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_LIT("swarm.event"), .key = str_z(key)};
  steps[1].payload = kit_text_str(&record->texts[ENVELOPE]);
  return 2;
}

static void send_batch(struct session *s) {
  struct swarm *w = s->module;
  bp_db_step steps[2 * BATCH];
  uint32_t count = 0;
  if (s->in_flight > 0 || s->is_retrying || !s->first)
    return;
  for (struct record *record = s->first; record && s->in_flight < BATCH; record = record->next, s->in_flight++)
    count += put_steps(record, s->id, steps + count);
  if (count == 0) { /* only continuations, and all before them is stored */
    drop_sent(s, BP_OK);
    send_batch(s);
    return;
  }
  bp_status status = w->db->write(w->self, (bp_array){steps, count, sizeof(steps[0])}, stored, s);
  if (status == BP_OK)
    return;
  s->in_flight = 0;
  s->is_retrying = w->loop->timer(w->self, RETRY_MS, 0, try_again, s, &s->retry_timer) == BP_OK;
}

/* ---- Queueing ---- */

static void flush(void *ctx, bp_timer timer) {
  try_again(ctx, timer);
}

static struct record *add(struct session *s, uint32_t statement) {
  struct swarm *w = s->module;
  struct record *record = calloc(1, sizeof(*record));
  if (!record) {
    swarm_note(w, BP_LOG_ERROR, "no memory to store a change of the session", s->id);
    return NULL;
  }
  record->statement = statement;
  if (s->last)
    s->last->next = record;
  else
    s->first = record;
  s->last = record;
  if (++s->waiting >= OUTBOX_FULL)
    hold(s, true);
  /* Sent when this turn of the loop is over, so that what belongs together is one transaction. */
  if (s->in_flight == 0 && !s->is_retrying)
    s->is_retrying = w->loop->timer(w->self, 0, 0, flush, s, &s->retry_timer) == BP_OK;
  return record;
}

void outbox_session(struct session *s) {
  static const char *const names[] = {"decomposing", "running", "completed", "failed"};
  struct record *record = add(s, SAVE_SESSION);
  if (!record)
    return;
  put_text(record, str_z(s->id));
  put_text(record, str_z(names[s->status]));
  put_number(record, s->is_ended);
}

void outbox_new_todo(struct session *s, const struct todo *todo, uint32_t position) {
  struct record *record = add(s, ADD_TODO);
  if (!record)
    return;
  put_text(record, str_z(todo->id));
  put_text(record, str_z(s->id));
  put_number(record, position);
  put_text(record, kit_text_str(&todo->description));
}

void outbox_todo(struct session *s, const struct todo *todo, bp_str result) {
  struct record *record = add(s, SAVE_TODO);
  if (!record)
    return;
  put_text(record, str_z(todo->id));
  put_text(record, todo->is_completed ? BP_LIT("completed") : todo->is_assigned ? BP_LIT("assigned") : BP_LIT("pending"));
  put_text(record, todo->agent ? str_z(todo->agent->id) : bp_str_make(NULL, 0));
  put_text(record, result.len ? result : bp_str_make(NULL, 0));
  put_number(record, todo->deaths);
  put_number(record, todo->has_failed);
}

void outbox_agent(const struct agent *agent) {
  static const char *const names[] = {"booting", "working", "idle", "terminated"};
  struct record *record = add(agent->session, SAVE_AGENT);
  if (!record)
    return;
  put_text(record, str_z(agent->id));
  put_text(record, str_z(agent->session->id));
  put_number(record, agent->position);
  put_text(record, str_z(names[agent->status]));
  put_text(record, agent->task ? str_z(agent->task->id) : bp_str_make(NULL, 0));
}

void outbox_sandbox(const struct agent *agent, bp_str sandbox_id, bp_str stream_url) {
  struct record *record = add(agent->session, SAVE_SANDBOX);
  if (!record)
    return;
  put_text(record, str_z(agent->id));
  put_text(record, sandbox_id);
  put_text(record, stream_url);
}

/* What the durable topic gets: {sessionId, event, data}. */
static struct kit_text envelope(const struct session *s, const char *name, bp_str payload) {
  const struct swarm *w = s->module;
  bp_json_writer out = 0;
  if (w->json->writer_new(w->self, &out) != BP_OK)
    return (struct kit_text){NULL, 0};
  w->json->object_begin(out);
  json_text_member(w->json, out, BP_LIT("sessionId"), str_z(s->id));
  json_text_member(w->json, out, BP_LIT("event"), str_z(name));
  w->json->key(out, BP_LIT("data"));
  w->json->put_raw(out, payload);
  w->json->object_end(out);
  return kit_text_of_writer(w->json, out);
}

static void prune(struct session *s) {
  struct record *record = add(s, PRUNE_EVENTS);
  if (!record)
    return;
  put_text(record, str_z(s->id));
  put_number(record, HISTORY_MOST);
}

void outbox_event(struct session *s, const char *name, bp_json_writer payload, bool is_log) {
  struct swarm *w = s->module;
  struct kit_text text = kit_text_of_writer(w->json, payload);
  struct record *record = text.ptr ? add(s, ADD_EVENT) : NULL;
  if (record) {
    put_text(record, str_z(s->id));
    put_text(record, str_z(name));
    put_text(record, kit_text_str(&text));
    put_number(record, now_ms(w));
    record->event = name;
    record->is_log = is_log || text.len > 512u * 1024; /* too long for the live log */
    if (!record->is_log)
      record->texts[ENVELOPE] = envelope(s, name, kit_text_str(&text));
    record->is_log = record->is_log || !record->texts[ENVELOPE].ptr;
  }
  kit_text_free(&text);
  if (is_log && ++s->logged % PRUNE_EVERY == 0)
    prune(s);
}

void outbox_then(struct session *s, stored_fn fn) {
  struct record *record = add(s, STATEMENT_COUNT);
  if (record)
    record->then = fn;
}

void outbox_free(struct session *s) {
  if (s->is_retrying)
    s->module->loop->timer_cancel(s->retry_timer);
  while (s->first) {
    struct record *next = s->first->next;
    record_free(s->first);
    s->first = next;
  }
}
