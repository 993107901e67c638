/* What the files of this module share: the hub's state, the registry's servers and the running ones.
 *
 * A *server* is an entry of the registry. An *instance* is one running process of it: the shared one, which serves every
 * client that brings no abilities of its own, or a private one of a session whose client can be asked things (sampling,
 * elicitation, roots): so what a server asks can only reach the session it works for. Sessions are in session.h. */
#ifndef MCP_H
#define MCP_H

#include "text.h"

struct session;
struct instance;
struct call;
struct operation;
struct builtin;
struct held;

#define MCP_ID_BYTES_MAX 128u
#define MCP_SERVERS_MAX 256u
#define MCP_ENV_BYTES_MAX (60u * 1024)
#define MCP_PROTOCOL "2025-11-25"
#define MCP_MASK "********"
#define MCP_BUILTIN "backplane" /* the id of the built-in server; no entry may have it */

/* ---- Lists a server offers ---- */

/* What changed, as bits. */
#define CHANGED_TOOLS 1u
#define CHANGED_RESOURCES 2u
#define CHANGED_PROMPTS 4u
#define CHANGED_ALL 7u

enum list_kind { LIST_TOOLS, LIST_RESOURCES, LIST_TEMPLATES, LIST_PROMPTS, LIST_KINDS };

struct manifest {
  bool is_known;
  bp_json lists[LIST_KINDS]; /* parsed arrays, 0 for none; released with the manifest */
  bp_json capabilities;      /* object, or 0 */
};

/* manifest.c */
extern const char *const list_members[LIST_KINDS]; /* "tools", "resources", "resourceTemplates", "prompts" */
extern const char *const list_methods[LIST_KINDS];
void manifest_release(const struct mcp *m, struct manifest *manifest);
/* Asks a running instance for its lists; `done` runs once unless the instance ends. */
void manifest_discover(struct instance *instance, void (*done)(struct instance *instance, unsigned changed));
/* Reads back what was stored; NULL texts are absent. */
bp_json manifest_parse(const struct mcp *m, bp_str text);
void manifest_store(struct mcp *m, const char *server_id, const struct manifest *manifest);

/* ---- Servers ---- */

struct server {
  struct server *next;
  struct mcp *m;
  char *id, *name, *description, *command, *args, *cwd, *env, *secret, *url, *created, *updated; /* args and env are JSON text; env is masked */
  struct instance *main;                                                                         /* the shared one, or NULL */
  unsigned instance_count;
  struct manifest manifest;
  unsigned failures; /* in a row; the breaker */
  int64_t retry_at_ns;
  char failure[200]; /* the last one */
  int64_t log_window_ns;
  unsigned log_lines;         /* in this window */
  struct text log_waiting[2]; /* lines not yet in the store, by stream */
  bool is_deleted;            /* waits for its instances to end */
  bool is_late;               /* a list was answered without it: who asked is told when it is known */
  bool is_log_writing;
};

struct server *server_find(const struct mcp *m, bp_str id);
/* Adds or rereads an entry from its row; NULL and false without memory. */
struct server *server_add(struct mcp *m, bp_str row_text);
bool server_read(struct server *server, bp_str row_text);
void server_free(struct server *server);
/* True when its process runs. */
bool server_is_running(const struct server *server);
int64_t server_pid(const struct server *server);
void server_put(const struct server *server, bp_json_writer out);
/* Frees a deleted server once nothing of it runs. */
void server_let_go(struct server *server);
/* Stores and tells the new status; `action` is what happened. */
void server_tell_status(struct server *server, const char *action);
void server_tell(struct mcp *m, const char *event, const char *room, bp_str payload);

/* log.c: what servers say outside the protocol. */
void log_line(struct server *server, uint32_t stream, bp_str line);
void log_flush(struct mcp *m);

/* ---- The hub ---- */

struct mcp {
  bp_plugin self;
  const struct bp_host *host;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_stream_1 *stream;
  const bp_live_1 *live;
  const bp_db_1 *db;
  const bp_policy_1 *policy;
  const bp_proc_1 *proc;
  const bp_loop_1 *loop;
  const bp_secret_1 *secret;
  const bp_client_1 *client;
  const bp_events_1 *events;

  struct server *servers; /* in the order they were added */
  struct instance *instances;
  struct session *sessions;
  struct operation *operations; /* of control.c, which wait for a server's end */
  unsigned session_count, instance_count, starting_count;
  struct builtin *builtin;
  struct held *held; /* requests that came before the registry was read */
  unsigned held_count;
  bool is_loaded, is_draining, is_stopping;
  int64_t stop_calls_ms; /* when the calls still running at a stop are failed; 0: not set */
  bp_timer tick;

  /* options */
  int64_t start_timeout_ms, call_timeout_ms, list_wait_ms, idle_ms, session_idle_ms, starts_at_once, instances_most, sessions_most,
      message_bytes_most;
  int64_t search_from;
  bool has_prefix, is_always_private, has_builtin;
  bp_json groups; /* object */
};

int64_t now_ms(const struct mcp *m);
void say(const struct mcp *m, uint32_t level, const char *message, bp_str server);

/* registry.c */
void registry_load(struct mcp *m);
/* registry_hold is true where the registry has not been read yet, and the request will be handled when it is. */
void registry_drop_held(struct mcp *m);
bool registry_hold(struct mcp *m, bp_request request, bp_handler_fn handle);
void mcp_list(void *state, bp_request request);
void mcp_get(void *state, bp_request request);
/* edit.c */
void mcp_create(void *state, bp_request request);
void mcp_update(void *state, bp_request request);
void mcp_delete(void *state, bp_request request);
/* import.c */
void mcp_import(void *state, bp_request request);
/* control.c */
void mcp_action(void *state, bp_request request);
void mcp_tools(void *state, bp_request request);
void mcp_execute(void *state, bp_request request);
void mcp_logs(void *state, bp_request request);
/* facts.c */
bp_status facts_create(void *state, bp_request request, bp_json_writer facts);
bp_status facts_update(void *state, bp_request request, bp_json_writer facts);
bp_status facts_delete(void *state, bp_request request, bp_json_writer facts);
bp_status facts_import(void *state, bp_request request, bp_json_writer facts);
bp_status facts_action(void *state, bp_request request, bp_json_writer facts);
bp_status facts_execute(void *state, bp_request request, bp_json_writer facts);

/* A desktop answer {"success":true ...}: 0 when there is no memory and the request has been answered. */
bp_json_writer answer_begin(const struct mcp *m, bp_request request);
void answer_end(const struct mcp *m, bp_request request, bp_json_writer out);

#endif
