/* What the files of this module share: agents, their processes, sessions, turns, permissions, and each concept's entry points.
 *
 * The gateway runs ACP agents as children and speaks newline-delimited JSON-RPC 2.0 with them (see README.md). */
#ifndef ACP_GATEWAY_H
#define ACP_GATEWAY_H

#include "kit.h"

#define SERVICE_NAME "acp-gateway/1"
#define EVENT_TOPIC "acp-gateway.event"
#define PING_TOPIC "acp-gateway.ping"
#define SESSION_PING_TOPIC "acp-gateway.session_ping"

#define AGENTS_MAX 32
#define PROCESSES_MAX 64
#define SESSIONS_MAX 56          /* open ones: each has a root, and a plugin may have 64 */
#define PENDING_MAX 256          /* requests of ours that an agent has not answered */
#define MESSAGE_MAX (8u << 20)   /* one JSON-RPC message of an agent */
#define PERMISSIONS_MAX 32       /* open ones of one session */
#define TERMINALS_MAX 16         /* of one session */
#define TURN_TEXT_MAX (1u << 20) /* what is kept of an assistant's text in one turn */
#define EVENT_MAX (768u << 10)   /* one update on the live log; larger ones are cut */
#define WRITES_PAUSE 512         /* writes to the store under way, from which on an agent is not read */
#define ID_BYTES 129

struct gateway;
struct process;
struct session;

/* ---- text.c: small buffers and texts ---- */

bool str_eq(bp_str a, bp_str b);
/* Milliseconds since 1970, and as "2026-01-01T12:00:00.000Z". */
int64_t now_ms(const struct gateway *gw);
bp_str time_text(int64_t ms, char out[KIT_TIME_BYTES]);
void random_id(const struct gateway *gw, const char *prefix, char out[ID_BYTES]);
/* Members of an object; false where it is absent or of another type. */
bool get_text(const struct gateway *gw, bp_json object, const char *name, bp_str *ret);
bool get_integer(const struct gateway *gw, bp_json object, const char *name, int64_t *ret);
bool get_flag(const struct gateway *gw, bp_json object, const char *name);
/* The value itself, without null; 0 where there is none. */
bp_json get_value(const struct gateway *gw, bp_json object, const char *name);
bp_json_writer writer(const struct gateway *gw);
/* The value as JSON text in a fresh copy, or NULL. */
char *json_copy(const struct gateway *gw, bp_json value);
void put_text(const struct gateway *gw, bp_json_writer w, const char *name, bp_str value);
void put_text_or_null(const struct gateway *gw, bp_json_writer w, const char *name, bp_str value);
void put_integer(const struct gateway *gw, bp_json_writer w, const char *name, int64_t value);
void put_flag(const struct gateway *gw, bp_json_writer w, const char *name, bool value);
void put_raw_or_null(const struct gateway *gw, bp_json_writer w, const char *name, const char *json_text);
/* Appends `bytes` as valid UTF-8: what is not becomes U+FFFD. */
bool text_add_utf8(struct kit_buf *t, bp_str bytes, size_t limit);

/* ---- Agents ---- */

struct agent {
  struct gateway *gw;
  char *id, *name, *description, *auth_env, *auth_method;
  char **argv;
  uint32_t argc;
  char **env; /* name, value, name, value */
  uint32_t env_count;
  bool requires_auth, has_own_files;
  char *token; /* given by auth/token; wiped when it is replaced */
  int64_t token_expires_ms;
  char *error; /* why it is in error, or NULL */
  bool needs_auth;
};

/* One running agent program. Referenced by its sessions and by what waits for it. */
struct process {
  struct process *next;
  struct gateway *gw;
  struct agent *agent;
  unsigned references;
  bp_proc proc; /* 0: it has ended */
  char *env_key;
  bool is_ready, is_stopping, is_paused;
  int64_t started_ms, activity_ms;
  bp_timer slow; /* while it starts */
  struct kit_buf inbox, outbox;
  bool skips_line; /* inside a message that was too long */
  int64_t next_id;
  struct pending *pending;
  unsigned pending_count, garbage_count;
  unsigned garbage_run; /* lines in a row that are no messages, since garbage_ms */
  int64_t garbage_ms;
  struct waiter *waiters; /* who waits for it to be ready */
  char *last_words;       /* the end of its stderr, or NULL */
  size_t last_words_len;
  bool can_load, can_list, can_resume, can_close;
  char *capabilities, *auth_methods; /* JSON texts or NULL */
};

/* ---- Answers: a request or a call of the service, answered exactly once ---- */

