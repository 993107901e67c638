/* Our addition: the stored messages, page by page, and searched. Both take in first what the log has by now. */
#include "monitor.h"
#include "statements.h"

#include <stdlib.h>

#define PAGE_MOST 1000
#define SEARCH_MOST 100

struct ask {
  struct kit_call kit;
  struct monitor *module;
  uint32_t limit, offset;
  int64_t before; /* 0: from the newest */
};

static struct ask *ask_new(struct monitor *m, bp_request request) {
  int64_t limit = 50, offset = 0, before = 0;
  if (!guard_pass(m, request))
    return NULL;
  struct ask *ask = kit_call_new(m->self, m->http, m->db, request, sizeof(*ask));
  if (!ask)
    return NULL;
  m->http->param_integer(request, BP_LIT("limit"), &limit);
  m->http->param_integer(request, BP_LIT("offset"), &offset);
  m->http->param_integer(request, BP_LIT("before"), &before);
  ask->module = m;
  ask->limit = (uint32_t)limit;
  ask->offset = (uint32_t)offset;
  ask->before = before;
  return ask;
}

/* {"messages":[…],"count":n,…} of rows (id, message); the object stays open. `is_by_step`: a step has one row each. */
static bp_json_writer begin_messages(const struct ask *ask, const bp_db_outcome *outcome, uint32_t count, bool is_by_step, int64_t *ret_last) {
  const struct monitor *m = ask->module;
  bp_json_writer out = 0;
  uint32_t written = 0;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return 0;
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("messages"));
  m->json->array_begin(out);
  for (uint32_t i = 0; i < count; i++) {
    bp_db_value id = {.size = sizeof(id)};
    uint32_t step = is_by_step ? i : 0, row = is_by_step ? 0 : i;
    if (m->db->value(outcome->result, step, row, 0, &id) != BP_OK)
      continue; /* pruned in between */
    m->json->put_raw(out, db_column(m->db, outcome, step, row, 1));
    *ret_last = id.integer;
    written++;
  }
  m->json->array_end(out);
  m->json->key(out, BP_LIT("count"));
  m->json->put_integer(out, written);
  return out;
}

static void finish(struct ask *ask, bp_json_writer out) {
  if (!out) {
    kit_call_refuse(ask, BP_E_NO_MEMORY, NULL);
    return;
  }
  ask->module->json->object_end(out);
  kit_call_json(ask, 200, ask->module->json, out);
}

/* ---- Pages, newest first ---- */

static void listed(void *ctx, const bp_db_outcome *outcome) {
  struct ask *ask = ctx;
  const struct monitor *m = ask->module;
  int64_t last = 0;
  if (kit_call_failed(ask, outcome))
    return;
  uint32_t rows = m->db->rows(outcome->result, 0);
  bool has_more = rows > ask->limit;
  bp_json_writer out = begin_messages(ask, outcome, has_more ? ask->limit : rows, false, &last);
  if (out && has_more) {
    m->json->key(out, BP_LIT("next"));
    m->json->put_integer(out, last);
  }
  finish(ask, out);
}

static bp_str optional(const struct ask *ask, bp_str name) {
  bp_str value = {NULL, 0};
  ask->module->http->param(ask->kit.request, name, &value);
  return value;
}

static void list(void *ctx, bp_status status) {
  struct ask *ask = ctx;
  if (status != BP_OK) {
    kit_call_refuse(ask, status, NULL);
    return;
  }
  const bp_db_value values[] = {
      ask->before > 0 ? db_integer(ask->before) : db_null(),
      db_integer((int64_t)ask->limit + 1),
      db_text(optional(ask, BP_LIT("sender"))),
      db_text(optional(ask, BP_LIT("msg_type"))),
  };
  const bp_db_query query = {.size = sizeof(query), .statement = LIST_MESSAGES, .max_rows = PAGE_MOST + 1, .params = BP_ARRAY(values)};
  kit_call_read(ask, &query, 1, listed);
}

void history_list(void *state, bp_request request) {
  struct ask *ask = ask_new(state, request);
  if (ask)
    history_catch_up(ask->module, list, ask);
}

/* ---- Search, best first ---- */

static void fetched(void *ctx, const bp_db_outcome *outcome) {
  struct ask *ask = ctx;
  int64_t last = 0;
  if (!kit_call_failed(ask, outcome))
    finish(ask, begin_messages(ask, outcome, ask->limit, true, &last));
}

static void found(void *ctx, const bp_db_outcome *outcome) {
  struct ask *ask = ctx;
  const struct monitor *m = ask->module;
  bp_db_value ids[SEARCH_MOST];
  bp_db_query queries[SEARCH_MOST];
  if (kit_call_failed(ask, outcome))
    return;
  uint32_t rows = m->db->rows(outcome->result, 0);
  ask->limit = rows < ask->limit ? rows : ask->limit;
  if (ask->limit == 0) {
    kit_call_text(ask, 200, BP_LIT("{\"messages\":[],\"count\":0}"));
    return;
  }
  for (uint32_t i = 0; i < ask->limit; i++) {
    ids[i] = (bp_db_value){.size = sizeof(ids[i])};
    m->db->value(outcome->result, 0, i, 0, &ids[i]);
    queries[i] = (bp_db_query){.size = sizeof(queries[i]), .statement = MESSAGE_BY_ID, .max_rows = 1, .params = {&ids[i], 1, sizeof(ids[i])}};
  }
  kit_call_read(ask, queries, ask->limit, fetched);
}

static void search(void *ctx, bp_status status) {
  struct ask *ask = ctx;
  const struct monitor *m = ask->module;
  bp_str words = {NULL, 0};
  if (status == BP_OK) {
    m->http->param(ask->kit.request, BP_LIT("q"), &words);
    status = m->db->search(m->self, BP_LIT("messages"), words, ask->limit, ask->offset, found, ask);
  }
  if (status != BP_OK)
    kit_call_refuse(ask, status, NULL);
}

void history_search(void *state, bp_request request) {
  struct ask *ask = ask_new(state, request);
  if (ask)
    history_catch_up(ask->module, search, ask);
}
