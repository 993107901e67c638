/* What the files of this module share: its state, the call context of one request, and each concept's entry points.
 *
 * Sessions and events of coding agents, as an existing family of clients speaks them (see README.md). */
#ifndef OBSERVABILITY_H
#define OBSERVABILITY_H

#include "kit.h"

struct observability {
  bp_plugin self;
  const bp_host *host;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_metrics_1 *metrics;
  const bp_http_1 *http;
  const bp_live_1 *live;
  const bp_db_1 *db;
  const bp_loop_1 *loop;
  const bp_proc_1 *proc;
  const bp_policy_1 *policy;
  const bp_service_1 *service;
  bp_metric events_total;
  int64_t retention_days; /* of events; 0: for ever */
  bool is_pruning;
  int64_t stop_grace_ms;       /* between TERM and KILL of a session's process */
  struct stopping *stoppings;  /* sessions that are being stopped */
  bp_live_view view;           /* what /ws shows */
  struct budget_check *checks; /* sessions whose usage is being decided on */
  uint32_t check_count;
  bool is_draining;
};

/* One request while the store works for it. */
struct call {
  struct kit_call kit;
  struct observability *module;
  uint32_t limit;    /* rows asked for, where the route pages */
  bool wants_paging; /* the client asked for pages, so the answer may carry "next" */
  uint64_t from;     /* /ws: replay after this sequence; BP_LIVE_FROM_NOW: none asked for */
};

/* Defers the request and makes its context; NULL when that failed and the request has been answered. */
struct call *call_new(struct observability *module, bp_request request);
/* Wall clock as "2026-11-21T07:17:00.123456+00:00" (32 characters) for created_at and modified_at. */
#define TIMESTAMP_BYTES 33
bp_str timestamp_now(const struct observability *module, char text[TIMESTAMP_BYTES]);

/* A process that may belong to a session: accepted only if it is ours and not the host or an ancestor of the host. */
struct process_fact {
  int64_t pid;
  int64_t started_ticks; /* field 22 of /proc/PID/stat: with the pid, it names one process of this boot */
};
bool process_fact_read(int64_t pid, struct process_fact *ret);
/* The same ticks of the host itself; 0 or less: not known. */
int64_t process_fact_host_ticks(void);

/* events.c */
void events_post(void *state, bp_request request);
void events_post_to_session(void *state, bp_request request);
/* The same for another module's event; `done` is called only for BP_OK. */
bp_status events_put(const struct observability *module, bp_json body, bp_db_done_fn done, void *ctx);
/* service.c */
bp_status observability_service_start(struct observability *module);
/* event_queries.c */
void events_list(void *state, bp_request request);
void events_search(void *state, bp_request request);
/* sessions.c */
void sessions_list(void *state, bp_request request);
void sessions_create(void *state, bp_request request);
void sessions_get(void *state, bp_request request);
void sessions_status(void *state, bp_request request);
void sessions_result(void *state, bp_request request);
void sessions_patch_metadata(void *state, bp_request request);
void sessions_delete(void *state, bp_request request);
/* Writes {"sessions":[...]} members of a result made of session rows. */
void sessions_write(struct observability *module, bp_json_writer out, const bp_db_outcome *outcome, uint32_t rows);
/* session_stop.c */
void sessions_stop(void *state, bp_request request);
struct stopped_session {
  bp_str id, name, status;
};
typedef void (*session_stopped_fn)(struct call *call, const struct stopped_session *session);
/* Defers the request, stops its session if that is running, then calls `then`, which answers and frees the call. An unknown
 * session is answered with 404. */
void session_stop_first(struct observability *module, bp_request request, session_stopped_fn then);
/* The same without a request and without an answer; an unknown session is none of its business. */
void session_stop_quietly(struct observability *module, bp_str session_id);
/* timeline.c */
bp_status timeline_start(struct observability *module);
/* timeline_restart.c */
void timeline_end_interrupted(struct observability *module);
/* timeline_tree.c */
void timeline_tree(void *state, bp_request request);
/* budget.c */
bp_status budget_start(struct observability *module);
void budget_usage_changed(struct observability *module, bp_str session_id, bp_str node_id);
void budget_release(struct observability *module);
/* view.c */
void view_init(struct observability *module);
void view_connect(void *state, bp_request request);
/* facts.c */
bp_status facts_event(void *state, bp_request request, bp_json_writer facts);
bp_status facts_session(void *state, bp_request request, bp_json_writer facts);
/* retention.c */
void retention_start(struct observability *module);

#define ROUTE_COUNT 15
extern const bp_route observability_routes[ROUTE_COUNT];

#endif
