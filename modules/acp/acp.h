/* What the files of this module share: calls, projects and sessions as they are read, upstreams, and each concept's entry points.
 *
 * The management API of ACP agents: projects, sessions, messages, tokens; agents run in a gateway, built in or remote (README.md). */
#ifndef ACP_H
#define ACP_H

#include "kit.h"

#define GATEWAY_SERVICE "acp-gateway/1"
#define GATEWAY_TOPIC "acp-gateway.event"
#define PUBLISHED_TOKEN "dev-token-change-in-production" /* refused */
#define ID_BYTES 22                                      /* nanoid(21) */
#define NAME_BYTES 160
#define URL_BYTES 2048
#define TEXT_MOST (1u << 20) /* of one assistant message */
#define WATCHED_MOST 128     /* sessions whose events are listened to */
#define EXPIRY_MARGIN_S 300  /* a token that ends within this time counts as ended */

struct acp;

struct acp {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_stream_1 *stream;
  const bp_db_1 *db;
  const bp_live_1 *live;
  const bp_loop_1 *loop;
  const bp_service_1 *service;
  const bp_client_1 *client;
  const bp_secret_1 *secret;
  struct kit_text api_token, user;
  bool has_builtin;
  struct watched *watched;
  unsigned watched_count;
  struct project_view *views;
  struct call *calls;
  struct grant *grants; /* OAuth flows under way */
  struct refreshing *refreshing;
  bool is_draining;
};

/* ---- One request ---- */

struct project {
  char id[NAME_BYTES];
  struct kit_text fqdn_url, default_agent;
  int64_t container_port; /* 0: none */
};

struct session {
  char id[NAME_BYTES], acp_id[NAME_BYTES], agent[NAME_BYTES], status[16];
  struct kit_text folder;
};

typedef void (*call_fn)(struct call *call);

struct call {
  struct call *next, *previous;
  struct acp *m;
  bp_request request;
  call_fn run;
  struct project project;
  struct session session;
  char agent[NAME_BYTES]; /* from the path */
  char permission[NAME_BYTES];
  bp_json body;         /* 0: none; stale once the client has left */
  struct kit_text kept; /* the operation's own */
  struct kit_text kept2;
  bp_json_writer env; /* tokens for the agent, while they are collected */
  int64_t number;
  bp_timer timer;
  bp_exchange exchange; /* ended where the client leaves before an answer */
  bool is_answered;
};

/* call.c: the checks all routes share. Each returns with the request answered, or `run` called, now or later. */
void call_plain(struct acp *m, bp_request request, call_fn run);                                     /* no project */
void call_project(struct acp *m, bp_request request, call_fn run);                                   /* and the project of the path */
void call_session(struct acp *m, bp_request request, call_fn run);                                   /* and the session of the path */
uint32_t acp_admit(void *state, bp_str method, bp_str path, bp_str authorization, bp_str principal); /* the family's check of API_TOKEN */
void call_free(struct call *call);
void calls_free(struct acp *m);
/* These answer and free the call (call_answer_*: unless it was answered before). */
void call_data(struct call *call, bp_json_writer data); /* {"success":true,"data":…}; frees the writer */
void call_data_text(struct call *call, bp_str data);
void call_text(struct call *call, uint32_t status, bp_str json_text);
void call_problem(struct call *call, uint32_t status, const char *code, const char *message);
void call_refuse(struct call *call, bp_status status, const bp_error *err);
bool call_failed(struct call *call, const bp_db_outcome *outcome);
void call_write(struct call *call, const bp_db_step *steps, uint32_t count, bp_db_done_fn done);
void call_read(struct call *call, const bp_db_query *query, bp_db_done_fn done);

/* text.c */
bp_json_writer writer(const struct acp *m);
bp_json get_value(const struct acp *m, bp_json object, const char *name);
bool get_text(const struct acp *m, bp_json object, const char *name, bp_str *ret);
bool get_integer(const struct acp *m, bp_json object, const char *name, int64_t *ret);
bool get_flag(const struct acp *m, bp_json object, const char *name);
void put_text(const struct acp *m, bp_json_writer w, const char *name, bp_str value);
void put_flag(const struct acp *m, bp_json_writer w, const char *name, bool value);
struct kit_text json_copy(const struct acp *m, bp_json value);
struct kit_text text_copy(bp_str text); /* never without a pointer, unless there is no memory */
void copy_name(char *to, size_t size, bp_str from);
void nano_id(const struct acp *m, char id[ID_BYTES]);
void percent_add(struct kit_buf *out, bp_str text);
void note(const struct acp *m, uint32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));
int64_t now_s(const struct acp *m);
bp_str time_of_s(int64_t seconds, char out[KIT_TIME_BYTES]);

/* ---- upstream.c: the gateway of a project ---- */

