/* What the files of this module share: its state, a deployment as it is stored and as it runs, one action on it from request to answer,
 * and the supervisor behind which a deployment's processes are started and watched.
 *
 * A Node.js program of a registered repository, run under supervision (see README.md). */
#ifndef DEPLOYMENTS_H
#define DEPLOYMENTS_H

#include "environment.h"
#include "kit.h"

#define SERVICE_NAME "deployments/1"
#define LIMIT_DEPLOYMENTS 1000 /* stored */
#define LIMIT_OPERATIONS 256   /* waiting and running */
#define UNATTENDED_AT_ONCE 8   /* starts that no client waits for */
#define LIMIT_SERVICES 20      /* selected for one deployment */
#define LIMIT_DEPENDENCIES 20
#define LIMIT_LINES 10000 /* of one answer with log lines */
#define INSTANCES_MOST 64
#define NAME_BYTES 128 /* a deployment's name, and names made from it */
#define MESSAGE_BYTES 400

struct operation;
struct running;
struct retry;
struct supervisor;
struct watchman; /* pm2.c */

struct deployments {
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
  const bp_policy_1 *policy;
  const bp_secret_1 *secret;
  const bp_service_1 *service;
  const struct supervisor *supervisor;
  struct watchman *pm2;         /* NULL: the native supervisor */
  struct operation *operations; /* in order of arrival */
  struct running *running;
  struct retry *retries;
  bp_timer samples, flushes;
  bool is_recovered; /* no operation begins before what ran in an earlier run of the host is known */
  bool is_recovering;
  bool is_sampling, is_draining;
  bool is_beginning;   /* operations_begin is under way */
  unsigned unattended; /* operations with has_place */
};

/* ---- row.c: a deployment as it is stored ---- */

struct row {
  int64_t id, repository_id, port, instances, restarts, pid; /* pid 0: none */
  int64_t started_ms;                                        /* of its last start; 0: never */
  char name[NAME_BYTES + 1], status[16], mode[16];
  bool wants_running;
  char env_key[40]; /* under which its environment is kept as a secret; empty: none */
  /* Owned texts. The first two may be NULL; the others are JSON arrays. */
  char *domain, *health_path, *env_names, *services, *dependencies;
  char created_at[32], updated_at[32];
};
/* Fills a row from columns of statements.c's DEPLOYMENT_COLUMNS; false without memory. */
bool row_read(const struct deployments *module, const bp_db_outcome *outcome, uint32_t step, uint32_t row, struct row *ret);
void row_release(struct row *row);
/* "deploy-7-shop": what its processes are called. */
bp_str row_process_name(const struct row *row, char text[NAME_BYTES + 32]);

/* ---- running.c: what is known of a deployment's processes while there are any ---- */

#define LAST_WORDS_BYTES 8192
#define STREAM_COUNT 2
#define LOG_PATH_BYTES 1400
#define BATCH_BYTES (32 * 1024) /* of output that waits for the next message */

struct batch {
  char *text;
  size_t len;
  bool is_cut; /* there was more within one interval than is sent */
};

struct running {
  struct running *next;
  struct deployments *module;
  struct operation *operation; /* that waits for what happens next, or NULL */
  int64_t id, port;
  bp_proc proc; /* native.c */
  int64_t pid;
  int64_t started_ms; /* wall clock */
  int64_t restarts;   /* since the deployment was made */
  bool is_online;
  bool is_starting; /* an operation waits for it to be there */
  uint32_t health;  /* BP_HEALTH_* */
  bool is_dead;     /* it has ended for good; only its last words are left */
  bool was_adopted;
  /* pm2*.c: its processes' name there, what they were last seen to have restarted, and whether a call is changing them just now. */
  char pm2_name[NAME_BYTES + 32];
  int64_t pm2_restarts, leader_ticks; /* leader: when `pid` was started, to know it from a later one */
  bool is_changing;
  bool is_failing; /* it ended while it was being started: what is left is stopped */
  /* Resources of the whole session of processes, as of the last sample. */
  int64_t memory_bytes, cpu_ticks, sampled_ns;
  double cpu_percent;
  char last_words[LAST_WORDS_BYTES]; /* the newest lines of output */
  size_t last_words_len;
  struct batch batches[STREAM_COUNT];
};
struct running *running_find(const struct deployments *module, int64_t id);
struct running *running_make(struct deployments *module, int64_t id);
void running_drop(struct deployments *module, struct running *running);
void running_release(struct deployments *module);

