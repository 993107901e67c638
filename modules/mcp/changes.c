/* The requests that change the registry: create, update, delete, import. */
#include "edit.h"
#include "instance.h"
#include "session.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- One entry ---- */

struct change {
  struct kit_call call;
  struct mcp *m;
};

static void on_edited(void *ctx, struct server *server, uint32_t status, const char *message) {
  struct change *change = ctx;
  struct mcp *m = change->m;
  if (!server) {
    kit_call_problem(change, status, str_z(message));
    return;
  }
  bp_json_writer out = answer_begin(m, change->call.request);
  if (out) {
    m->json->key(out, BP_LIT("server"));
    server_put(server, out);
    answer_end(m, change->call.request, out);
  }
  free(change);
}

static unsigned count_servers(const struct mcp *m) {
  unsigned count = 0;
  for (const struct server *s = m->servers; s; s = s->next)
    count++;
  return count;
}

static struct change *change_new(struct mcp *m, bp_request request) {
  struct change *change = kit_call_new(m->self, m->http, m->db, request, sizeof(*change));
  if (change)
    change->m = m;
  return change;
}

static void refuse_draft(struct draft *draft, const char *problem) {
  draft->done(draft->ctx, NULL, 400, problem);
  draft_free(draft);
}

/* The values of an entry that are not to be seen: headers of a remote server, else the environment. */
static bp_json secrets_of(const struct mcp *m, bp_json entry) {
  return json_member(m, entry, json_member(m, entry, "url") || json_member(m, entry, "headers") ? "headers" : "env");
}

void mcp_create(void *state, bp_request request) {
  struct mcp *m = state;
  bp_json facts = 0, body = 0;
  struct change *change = change_new(m, request);
  if (!change)
    return;
  struct draft *draft = draft_new(m, on_edited, change);
  if (!draft) {
    kit_call_refuse(change, BP_E_NO_MEMORY, NULL);
    return;
  }
  draft->is_new = true;
  m->http->facts(request, &facts);
  m->http->body(request, &body);
  const char *problem = draft_read(draft, facts, secrets_of(m, body));
  if (!problem && server_find(m, str_z(draft->id)))
    problem = "Server with this ID already exists";
  if (!problem && count_servers(m) >= MCP_SERVERS_MAX)
    problem = "the registry is full: 256 servers";
  if (problem)
    refuse_draft(draft, problem);
  else
    draft_store(draft);
}

/* The entry as it is, to be changed by what was sent. */
static bool fill(struct draft *draft, const struct server *s) {
  const struct {
    char **place;
    const char *value;
  } fields[] = {{&draft->id, s->id},           {&draft->name, s->name},     {&draft->description, s->description},
                {&draft->command, s->command}, {&draft->args, s->args},     {&draft->cwd, s->cwd},
                {&draft->env, s->env},         {&draft->secret, s->secret}, {&draft->url, s->url}};
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
    if (fields[i].value && !(*fields[i].place = str_copy(str_z(fields[i].value))))
      return false;
  return true;
}

/* The server a request's facts name, or NULL and 404. */
static struct server *server_of(struct mcp *m, bp_request request, bp_json *ret_facts) {
  m->http->facts(request, ret_facts);
  struct server *server = server_find(m, kit_member_text(m->json, *ret_facts, "id"));
  if (!server)
    kit_problem(m->http, request, 404, BP_LIT("Server not found"));
  return server;
}

