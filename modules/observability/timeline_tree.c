/* GET /sessions/{session_id}/tree: the nodes of a session, and all that lies under them, as one tree with usage summed upward.
 *
 * The root is the contract's session where there is one, else the one node without a parent, else a node made for the purpose. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MOST 5000
/* An answer nests two levels of JSON a node, and parsers stop at 64: what is deeper hangs on its ancestor at this level. */
#define LEVELS_MOST 30

enum { QUERY_SESSION, QUERY_NODES, QUERY_TOTALS, QUERY_COUNT };
/* Columns of SESSION_BY_ID and TREE_TOTALS. */
enum { SESSION_JSON_TEXT, SESSION_STATUS_TEXT };
enum { TOTAL_COUNT, TOTAL_INPUT, TOTAL_OUTPUT, TOTAL_COST };

#define NOBODY UINT32_MAX

struct usage {
  int64_t input_tokens, output_tokens;
  double cost_usd;
};

struct node {
  bp_str id;
  uint32_t row, parent, hung_on, first_child, next; /* of these nodes, or NOBODY */
  uint32_t level;                                   /* number of ancestors; NOBODY: not known yet */
  uint32_t walk;                                    /* the node whose level was looked for when this one was passed last */
  struct usage usage;
};

struct tree {
  const struct observability *module;
  const bp_db_outcome *outcome;
  bp_json_writer out;
  uint32_t count;
  uint32_t roots[2]; /* first child of the root, number of its children */
  struct usage totals;
  bool is_truncated;
  int64_t total_count;
  struct node nodes[]; /* sorted by id */
};

static bp_db_value value_at(const struct tree *t, uint32_t query, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  t->module->db->value(t->outcome->result, query, row, column, &value);
  return value;
}

static double number_of(const bp_db_value *value) {
  return value->type == BP_DB_REAL ? value->real : value->type == BP_DB_INTEGER ? (double)value->integer : 0;
}

static struct usage usage_at(const struct tree *t, uint32_t query, uint32_t row, uint32_t first_column) {
  bp_db_value cost = value_at(t, query, row, first_column + 2);
  return (struct usage){value_at(t, query, row, first_column).integer, value_at(t, query, row, first_column + 1).integer, number_of(&cost)};
}

/* ---- Making the tree ---- */

static int by_id(const void *a, const void *b) {
  const struct node *x = a, *y = b;
  size_t least = x->id.len < y->id.len ? x->id.len : y->id.len;
  int order = least ? memcmp(x->id.ptr, y->id.ptr, least) : 0;
  return order ? order : (x->id.len > y->id.len) - (x->id.len < y->id.len);
}

static void read_nodes(struct tree *t) {
  for (uint32_t row = 0; row < t->count; row++)
    t->nodes[row] = (struct node){.id = value_at(t, QUERY_NODES, row, TREE_ID).text,
                                  .row = row,
                                  .first_child = NOBODY,
                                  .next = NOBODY,
                                  .level = NOBODY,
                                  .walk = NOBODY,
                                  .usage = usage_at(t, QUERY_NODES, row, TREE_INPUT_TOKENS)};
  qsort(t->nodes, t->count, sizeof(t->nodes[0]), by_id);
  for (uint32_t i = 0; i < t->count; i++) {
    const struct node wanted = {.id = value_at(t, QUERY_NODES, t->nodes[i].row, TREE_PARENT).text};
    const struct node *parent = wanted.id.ptr ? bsearch(&wanted, t->nodes, t->count, sizeof(t->nodes[0]), by_id) : NULL;
    t->nodes[i].parent = parent ? (uint32_t)(parent - t->nodes) : NOBODY;
  }
}

/* Each node is passed twice in all, however long the chains are. A ring of parents is cut where a walk meets itself. */
static void find_level(struct tree *t, uint32_t from) {
  uint32_t steps = 0, last = from, at = from;
  for (; at != NOBODY && t->nodes[at].level == NOBODY && t->nodes[at].walk != from; at = t->nodes[at].parent) {
    t->nodes[at].walk = from;
    last = at;
    steps++;
  }
  bool is_ring = at != NOBODY && t->nodes[at].level == NOBODY;
  if (is_ring)
    t->nodes[last].parent = NOBODY;
  uint32_t base = at == NOBODY || is_ring ? 0 : t->nodes[at].level + 1;
  for (at = from; steps-- > 0; at = t->nodes[at].parent)
    t->nodes[at].level = base + steps;
}

struct ranked {
  uint32_t level, index;
};

static int by_level(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  return (x->level > y->level) - (x->level < y->level);
}

