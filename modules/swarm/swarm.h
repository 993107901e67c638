/* What the files of this module share: its state, sessions with their todos and agents, and each concept's entry points.
 *
 * A prompt is decomposed into todos, which workers finish (see README.md). What clients read comes from the store; what is in memory
 * here are the sessions that are still going on. */
#ifndef SWARM_H
#define SWARM_H

#include "kit.h"

#define AGENTS_MOST 4u
#define TODOS_MOST 64u
#define SESSIONS_MOST 1000u       /* that have not ended */
#define WORKING_MOST 32u          /* of those, that have workers; the others wait */
#define RETURNS_MOST 2u           /* times a task goes back to pending because its worker died */
#define LINE_BYTES (1024u * 1024) /* of a worker; a longer one is passed over */
#define SAID_BYTES (64u * 1024)   /* of an action or a reasoning; more is cut */
#define OUTBOX_FULL 256u          /* changes that wait for the store before workers are held up */
#define OUTBOX_LOW 64u
#define HISTORY_MOST 5000 /* log events kept of one session */
#define REPLACE_MS 200    /* before a dead worker is replaced; doubled each time */
#define STOPPING_MS 5000  /* a prompt may still be decomposed in when the host stops; it waits ten seconds for answers */
#define RETIRE_MS 10000   /* a worker may take to end after its stdin was closed */
#define STRAYS_MOST 100u  /* lines of one worker that are no messages and are logged */

struct swarm;
struct session;

struct todo {
  char id[KIT_UUID_BYTES];
  struct kit_text description;
  bool is_assigned, is_completed;
  bool has_failed; /* its workers died too often; clients see it as pending */
  uint32_t deaths;
  const struct agent *agent; /* while assigned */
};

#define AGENT_BOOTING 0u
#define AGENT_WORKING 1u
#define AGENT_IDLE 2u
#define AGENT_TERMINATED 3u

struct agent {
  struct agent *next;
  struct session *session;
  char id[KIT_UUID_BYTES];
  uint32_t position;
  uint32_t status; /* AGENT_* */
  struct todo *task;
  /* a command */
  bp_proc proc;
  bool has_proc; /* until its exit is told */
  bp_timer retire_timer;
  bool is_retiring;
  bp_timer idle_timer;
  bool is_timed;    /* idle_timer is set */
  int64_t heard_ns; /* when its worker last wrote, or was given a task */
  uint32_t strays;  /* lines of its worker that are no messages */
  char *line;       /* LINE_BYTES, made for the first piece of a line */
  size_t line_len;
  bool is_line_too_long;
  /* an ACP agent */
  struct kit_text acp_session;
  bp_subscription acp_events;
  uint32_t acp_calls; /* under way: the agent stays in memory for them */
};

#define SESSION_DECOMPOSING 0u
#define SESSION_RUNNING 1u
#define SESSION_COMPLETED 2u
#define SESSION_FAILED 3u

struct record; /* outbox.c */
struct decomposition;

struct session {
  struct session *next;
  struct swarm *module;
  struct kit_text prompt;
  struct todo *todos;
  struct agent *agents; /* in the order they were added */
  struct decomposition *decomposition;
  bp_request request;  /* of POST while it waits; may have become stale */
  bp_request aborting; /* of DELETE */
  bp_timer replace_timer;
  uint32_t agent_count, agents_added, todo_count;
  uint32_t status; /* SESSION_* */
  char id[KIT_UUID_BYTES];
  bool is_ended;   /* session:complete is under way or sent */
  bool is_waiting; /* for its turn to have workers, or for a worker to be configured */
  bool is_resumed; /* read after a restart, not yet begun */
  bool is_replacing;
  /* outbox.c */
  bool is_held; /* workers' output is */
  bool is_retrying;
  uint32_t waiting, in_flight, logged;
  struct record *first, *last;
  bp_timer retry_timer;
};

struct swarm {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_live_1 *live;
  const bp_db_1 *db;
  const bp_loop_1 *loop;
  const bp_proc_1 *proc;
  const bp_client_1 *client;
  const bp_service_1 *service;
  const bp_policy_1 *policy;
  const bp_events_1 *events;
  struct session *sessions;
  uint32_t session_count;
  bool is_draining;
};

bp_str option_text(const struct swarm *swarm, bp_str name);
int64_t now_ms(const struct swarm *swarm);
void swarm_note(const struct swarm *swarm, uint32_t level, const char *what, const char *id);

/* ---- session.c: the rules of a session. Everything here is told to clients once the store has it. ---- */

/* Puts a session in memory; NULL without memory. */
struct session *session_new(struct swarm *swarm, const char *id, bp_str prompt, uint32_t agent_count);
struct session *session_find(const struct swarm *swarm, bp_str id);
/* The decomposition is there: todos, agents, workers. False without memory. */
bool session_begin(struct session *session, const struct kit_text *descriptions, uint32_t count);
/* There will be no decomposition. */
void session_fail(struct session *session);
void session_abort(struct session *session);
/* Of an agent's worker: it says that a todo is done, it is gone. `result`: JSON text or empty. */
void session_task_done(struct agent *agent, bp_str todo_id, bp_str result);
void session_agent_gone(struct agent *agent);
/* After a restart: it waits for its turn; agents that lived get new workers then. */
void session_go_on(struct session *session);
/* Gives workers to sessions that wait, the oldest first. */
void sessions_admit(struct swarm *swarm);
struct agent *session_add_agent(struct session *session, const char *id);
/* Frees it once nothing is under way any more. */
void session_settle(struct session *session);
void session_free(struct session *session);

