/* What the files of this module share: its state, the call context of one request, and each concept's entry points.
 *
 * The registry of repositories of the desktop family, each with a port of its own (see README.md). */
#ifndef REPOSITORIES_H
#define REPOSITORIES_H

#include "kit.h"

#define SERVICE_NAME "repositories/1"

struct repositories {
  bp_plugin self;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_db_1 *db;
  const bp_port_1 *port;
  const bp_service_1 *service;
};

/* ---- call.c: one request, or one call of the service, while the store works for it ---- */

struct call {
  struct repositories *module;
  bp_request request;      /* 0: a call of the service */
  bp_service_call service; /* 0: a request */
  bp_str member;           /* what an answer to a request calls its one value: "repository" */
  int64_t id;
};

/* Defers the request; NULL when that failed and the request has been answered. */
struct call *call_of_request(struct repositories *module, bp_request request, bp_str member);
struct call *call_of_service(struct repositories *module, bp_service_call service);
/* Each of these answers and frees the call. `json_text`: one value; a request gets {"success": true, <member>: value}. */
void call_end_json(struct call *call, bp_str json_text);
void call_end_text(struct call *call, bp_str text); /* the same with a string */
void call_end_problem(struct call *call, uint32_t status, bp_status code, bp_str message);
void call_end_failure(struct call *call, bp_status status, const bp_error *err);
/* True if the outcome was a failure, which has been answered. */
bool call_failed(struct call *call, const bp_db_outcome *outcome);
void call_write(struct call *call, const bp_db_step *steps, uint32_t count, bp_db_done_fn done);
void call_read(struct call *call, const bp_db_query *query, bp_db_done_fn done);

/* ---- create.c ---- */

struct new_repository {
  bp_str name, path, type, url, branch;
  uint32_t port; /* 0: the lowest free one */
};
/* NULL, or the sentence that says what is wrong. */
const char *create_read(const struct repositories *module, bp_json object, struct new_repository *ret);
/* Leases a port, stores, and ends the call with the repository. `is_once`: one that has this path already is the answer. */
void create_begin(struct call *call, const struct new_repository *wanted, bool is_once);
/* Forgets what a host that died in between has left half-made. */
void create_recover(struct repositories *module);
/* The name of a repository's port lease. */
#define LEASE_BYTES 32
bp_str lease_name(int64_t id, char text[LEASE_BYTES]);

/* ---- Handlers ---- */

void repositories_list(void *state, bp_request request);   /* queries.c */
void repositories_create(void *state, bp_request request); /* create.c */
void repositories_update(void *state, bp_request request); /* change.c */
void repositories_delete(void *state, bp_request request); /* change.c */
/* queries.c, for the service as well */
void query_list(struct call *call);
void query_one(struct call *call);
/* change.c, for the service: {running, pid, url} of call->id. */
void change_running(struct call *call, bool is_running, int64_t pid, bp_str url);
/* service.c */
bp_status service_start(struct repositories *module);
/* facts.c */
bp_status facts_create(void *state, bp_request request, bp_json_writer facts);
bp_status facts_change(void *state, bp_request request, bp_json_writer facts);

#define ROUTE_COUNT 6
extern const bp_route repositories_routes[ROUTE_COUNT];

#endif
