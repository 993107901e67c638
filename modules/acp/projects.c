/* Projects: the minimal API that clients use. Its errors are {"error": text}, without "success" (contract 3.1). */
#include "acp.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

static void project_error(struct call *call, uint32_t status, const char *text) {
  const struct acp *m = call->m;
  bp_json_writer w = writer(m);
  if (!w) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  put_text(m, w, "error", str_z(text));
  m->json->object_end(w);
  m->http->reply_json(call->request, status, w);
  m->json->writer_free(w);
  call_free(call);
}

static void answer_project(struct call *call, uint32_t status, const bp_db_outcome *outcome) {
  const struct acp *m = call->m;
  bp_json_writer w = writer(m);
  if (!w) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  m->json->key(w, BP_LIT("project"));
  m->json->put_raw(w, db_column(m->db, outcome, 0, 0, 0));
  m->json->object_end(w);
  m->http->reply_json(call->request, status, w);
  m->json->writer_free(w);
  call_free(call);
}

static void on_project(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (call_failed(call, outcome))
    return;
  if (call->m->db->rows(outcome->result, 0) == 0)
    project_error(call, 404, "Project not found");
  else
    answer_project(call, call->number ? (uint32_t)call->number : 200, outcome);
}

static void on_projects(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct acp *m = call->m;
  if (call_failed(call, outcome))
    return;
  bp_json_writer w = writer(m);
  if (!w) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  m->json->key(w, BP_LIT("projects"));
  m->json->array_begin(w);
  for (uint32_t row = 0; row < m->db->rows(outcome->result, 0); row++)
    m->json->put_raw(w, db_column(m->db, outcome, 0, row, 0));
  m->json->array_end(w);
  m->json->object_end(w);
  m->http->reply_json(call->request, 200, w);
  m->json->writer_free(w);
  call_free(call);
}

void run_projects(struct call *call) {
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_PROJECTS, .max_rows = 10000};
  call_read(call, &query, on_projects);
}

void run_project_get(struct call *call) {
  const bp_db_value id = db_text(str_z(call->project.id));
  const bp_db_query query = {.size = sizeof(query), .statement = PROJECT_JSON_BY_ID, .max_rows = 1, .params = {&id, 1, (uint32_t)sizeof(id)}};
  call_read(call, &query, on_project);
}

/* ---- Fields ---- */

struct fields {
  bp_str name, fqdn_url, llm_provider, default_agent;
  int64_t container_port;
  bool has_url, has_port, has_provider;
};

static size_t characters(bp_str text) {
  size_t count = 0;
  for (size_t i = 0; i < text.len; i++)
    count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
  return count;
}

static bool is_present(const struct acp *m, bp_json body, const char *name) {
  bp_json value = 0;
  return body && m->json->get(body, str_z(name), &value) == BP_OK;
}

static bool is_text_or_null(const struct acp *m, bp_json body, const char *name, bp_str *ret) {
  bp_json value = get_value(m, body, name);
  return !value || m->json->string(value, ret) == BP_OK;
}

static bool is_url(bp_str text) {
  bool has_scheme = (text.len > 7 && memcmp(text.ptr, "http://", 7) == 0) || (text.len > 8 && memcmp(text.ptr, "https://", 8) == 0);
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == '@' || (unsigned char)text.ptr[i] == 0x7F)
      return false;
  return has_scheme && text.len < 1024;
}

/* NULL, or what is wrong. */
static const char *read_fields(const struct acp *m, bp_json body, struct fields *f) {
  *f = (struct fields){0};
  if (!is_text_or_null(m, body, "name", &f->name) || (is_present(m, body, "name") && (characters(f->name) < 1 || characters(f->name) > 100)))
    return "name must be a text of 1 to 100 characters";
  if (!is_text_or_null(m, body, "fqdnUrl", &f->fqdn_url) || (f->fqdn_url.len && !is_url(f->fqdn_url)))
    return "fqdnUrl must be an http or https URL without user information";
  if (get_value(m, body, "containerPort") &&
      (!get_integer(m, body, "containerPort", &f->container_port) || f->container_port < 1 || f->container_port > 65534))
    return "containerPort must be an integer from 1 to 65534";
  if (!is_text_or_null(m, body, "llmProvider", &f->llm_provider) || f->llm_provider.len > 200)
    return "llmProvider must be a text of at most 200 bytes";
  if (!is_text_or_null(m, body, "defaultAgentId", &f->default_agent) || f->default_agent.len > 100 ||
      (get_value(m, body, "defaultAgentId") && f->default_agent.len == 0))
    return "defaultAgentId must be a text of 1 to 100 bytes";
  f->has_url = is_present(m, body, "fqdnUrl");
  f->has_port = is_present(m, body, "containerPort");
  f->has_provider = is_present(m, body, "llmProvider");
  return NULL;
}

static bp_db_value text_or_null(bp_str text) {
  return text.len ? db_text(text) : db_null();
}

static bp_db_value port_or_null(int64_t port) {
  return port > 0 ? db_integer(port) : db_null();
}

static bp_db_step tell(void) {
  return (bp_db_step){.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR("acp.project"), .payload_step = 0};
}

void run_project_new(struct call *call) {
  struct fields f;
  char id[ID_BYTES];
  const char *fault = read_fields(call->m, call->body, &f);
  if (fault || !f.name.len) {
    project_error(call, 400, fault ? fault : "name must be a text of 1 to 100 characters");
    return;
  }
  nano_id(call->m, id);
  call->number = 201;
  const bp_db_value values[] = {db_text(str_z(id)),           db_text(f.name),
                                text_or_null(f.fqdn_url),     port_or_null(f.container_port),
                                text_or_null(f.llm_provider), text_or_null(f.default_agent)};
  const bp_db_step steps[] = {db_exec(ADD_PROJECT, values, 6), tell()};
  call_write(call, steps, 2, on_project);
}

void run_project_change(struct call *call) {
  struct fields f;
  const char *fault = read_fields(call->m, call->body, &f);
  if (fault) {
    project_error(call, 400, fault);
    return;
  }
  const bp_db_value values[] = {db_text(str_z(call->project.id)), text_or_null(f.name),         db_integer(f.has_url),
                                text_or_null(f.fqdn_url),         db_integer(f.has_port),       port_or_null(f.container_port),
                                db_integer(f.has_provider),       text_or_null(f.llm_provider), text_or_null(f.default_agent)};
  const bp_db_step steps[] = {db_exec(CHANGE_PROJECT, values, 9), tell()};
  call_write(call, steps, 2, on_project);
}

/* ---- Deleting: its sessions are not heard any more ---- */

static void forget_sessions(struct acp *m, const char *project) {
  for (struct watched *w = m->watched; w;) {
    struct watched *next = w->next;
    if (strcmp(w->project, project) == 0)
      watch_end(m, w->id);
    w = next;
  }
}

static void on_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (call_failed(call, outcome))
    return;
  if (call->m->db->rows(outcome->result, 0) == 0) {
    project_error(call, 404, "Project not found");
    return;
  }
  forget_sessions(call->m, call->project.id);
  call_text(call, 200, BP_LIT("{\"success\":true,\"message\":\"Project deleted\"}"));
}

void run_project_delete(struct call *call) {
  const bp_db_value id = db_text(str_z(call->project.id));
  const bp_db_step steps[] = {db_exec(DELETE_PROJECT, &id, 1), tell()};
  call_write(call, steps, 2, on_deleted);
}