/* ---- outbox.c: changes of one session on their way to the store, in order, each until it is there ---- */

void outbox_session(struct session *session);
void outbox_todo(struct session *session, const struct todo *todo, bp_str result);
void outbox_new_todo(struct session *session, const struct todo *todo, uint32_t position);
void outbox_agent(const struct agent *agent);
void outbox_sandbox(const struct agent *agent, bp_str sandbox_id, bp_str stream_url);
/* An event for the clients of the session, sent when all changes before it are stored. The writer is freed. `is_log`: one of
 * many, old ones are dropped from the history. */
void outbox_event(struct session *session, const char *name, bp_json_writer payload, bool is_log);
/* Runs when everything before it is stored. */
typedef void (*stored_fn)(struct session *session);
void outbox_then(struct session *session, stored_fn fn);
void outbox_free(struct session *session);

/* ---- events.c: what clients are told ---- */

void event_task_created(struct session *session, const struct todo *todo);
void event_task_assigned(const struct agent *agent);
void event_task_completed(const struct agent *agent, const struct todo *todo, bp_str result);
void event_said(const struct agent *agent, bool is_reasoning, bp_str text);
void event_terminated(const struct agent *agent);
void event_complete(struct session *session);

/* ---- timeline.c: the same for the timeline ---- */

void timeline_session(const struct session *session);
/* `agent`: NULL, nobody has it yet. */
void timeline_task(const struct session *session, const struct todo *todo, const struct agent *agent, const char *status);
/* The child that does the agent's tasks, below the first of them. `parent`: NULL, as it was. `pid`: 0, as it was. */
void timeline_process(const struct agent *agent, const struct todo *parent, int64_t pid, const char *status);

/* ---- worker.c: who does the tasks. The agent has a task when these are called. ---- */

/* What stands in the way of any work at all, or NULL. */
const char *worker_missing(const struct swarm *swarm);
void worker_start(struct agent *agent);
void worker_next(struct agent *agent);
/* No task is left for it. */
void worker_retire(struct agent *agent);
void worker_kill(struct agent *agent);
void worker_hold(const struct agent *agent, bool is_held);
bool worker_is_busy(const struct agent *agent); /* it must stay in memory */
void worker_free(struct agent *agent);
/* The ACP kind of the same, acp.c. */
bool acp_is_used(const struct swarm *swarm);
void acp_start(struct agent *agent);
void acp_kill(struct agent *agent);
void acp_free(struct agent *agent);
bp_str worker_folder(const struct swarm *swarm, char path[4096]);
/* protocol.c: one line of a worker's output; and one that is no message, which is logged. */
void protocol_line(struct agent *agent, bp_str line);
void protocol_stray(struct agent *agent, bp_str line);

/* ---- decompose.c: a prompt into todos; ends with session_begin or session_fail ---- */

/* abort.c: answers the DELETE. */
void abort_answer(struct session *session);

void decompose_start(struct session *session);
void decompose_cancel(struct session *session);
/* claude.c: with the Messages API */
struct decomposition {
  struct session *session; /* NULL: cancelled */
  struct swarm *module;
  uint32_t attempts;
  int64_t max_tokens;
  bp_exchange exchange;
  bool has_exchange;
  bp_timer timer;
  bool has_timer;
  int64_t retry_after_ms; /* -1: not said */
};
void claude_ask(struct decomposition *decomposition);
/* Ends a decomposition; count 0: it failed. Frees it. */
void decompose_done(struct decomposition *decomposition, struct kit_text *descriptions, uint32_t count);
/* ---- answer.c ---- */

/* Todos of {"todos": [...]} or a bare array, of {"description"} or texts; returns how many, at most TODOS_MOST. */
uint32_t todos_read(const struct swarm *swarm, bp_json value, struct kit_text descriptions[TODOS_MOST]);
/* Todos of an answer of the Messages API, whole or none. */
uint32_t answer_read(const struct swarm *swarm, bp_str body, struct kit_text descriptions[TODOS_MOST], bool *ret_is_truncated);

/* ---- resume.c ---- */
bp_status resume_start(struct swarm *swarm);

/* ---- Handlers ---- */
void sessions_create(void *state, bp_request request); /* create.c */
void sessions_delete(void *state, bp_request request); /* abort.c */
void sessions_get(void *state, bp_request request);    /* queries.c */
void sessions_list(void *state, bp_request request);
void sessions_events(void *state, bp_request request);
/* create.c: answers the POST of a session, if one waits. */
void create_answer(struct session *session, bool is_decomposed);
/* Tells those that still wait that the host ends; their sessions go on when it is there again. */
void create_answer_stopping(struct swarm *swarm);
/* facts.c */
bp_status facts_create(void *state, bp_request request, bp_json_writer facts);
bp_status facts_abort(void *state, bp_request request, bp_json_writer facts);

#define ROUTE_COUNT 5
extern const bp_route swarm_routes[ROUTE_COUNT];

#endif
