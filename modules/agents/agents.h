/* What the files of this module share: its state, one job on the agents' folder, and each concept's entry points.
 *
 * Blueprints of agents, kept as files that the original command-line tools read and write as well (see README.md). */
#ifndef AGENTS_H
#define AGENTS_H

#include "kit.h"
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#define NAME_BYTES 256
#define ETAG_BYTES 17
#define AGENTS_MOST 1000                 /* in one listing */
#define LISTING_BYTES ((size_t)16 << 20) /* of one listing */
#define FILE_BYTES ((size_t)2 << 20)     /* of one file of an agent */
#define JOBS_MOST 128                    /* changes that wait */

struct agents {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_db_1 *db;
  const bp_loop_1 *loop;
  const bp_watch_1 *watch;
  const bp_policy_1 *policy;
  const bp_service_1 *service;
  const bp_proc_1 *proc;
  char *project;            /* absolute */
  char *folder;             /* of the agents, absolute */
  char *known_servers;      /* JSON object: configurations of MCP servers by name */
  struct job *first, *last; /* changes and scans, one at a time */
  unsigned job_count;
  bool is_job_running, is_scan_due, is_known;
  struct known *known; /* folders as last seen, by name */
  bp_watch folder_watch;
  bp_timer retry;
  struct run *runs; /* agents that run */
  unsigned run_count;
};

/* A text of our own, ended by a NUL that does not count; no pointer: absent. */
struct bytes {
  char *ptr;
  size_t len;
};
void bytes_free(struct bytes *bytes);
bool bytes_copy(struct bytes *ret, bp_str from);
bp_str bytes_str(const struct bytes *bytes);

/* ---- pretty.c: JSON as the original writes it; pure ---- */

/* Compact JSON with two spaces a level and a line end at the end; for free(), NULL without memory. */
char *pretty_json(bp_str compact, size_t *ret_len);

/* ---- mcp.c: a list of names, a map of configurations, and the file between them; pure but for bp.json ---- */

/* Values may be 0 where there is none. */
struct mcp_input {
  bp_json wanted; /* array of names, or object name -> configuration or null */
  bp_json file;   /* agent.mcp.json */
  bp_json parked; /* object: configurations of servers that were taken out earlier */
  bp_json known;  /* object: configurations the configuration knows */
};
struct mcp_output {
  struct bytes file;   /* compact JSON of agent.mcp.json; no pointer: there is to be none */
  struct bytes names;  /* JSON array: names without a configuration, for agent.json */
  struct bytes parked; /* JSON object */
};
bool mcp_merge(const bp_json_1 *json, bp_plugin self, const struct mcp_input *input, struct mcp_output *ret);
void mcp_release(struct mcp_output *output);
/* What is wrong with mcp_servers of a request, or NULL. */
const char *mcp_check(const bp_json_1 *json, bp_json wanted);
/* Puts the names of an agent: those of agent.mcp.json, then those agent.json has beyond. */
void mcp_put_names(const bp_json_1 *json, bp_json_writer out, bp_json file, bp_json names);

/* ---- folder.c: the agents' folder and its files. [worker] ---- */

enum folder_lock { LOCK_SHARED, LOCK_ALONE };
/* The open folder, locked; -1 and errno: ENOENT none there (never with `makes`), EWOULDBLOCK somebody else holds the lock. A shared
 * lock is not waited for long: the folder is read all the same. */
int folder_open(const char *path, enum folder_lock lock, bool makes);
/* One agent's folder; never over a link. */
int folder_open_agent(int folder, const char *name);
/* A plain file; absent: BP_E_NOT_FOUND. */
bp_status folder_read(int dir, const char *name, struct bytes *ret, struct stat *ret_info);
/* Durable, at once, with the mode the file had, and with the time of the change. */
bool folder_write(int dir, const char *name, bp_str text, int64_t time_ns);
bool folder_remove_all(int folder, const char *name);
/* Removes what a killed host has left half-made. */
void folder_sweep(int folder);
bool folder_is_agent_name(bp_str name);

