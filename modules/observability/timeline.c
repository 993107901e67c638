/* The service "timeline/1": what agents, tasks, turns, tools and processes of all modules do, as nodes with parents.
 *
 *   put   a node (see README.md); one with a known id is changed, and absent members stay as they are   -> {"ok":true}
 *
 * The tree made of them is timeline_tree.c; what their usage may be is budget.c. */
#include "observability.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES_MOST 512
#define TEXT_BYTES_MOST 4096
#define TOKENS_MOST (INT64_C(1) << 52) /* sums stay exact as JSON numbers */

enum member_kind { MEMBER_ID, MEMBER_TEXT, MEMBER_WORD, MEMBER_COUNT, MEMBER_REAL };

static const char *const kinds[] = {"session", "task", "turn", "tool", "process", "permission", NULL};
static const char *const statuses[] = {"pending", "running", "done", "failed", "cancelled", NULL};

static const struct member {
  const char *name;
  enum member_kind kind;
  const char *const *words;
} members[NODE_NOW_MS] = {
    [NODE_ID] = {"id", MEMBER_ID, NULL},
    [NODE_PARENT] = {"parent", MEMBER_ID, NULL},
    [NODE_SESSION_ID] = {"session_id", MEMBER_TEXT, NULL},
    [NODE_KIND] = {"kind", MEMBER_WORD, kinds},
    [NODE_TITLE] = {"title", MEMBER_TEXT, NULL},
    [NODE_STATUS] = {"status", MEMBER_WORD, statuses},
    [NODE_MODULE] = {"module", MEMBER_ID, NULL},
    [NODE_AGENT_ID] = {"agent_id", MEMBER_ID, NULL},
    [NODE_TASK_ID] = {"task_id", MEMBER_ID, NULL},
    [NODE_PROJECT_ID] = {"project_id", MEMBER_ID, NULL},
    [NODE_PID] = {"pid", MEMBER_COUNT, NULL},
    [NODE_STARTED_MS] = {"started_ms", MEMBER_COUNT, NULL},
    [NODE_ENDED_MS] = {"ended_ms", MEMBER_COUNT, NULL},
    [NODE_INPUT_TOKENS] = {"input_tokens", MEMBER_COUNT, NULL},
    [NODE_OUTPUT_TOKENS] = {"output_tokens", MEMBER_COUNT, NULL},
    [NODE_COST_USD] = {"cost_usd", MEMBER_REAL, NULL},
};

struct put {
  struct observability *module;
  bp_service_call service;
  bool has_usage;
  size_t id_len;
  char id[];
};

/* ---- Reading ---- */

static bool is_word(bp_str text, const char *const *words) {
  while (*words && (strlen(*words) != text.len || memcmp(*words, text.ptr, text.len) != 0))
    words++;
  return *words != NULL;
}

static bool read_text(const struct observability *o, bp_json value, const struct member *m, bp_db_value *ret) {
  bp_str text = {NULL, 0};
  size_t most = m->kind == MEMBER_ID ? ID_BYTES_MOST : TEXT_BYTES_MOST;
  if (o->json->string(value, &text) != BP_OK || text.len > most)
    return false;
  if ((m->kind == MEMBER_ID && text.len == 0) || (m->kind == MEMBER_WORD && !is_word(text, m->words)))
    return false;
  *ret = db_text(text);
  return true;
}

static bool read_number(const struct observability *o, bp_json value, const struct member *m, bp_db_value *ret) {
  int64_t count = 0;
  double real = 0;
  if (m->kind == MEMBER_COUNT) {
    *ret = db_integer(0);
    if (o->json->integer(value, &count) != BP_OK || count < 0 || count > TOKENS_MOST)
      return false;
    ret->integer = count;
    return true;
  }
  if (o->json->real(value, &real) != BP_OK || !(real >= 0 && real <= 1e12))
    return false;
  *ret = (bp_db_value){.size = sizeof(*ret), .type = BP_DB_REAL, .real = real};
  return true;
}

/* NULL, or the member that is wrong. */
static const struct member *read_node(const struct observability *o, bp_json node, bp_db_value ret[NODE_PARAM_COUNT]) {
  for (unsigned i = 0; i < NODE_NOW_MS; i++) {
    bp_json value = 0;
    ret[i] = db_null();
    if (o->json->get(node, str_z(members[i].name), &value) != BP_OK || o->json->type(value) == BP_JSON_NULL)
      continue;
    bool is_number = members[i].kind == MEMBER_COUNT || members[i].kind == MEMBER_REAL;
    if (!(is_number ? read_number : read_text)(o, value, &members[i], &ret[i]))
      return &members[i];
  }
  ret[NODE_NOW_MS] = db_integer(o->core->now_wall_ns() / 1000000);
  return NULL;
}

