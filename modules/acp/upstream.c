/* The gateway of a project behind one interface: a remote one over HTTP, or the built-in one as a service of this host. */
#include "acp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GATEWAY_PORT "4097"
#define ANSWER_MOST (16u << 20)

static const struct {
  const char *method, *before, *after, *service;
  uint32_t timeout_ms;
} ops[] = {
    [UP_AGENTS] = {"GET", "/agents", "", "agents", 30000},
    [UP_AGENT_SPAWN] = {"POST", "/agents/", "/spawn", "agent.spawn", 30000},
    [UP_AGENT_STOP] = {"POST", "/agents/", "/stop", "agent.stop", 30000},
    [UP_AGENT_STATUS] = {"GET", "/agents/", "/status", "agent.status", 30000},
    [UP_AUTH_INIT] = {"POST", "/agents/", "/auth/init", "agent.auth_init", 30000},
    [UP_AUTH_STATUS] = {"GET", "/agents/", "/auth/status", "agent.auth_status", 30000},
    [UP_AUTH_TOKEN] = {"POST", "/agents/", "/auth/token", "agent.auth_token", 30000},
    [UP_SESSION_NEW] = {"POST", "/session", "", "session.new", 30000},
    [UP_SESSION_CLOSE] = {"DELETE", "/session/", "", "session.close", 30000},
    [UP_PROMPT] = {"POST", "/session/", "/prompt", "session.prompt", 300000},
    [UP_CANCEL] = {"POST", "/session/", "/cancel", "session.cancel", 30000},
    [UP_PERMISSION] = {"POST", "/permission/", "", "permission", 30000},
    [UP_INFO] = {"GET", "/info", "", "info", 30000},
    [UP_HEALTH] = {"GET", "/health", "", "health", 5000},
};

/* ---- Which ---- */

