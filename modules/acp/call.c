/* One request: who may, which project, which session; and how it is answered. */
#include "acp.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Who may ---- */

static bool same_secret(bp_str a, bp_str b) {
  volatile unsigned char difference = (unsigned char)(a.len != b.len);
  for (size_t i = 0; i < a.len; i++)
    difference = (unsigned char)(difference | ((unsigned char)a.ptr[i] ^ (unsigned char)b.ptr[b.len ? i % b.len : 0]));
  return difference == 0;
}

static bool begins_with(bp_str text, const char *start) {
  return text.len >= strlen(start) && memcmp(text.ptr, start, strlen(start)) == 0;
}

static bool is_public(bp_str path) {
  bool is_api = begins_with(path, "/api/") || kit_same(path, "/api");
  return !is_api || kit_same(path, "/api/info");
}

/* Without API_TOKEN the host's own check is enough, and Authorization counts for nothing. Who came with a token of the host, or a
 * session of the dashboard, has proven more than API_TOKEN would. */
uint32_t acp_admit(void *state, bp_str method, bp_str path, bp_str authorization, bp_str principal) {
  const struct acp *m = state;
  (void)method;
  if (m->api_token.len == 0 || is_public(path) || begins_with(principal, "token:") || begins_with(principal, "session:"))
    return 1;
  if (authorization.len <= 7 || strncasecmp(authorization.ptr, "Bearer ", 7) != 0 || kit_same(kit_text_str(&m->api_token), PUBLISHED_TOKEN))
    return 0;
  return same_secret(bp_str_make(authorization.ptr + 7, authorization.len - 7), kit_text_str(&m->api_token));
}

/* ---- Life ---- */

/* What is under way goes on, but nobody waits for its answer. */
static void on_left(void *ctx, bp_request request, uint32_t reason) {
  struct call *call = ctx;
  (void)request;
  (void)reason;
  call->is_answered = true;
  if (call->exchange)
    call->m->client->cancel(call->exchange);
}

static struct call *begin(struct acp *m, bp_request request, call_fn run) {
  bp_str text = {NULL, 0};
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  *call = (struct call){.m = m, .request = request, .run = run, .next = m->calls};
  if (call->next)
    call->next->previous = call;
  m->calls = call;
  if (m->http->param(request, BP_LIT("projectId"), &text) == BP_OK)
    copy_name(call->project.id, NAME_BYTES, text);
  if (m->http->param(request, BP_LIT("agentId"), &text) == BP_OK)
    copy_name(call->agent, NAME_BYTES, text);
  if (m->http->param(request, BP_LIT("sessionId"), &text) == BP_OK)
    copy_name(call->session.id, NAME_BYTES, text);
  if (m->http->param(request, BP_LIT("permissionId"), &text) == BP_OK)
    copy_name(call->permission, NAME_BYTES, text);
  m->http->body(request, &call->body);
  m->http->defer(request, on_left, call);
  return call;
}

void call_free(struct call *call) {
  if (call->next)
    call->next->previous = call->previous;
  if (call->previous)
    call->previous->next = call->next;
  else
    call->m->calls = call->next;
  if (call->timer)
    call->m->loop->timer_cancel(call->timer);
  if (call->env)
    call->m->json->writer_free(call->env);
  kit_text_free(&call->project.fqdn_url);
  kit_text_free(&call->project.default_agent);
  kit_text_free(&call->session.folder);
  kit_text_free(&call->kept);
  kit_text_free(&call->kept2);
  free(call);
}

void calls_free(struct acp *m) {
  while (m->calls)
    call_free(m->calls);
}

void call_plain(struct acp *m, bp_request request, call_fn run) {
  struct call *call = begin(m, request, run);
  if (call)
    run(call);
}

static void keep_project(struct call *call, const bp_db_outcome *outcome) {
  bp_db_value port = {.size = sizeof(port)};
  call->project.fqdn_url = kit_text_copy(db_column(call->m->db, outcome, 0, 0, 0));
  call->project.default_agent = kit_text_copy(db_column(call->m->db, outcome, 0, 0, 2));
  call->m->db->value(outcome->result, 0, 0, 1, &port);
  call->project.container_port = port.type == BP_DB_INTEGER ? port.integer : 0;
}