/* Ancestors come first, so that each node is hung after its parent, and its sum is whole before it is added to the next. */
static bool hang(struct tree *t) {
  struct ranked *order = malloc(sizeof(*order) * (t->count + 1));
  if (!order)
    return false;
  for (uint32_t i = 0; i < t->count; i++) {
    find_level(t, i);
    order[i] = (struct ranked){t->nodes[i].level, i};
  }
  qsort(order, t->count, sizeof(*order), by_level);
  for (uint32_t i = 0; i < t->count; i++) {
    struct node *node = &t->nodes[order[i].index];
    node->hung_on = node->level > LEVELS_MOST ? t->nodes[node->parent].hung_on : node->parent;
  }
  for (uint32_t i = t->count; i-- > 0;) {
    const struct node *node = &t->nodes[order[i].index];
    if (node->hung_on == NOBODY)
      continue;
    struct usage *sum = &t->nodes[node->hung_on].usage;
    *sum = (struct usage){sum->input_tokens + node->usage.input_tokens, sum->output_tokens + node->usage.output_tokens,
                          sum->cost_usd + node->usage.cost_usd};
  }
  free(order);
  return true;
}

/* Children in the order in which they came to be: rows of the store, put in front from the last to the first. */
static bool link_children(struct tree *t) {
  uint32_t *by_row = calloc(t->count + 1, sizeof(*by_row));
  if (!by_row)
    return false;
  for (uint32_t i = 0; i < t->count; i++)
    by_row[t->nodes[i].row] = i;
  for (uint32_t row = t->count; row-- > 0;) {
    struct node *node = &t->nodes[by_row[row]];
    uint32_t *first = node->hung_on == NOBODY ? &t->roots[0] : &t->nodes[node->hung_on].first_child;
    t->roots[1] += node->hung_on == NOBODY;
    node->next = *first;
    *first = by_row[row];
  }
  free(by_row);
  return true;
}

/* ---- Writing it ---- */

static void write_value(const struct tree *t, const char *name, const bp_db_value *value) {
  const bp_json_1 *json = t->module->json;
  json->key(t->out, str_z(name));
  if (value->type == BP_DB_INTEGER)
    json->put_integer(t->out, value->integer);
  else if (value->type == BP_DB_TEXT)
    json->put_string(t->out, value->text);
  else
    json->put_null(t->out);
}

static void write_usage(const struct tree *t, const struct usage *usage) {
  const bp_json_1 *json = t->module->json;
  json->key(t->out, BP_LIT("usage"));
  json->object_begin(t->out);
  json->key(t->out, BP_LIT("input_tokens"));
  json->put_integer(t->out, usage->input_tokens);
  json->key(t->out, BP_LIT("output_tokens"));
  json->put_integer(t->out, usage->output_tokens);
  json->key(t->out, BP_LIT("cost_usd"));
  json->put_real(t->out, usage->cost_usd);
  json->object_end(t->out);
}

static const char *const shown[TREE_SHOWN_COUNT] = {"id",      "kind",       "title", "status",     "module",  "agent_id",
                                                    "task_id", "project_id", "pid",   "started_at", "ended_at"};

static void write_node(const struct tree *t, uint32_t index);

static void write_children(const struct tree *t, uint32_t first) {
  const bp_json_1 *json = t->module->json;
  json->key(t->out, BP_LIT("children"));
  json->array_begin(t->out);
  for (uint32_t i = first; i != NOBODY; i = t->nodes[i].next) {
    json->object_begin(t->out);
    write_node(t, i);
    json->object_end(t->out);
  }
  json->array_end(t->out);
}

/* The members of an open object. At most LEVELS_MOST deep. */
static void write_node(const struct tree *t, uint32_t index) {
  const struct node *node = &t->nodes[index];
  for (uint32_t column = 0; column < TREE_SHOWN_COUNT; column++) {
    bp_db_value value = value_at(t, QUERY_NODES, node->row, column);
    write_value(t, shown[column], &value);
  }
  write_usage(t, &node->usage);
  write_children(t, node->first_child);
}

/* The contract's words for a session in those of the timeline. */
static bp_db_value status_word(bp_str status) {
  return db_text(kit_same(status, "finished") ? BP_LIT("done") : kit_same(status, "stopped") ? BP_LIT("cancelled") : BP_LIT("running"));
}

static bp_str member(const struct observability *o, bp_json session, bp_str name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (o->json->get(session, name, &value) == BP_OK)
    o->json->string(value, &text);
  return text;
}

