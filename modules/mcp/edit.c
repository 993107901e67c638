/* Making an entry: read and checked, its environment's values into bp.secret, then the row. The values are put under a new
 * name before the row that refers to it is written, so that neither is ever without the other. */
#include "edit.h"
#include "session.h"
#include "statements.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct draft *draft_new(struct mcp *m, edited_fn done, void *ctx) {
  struct draft *draft = calloc(1, sizeof(*draft));
  if (draft)
    *draft = (struct draft){.m = m, .done = done, .ctx = ctx};
  return draft;
}

void draft_free(struct draft *draft) {
  char *const texts[] = {draft->id,  draft->name,   draft->description, draft->command, draft->args,      draft->cwd,
                         draft->url, draft->values, draft->env,         draft->secret,  draft->old_secret};
  if (draft->values)
    memset(draft->values, 0, strlen(draft->values));
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    free(texts[i]);
  free(draft);
}

static void end(struct draft *draft, struct server *server, uint32_t status, const char *message) {
  draft->done(draft->ctx, server, status, message);
  draft_free(draft);
}

/* ---- Reading ---- */

static bool read_text(struct draft *draft, bp_json object, const char *key, char **place) {
  const struct mcp *m = draft->m;
  bp_json value = json_member(m, object, key);
  bp_str text;
  if (!value || m->json->type(value) == BP_JSON_NULL)
    return true;
  if (m->json->string(value, &text) != BP_OK || memchr(text.ptr, '\0', text.len))
    return false;
  free(*place);
  *place = str_copy(text);
  return true;
}

static bool are_texts(const struct mcp *m, bp_json array) {
  bp_str text;
  if (m->json->type(array) != BP_JSON_ARRAY)
    return false;
  for (uint32_t i = 0; i < m->json->count(array); i++) {
    bp_json item = 0;
    if (m->json->at(array, i, &item) != BP_OK || m->json->string(item, &text) != BP_OK)
      return false;
  }
  return true;
}

static bool is_id(const char *id) {
  size_t len = strlen(id);
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)id[i] < ' ' || id[i] == 0x7f || id[i] == '/')
      return false;
  bool is_dots = strcmp(id, ".") == 0 || strcmp(id, "..") == 0; /* clients resolve them away: no path could name it */
  return len > 0 && len <= MCP_ID_BYTES_MAX && !is_dots && strcmp(id, MCP_BUILTIN) != 0;
}

/* What the facts still name of the environment. */
static const char *read_env(struct draft *draft, bp_json names, bp_json env) {
  const struct mcp *m = draft->m;
  static char problem[320];
  uint64_t cursor = 0;
  bp_str name, text;
  bp_json value;
  bp_json_writer out = 0, masked = 0;
  bp_proc_env list[256];
  uint32_t count = 0;
  const char *why = NULL;
  if (m->json->writer_new(m->self, &out) != BP_OK || m->json->writer_new(m->self, &masked) != BP_OK)
    return "out of memory";
  m->json->object_begin(out);
  m->json->object_begin(masked);
  while (!why && m->json->next(env, &cursor, &name, &value) == BP_OK) {
    bool is_kept = false;
    for (uint32_t i = 0; i < m->json->count(names) && !is_kept; i++) {
      bp_json item = 0;
      bp_str kept = {NULL, 0};
      is_kept = m->json->at(names, i, &item) == BP_OK && m->json->string(item, &kept) == BP_OK && str_equal(kept, name);
    }
    if (!is_kept)
      continue;
    if (m->json->string(value, &text) != BP_OK || count == 256) {
      why = count == 256 ? "env has more than 256 variables" : "env (or headers) must be an object of strings";
      break;
    }
    list[count++] = (bp_proc_env){.size = sizeof(bp_proc_env), .name = name, .value = text};
    json_text_member(m->json, out, name, text);
    json_text_member(m->json, masked, name, BP_LIT(MCP_MASK));
  }
  m->json->object_end(out);
  m->json->object_end(masked);
  bp_error err = BP_ERROR_INIT;
  if (!why && !draft->url && m->proc->check_env((bp_array){list, count, (uint32_t)sizeof(list[0])}, &err) != BP_OK) {
    snprintf(problem, sizeof(problem), "%.200s", err.message);
    why = problem;
  }
  if (!why) {
    m->json->writer_text(out, &text, NULL);
    draft->values = count ? str_copy(text) : NULL;
    m->json->writer_text(masked, &text, NULL);
    free(draft->env);
    draft->env = str_copy(text);
    draft->has_env = true;
  }
  m->json->writer_free(out);
  m->json->writer_free(masked);
  return why;
}