/* The URL with its port replaced and without the slash at its end. False: not a URL we can use. */
static bool with_port(bp_str url, const char *port, char out[URL_BYTES]) {
  size_t scheme = url.len > 8 && strncasecmp(url.ptr, "https://", 8) == 0 ? 8 : url.len > 7 && strncasecmp(url.ptr, "http://", 7) == 0 ? 7 : 0;
  size_t end = scheme, host_end;
  if (scheme == 0 || url.len > URL_BYTES - 16 || memchr(url.ptr, '@', url.len) || memchr(url.ptr, '\0', url.len))
    return false;
  while (end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?' && url.ptr[end] != '#')
    end++;
  host_end = end;
  const char *bracket = memchr(url.ptr + scheme, ']', end - scheme);
  for (size_t i = bracket ? (size_t)(bracket - url.ptr) : scheme; i < end; i++)
    if (url.ptr[i] == ':') {
      host_end = i;
      break;
    }
  size_t path_end = end;
  while (path_end < url.len && url.ptr[path_end] != '?' && url.ptr[path_end] != '#')
    path_end++;
  while (path_end > end && url.ptr[path_end - 1] == '/')
    path_end--;
  int len = snprintf(out, URL_BYTES, "%.*s:%s%.*s", (int)host_end, url.ptr, port, (int)(path_end - end), url.ptr + end);
  return host_end > scheme && len > 0 && len < URL_BYTES;
}

bool upstream_of(const struct acp *m, const struct project *project, char url[URL_BYTES], const char **ret_fault) {
  url[0] = '\0';
  *ret_fault = NULL;
  if (project->fqdn_url.len && with_port(kit_text_str(&project->fqdn_url), GATEWAY_PORT, url))
    return true;
  if (!project->fqdn_url.len && project->container_port > 0) {
    (void)snprintf(url, URL_BYTES, "http://localhost:%lld", (long long)project->container_port + 1);
    return true;
  }
  if (!project->fqdn_url.len && m->has_builtin)
    return true;
  url[0] = '\0';
  *ret_fault = "Could not determine ACP Gateway URL for project";
  return false;
}

/* ---- Calling ---- */

struct exchange {
  struct acp *m;
  enum upstream_op op;
  upstream_fn done;
  void *ctx;
};

static void finish(struct exchange *x, bp_json data, bp_str whole, const char *error) {
  x->done(x->ctx, data, whole, error);
  free(x);
}

static void finish_failed(struct exchange *x, const char *what) {
  char text[400];
  (void)snprintf(text, sizeof(text), "Gateway request failed: %s", what);
  finish(x, 0, bp_str_make(NULL, 0), text);
}

/* The status is ignored; only "success" counts (contract 3.2). /health has no envelope. */
static void on_http(void *ctx, bp_exchange handle, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct exchange *x = ctx;
  struct acp *m = x->m;
  bp_json root = 0;
  bp_str text = BP_STR("the gateway gave no reason");
  char error[400];
  (void)handle;
  if (status != BP_OK) {
    finish_failed(x, err->message[0] ? err->message : "no answer");
    return;
  }
  if (kit_parse_lenient(m->json, m->self, body, &root, NULL) != BP_OK || m->json->type(root) != BP_JSON_OBJECT) {
    if (root)
      m->json->release(m->self, root);
    finish_failed(x, "the answer is not JSON");
    return;
  }
  bool is_good = x->op == UP_HEALTH ? http_status < 300 : get_flag(m, root, "success");
  bp_json data = get_value(m, root, "data");
  if (!get_text(m, root, "error", &text))
    get_text(m, get_value(m, root, "error"), "message", &text);
  (void)snprintf(error, sizeof(error), "%.*s", (int)(text.len > 390 ? 390 : text.len), text.ptr);
  finish(x, is_good ? (data ? data : root) : 0, body, is_good ? NULL : error);
  m->json->release(m->self, root);
}

static void call_http(struct exchange *x, const char *url, bp_str id, bp_str body) {
  struct acp *m = x->m;
  struct kit_buf target = {0};
  bp_exchange handle = 0;
  bp_error err = BP_ERROR_INIT;
  kit_buf_add(&target, str_z(url), URL_BYTES * 4);
  kit_buf_add(&target, str_z(ops[x->op].before), URL_BYTES * 4);
  if (ops[x->op].before[strlen(ops[x->op].before) - 1] == '/')
    percent_add(&target, id);
  kit_buf_add(&target, str_z(ops[x->op].after), URL_BYTES * 4);
  const bp_client_header headers[] = {
      {.size = sizeof(bp_client_header), .name = BP_STR("Accept"), .value = BP_STR("application/json")},
      {.size = sizeof(bp_client_header), .name = BP_STR("Content-Type"), .value = BP_STR("application/json")},
  };
  bool has_body = strcmp(ops[x->op].method, "POST") == 0;
  const bp_client_request request = {.size = sizeof(request),
                                     .method = str_z(ops[x->op].method),
                                     .url = kit_buf_str(&target),
                                     .headers = {headers, has_body ? 2 : 1, (uint32_t)sizeof(headers[0])},
                                     .body = has_body ? (body.len ? body : BP_LIT("{}")) : bp_str_make(NULL, 0),
                                     .connect_timeout_ms = 5000,
                                     .idle_timeout_ms = ops[x->op].timeout_ms,
                                     .total_timeout_ms = ops[x->op].timeout_ms,
                                     .response_limit_bytes = ANSWER_MOST};
  const bp_client_events events = {.size = sizeof(events), .done = on_http};
  bp_status status = m->client->send(m->self, &request, &events, x, &handle, &err);
  kit_buf_free(&target);
  if (status != BP_OK)
    finish_failed(x, err.message[0] ? err.message : "too many requests are under way");
}

static void on_service(void *ctx, bp_status status, bp_str payload) {
  struct exchange *x = ctx;
  struct acp *m = x->m;
  struct kit_buf whole = {0};
  bp_json root = 0;
  char error[400];
  if (status != BP_OK && payload.len == 0) {
    finish_failed(x, status == BP_E_NOT_FOUND ? "the built-in gateway is not enabled" : status == BP_E_TIMEOUT ? "no answer in time" : "no answer");
    return;
  }
  bool is_list = x->op == UP_AGENTS;
  if (status == BP_OK) {
    kit_buf_add(&whole, is_list ? BP_LIT("{\"success\":true,\"data\":{\"agents\":") : BP_LIT("{\"success\":true,\"data\":"), ANSWER_MOST);
    kit_buf_add(&whole, payload, ANSWER_MOST);
    kit_buf_add(&whole, is_list ? BP_LIT("}}") : BP_LIT("}"), ANSWER_MOST);
    if (m->json->parse(m->self, kit_buf_str(&whole), &root, NULL) != BP_OK) {
      kit_buf_free(&whole);
      finish_failed(x, "the answer is too large");
      return;
    }
    finish(x, get_value(m, root, "data"), kit_buf_str(&whole), NULL);
    m->json->release(m->self, root);
  } else {
    (void)snprintf(error, sizeof(error), "%.*s", (int)(payload.len > 390 ? 390 : payload.len), payload.ptr);
    finish(x, 0, bp_str_make(NULL, 0), error);
  }
  kit_buf_free(&whole);
}

/* {"id": id, ...the body's members} */
static void call_builtin(struct exchange *x, bp_str id, bp_str body) {
  struct acp *m = x->m;
  bp_json_writer w = writer(m);
  bp_json root = 0, value = 0;
  bp_str text = {NULL, 0}, name = {NULL, 0};
  uint64_t cursor = 0;
  bp_status status = w ? BP_OK : BP_E_NO_MEMORY;
  if (w) {
    m->json->object_begin(w);
    if (id.len)
      put_text(m, w, "id", id);
    if (body.len && m->json->parse(m->self, body, &root, NULL) == BP_OK)
      while (m->json->next(root, &cursor, &name, &value) == BP_OK)
        if (!(id.len && kit_same(name, "id"))) {
          m->json->key(w, name);
          m->json->put_value(w, value);
        }
    m->json->object_end(w);
    status = m->json->writer_text(w, &text, NULL);
  }
  if (status == BP_OK)
    status = m->service->call(m->self, BP_LIT(GATEWAY_SERVICE), str_z(ops[x->op].service), text, x->op == UP_PROMPT ? 3900000 : ops[x->op].timeout_ms,
                              on_service, x);
  if (w)
    m->json->writer_free(w);
  if (root)
    m->json->release(m->self, root);
  if (status != BP_OK)
    finish_failed(x, "too many requests are under way");
}

void upstream_call(struct acp *m, const char *url, enum upstream_op op, bp_str id, bp_str body, upstream_fn done, void *ctx) {
  struct exchange *x = calloc(1, sizeof(*x));
  if (!x) {
    done(ctx, 0, bp_str_make(NULL, 0), "out of memory");
    return;
  }
  *x = (struct exchange){.m = m, .op = op, .done = done, .ctx = ctx};
  if (url[0])
    call_http(x, url, id, body);
  else
    call_builtin(x, id, body);
}

void call_upstream(struct call *call, enum upstream_op op, bp_str id, bp_str body, upstream_fn done) {
  char url[URL_BYTES];
  const char *fault = NULL;
  if (upstream_of(call->m, &call->project, url, &fault))
    upstream_call(call->m, url, op, id, body, done, call);
  else
    call_problem(call, 500, "", fault);
}