/* ---- operation.c: one action on one deployment; those on the same one wait for each other ---- */

enum operation_kind { OPERATION_START, OPERATION_STOP, OPERATION_RESTART, OPERATION_DELETE };

struct operation {
  struct operation *next;
  struct deployments *module;
  struct operation *waits_for_it; /* a start that needs this one's deployment first */
  enum operation_kind kind;
  bp_request request; /* 0: nobody is answered: at start, after a crash, for another deployment */
  char principal[128];
  int64_t id;
  bool has_begun;
  bool is_awaited; /* a client or another deployment waits for what comes after it */
  bool has_place;  /* it is one of the few that the host has begun by itself */
  struct row row;
  unsigned next_dependency;
  char *path; /* of the repository */
  struct environment env;
  struct command *command; /* start.c */
  char *allowed;           /* the facts that the rules allowed */
  bp_timer settle;
  char failure[MESSAGE_BYTES];
  uint32_t failure_status;
};
/* Queues an operation. `request` 0 as above; otherwise it has been deferred, and is answered in any case. `waiting` (or NULL) goes on, or
 * fails, when this one ends: which it may have done on return. False: not queued, `waiting` is the caller's still. */
bool operation_add(struct deployments *module, enum operation_kind kind, int64_t id, bp_request request, struct operation *waiting);
/* The ends: an answer, and the next operation of the deployment. */
void operation_succeed(struct operation *operation);
void operation_problem(struct operation *operation, uint32_t status, const char *message);
/* Nobody is answered: it will be tried again. */
void operation_postponed(struct operation *operation, const char *why);
void operation_fail(struct operation *operation, bp_status status, const bp_error *err);
/* True if the outcome was a failure, which has been answered. */
bool operation_failed(struct operation *operation, const bp_db_outcome *outcome);
void operation_write(struct operation *operation, const bp_db_step *steps, uint32_t count, bp_db_done_fn done);
void operations_begin(struct deployments *module); /* those that may */
void operations_release(struct deployments *module);

/* ---- start.c, stop.c: what an operation does. ---- */

struct command;
void start_begin(struct operation *operation);
/* The program is there (told by the supervisor), or has ended at once. */
void start_online(struct operation *operation);
void start_ended(struct operation *operation, const char *why);
/* Another deployment that it needs could not be started. */
void start_lacks(struct operation *operation, const char *why);
/* Nothing of it runs any more: from here a start and a restart go the same way. */
void start_cleared(struct operation *operation);
void start_command_free(struct command *command);
void stop_begin(struct operation *operation);
void stop_ended(struct operation *operation);
/* recover.c: everything that should run and does not is started; what still runs is taken over. */
void recover_begin(struct deployments *module); /* once */

/* ---- retry.c: starts that nobody waits for, tried again ---- */

struct retry {
  struct retry *next;
  struct deployments *module;
  int64_t id, at_ms; /* wall clock: of the next attempt */
  unsigned attempts;
  bp_timer timer; /* 0: the attempt is under way */
  char reason[MESSAGE_BYTES];
};
struct retry *retry_find(const struct deployments *module, int64_t id);
/* False: it has been tried often enough. */
bool retry_later(struct deployments *module, int64_t id, const char *reason);
void retry_drop(struct deployments *module, int64_t id);
void retry_release(struct deployments *module);

/* ---- supervisor.c: what runs a deployment, and what it reports ---- */

struct launch {
  int64_t id;
  bp_str name;   /* "deploy-7-shop" */
  bp_array argv; /* of bp_str */
  bp_str cwd;
  const struct environment *env; /* everything the program gets beyond the allow list */
  bool is_cluster;               /* argv is a Node.js file and its arguments, to be run `instances` times on one port */
  int64_t instances;
  bp_str health_path; /* asked now and then, and what does not answer is started again; empty: not */
};