void mcp_update(void *state, bp_request request) {
  struct mcp *m = state;
  bp_json facts = 0, body = 0;
  const struct server *server = server_of(m, request, &facts);
  struct change *change = server ? change_new(m, request) : NULL;
  if (!change)
    return;
  struct draft *draft = draft_new(m, on_edited, change);
  if (!draft || !fill(draft, server)) {
    if (draft)
      draft_free(draft);
    kit_call_refuse(change, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->http->body(request, &body);
  const char *problem = draft_read(draft, facts, secrets_of(m, body));
  if (problem)
    refuse_draft(draft, problem);
  else
    draft_store(draft);
}

/* ---- Deleting ---- */

struct deletion {
  struct kit_call call;
  struct mcp *m;
  struct text payload;
  char *id;
};

static void end_deletion(struct deletion *deletion) {
  text_release(&deletion->payload);
  free(deletion->id);
}

static void forget_server(struct mcp *m, struct server *server) {
  server->is_deleted = true;
  secret_forget(m, server->secret);
  for (struct instance *i = m->instances; i; i = i->next)
    if (i->server == server)
      instance_stop(i, "the server was deleted");
  sessions_lists_changed(m, server);
  server_let_go(server);
}

static void answer_deleted(struct deletion *deletion) {
  const struct mcp *m = deletion->m;
  bp_json_writer out = answer_begin(m, deletion->call.request);
  if (out) {
    json_text_member(m->json, out, BP_LIT("message"), BP_LIT("Server deleted"));
    answer_end(m, deletion->call.request, out);
  }
  free(deletion);
}

static void on_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct deletion *deletion = ctx;
  struct mcp *m = deletion->m;
  struct server *server = server_find(m, str_z(deletion->id));
  if (outcome->status == BP_OK) {
    if (server)
      forget_server(m, server);
    server_tell(m, "mcp:deleted", "", text_str(&deletion->payload));
    end_deletion(deletion);
    answer_deleted(deletion);
    return;
  }
  end_deletion(deletion);
  if (outcome->status == BP_E_CONFLICT)
    kit_call_problem(deletion, 404, BP_LIT("Server not found"));
  else
    kit_call_failed(deletion, outcome);
}

static struct text id_payload(const struct mcp *m, const char *id) {
  struct text text = {0};
  bp_json_writer out = 0;
  bp_str written;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return text;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("id"), str_z(id));
  m->json->object_end(out);
  if (m->json->writer_text(out, &written, NULL) == BP_OK)
    text_add(&text, written);
  m->json->writer_free(out);
  return text;
}

void mcp_delete(void *state, bp_request request) {
  struct mcp *m = state;
  bp_json facts = 0;
  const struct server *server = server_of(m, request, &facts);
  if (!server)
    return;
  struct deletion *deletion = kit_call_new(m->self, m->http, m->db, request, sizeof(*deletion));
  if (!deletion)
    return;
  deletion->m = m;
  deletion->id = str_copy(str_z(server->id));
  deletion->payload = id_payload(m, server->id);
  const bp_db_value values[] = {db_text(str_z(server->id))};
  bp_db_step steps[] = {db_exec(DELETE_SERVER, values, 1),
                        db_exec(CLEAR_TOOLS, values, 1),
                        db_exec(DROP_LOG, values, 1),
                        {.size = sizeof(bp_db_step),
                         .kind = BP_DB_PUBLISH,
                         .topic = BP_STR("mcp.deleted"),
                         .key = str_z(server->id),
                         .payload = text_str(&deletion->payload)}};
  steps[0].expect = BP_DB_ONE;
  const bp_array all = BP_ARRAY(steps);
  bp_status status = m->db->write(m->self, all, on_deleted, deletion);
  if (status == BP_OK)
    return;
  end_deletion(deletion);
  kit_call_refuse(deletion, status, NULL);
}

/* ---- Importing ---- */

/* One entry after the other; an id that is there already is left as it is. */
struct import {
  struct change change;
  bp_json facts; /* a copy of its own */
  bp_json env;
  uint32_t at;
  bp_json_writer out; /* the answer */
  bp_json_writer skipped, failed;
  int64_t count;
};

static void import_next(struct import *import);

static void import_end(struct import *import) {
  struct mcp *m = import->change.m;
  bp_str text;
  m->json->array_end(import->out);
  m->json->key(import->out, BP_LIT("count"));
  m->json->put_integer(import->out, import->count);
  m->json->array_end(import->skipped);
  m->json->key(import->out, BP_LIT("skipped"));
  if (m->json->writer_text(import->skipped, &text, NULL) == BP_OK)
    m->json->put_raw(import->out, text);
  m->json->array_end(import->failed);
  m->json->key(import->out, BP_LIT("failed"));
  if (m->json->writer_text(import->failed, &text, NULL) == BP_OK)
    m->json->put_raw(import->out, text);
  answer_end(m, import->change.call.request, import->out);
  m->json->writer_free(import->skipped);
  m->json->writer_free(import->failed);
  m->json->release(m->self, import->facts);
  if (import->env)
    m->json->release(m->self, import->env);
  free(import);
}

