/* A fake host for unit tests of plugins: calls handlers without a socket, a store or a running Backplane.
 *
 * Link the plugin's sources, the test and libbackplane-testhost.a (CMake: backplane_add_plugin_test) into one program:
 *
 *   bp_testhost_open(bp_plugin_query_1());
 *   bp_testhost_rows("list_notes", "[[1,\"hello\"]]");
 *   assert(bp_testhost_start(NULL) == BP_OK);
 *   const struct bp_testhost_reply *reply = bp_testhost_call("GET", "/notes", NULL);
 *   assert(reply->status == 200);
 *   bp_testhost_close();
 *
 * It offers core, config, log, metrics, json, http, db, live, loop and events; other interfaces are the test's to bring
 * (bp_testhost_offer). json is the host's own code. What is checked by the real host before a handler runs is checked here
 * as far as a route's parameters and the grammar of a JSON body; schemas, policies and scopes are not, and SQL is not run.
 *
 * One fake host a process at a time, one thread. Strings are NUL-terminated and live until bp_testhost_close. A test that uses
 * it wrongly (an unknown statement, a call before start) ends with a message and abort(). */
#ifndef BACKPLANE_TESTHOST_H
#define BACKPLANE_TESTHOST_H

#include <backplane/backplane.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Symbols of the static library that a test sees; all others are hidden in it. */
#define BP_TESTHOST_API __attribute__((visibility("default")))

/* ---- Life of the plugin ---- */

BP_TESTHOST_API void bp_testhost_open(const bp_plugin_descriptor *plugin);
/* Sets a declared option, as JSON text; before start. Others have their defaults. */
BP_TESTHOST_API void bp_testhost_option(const char *name, const char *json);
/* Adds an interface table of the test's own, or replaces one; before start. */
BP_TESTHOST_API void bp_testhost_offer(const char *interface, const void *table);
/* Runs `create` and `start`. `err` may be NULL. */
BP_TESTHOST_API bp_status bp_testhost_start(bp_error *err);
/* What `create` returned. */
BP_TESTHOST_API void *bp_testhost_state(void);
/* Runs `drain` and `destroy` where the plugin was started, and forgets everything. */
BP_TESTHOST_API void bp_testhost_close(void);

/* ---- Requests ---- */

struct bp_testhost_request {
  const char *method;    /* "POST" */
  const char *target;    /* path and query: "/notes?limit=3" */
  const char *body;      /* or NULL */
  const char *headers;   /* "name: value" lines, or NULL */
  const char *principal; /* NULL: "uid:1000" */
};

struct bp_testhost_reply {
  uint32_t status;          /* 0: none yet. 404, 400 or the family's validation status where no handler ran */
  const char *body;         /* a problem is {"error", "code", "hint"}, whatever the family's shape */
  const char *content_type; /* or "" */
  const char *headers;      /* "name: value" lines that the plugin added */
  const char *facts;        /* what the route's facts function wrote for the policy, or "" */
};

/* Finds the route, reads its parameters, writes its facts and runs its handler. */
BP_TESTHOST_API bp_request bp_testhost_send(const struct bp_testhost_request *request);
/* The request's reply so far. */
BP_TESTHOST_API const struct bp_testhost_reply *bp_testhost_reply(bp_request request);
/* send, run until nothing is left to do, reply. `body` may be NULL. */
BP_TESTHOST_API const struct bp_testhost_reply *bp_testhost_call(const char *method, const char *target, const char *body);
/* What happens when a client leaves or time is up: runs the deferred request's on_cancel, if no reply came first. */
BP_TESTHOST_API void bp_testhost_cancel(bp_request request, uint32_t reason);

/* ---- Time ---- */

/* Runs posts, work, store calls, events and timers that are due, until nothing is left. Work runs on the calling thread. */
BP_TESTHOST_API void bp_testhost_run(void);
/* Moves both clocks and runs what became due. The wall clock starts at 2026-01-01T00:00:00Z and moves only here. */
BP_TESTHOST_API void bp_testhost_advance(int64_t ms);

/* ---- Store: units are recorded; rows are what the test says ---- */

/* The rows a declared statement gives from now on, as a JSON array of arrays; "[]" for none. A statement without such rows
 * gives none and counts as having changed one row. For a search, `statement` is the index's name. */
BP_TESTHOST_API void bp_testhost_rows(const char *statement, const char *json);
/* The next write, read or search ends with this status. `pointer` (may be NULL) names the constraint, as in db.h. */
BP_TESTHOST_API void bp_testhost_fail_store(bp_status status, const char *pointer);
/* Units written so far, in order; a failed one is not among them. */
BP_TESTHOST_API uint32_t bp_testhost_unit_count(void);
/* One unit as JSON: [{"statement":"insert_note","params":["hello"]}, {"topic":"notes.added","key":"1","payload":{}}]. Skipped
 * steps are left out; blobs are shown as text. */
BP_TESTHOST_API const char *bp_testhost_unit(uint32_t index);

/* ---- What the plugin told others ---- */

struct bp_testhost_event {
  uint64_t sequence;
  uint32_t kind; /* BP_TOPIC_DURABLE, BP_TOPIC_EPHEMERAL */
  const char *topic;
  const char *key;
  const char *payload;
};

/* Events of the live log, in order. */
BP_TESTHOST_API uint32_t bp_testhost_event_count(void);
BP_TESTHOST_API const struct bp_testhost_event *bp_testhost_event(uint32_t index);
/* Gives the plugin's subscriptions an event of the live log, as another plugin would publish it. */
BP_TESTHOST_API void bp_testhost_publish(const char *topic, const char *key, const char *payload);
/* The frame that a view makes of an event, or NULL where it leaves the event out. */
BP_TESTHOST_API const char *bp_testhost_render(const bp_live_view *view, uint32_t index);

/* Sends a notice of bp.events/1 to the plugin's subscriptions, e.g. "bp.ready". */
BP_TESTHOST_API void bp_testhost_emit(const char *name, const char *payload);
/* Notices the plugin emitted so far, one "name payload" a line. */
BP_TESTHOST_API const char *bp_testhost_emitted(void);

/* The log so far, one "level: message key=value" a line. */
BP_TESTHOST_API const char *bp_testhost_log(void);
/* A metric's value: the sum of what was added, or what was set last, or the number of observations. */
BP_TESTHOST_API double bp_testhost_metric(const char *name);
/* The sentence of core's status_text. */
BP_TESTHOST_API const char *bp_testhost_status(void);

#ifdef __cplusplus
}
#endif

#endif