static void on_found(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const bp_db_1 *db = call->m->db;
  if (call_failed(call, outcome))
    return;
  if (db->rows(outcome->result, 0) == 0) {
    call_problem(call, 404, "", "Project not found");
    return;
  }
  keep_project(call, outcome);
  if (call->session.id[0]) {
    if (!db_column(db, outcome, 0, 0, 3).ptr) {
      call_problem(call, 404, "", "Session not found");
      return;
    }
    copy_name(call->session.acp_id, NAME_BYTES, db_column(db, outcome, 0, 0, 4));
    copy_name(call->session.agent, NAME_BYTES, db_column(db, outcome, 0, 0, 5));
    copy_name(call->session.status, sizeof(call->session.status), db_column(db, outcome, 0, 0, 6));
    call->session.folder = kit_text_copy(db_column(db, outcome, 0, 0, 7));
  }
  call->run(call);
}

void call_project(struct acp *m, bp_request request, call_fn run) {
  struct call *call = begin(m, request, run);
  if (!call)
    return;
  const bp_db_value values[] = {db_text(str_z(call->project.id)), db_text(str_z(call->session.id))};
  const bp_db_query query = {.size = sizeof(query), .statement = PROJECT_AND_SESSION, .max_rows = 1, .params = BP_ARRAY(values)};
  call_read(call, &query, on_found);
}

void call_session(struct acp *m, bp_request request, call_fn run) {
  call_project(m, request, run);
}

/* ---- The store ---- */

bool call_failed(struct call *call, const bp_db_outcome *outcome) {
  if (outcome->status == BP_OK)
    return false;
  call_refuse(call, outcome->status, outcome->error);
  return true;
}

void call_write(struct call *call, const bp_db_step *steps, uint32_t count, bp_db_done_fn done) {
  bp_status status = call->m->db->write(call->m->self, (bp_array){steps, count, (uint32_t)sizeof(*steps)}, done, call);
  if (status != BP_OK)
    call_refuse(call, status, NULL);
}

void call_read(struct call *call, const bp_db_query *query, bp_db_done_fn done) {
  bp_status status = call->m->db->read(call->m->self, (bp_array){query, 1, (uint32_t)sizeof(*query)}, 0, done, call);
  if (status != BP_OK)
    call_refuse(call, status, NULL);
}

/* ---- Answers ---- */

void call_refuse(struct call *call, bp_status status, const bp_error *err) {
  if (!call->is_answered)
    call->m->http->reply_failure(call->request, status, err);
  call_free(call);
}

void call_problem(struct call *call, uint32_t status, const char *code, const char *message) {
  bp_problem problem = {.size = sizeof(problem), .status = status, .message = str_z(message), .code = str_z(code)};
  if (!call->is_answered)
    call->m->http->reply_problem(call->request, &problem);
  call_free(call);
}

void call_text(struct call *call, uint32_t status, bp_str json_text) {
  if (!call->is_answered)
    call->m->http->reply_text(call->request, status, BP_LIT("application/json"), json_text);
  call_free(call);
}

void call_data_text(struct call *call, bp_str data) {
  const struct acp *m = call->m;
  bp_json_writer w = writer(m);
  if (!w) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  put_flag(m, w, "success", true);
  m->json->key(w, BP_LIT("data"));
  m->json->put_raw(w, data);
  m->json->object_end(w);
  if (!call->is_answered)
    m->http->reply_json(call->request, 200, w);
  m->json->writer_free(w);
  call_free(call);
}

void call_data(struct call *call, bp_json_writer data) {
  const struct acp *m = call->m;
  bp_str text = {NULL, 0};
  if (data && m->json->writer_text(data, &text, NULL) == BP_OK)
    call_data_text(call, text);
  else
    call_refuse(call, BP_E_NO_MEMORY, NULL);
  if (data)
    m->json->writer_free(data);
}