struct call {
  struct call *next, *previous; /* all on the heap */
  struct gateway *gw;
  bp_request request;
  bp_service_call service;
  bp_str path_id; /* id from the path or the payload; valid while the operation starts */
  bp_json args;   /* body or payload, valid while the operation starts; 0: none */
  struct agent *agent;
  struct session *session;
  struct process *process; /* referenced, where set */
  char *text1, *text2;     /* the operation's own, freed with the call */
  int64_t number;
};
struct call *call_copy(const struct call *call); /* on the heap, for what ends later */
void call_free(struct call *call);
void calls_free(struct gateway *gw);
/* These answer; the call is not freed. `data` is written and freed. */
void call_answer(struct call *call, bp_json_writer data);
void call_answer_raw(struct call *call, bp_str data);
void call_fail(struct call *call, uint32_t http_status, bp_status status, const char *code, const char *message);

/* ---- Sessions ---- */

struct turn {
  struct call *call; /* who asked, NULL: answered already */
  int64_t started_ms;
  struct kit_buf said;    /* all of the assistant's text */
  struct kit_buf passage; /* the part not yet in the transcript */
  struct kit_buf thought;
  char *usage; /* JSON text or NULL */
  char id[ID_BYTES];
  bool is_cancelled;
};

struct session {
  struct session *next;
  struct gateway *gw;
  unsigned references;
  char id[ID_BYTES], acp_id[ID_BYTES];
  struct agent *agent;
  struct process *process; /* NULL: the agent has ended; the next prompt brings it back */
  char *cwd, *title, *parent, *timeline_root, *env_json, *mcp_json;
  bp_root root;
  int64_t created_ms, activity_ms;
  bool is_closed, is_attaching;
  struct turn *turn;
  struct permission *permissions;
  struct terminal *terminals;
  unsigned permission_count, terminal_count;
  char *modes, *config_options, *commands, *plan, *usage; /* JSON texts or NULL */
};

struct gateway {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_db_1 *db;
  const bp_live_1 *live;
  const bp_loop_1 *loop;
  const bp_proc_1 *proc;
  const bp_fs_1 *fs;
  const bp_service_1 *service;
  const bp_policy_1 *policy;
  struct agent *agents;
  uint32_t agent_count;
  struct process *processes;
  struct session *sessions;
  struct call *calls;
  unsigned writes; /* under way */
  bp_live_view all_view, session_view;
  int64_t permission_timeout_ms, turn_limit_ms, idle_ms, start_timeout_ms;
  char *folder; /* where sessions without a folder of their own work */
  bool is_draining;
};

