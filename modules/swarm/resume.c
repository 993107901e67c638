/* After a restart: sessions that had not ended go on. One that was being decomposed is decomposed again. */
#include "statements.h"
#include "swarm.h"

#include <stdio.h>

#define PAGE 150u

static int64_t number(const struct swarm *w, const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  w->db->value(outcome->result, step, row, column, &value);
  return value.integer;
}

static struct session *session_of(struct swarm *w, const bp_db_outcome *outcome, uint32_t step, uint32_t row) {
  return session_find(w, db_column(w->db, outcome, step, row, 0));
}

static void copy_id(char id[KIT_UUID_BYTES], bp_str text) {
  snprintf(id, KIT_UUID_BYTES, "%.*s", (int)text.len, text.len ? text.ptr : "");
}

static void add_session(struct swarm *w, const bp_db_outcome *outcome, uint32_t row) {
  char id[KIT_UUID_BYTES];
  bp_str status = db_column(w->db, outcome, 0, row, 3);
  copy_id(id, db_column(w->db, outcome, 0, row, 0));
  struct session *s = session_new(w, id, db_column(w->db, outcome, 0, row, 1), (uint32_t)number(w, outcome, 0, row, 2));
  if (!s)
    return;
  s->is_resumed = true;
  s->status = kit_same(status, "decomposing") ? SESSION_DECOMPOSING : kit_same(status, "completed") ? SESSION_COMPLETED : SESSION_RUNNING;
}

static void add_todo(struct session *s, const bp_db_outcome *outcome, uint32_t row) {
  const struct swarm *w = s->module;
  bp_str status = db_column(w->db, outcome, 1, row, 3);
  if (s->todo_count == TODOS_MOST)
    return;
  struct todo *todo = &s->todos[s->todo_count++];
  copy_id(todo->id, db_column(w->db, outcome, 1, row, 1));
  todo->description = kit_text_copy(db_column(w->db, outcome, 1, row, 2));
  todo->is_completed = kit_same(status, "completed");
  todo->deaths = (uint32_t)number(w, outcome, 1, row, 4);
  todo->has_failed = number(w, outcome, 1, row, 5) != 0;
  if (kit_same(status, "assigned")) /* its worker ended with the host; that is not the task's fault */
    outbox_todo(s, todo, bp_str_make(NULL, 0));
}

static void add_agent(struct session *s, const bp_db_outcome *outcome, uint32_t row) {
  const struct swarm *w = s->module;
  char id[KIT_UUID_BYTES];
  copy_id(id, db_column(w->db, outcome, 2, row, 1));
  s->agents_added = (uint32_t)number(w, outcome, 2, row, 2);
  session_add_agent(s, id);
}

static void begin_all(struct swarm *w) {
  for (struct session *s = w->sessions; s; s = s->next) {
    bool is_ours = s->is_resumed; /* others have come meanwhile */
    s->is_resumed = false;
    if (is_ours && s->status == SESSION_DECOMPOSING)
      decompose_start(s);
    else if (is_ours)
      session_go_on(s);
  }
  sessions_admit(w);
}

static bp_status read_page(struct swarm *w, int64_t after);

static void take_page(void *ctx, const bp_db_outcome *outcome) {
  struct swarm *w = ctx;
  if (outcome->status != BP_OK) {
    swarm_note(w, BP_LOG_ERROR, "sessions that had not ended could not be read", outcome->error->message);
    return;
  }
  uint32_t sessions = w->db->rows(outcome->result, 0);
  for (uint32_t row = 0; row < sessions; row++)
    add_session(w, outcome, row);
  for (uint32_t row = 0; row < w->db->rows(outcome->result, 1); row++)
    if (session_of(w, outcome, 1, row))
      add_todo(session_of(w, outcome, 1, row), outcome, row);
  for (uint32_t row = 0; row < w->db->rows(outcome->result, 2); row++)
    if (session_of(w, outcome, 2, row))
      add_agent(session_of(w, outcome, 2, row), outcome, row);
  bool has_more = sessions == PAGE && w->session_count < SESSIONS_MOST;
  if (!has_more || read_page(w, number(w, outcome, 0, sessions - 1, 4)) != BP_OK)
    begin_all(w);
}

/* A page of sessions with all their todos and living agents: never more rows than one read gives. */
static bp_status read_page(struct swarm *w, int64_t after) {
  const bp_db_value values[] = {db_integer(after), db_integer(PAGE)};
  const bp_db_query queries[] = {
      {.size = sizeof(bp_db_query), .statement = OPEN_SESSIONS, .max_rows = PAGE, .params = BP_ARRAY(values)},
      {.size = sizeof(bp_db_query), .statement = OPEN_TODOS, .max_rows = PAGE * TODOS_MOST, .params = BP_ARRAY(values)},
      {.size = sizeof(bp_db_query), .statement = OPEN_AGENTS, .max_rows = PAGE * AGENTS_MOST * 2, .params = BP_ARRAY(values)},
  };
  return w->db->read(w->self, (bp_array)BP_ARRAY(queries), 0, take_page, w);
}

bp_status resume_start(struct swarm *w) {
  return read_page(w, 0);
}