/* ---- agent.c: reading one agent. [worker] ---- */

struct agent {
  struct bytes json, prompt, mcp, status;
  bp_json json_root, mcp_root, status_root;
  bool is_disabled;
  int64_t created_ns, updated_ns;
  char etag[ETAG_BYTES];
};
/* BP_E_NOT_FOUND: no such agent; BP_E_PARSE: the folder is there, but is none. */
bp_status agent_read(const struct agents *agents, int folder, const char *name, struct agent *ret);
void agent_release(const struct agents *agents, struct agent *agent);
bool agent_is_active(const struct agents *agents, const struct agent *agent);
/* The agent as clients see it; without the prompt for announcements. */
bool agent_render(const struct agents *agents, const struct agent *agent, const char *name, bool with_prompt, struct bytes *ret);

/* ---- job.c: one piece of work on the folder ---- */

enum op { OP_LIST, OP_GET, OP_RUN, OP_CREATE, OP_PATCH, OP_DELETE, OP_SCAN };

struct job {
  struct job *next;
  struct agents *module;
  bp_request request; /* 0: a scan */
  enum op op;
  char name[NAME_BYTES];
  char if_match[256];
  /* What is to change; no pointer: stays. */
  struct bytes description, prompt, skills, mcp, new_status;
  struct bytes system_prompt;    /* of an agent that is to run */
  void (*then)(struct job *job); /* in place of an answer: takes the job */
  int64_t now_ns;                /* of all that this change writes */
  /* What came of it. */
  bp_status status;
  const char *why; /* for a failure */
  struct bytes answer;
  struct bytes notice; /* for the live log */
  char etag[ETAG_BYTES];
  struct known *seen; /* of a scan */
};

struct job *job_new(struct agents *agents, bp_request request, enum op op, bp_str name);
void job_free(struct job *job);
/* A job of a deferred request about the agent of its path; NULL: answered. */
struct job *job_begin_named(struct agents *agents, bp_request request, enum op op);
void job_answer_failure(const struct job *job);
/* Reads run beside each other, changes one after the other. Answers (or calls `then`), and frees. */
void job_start(struct job *job);
void job_scan_soon(struct agents *agents);
/* What each operation does. [worker] */
void op_list(struct job *job);   /* list.c */
void op_get(struct job *job);    /* list.c */
void op_run(struct job *job);    /* list.c */
void op_scan(struct job *job);   /* list.c */
void op_create(struct job *job); /* store.c */
void op_patch(struct job *job);
void op_delete(struct job *job);

/* ---- outside.c: what changes without us ---- */

/* An agent as it was last announced. */
struct known {
  struct known *next;
  char name[NAME_BYTES];
  char etag[ETAG_BYTES]; /* as last announced; empty: it is no agent, or not yet */
  struct bytes notice;
  bp_watch watch;
};
void known_free_all(struct agents *agents, struct known *list);
void outside_start(struct agents *agents);
/* The scan's result against what is known. */
void outside_compare(struct agents *agents, struct known *seen);
/* An agent was changed by us. */
void outside_changed(struct agents *agents, enum op op, const struct job *job);

/* ---- Handlers ---- */

void agents_health(void *state, bp_request request);
void agents_list(void *state, bp_request request);
void agents_get(void *state, bp_request request);
void agents_create(void *state, bp_request request);
void agents_patch(void *state, bp_request request);
void agents_set_status(void *state, bp_request request);
void agents_delete(void *state, bp_request request);
void agents_run(void *state, bp_request request); /* run.c */
/* facts.c */
bp_status facts_agent(void *state, bp_request request, bp_json_writer facts);

/* run.c: ends what a killed host has left in the table of runs. */
void runs_recover(struct agents *agents);

#define ROUTE_COUNT 8
extern const bp_route agents_routes[ROUTE_COUNT];

#endif
