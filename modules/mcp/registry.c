/* The registry in memory: read from the store at start, listed, told about. Changing it is in edit.c. */
#include "instance.h"
#include "session.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t now_ms(const struct mcp *m) {
  return m->core->now_monotonic_ns() / 1000000;
}

void say(const struct mcp *m, uint32_t level, const char *message, bp_str server) {
  const bp_log_field field = {.size = sizeof(field), .key = BP_STR("server"), .value = server};
  m->log->write(m->self, level, str_z(message), (bp_array){&field, 1, (uint32_t)sizeof(field)});
}

/* ---- Entries ---- */

struct server *server_find(const struct mcp *m, bp_str id) {
  for (struct server *s = m->servers; s; s = s->next)
    if (!s->is_deleted && kit_same(id, s->id))
      return s;
  return NULL;
}

void server_free(struct server *s) {
  if (!s)
    return;
  char *const texts[] = {s->id, s->name, s->description, s->command, s->args, s->cwd, s->env, s->secret, s->url, s->created, s->updated};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    free(texts[i]);
  manifest_release(s->m, &s->manifest);
  text_release(&s->log_waiting[0]);
  text_release(&s->log_waiting[1]);
  free(s);
}

void server_let_go(struct server *server) {
  if (!server->is_deleted || server->instance_count > 0)
    return;
  for (struct server **at = &server->m->servers; *at; at = &(*at)->next)
    if (*at == server) {
      *at = server->next;
      break;
    }
  server_free(server);
}

static char *json_string_copy(const struct mcp *m, bp_json row, const char *key) {
  return str_copy(kit_member_text(m->json, row, key));
}

bool server_read(struct server *s, bp_str row_text) {
  const struct mcp *m = s->m;
  bp_json row = 0;
  if (m->json->parse(m->self, row_text, &row, NULL) != BP_OK)
    return false;
  struct {
    char **place;
    const char *key;
    bool is_json;
  } fields[] = {{&s->id, "id", false},           {&s->name, "name", false},      {&s->description, "description", false},
                {&s->command, "command", false}, {&s->args, "args", true},       {&s->cwd, "cwd", false},
                {&s->env, "env", true},          {&s->secret, "secret", false},  {&s->url, "url", false},
                {&s->created, "created", false}, {&s->updated, "updated", false}};
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
    free(*fields[i].place);
    *fields[i].place = fields[i].is_json ? json_copy(m, json_member(m, row, fields[i].key)) : json_string_copy(m, row, fields[i].key);
  }
  m->json->release(m->self, row);
  return s->id && s->name && s->command && s->args && s->env && s->created && s->updated;
}

struct server *server_add(struct mcp *m, bp_str row_text) {
  struct server *server = calloc(1, sizeof(*server));
  if (!server)
    return NULL;
  server->m = m;
  if (!server_read(server, row_text)) {
    server_free(server);
    return NULL;
  }
  struct server **end = &m->servers;
  while (*end)
    end = &(*end)->next;
  *end = server;
  return server;
}

/* ---- Loading ---- */

#define HELD_MOST 256u

struct held {
  struct held *next;
  bp_request request;
  bp_handler_fn handle;
};

bool registry_hold(struct mcp *m, bp_request request, bp_handler_fn handle) {
  if (m->is_loaded)
    return false;
  struct held *held = m->held_count < HELD_MOST ? calloc(1, sizeof(*held)) : NULL;
  if (!held) {
    m->http->reply_failure(request, BP_E_BUSY, NULL);
    return true;
  }
  *held = (struct held){m->held, request, handle};
  m->held = held;
  m->held_count++;
  m->http->defer(request, NULL, NULL);
  return true;
}

void registry_drop_held(struct mcp *m) {
  while (m->held) {
    struct held *held = m->held;
    m->held = held->next;
    free(held);
  }
}

static void begin_serving(struct mcp *m) {
  m->is_loaded = true;
  while (m->held) {
    struct held *held = m->held;
    m->held = held->next;
    held->handle(m, held->request);
    free(held);
  }
}

static void load_manifest(struct server *server, const bp_db_outcome *outcome, uint32_t row) {
  const struct mcp *m = server->m;
  for (uint32_t i = 0; i < LIST_KINDS; i++)
    server->manifest.lists[i] = manifest_parse(m, db_column(m->db, outcome, 0, row, 1 + i));
  server->manifest.capabilities = manifest_parse(m, db_column(m->db, outcome, 0, row, 1 + LIST_KINDS));
  server->manifest.is_known = server->manifest.capabilities != 0;
}