static void import_failed(struct import *import, bp_str id, const char *why) {
  const struct mcp *m = import->change.m;
  m->json->object_begin(import->failed);
  json_text_member(m->json, import->failed, BP_LIT("id"), id);
  json_text_member(m->json, import->failed, BP_LIT("error"), str_z(why));
  m->json->object_end(import->failed);
}

static void on_imported(void *ctx, struct server *server, uint32_t status, const char *message) {
  struct import *import = ctx;
  (void)status;
  bp_json item = 0;
  import->change.m->json->at(json_member(import->change.m, import->facts, "servers"), import->at++, &item);
  if (server) {
    server_put(server, import->out);
    import->count++;
  } else {
    import_failed(import, kit_member_text(import->change.m->json, item, "id"), message);
  }
  import_next(import);
}

static void import_next(struct import *import) {
  struct mcp *m = import->change.m;
  bp_json servers = json_member(m, import->facts, "servers"), item = 0;
  for (; m->json->at(servers, import->at, &item) == BP_OK; import->at++) {
    bp_str id = kit_member_text(m->json, item, "id");
    if (server_find(m, id)) {
      m->json->put_string(import->skipped, id);
      continue;
    }
    struct draft *draft = count_servers(m) < MCP_SERVERS_MAX ? draft_new(m, on_imported, import) : NULL;
    if (!draft) {
      import_failed(import, id, "the registry is full: 256 servers");
      continue;
    }
    draft->is_new = true;
    bp_json env = 0;
    if (import->env)
      m->json->get(import->env, id, &env);
    const char *problem = draft_read(draft, item, env);
    if (!problem) {
      draft_store(draft);
      return;
    }
    import_failed(import, id, problem);
    draft_free(draft);
  }
  import_end(import);
}

/* {name: {env}} of the body as {name: env}: it outlives the request's own. */
static bp_json copy_env(const struct mcp *m, bp_json servers) {
  bp_json_writer out = 0;
  uint64_t cursor = 0;
  bp_str name, text;
  bp_json value, copy = 0;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return 0;
  m->json->object_begin(out);
  while (m->json->next(servers, &cursor, &name, &value) == BP_OK) {
    bp_json env = secrets_of(m, value);
    if (!env)
      continue;
    m->json->key(out, name);
    m->json->put_value(out, env);
  }
  m->json->object_end(out);
  if (m->json->writer_text(out, &text, NULL) == BP_OK)
    m->json->parse(m->self, text, &copy, NULL);
  m->json->writer_free(out);
  return copy;
}

void mcp_import(void *state, bp_request request) {
  struct mcp *m = state;
  bp_json facts = 0, body = 0;
  m->http->facts(request, &facts);
  m->http->body(request, &body);
  bp_json servers = json_member(m, body, "mcpServers");
  if (!servers || m->json->type(servers) != BP_JSON_OBJECT) {
    kit_problem(m->http, request, 400, BP_LIT("mcpServers must be an object of servers by name"));
    return;
  }
  char *copy = json_copy(m, facts);
  struct import *import = copy ? kit_call_new(m->self, m->http, m->db, request, sizeof(*import)) : NULL;
  if (!import) {
    free(copy);
    return;
  }
  import->change.m = m;
  m->json->parse(m->self, str_z(copy), &import->facts, NULL);
  free(copy);
  import->env = copy_env(m, servers);
  m->json->writer_new(m->self, &import->skipped);
  m->json->writer_new(m->self, &import->failed);
  m->json->array_begin(import->skipped);
  m->json->array_begin(import->failed);
  import->out = answer_begin(m, request);
  m->json->key(import->out, BP_LIT("imported"));
  m->json->array_begin(import->out);
  import_next(import);
}