/* A server that is reached over HTTP has no command. */
static const char *read_remote(struct draft *draft) {
  bp_str url = str_z(draft->url);
  if (!str_starts(url, "http://") && !str_starts(url, "https://"))
    return "url must begin with http:// or https://";
  if (!draft->command)
    draft->command = str_copy(BP_LIT(""));
  if (!draft->args)
    draft->args = str_copy(BP_LIT("[]"));
  return NULL;
}

const char *draft_read(struct draft *draft, bp_json facts, bp_json env) {
  const struct mcp *m = draft->m;
  bp_json args = json_member(m, facts, "args"), names = json_member(m, facts, "env");
  bool are = read_text(draft, facts, "name", &draft->name) && read_text(draft, facts, "description", &draft->description) &&
             read_text(draft, facts, "command", &draft->command) && read_text(draft, facts, "cwd", &draft->cwd) &&
             read_text(draft, facts, "url", &draft->url) && (!draft->is_new || read_text(draft, facts, "id", &draft->id));
  if (!are)
    return "id, name, description, command, url and workingDirectory must be strings";
  const char *remote_problem = draft->url ? read_remote(draft) : NULL;
  if (remote_problem)
    return remote_problem;
  if (args && m->json->type(args) != BP_JSON_NULL) {
    if (!are_texts(m, args))
      return "args must be an array of strings";
    if (m->json->count(args) > 255)
      return "args has more than 255 entries";
    free(draft->args);
    draft->args = json_copy(m, args);
  }
  if (!draft->id || !draft->id[0] || !draft->name || !draft->name[0] || !draft->command || (!draft->command[0] && !draft->url) || !draft->args)
    return draft->is_new ? "Missing required fields: id, name, command, args" : "name and command must not be empty";
  if (!is_id(draft->id))
    return "id must be 1 to 128 bytes without \"/\" and control characters, and not \".\", \"..\" or \"" MCP_BUILTIN "\"";
  if (draft->cwd && draft->cwd[0] && draft->cwd[0] != '/')
    return "workingDirectory must be an absolute path";
  if (draft->cwd && !draft->cwd[0]) {
    free(draft->cwd);
    draft->cwd = NULL;
  }
  if (!env || m->json->type(env) == BP_JSON_NULL)
    return NULL;
  if (m->json->type(env) != BP_JSON_OBJECT || !names)
    return "env (or headers) must be an object of strings";
  return read_env(draft, names, env);
}

/* ---- The row ---- */

static void on_removed(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  (void)ctx;
  (void)status; /* a value nothing refers to any more */
  (void)value;
  (void)err;
}

void secret_forget(struct mcp *m, const char *name) {
  if (name)
    m->secret->remove(m->self, BP_LIT(""), str_z(name), on_removed, m);
}

static void on_row(void *ctx, const bp_db_outcome *outcome) {
  struct draft *draft = ctx;
  struct mcp *m = draft->m;
  if (outcome->status != BP_OK) {
    if (draft->has_env)
      secret_forget(m, draft->secret);
    if (outcome->status == BP_E_EXISTS)
      end(draft, NULL, 400, "Server with this ID already exists");
    else if (outcome->status == BP_E_CONFLICT)
      end(draft, NULL, 404, "Server not found");
    else
      end(draft, NULL, outcome->status == BP_E_FULL ? 507 : 500, outcome->error->message);
    return;
  }
  bp_str row = db_column(m->db, outcome, 0, 0, 0);
  struct server *server = draft->is_new ? server_add(m, row) : server_find(m, str_z(draft->id));
  if (server && !draft->is_new)
    server_read(server, row);
  if (draft->has_env)
    secret_forget(m, draft->old_secret);
  if (server)
    server_tell_status(server, draft->is_new ? "create" : "update");
  if (server && draft->is_new)
    sessions_lists_changed(m, server); /* who lists again starts it once */
  end(draft, server, 500, "out of memory");
}

static void write_row(struct draft *draft) {
  struct mcp *m = draft->m;
  const bp_db_value values[] = {
      db_text(str_z(draft->id)),
      db_text(str_z(draft->name)),
      draft->description ? db_text(str_z(draft->description)) : db_null(),
      db_text(str_z(draft->command)),
      db_text(str_z(draft->args)),
      draft->cwd ? db_text(str_z(draft->cwd)) : db_null(),
      db_text(draft->env ? str_z(draft->env) : BP_LIT("{}")),
      draft->secret ? db_text(str_z(draft->secret)) : db_null(),
      draft->url ? db_text(str_z(draft->url)) : db_null(),
  };
  bp_db_step step = db_exec(draft->is_new ? INSERT_SERVER : UPDATE_SERVER, values, 9);
  step.expect = BP_DB_ONE;
  const bp_array all = {&step, 1, (uint32_t)sizeof(step)};
  bp_status status = m->db->write(m->self, all, on_row, draft);
  if (status != BP_OK)
    end(draft, NULL, status == BP_E_FULL ? 507 : 503, "the store takes nothing right now");
}

