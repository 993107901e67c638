/* Sessions of before: those that are open in the store when the gateway starts. */
#include "gateway.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

static void restore(struct gateway *gw, const bp_db_outcome *outcome, uint32_t row) {
  bp_str id = db_column(gw->db, outcome, 0, row, 0), acp_id = db_column(gw->db, outcome, 0, row, 2);
  bp_str cwd = db_column(gw->db, outcome, 0, row, 3), title = db_column(gw->db, outcome, 0, row, 4), parent = db_column(gw->db, outcome, 0, row, 5);
  struct agent *agent = agent_find(gw, db_column(gw->db, outcome, 0, row, 1));
  bp_db_value created = {.size = sizeof(created)};
  struct session *session = agent && id.len < ID_BYTES && acp_id.len < ID_BYTES ? calloc(1, sizeof(*session)) : NULL;
  bp_root root = 0;
  if (!session || session_find(gw, id) || gw->fs->root_open(gw->self, cwd, 0, &root, NULL) != BP_OK) {
    free(session);
    return;
  }
  gw->db->value(outcome->result, 0, row, 6, &created);
  *session = (struct session){.gw = gw, .references = 1, .agent = agent, .root = root, .created_ms = created.integer, .activity_ms = now_ms(gw)};
  memcpy(session->id, id.ptr, id.len);
  memcpy(session->acp_id, acp_id.ptr, acp_id.len);
  session->cwd = str_dup(cwd);
  session->title = title.ptr ? str_dup(title) : NULL;
  session->parent = parent.ptr ? str_dup(parent) : NULL;
  session->next = gw->sessions;
  gw->sessions = session;
}

static void on_rows(void *ctx, const bp_db_outcome *outcome) {
  struct gateway *gw = ctx;
  if (outcome->status != BP_OK)
    return;
  for (uint32_t row = 0; row < gw->db->rows(outcome->result, 0); row++)
    restore(gw, outcome, row);
  for (uint32_t row = 0; row < gw->db->rows(outcome->result, 1); row++)
    turn_tell_interrupted(gw, db_column(gw->db, outcome, 1, row, 0), db_column(gw->db, outcome, 1, row, 1));
}

static void read_rows(void *ctx, bp_status status) {
  struct gateway *gw = ctx;
  const bp_db_value since = db_integer(now_ms(gw) - gw->idle_ms);
  const bp_db_query queries[] = {
      {.size = sizeof(bp_db_query), .statement = OPEN_SESSIONS, .max_rows = SESSIONS_MAX / 2, .params = {&since, 1, (uint32_t)sizeof(since)}},
      {.size = sizeof(bp_db_query), .statement = INTERRUPTED_SESSIONS, .max_rows = 1000},
  };
  (void)status;
  gw->db->read(gw->self, (bp_array)BP_ARRAY(queries), 0, on_rows, gw);
}

/* What was said in turns that ended with the host becomes a message each. */
void sessions_restore(struct gateway *gw) {
  const bp_db_step steps[] = {db_exec(KEEP_ALL_PIECES, NULL, 0), db_exec(DROP_ALL_PIECES, NULL, 0)};
  store_steps(gw, steps, 2, read_rows, gw);
}