enum upstream_op {
  UP_AGENTS,
  UP_AGENT_SPAWN,
  UP_AGENT_STOP,
  UP_AGENT_STATUS,
  UP_AUTH_INIT,
  UP_AUTH_STATUS,
  UP_AUTH_TOKEN,
  UP_SESSION_NEW,
  UP_SESSION_CLOSE,
  UP_PROMPT,
  UP_CANCEL,
  UP_PERMISSION,
  UP_INFO,
  UP_HEALTH
};
/* `url` gets the gateway's base URL, or "" for the built-in one. False: there is none (and why, for the answer). */
bool upstream_of(const struct acp *m, const struct project *project, char url[URL_BYTES], const char **ret_fault);
/* `data` 0 and `error` for a failure; `whole` is the body as JSON text where one came. Runs once. */
typedef void (*upstream_fn)(void *ctx, bp_json data, bp_str whole, const char *error);
/* `body`: a JSON object as text, or empty. */
void upstream_call(struct acp *m, const char *url, enum upstream_op op, bp_str id, bp_str body, upstream_fn done, void *ctx);
/* The same for a call's project; where it has no gateway the call is answered with 500. */
void call_upstream(struct call *call, enum upstream_op op, bp_str id, bp_str body, upstream_fn done);

/* ---- watch.c and intake.c: what is persisted of the events of sessions ---- */

struct watched {
  struct watched *next;
  struct acp *m;
  char id[NAME_BYTES], project[NAME_BYTES], acp_id[NAME_BYTES];
  char *url; /* "" built in */
  struct kit_buf text;
  uint64_t seen_seq, text_seq; /* of the built-in gateway's log: the last event heard, and the last one in `text` */
  bool in_turn;
  int64_t touched_s;
  struct sse *sse; /* of a remote gateway */
};
struct watched *watch(struct acp *m, const char *id, const char *project, const char *acp_id, const char *url);
struct watched *watched_of(struct acp *m, bp_str acp_id); /* of the built-in gateway */
void watch_end(struct acp *m, const char *id);
void watches_sweep(struct acp *m);
void watches_free(struct acp *m);
bp_status watches_restore(struct acp *m);
/* Runs once the remote stream is open, has failed, or two seconds have passed. */
typedef void (*watch_ready_fn)(void *ctx);
void watch_ready(struct watched *w, watch_ready_fn done, void *ctx);
void intake(struct watched *w, bp_str payload);
void intake_live(void *ctx, const bp_live_event *event);
void intake_prompt_done(struct acp *m, const char *id, const char *error);
/* sse.c: one event stream of a remote gateway, opened again when it ends */
struct sse;
struct sse *sse_open(struct watched *w);
void sse_close(struct sse *sse);
bool sse_is_open(const struct sse *sse);
void sse_ready(struct sse *sse, watch_ready_fn done, void *ctx);

/* ---- tokens.c ---- */

bool token_is_good(const struct acp *m, bp_str expires_at);
/* The variables of an agent's stored token, as the JSON object of "env", or empty; refreshed first where that is due. */
typedef void (*env_fn)(void *ctx, bp_str env, bool has_token);
void token_env(struct acp *m, bp_str agent, bool is_builtin, env_fn done, void *ctx);
typedef void (*token_fn)(void *ctx, bp_status status);
struct new_token {
  bp_str access, refresh, scopes;
  int64_t expires_in_s; /* 0: never */
};
void token_store(struct acp *m, bp_str agent, const struct new_token *token, token_fn done, void *ctx);

/* ---- oauth.c and oauth_*.c ---- */

bool oauth_knows(const struct acp *m, bp_str agent);
void oauth_start(struct call *call);
void oauth_finish(struct call *call, bp_str code, bp_str state);
void oauth_refresh(struct acp *m, bp_str agent, bp_str refresh_token, token_fn done, void *ctx);
void oauth_free(struct acp *m);

/* ---- Handlers; the file each is in stands in routes.c ---- */

void run_agents(struct call *call);
void run_agent_spawn(struct call *call);
void run_agent_stop(struct call *call);
void run_agent_status(struct call *call);
void run_auth_start(struct call *call);
void run_auth_status(struct call *call);
void run_auth_callback(struct call *call);
void run_auth_delete(struct call *call);
void run_tokens(struct call *call);
void run_health(struct call *call);
void run_info(struct call *call);
void run_session_new(struct call *call);
void run_sessions(struct call *call);
void run_session_get(struct call *call);
void run_session_end(struct call *call);
void run_prompt(struct call *call);
void run_cancel(struct call *call);
void run_permission(struct call *call);
void run_events(struct call *call);
void run_session_events(struct call *call);
void run_projects(struct call *call);
void run_project_get(struct call *call);
void run_project_new(struct call *call);
void run_project_change(struct call *call);
void run_project_delete(struct call *call);
void run_oauth_callback(struct call *call);
void acp_health(void *state, bp_request request);
void acp_info(void *state, bp_request request);
void opencode_pass(void *state, bp_request request);
void views_free(struct acp *m);
bp_status facts_of_request(void *state, bp_request request, bp_json_writer facts);

#define ROUTE_COUNT 31
extern const bp_route acp_routes[ROUTE_COUNT];

#endif