static void on_loaded(void *ctx, const bp_db_outcome *outcome) {
  struct mcp *m = ctx;
  if (outcome->status != BP_OK) {
    say(m, BP_LOG_ERROR, "the registry of MCP servers could not be read", str_z(outcome->error->message));
    begin_serving(m);
    return;
  }
  for (uint32_t row = 0; row < m->db->rows(outcome->result, 0); row++) {
    struct server *server = server_add(m, db_column(m->db, outcome, 0, row, 0));
    if (server)
      load_manifest(server, outcome, row);
  }
  begin_serving(m);
}

static void on_reset(void *ctx, const bp_db_outcome *outcome) {
  struct mcp *m = ctx;
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_SERVERS};
  const bp_array all = {&query, 1, (uint32_t)sizeof(query)};
  if (outcome->status != BP_OK && outcome->status != BP_E_FULL)
    say(m, BP_LOG_WARN, "what ran when the host ended could not be noted as stopped", str_z(outcome->error->message));
  if (m->db->read(m->self, all, 0, on_loaded, m) != BP_OK)
    say(m, BP_LOG_ERROR, "the registry of MCP servers could not be read", BP_LIT(""));
}

void registry_load(struct mcp *m) {
  const bp_db_step step = db_exec(RESET_STATUS, NULL, 0);
  const bp_array all = {&step, 1, (uint32_t)sizeof(step)};
  const bp_error err = BP_ERROR_INIT;
  const bp_db_outcome none = {.size = sizeof(none), .status = BP_E_FULL, .error = &err};
  if (m->db->write(m->self, all, on_reset, m) != BP_OK)
    on_reset(m, &none);
}

/* ---- Status ---- */

bool server_is_running(const struct server *server) {
  const struct instance *main = server->main;
  return main && main->phase != INSTANCE_ENDING && (main->remote || (main->has_proc && main->pid > 0));
}

int64_t server_pid(const struct server *server) {
  return server_is_running(server) ? server->main->pid : 0; /* 0 of a remote one */
}

/* One event for the desktop family's Socket.IO clients; told to everybody, as its originals did. */
void server_tell(struct mcp *m, const char *event, const char *room, bp_str payload) {
  bp_json_writer out = 0;
  bp_str text;
  if (m->live->listeners(BP_LIT("mcp.socket")) == 0 || m->json->writer_new(m->self, &out) != BP_OK)
    return;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("family"), BP_LIT("desktop"));
  json_text_member(m->json, out, BP_LIT("event"), str_z(event));
  json_text_member(m->json, out, BP_LIT("room"), str_z(room));
  m->json->key(out, BP_LIT("args"));
  m->json->array_begin(out);
  m->json->put_raw(out, payload);
  m->json->array_end(out);
  m->json->object_end(out);
  if (m->json->writer_text(out, &text, NULL) == BP_OK)
    m->live->publish(m->self, BP_LIT("mcp.socket"), BP_LIT(""), text);
  m->json->writer_free(out);
}

struct news {
  struct mcp *m;
  struct text payload;
};

static void on_noted(void *ctx, const bp_db_outcome *outcome) {
  struct news *news = ctx;
  if (outcome->status == BP_OK)
    server_tell(news->m, "mcp:updated", "", text_str(&news->payload));
  text_release(&news->payload);
  free(news);
}

static struct text status_text(const struct server *server, const char *action, const char *status, int64_t pid) {
  const struct mcp *m = server->m;
  struct text text = {0};
  bp_json_writer out = 0;
  bp_str written;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return text;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("id"), str_z(server->id));
  json_text_member(m->json, out, BP_LIT("action"), str_z(action));
  json_text_member(m->json, out, BP_LIT("status"), str_z(status));
  if (pid) {
    m->json->key(out, BP_LIT("pid"));
    m->json->put_integer(out, pid);
  }
  m->json->object_end(out);
  if (m->json->writer_text(out, &written, NULL) == BP_OK)
    text_add(&text, written);
  m->json->writer_free(out);
  return text;
}