void note(const struct gateway *gw, uint32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* options.c */
bp_status options_read(struct gateway *gw, bp_error *err);
void agents_free(struct gateway *gw);
struct agent *agent_find(struct gateway *gw, bp_str id);
bool agent_is_authenticated(const struct agent *agent);

/* process.c: the child and its state */
typedef void (*ready_fn)(void *ctx, struct process *process, const char *error); /* `process` NULL: it failed */
/* A process of the agent with this environment (object of texts, 0: any that runs), started where there is none. `done` runs once,
 * maybe at once; it gets the process without a reference of its own. */
void process_need(struct agent *agent, bp_json env, bp_str cwd, ready_fn done, void *ctx);
struct process *process_ref(struct process *process);
void process_unref(struct process *process);
void process_stop(struct process *process);
struct process *process_of(struct gateway *gw, const struct agent *agent); /* the first that runs, or NULL */
unsigned process_sessions(const struct process *process);
const char *agent_status(const struct agent *agent);
void process_write(struct process *process, bp_str bytes);
void process_balance(struct gateway *gw); /* stops or goes on reading agents, as the store keeps up */

/* rpc.c: JSON-RPC on the wire */
/* `result` 0: an error, with its code and message. Called once, also (code RPC_GONE) when the process ends. */
typedef void (*rpc_fn)(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message);
#define RPC_GONE (-1)
#define RPC_AUTH_REQUIRED (-32000)
#define RPC_NOT_FOUND (-32002)
#define RPC_INTERNAL (-32603)
#define RPC_INVALID (-32602)
/* `params` is taken and freed. */
void rpc_request(struct process *process, const char *method, bp_json_writer params, rpc_fn done, void *ctx);
void rpc_notify(struct process *process, const char *method, bp_json_writer params);
void rpc_result(struct process *process, const char *id, bp_json_writer result); /* taken; 0: {} */
void rpc_error(struct process *process, const char *id, int64_t code, const char *message);
void rpc_input(struct process *process, bp_str bytes);
void rpc_gone(struct process *process);
/* dispatch.c: what an agent asks of us. `id` is JSON text; NULL for a notification. */
void dispatch_incoming(struct process *process, const char *id, bp_str method, bp_json params);

/* session.c */
struct session *session_find(struct gateway *gw, bp_str id);
struct session *session_of(struct process *process, bp_str acp_id);
struct session *session_ref(struct session *session);
void session_unref(struct session *session);
void session_detach(struct session *session, const char *why); /* its process is gone */
void session_close(struct session *session, const char *status);
void session_touch(struct session *session);
void sessions_free(struct gateway *gw);
void sessions_sweep(struct gateway *gw);
void session_write(const struct session *session, bp_json_writer w);
const char *session_status(const struct session *session);
/* Brings the agent of a detached session back. `error` NULL: it is there. */
typedef void (*attached_fn)(void *ctx, const char *error);
void session_attach(struct session *session, attached_fn done, void *ctx);
void session_keep_state(struct session *session, bp_json result);
void op_session_new(struct call *call);
void op_session_get(struct call *call);
void op_session_close(struct call *call);
void op_sessions(struct call *call);
void sessions_restore(struct gateway *gw);
void op_session_mode(struct call *call);
void op_session_option(struct call *call);
void op_agent_sessions(struct call *call);

/* turn.c */
void op_prompt(struct call *call);
void op_cancel(struct call *call);
void turn_cancel(struct session *session);
void turn_end(struct session *session, const char *reason, const char *error);
/* Tells of a turn that ended with the host. */
void turn_tell_interrupted(struct gateway *gw, bp_str session, bp_str agent);

/* update.c */
void update_take(struct session *session, bp_json params);
void transcript_flush(struct session *session);
void transcript_add(struct session *session, const char *role, bp_str content);
void op_messages(struct call *call);

/* permission.c */
void permission_ask(struct session *session, const char *rpc_id, bp_json params);
void permissions_cancel(struct session *session);
void op_permission(struct call *call);
void op_permissions(struct call *call);
void permission_approval(void *ctx, const bp_live_event *event);
/* Asks the rules about something an agent does through us. `allowed` runs once. */
typedef void (*allowed_fn)(void *ctx, bool is_allowed, const char *reason);
void policy_ask(struct session *session, const char *kind, bp_str title, bp_str path, bp_str command, allowed_fn done, void *ctx);

/* files.c, terminal.c */
void files_read(struct session *session, const char *rpc_id, bp_json params);
void files_write(struct session *session, const char *rpc_id, bp_json params);
bool path_inside(const struct session *session, bp_str path, bp_str *ret_relative);
void terminal_create(struct session *session, const char *rpc_id, bp_json params);
void terminal_output(struct session *session, const char *rpc_id, bp_json params);
void terminal_wait(struct session *session, const char *rpc_id, bp_json params);
void terminal_kill(struct session *session, const char *rpc_id, bp_json params);
void terminal_release(struct session *session, const char *rpc_id, bp_json params);
void terminals_end(struct session *session);

/* event.c */
/* `data` is the object of the frame's "data"; taken and freed. `done` (may be NULL) runs once it is durable, or has failed. */
typedef void (*published_fn)(void *ctx, bp_status status);
void event_publish(struct gateway *gw, const char *type, bp_str session, bp_str agent, bp_json_writer data, published_fn done, void *ctx);
/* The same, and `more` (may be NULL) in the same transaction. */
void event_publish_with(struct gateway *gw, const char *type, bp_str session, bp_str agent, bp_json_writer data, const bp_db_step *more,
                        published_fn done, void *ctx);
void event_agent_status(struct agent *agent);
void event_error(struct gateway *gw, struct session *session, const char *message);
void views_init(struct gateway *gw);
void events_all(void *state, bp_request request);
void events_session(void *state, bp_request request);
/* Runs steps as one unit; counted. `done` may be NULL. */
void store_steps(struct gateway *gw, const bp_db_step *list, uint32_t count, published_fn done, void *ctx);
/* Runs one statement; counted, and forgotten. */
void store_run(struct gateway *gw, uint32_t statement, const bp_db_value *values, uint32_t count);

/* timeline.c: what other modules show of us */
void timeline_session(const struct session *session, const char *status);
void timeline_turn(const struct session *session, const char *status);
void timeline_tool(const struct session *session, bp_json update);
/* A command the agent runs through us: where it has started with its `title` and `pid`, later with pid 0 and how it ended. */
void timeline_process(const struct session *session, const char *id, bp_str title, int64_t pid, const char *status);
void timeline_budget(void *ctx, const bp_live_event *event);

/* agents.c */
void op_agents(struct call *call);
void op_agent_spawn(struct call *call);
void op_agent_stop(struct call *call);
void op_agent_status(struct call *call);
void op_auth_init(struct call *call);
void op_auth_status(struct call *call);
void op_auth_token(struct call *call);
void op_health(struct call *call);
void op_info(struct call *call);
void agent_write(const struct agent *agent, bp_json_writer w);

/* service.c, facts.c, routes.c */
bp_status service_start(struct gateway *gw);
bp_status facts_of_request(void *state, bp_request request, bp_json_writer facts);
#define ROUTE_COUNT 23
extern const bp_route gateway_routes[ROUTE_COUNT];

#endif