/* A root that is no node: the contract's session, or only its id where several nodes have no parent. */
static void write_session_root(const struct tree *t, bp_str session_id, bp_json session) {
  const struct observability *o = t->module;
  bp_str status = member(o, session, BP_LIT("status"));
  bool has_ended = session && !kit_same(status, "running");
  const bp_db_value values[TREE_SHOWN_COUNT] = {
      [TREE_ID] = db_text(session_id),
      [TREE_KIND] = db_text(BP_LIT("session")),
      [TREE_TITLE] = db_text(session ? member(o, session, BP_LIT("session_name")) : session_id),
      [TREE_STATUS] = session ? status_word(status) : db_text(BP_LIT("running")),
      [TREE_MODULE] = session ? db_text(BP_LIT("observability")) : db_null(),
      [TREE_AGENT_ID] = db_text(member(o, session, BP_LIT("agent_name"))),
      [TREE_STARTED_AT] = db_text(member(o, session, BP_LIT("created_at"))),
      [TREE_ENDED_AT] = has_ended ? db_text(member(o, session, BP_LIT("modified_at"))) : db_null(),
  };
  for (uint32_t column = 0; column < TREE_SHOWN_COUNT; column++)
    write_value(t, shown[column], &values[column]);
  write_usage(t, &t->totals);
  write_children(t, t->roots[0]);
}

static void write_tree(struct tree *t, bp_str session_id) {
  const struct observability *o = t->module;
  bp_json session = 0;
  o->json->object_begin(t->out);
  if (o->db->rows(t->outcome->result, QUERY_SESSION) > 0)
    o->json->parse(o->self, db_column(o->db, t->outcome, QUERY_SESSION, 0, SESSION_JSON_TEXT), &session, NULL);
  if (session || t->roots[1] != 1) {
    write_session_root(t, session_id, session);
  } else {
    t->nodes[t->roots[0]].usage = t->totals;
    write_node(t, t->roots[0]);
  }
  if (session)
    o->json->release(o->self, session);
  o->json->key(t->out, BP_LIT("node_count"));
  o->json->put_integer(t->out, t->total_count);
  o->json->key(t->out, BP_LIT("truncated"));
  o->json->put_boolean(t->out, t->is_truncated);
  o->json->object_end(t->out);
}

/* ---- The route ---- */

static struct tree *tree_new(const struct call *call, const bp_db_outcome *outcome) {
  const struct observability *o = call->module;
  uint32_t rows = o->db->rows(outcome->result, QUERY_NODES);
  uint32_t count = rows > call->limit ? call->limit : rows;
  struct tree *t = calloc(1, sizeof(*t) + count * sizeof(t->nodes[0]));
  if (!t)
    return NULL;
  *t = (struct tree){.module = o, .outcome = outcome, .count = count, .roots = {NOBODY, 0}, .is_truncated = rows > count};
  t->totals = usage_at(t, QUERY_TOTALS, 0, TOTAL_INPUT);
  t->total_count = value_at(t, QUERY_TOTALS, 0, TOTAL_COUNT).integer;
  read_nodes(t);
  if (hang(t) && link_children(t) && o->json->writer_new(o->self, &t->out) == BP_OK)
    return t;
  free(t);
  return NULL;
}

static void answer_tree(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  bp_str id = {NULL, 0};
  if (kit_call_failed(call, outcome))
    return;
  if (o->db->rows(outcome->result, QUERY_SESSION) == 0 && o->db->rows(outcome->result, QUERY_NODES) == 0) {
    kit_call_problem(call, 404, BP_LIT("Session not found"));
    return;
  }
  struct tree *t = tree_new(call, outcome);
  if (!t) {
    kit_call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  o->http->param(call->kit.request, BP_LIT("session_id"), &id);
  write_tree(t, id);
  kit_call_json(call, 200, o->json, t->out);
  free(t);
}

void timeline_tree(void *state, bp_request request) {
  struct observability *o = state;
  bp_str id = {NULL, 0};
  int64_t limit = 0;
  o->http->param(request, BP_LIT("session_id"), &id);
  o->http->param_integer(request, BP_LIT("limit"), &limit);
  struct call *call = call_new(o, request);
  if (!call)
    return;
  call->limit = (uint32_t)limit;
  const bp_db_value params[] = {db_text(id), db_integer(limit + 1)};
  const bp_db_query queries[QUERY_COUNT] = {
      [QUERY_SESSION] = {.size = sizeof(bp_db_query), .statement = SESSION_BY_ID, .max_rows = 1, .params = {params, 1, sizeof(params[0])}},
      [QUERY_NODES] = {.size = sizeof(bp_db_query), .statement = TREE_NODES, .max_rows = NODES_MOST + 1, .params = BP_ARRAY(params)},
      [QUERY_TOTALS] = {.size = sizeof(bp_db_query), .statement = TREE_TOTALS, .max_rows = 1, .params = {params, 1, sizeof(params[0])}},
  };
  kit_call_read(call, queries, QUERY_COUNT, answer_tree);
}