void server_tell_status(struct server *server, const char *action) {
  struct mcp *m = server->m;
  int64_t pid = server_pid(server);
  const char *status = server_is_running(server) ? "running" : "stopped";
  struct news *news = calloc(1, sizeof(*news));
  if (!news)
    return;
  *news = (struct news){m, status_text(server, action, status, pid)};
  const bp_db_value values[] = {db_text(str_z(server->id)), db_text(str_z(status)), pid ? db_integer(pid) : db_null()};
  const bp_db_step steps[] = {db_exec(SET_STATUS, values, 3),
                              {.size = sizeof(bp_db_step),
                               .kind = BP_DB_PUBLISH,
                               .topic = BP_STR("mcp.updated"),
                               .key = str_z(server->id),
                               .payload = text_str(&news->payload)}};
  const bp_array all = BP_ARRAY(steps);
  if (m->db->write(m->self, all, on_noted, news) == BP_OK)
    return;
  text_release(&news->payload);
  free(news);
}

/* ---- Answers ---- */

bp_json_writer answer_begin(const struct mcp *m, bp_request request) {
  bp_json_writer out = 0;
  bp_status status = m->json->writer_new(m->self, &out);
  if (status != BP_OK) {
    m->http->reply_failure(request, status, NULL);
    return 0;
  }
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("success"));
  m->json->put_boolean(out, 1);
  return out;
}

void answer_end(const struct mcp *m, bp_request request, bp_json_writer out) {
  m->json->object_end(out);
  m->http->reply_json(request, 200, out);
  m->json->writer_free(out);
}

static void put_text_or_null(const struct mcp *m, bp_json_writer out, const char *key, const char *value) {
  m->json->key(out, str_z(key));
  if (value)
    m->json->put_string(out, str_z(value));
  else
    m->json->put_null(out);
}

void server_put(const struct server *s, bp_json_writer out) {
  const struct mcp *m = s->m;
  int64_t pid = server_pid(s);
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("id"), str_z(s->id));
  json_text_member(m->json, out, BP_LIT("name"), str_z(s->name));
  put_text_or_null(m, out, "description", s->description);
  json_text_member(m->json, out, BP_LIT("command"), str_z(s->command));
  m->json->key(out, BP_LIT("args"));
  m->json->put_raw(out, str_z(s->args));
  m->json->key(out, BP_LIT("env"));
  m->json->put_raw(out, s->url ? BP_LIT("{}") : str_z(s->env));
  if (s->url) {
    json_text_member(m->json, out, BP_LIT("type"), BP_LIT("http"));
    json_text_member(m->json, out, BP_LIT("url"), str_z(s->url));
    m->json->key(out, BP_LIT("headers"));
    m->json->put_raw(out, str_z(s->env));
  }
  put_text_or_null(m, out, "workingDirectory", s->cwd);
  json_text_member(m->json, out, BP_LIT("status"), server_is_running(s) ? BP_LIT("running") : BP_LIT("stopped"));
  m->json->key(out, BP_LIT("pid"));
  if (pid)
    m->json->put_integer(out, pid);
  else
    m->json->put_null(out);
  if (s->manifest.is_known) {
    m->json->key(out, BP_LIT("toolCount"));
    m->json->put_integer(out, s->manifest.lists[LIST_TOOLS] ? m->json->count(s->manifest.lists[LIST_TOOLS]) : 0);
  }
  json_text_member(m->json, out, BP_LIT("createdAt"), str_z(s->created));
  json_text_member(m->json, out, BP_LIT("updatedAt"), str_z(s->updated));
  m->json->object_end(out);
}

void mcp_list(void *state, bp_request request) {
  const struct mcp *m = state;
  bp_json_writer out = answer_begin(m, request);
  int64_t count = 0;
  if (!out)
    return;
  m->json->key(out, BP_LIT("servers"));
  m->json->array_begin(out);
  for (const struct server *s = m->servers; s; s = s->next) {
    if (s->is_deleted)
      continue;
    server_put(s, out);
    count++;
  }
  m->json->array_end(out);
  m->json->key(out, BP_LIT("count"));
  m->json->put_integer(out, count);
  answer_end(m, request, out);
}

void mcp_get(void *state, bp_request request) {
  const struct mcp *m = state;
  bp_str id = {NULL, 0};
  m->http->param(request, BP_LIT("id"), &id);
  const struct server *server = server_find(m, id);
  if (!server) {
    kit_problem(m->http, request, 404, BP_LIT("Server not found"));
    return;
  }
  bp_json_writer out = answer_begin(m, request);
  if (!out)
    return;
  m->json->key(out, BP_LIT("server"));
  server_put(server, out);
  answer_end(m, request, out);
}