/* ---- The values ---- */

static void on_put(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct draft *draft = ctx;
  (void)value;
  if (status == BP_OK)
    write_row(draft);
  else
    end(draft, NULL, status == BP_E_FULL ? 507 : 500, err && err->message[0] ? err->message : "the values of env could not be stored");
}

static void put_values(struct draft *draft) {
  struct mcp *m = draft->m;
  char name[MCP_ID_BYTES_MAX + 32];
  uint64_t salt;
  if (!draft->values) {
    free(draft->secret);
    draft->secret = NULL;
    write_row(draft);
    return;
  }
  if (strlen(draft->values) > MCP_ENV_BYTES_MAX) {
    end(draft, NULL, 400, "env is larger than 60 KiB");
    return;
  }
  m->core->random_bytes(&salt, sizeof(salt));
  snprintf(name, sizeof(name), "env:%s:%016" PRIx64, draft->id, salt);
  free(draft->secret);
  draft->secret = str_copy(str_z(name));
  bp_status status = m->secret->put(m->self, BP_LIT(""), str_z(name), str_z(draft->values), 0, on_put, draft);
  if (status != BP_OK)
    end(draft, NULL, 503, "the values of env could not be stored now");
}

/* The stored value in the place of each mask; false: one has none. */
static bool merge(struct draft *draft, bp_str stored_text, char ret_name[65]) {
  const struct mcp *m = draft->m;
  bp_json given = 0, stored = 0, value;
  uint64_t cursor = 0;
  bp_str name, text;
  bp_json_writer out = 0;
  bool is_whole = m->json->writer_new(m->self, &out) == BP_OK;
  m->json->parse(m->self, str_z(draft->values), &given, NULL);
  if (stored_text.len)
    m->json->parse(m->self, stored_text, &stored, NULL);
  m->json->object_begin(out);
  while (is_whole && m->json->next(given, &cursor, &name, &value) == BP_OK) {
    m->json->string(value, &text);
    if (kit_same(text, MCP_MASK)) {
      bp_json kept = 0;
      is_whole = stored && m->json->get(stored, name, &kept) == BP_OK && m->json->string(kept, &text) == BP_OK;
      snprintf(ret_name, 65, "%.*s", (int)(name.len < 64 ? name.len : 64), name.ptr);
    }
    json_text_member(m->json, out, name, text);
  }
  m->json->object_end(out);
  if (is_whole && m->json->writer_text(out, &text, NULL) == BP_OK) {
    memset(draft->values, 0, strlen(draft->values));
    free(draft->values);
    draft->values = str_copy(text);
  }
  m->json->writer_free(out);
  m->json->release(m->self, given);
  if (stored)
    m->json->release(m->self, stored);
  return is_whole;
}

static void merge_and_put(struct draft *draft, bp_str stored) {
  char name[65] = "", message[200];
  if (merge(draft, stored, name)) {
    put_values(draft);
    return;
  }
  snprintf(message, sizeof(message), "env \"%s\" is the mask %s, but no value is stored for it: send its value", name, MCP_MASK);
  end(draft, NULL, 400, message);
}

static void on_old(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct draft *draft = ctx;
  if (status == BP_OK || status == BP_E_NOT_FOUND)
    merge_and_put(draft, value);
  else
    end(draft, NULL, 500, err && err->message[0] ? err->message : "the stored values of env cannot be read");
}

void draft_store(struct draft *draft) {
  struct mcp *m = draft->m;
  if (!draft->has_env) {
    write_row(draft);
    return;
  }
  draft->old_secret = draft->secret;
  draft->secret = NULL;
  bool has_mask = draft->values && strstr(draft->values, MCP_MASK);
  if (!has_mask) {
    put_values(draft);
  } else if (!draft->old_secret) {
    merge_and_put(draft, BP_LIT(""));
  } else if (m->secret->get(m->self, BP_LIT(""), str_z(draft->old_secret), on_old, draft) != BP_OK) {
    end(draft, NULL, 503, "the stored values of env cannot be read now");
  }
}
