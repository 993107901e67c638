/* What the files of this module share: its state, the call context of one request, and each concept's entry points.
 *
 * The flow builder of the desktop family: sessions, their messages, settings (see README.md). */
#ifndef FLOW_H
#define FLOW_H

#include "kit.h"

#define MESSAGES_MOST 10000u               /* of a session that are listed or exported: the newest */
#define LISTING_BYTES (32ll * 1024 * 1024) /* of their JSON */
#define MESSAGE_BYTES (16u * 1024 * 1024)  /* of a message's content and tool results */
#define TURNS_MOST 32u                     /* sessions that have an agent at the same time; the others wait */
#define SESSIONS_MOST 1000u                /* of one list; with an agent or waiting for one */
#define WAITING_MOST 16u                   /* messages of one session that wait for its agent */

struct turns; /* turn.c */

struct flow {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_live_1 *live;
  const bp_db_1 *db;
  const bp_service_1 *service;
  struct turns *turns;
  uint32_t turn_count;
  bool is_beginning; /* of turns that wait */
  bool is_draining;
};

/* One request while the store works for it. */
struct call {
  struct kit_call kit;
  struct flow *module;
  const char *member; /* what the answer calls its value: "session" */
  const char *absent; /* the sentence where there is no such row */
  int64_t session_id;
  uint32_t limit;
  char message_id[KIT_UUID_BYTES];
  struct kit_text prompt;
};

/* ---- call.c ---- */

/* Defers the request; NULL when that failed and the request has been answered. */
struct call *call_new(struct flow *flow, bp_request request, const char *member, const char *absent);
/* Of `done`: {"success":true,"<member>":<JSON text in column 0 of the first row of step 0>}, or 404 without a row. */
void call_answer_row(void *call, const bp_db_outcome *outcome);
/* {"success":true,"<member>":[…column 0 of step 0…],"count":n} */
void call_answer_rows(void *call, const bp_db_outcome *outcome);
/* {"success":true,"message":…} */
void call_answer_message(struct call *call, bp_str message);
/* Answers with an object whose members follow "success"; the writer is freed. `call_begin`: 0, answered. */
bp_json_writer call_begin(struct call *call);
void call_end(struct call *call, bp_json_writer out);
void call_free(struct call *call);

/* ---- fields.c: what was sent ---- */

/* A string that is not empty, or one without a pointer. */
bp_str field_text(const struct flow *flow, bp_json object, const char *name);
bool field_is_given(const struct flow *flow, bp_json object, const char *name);
/* A whole number above 0, also as digits; else 0. */
int64_t field_id(const struct flow *flow, bp_json object, const char *name);
int64_t id_of_text(bp_str text);
/* The parameter "id" of the path as a number; 0: no row has it. */
int64_t path_id(const struct flow *flow, bp_request request);

/* ---- turn.c: an agent answers ---- */

/* A user's message is stored: let the agent answer it, if one is configured. */
void turn_ask(struct flow *flow, int64_t session_id, bp_str prompt);
/* The session is gone or archived. */
void turn_forget(struct flow *flow, int64_t session_id);
void turn_free(struct flow *flow);
/* Tells the clients of a session of a stored message. */
void message_tell(const struct flow *flow, int64_t session_id, bp_str message);
/* A step that stores a message, its step that touches the session, and the one that publishes it; `values`: id, session, role, content, tool results.
 */
void message_steps(bp_db_step steps[3], bp_db_value values[5], const bp_db_value *session_id);

/* ---- service.c: flow/1 for other modules ---- */
#define SERVICE_NAME "flow/1"
bp_status service_start(struct flow *flow);

/* ---- Handlers ---- */
void sessions_list(void *state, bp_request request); /* sessions.c */
void sessions_create(void *state, bp_request request);
void sessions_get(void *state, bp_request request);
void sessions_update(void *state, bp_request request);
void sessions_archive(void *state, bp_request request);
void sessions_delete(void *state, bp_request request);
void messages_list(void *state, bp_request request); /* messages.c */
void messages_create(void *state, bp_request request);
void messages_get(void *state, bp_request request);
void messages_search(void *state, bp_request request); /* search.c */
void sessions_export(void *state, bp_request request);
void settings_get(void *state, bp_request request); /* settings.c */
void settings_change(void *state, bp_request request);
/* facts.c */
bp_status facts_session(void *state, bp_request request, bp_json_writer facts);
bp_status facts_message(void *state, bp_request request, bp_json_writer facts);
bp_status facts_settings(void *state, bp_request request, bp_json_writer facts);

#define ROUTE_COUNT 13
extern const bp_route flow_routes[ROUTE_COUNT];

#endif