static void add_words(char text[256], const char *const *words) {
  size_t len = strlen(text);
  for (; *words && len < 200; words++)
    len += (size_t)snprintf(text + len, 256 - len, " %s", *words);
}

static bp_str fault_text(const struct member *m, char text[256]) {
  static const char *const wanted[] = {[MEMBER_ID] = "a string of 1 to 512 bytes",
                                       [MEMBER_TEXT] = "a string of at most 4096 bytes",
                                       [MEMBER_WORD] = "one of",
                                       [MEMBER_COUNT] = "an integer from 0 to 2^52",
                                       [MEMBER_REAL] = "a number from 0 to 1e12"};
  snprintf(text, 256, "\"%s\" must be %s", m->name, wanted[m->kind]);
  if (m->words)
    add_words(text, m->words);
  return str_z(text);
}

/* ---- Storing ---- */

static void on_put(void *ctx, const bp_db_outcome *outcome) {
  struct put *put = ctx;
  struct observability *o = put->module;
  if (outcome->status == BP_E_CONFLICT)
    o->service->answer(put->service, BP_E_INVALID, BP_LIT("a new node needs \"kind\", and \"session_id\" or a known \"parent\""));
  else if (outcome->status != BP_OK)
    o->service->answer(put->service, outcome->status, str_z(outcome->error->message));
  else
    o->service->answer(put->service, BP_OK, BP_LIT("{\"ok\":true}"));
  if (outcome->status == BP_OK && put->has_usage)
    budget_usage_changed(o, db_column(o->db, outcome, 0, 0, 1), bp_str_make(put->id, put->id_len));
  free(put);
}

static bp_status store(struct observability *o, bp_service_call service, const bp_db_value values[NODE_PARAM_COUNT]) {
  bp_str id = values[NODE_ID].text;
  struct put *put = malloc(sizeof(*put) + id.len);
  if (!put)
    return BP_E_NO_MEMORY;
  *put = (struct put){.module = o, .service = service, .id_len = id.len};
  memcpy(put->id, id.ptr, id.len);
  for (unsigned i = NODE_INPUT_TOKENS; i <= NODE_COST_USD; i++)
    put->has_usage |= values[i].type != BP_DB_NULL;
  /* The node is told of under its session, which a later put may leave out: the statement returns it. */
  const bp_db_step steps[] = {db_exec(PUT_NODE, values, NODE_PARAM_COUNT),
                              db_publish(BP_LIT("observability.timeline"), values[NODE_SESSION_ID].text, 0)};
  bp_status status = o->db->write(o->self, (bp_array)BP_ARRAY(steps), on_put, put);
  if (status != BP_OK)
    free(put);
  return status;
}

static void put_node(struct observability *o, bp_service_call service, bp_json node) {
  bp_db_value values[NODE_PARAM_COUNT];
  char text[256];
  const struct member *wrong = read_node(o, node, values);
  if (wrong) {
    o->service->answer(service, BP_E_INVALID, fault_text(wrong, text));
    return;
  }
  bp_str id = values[NODE_ID].text, parent = values[NODE_PARENT].text;
  if (!id.ptr || (parent.ptr && id.len == parent.len && memcmp(id.ptr, parent.ptr, id.len) == 0)) {
    o->service->answer(service, BP_E_INVALID, id.ptr ? BP_LIT("a node is not its own \"parent\"") : BP_LIT("\"id\" is missing"));
    return;
  }
  bp_status status = store(o, service, values);
  if (status != BP_OK)
    o->service->answer(service, status, BP_LIT("the store takes no more right now"));
}

static void on_call(void *ctx, bp_service_call service, bp_str method, bp_str payload) {
  struct observability *o = ctx;
  bp_error err = BP_ERROR_INIT;
  bp_json root = 0;
  if (method.len != 3 || memcmp(method.ptr, "put", 3) != 0) {
    o->service->answer(service, BP_E_UNSUPPORTED, BP_LIT("timeline/1 has the method put"));
    return;
  }
  bp_status status = o->json->parse(o->self, payload, &root, &err);
  if (status != BP_OK) {
    o->service->answer(service, status, str_z(err.message));
    return;
  }
  put_node(o, service, root);
  o->json->release(o->self, root);
}

bp_status timeline_start(struct observability *o) {
  timeline_end_interrupted(o); /* before anybody can put a node of this run */
  return o->service->serve(o->self, BP_LIT("timeline/1"), on_call, o);
}