struct supervisor {
  const char *name;
  /* Starts; reports supervisor_online or supervisor_ended later, unless it fails here. */
  bp_status (*start)(struct running *running, const struct launch *launch, bp_error *err);
  /* Stops; supervisor_ended follows, also where nothing runs. */
  void (*stop)(struct running *running);
  /* True if it still runs from an earlier run of the host; supervisor_online follows then. */
  bool (*adopt)(struct running *running, const struct row *row);
  /* The deployment is gone and does not run: so shall be what is kept about it. */
  void (*forget)(struct deployments *module, int64_t id, bp_str name);
  /* The last lines of output; false: none are kept. NULL: they are in files, see below. */
  bool (*tail)(struct running *running, uint32_t lines, bp_str *ret);
  /* Where output is, stdout first; NULL where `tail` has it. */
  bool (*log_files)(const struct deployments *module, const struct row *row, char files[STREAM_COUNT][LOG_PATH_BYTES]);
  /* Measures what runs and calls `done`; NULL: that is done from outside (metrics.c). */
  void (*sample)(struct deployments *module, void (*done)(void *ctx, const char *error), void *ctx);
};
extern const struct supervisor native_supervisor;

/* How processes of a deployment ended. */
struct ending {
  bool was_asked;    /* by stop */
  bool will_restart; /* the supervisor starts it again by itself */
  bool is_unknown;
  int32_t code, signal;
};
void supervisor_online(struct running *running, int64_t pid);
void supervisor_output(struct running *running, unsigned stream, bp_str line); /* stream 0: stdout, 1: stderr */
void supervisor_ended(struct running *running, const struct ending *ending);
/* Notes a state that nobody is answered about: in the store, on the live log, to the clients. */
void supervisor_note(struct deployments *module, int64_t id, const char *action, const char *status);

/* ---- metrics.c ---- */

typedef void (*sampled_fn)(void *ctx);
/* Measures all that runs on a worker, then calls `done`. False: not begun. */
bool metrics_sample(struct deployments *module, sampled_fn done, void *ctx);
void metrics_start(struct deployments *module);
/* When a process was started, in ticks since boot; 0: there is none. Two system calls, no waiting. */
int64_t metrics_started_ticks(int64_t pid);

/* ---- events.c: what clients with a socket are told ---- */

void event_updated(const struct deployments *module, int64_t id, const char *action, const char *status, const struct running *running);
void event_deleted(const struct deployments *module, int64_t id);
void event_output(const struct deployments *module, int64_t id, unsigned stream, bp_str text);

/* ---- services.c ---- */

/* Adds the connection strings of the operation's services to its environment. NULL, or what is wrong (in `text`). */
const char *services_inject(struct operation *operation, bp_str discovered, char *text, size_t bytes);

/* ---- logs.c ---- */

void logs_add(struct running *running, unsigned stream, bp_str line);
/* Tells whoever watches what was gathered; called now and then, and before `running` goes. */
void logs_flush(struct running *running);
void logs_start(struct deployments *module);

/* ---- fields.c ---- */

void put_number(const bp_json_1 *json, bp_json_writer out, const char *name, int64_t value);
void put_text(const bp_json_1 *json, bp_json_writer out, const char *name, const char *value);

/* ---- Handlers ---- */

void deployments_list(void *state, bp_request request);      /* queries.c */
void deployments_processes(void *state, bp_request request); /* queries.c */
void pm2_processes(void *state, bp_request request);         /* pm2_list.c: the same, of PM2 itself */
void deployments_logs(void *state, bp_request request);      /* logs.c */
void deployments_services(void *state, bp_request request);  /* services.c */
void deployments_create(void *state, bp_request request);    /* create.c */
void deployments_action(void *state, bp_request request);    /* operation.c */
bp_status facts_create(void *state, bp_request request, bp_json_writer facts);
bp_status facts_action(void *state, bp_request request, bp_json_writer facts);
bp_status queries_serve(struct deployments *module);
/* One deployment of an answer, as an object. `repository` may be 0. */
void query_put(const struct deployments *module, bp_json_writer out, const struct row *row, bp_json repository);

#define ROUTE_COUNT 6
extern const bp_route deployments_routes[ROUTE_COUNT];

#endif
