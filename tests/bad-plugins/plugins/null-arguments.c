/* Hands over arrays and structs without an address, and calls from a thread of its own what only main may call. */
#include "bad.h"

#include <pthread.h>

static const bp_need needs[] = {
    NEED(BP_CORE_1, bp_core_1),     NEED(BP_HTTP_1, bp_http_1), NEED(BP_JSON_1, bp_json_1), NEED(BP_LOG_1, bp_log_1), NEED(BP_LOOP_1, bp_loop_1),
    NEED(BP_EVENTS_1, bp_events_1), NEED(BP_DB_1, bp_db_1),     NEED(BP_LIVE_1, bp_live_1), NEED(BP_WS_1, bp_ws_1),   NEED(BP_PROC_1, bp_proc_1),
};
static const bp_live_1 *live;
static const bp_ws_1 *ws;

static void on_outcome(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  (void)outcome;
}
static void on_event(void *ctx, const bp_live_event *event) {
  (void)ctx;
  (void)event;
}
static bp_status start(void *state, bp_error *err) {
  const bp_db_1 *db = bad.host->get(bad.self, BP_LIT(BP_DB_1));
  const bp_proc_1 *proc = bad.host->get(bad.self, BP_LIT(BP_PROC_1));
  const bp_array steps = {NULL, 1, sizeof(bp_db_step)}, queries = {NULL, 1, sizeof(bp_db_query)}, topics = {NULL, 1, sizeof(bp_str)};
  const bp_proc_spec spec = {.size = sizeof(spec), .lifetime = BP_PROC_BOUND, .argv = {NULL, 1, sizeof(bp_str)}};
  bp_subscription subscription;
  bp_proc child;
  (void)state;
  live = bad.host->get(bad.self, BP_LIT(BP_LIVE_1));
  ws = bad.host->get(bad.self, BP_LIT(BP_WS_1));
  if (db->write(bad.self, steps, on_outcome, NULL) == BP_E_INVALID && db->read(bad.self, queries, 0, on_outcome, NULL) == BP_E_INVALID)
    say("the units without an address were refused");
  if (live->subscribe(bad.self, topics, BP_LIT(""), BP_LIVE_FROM_NOW, on_event, NULL, &subscription) == BP_E_INVALID)
    say("the topics without an address were refused");
  if (proc->spawn(bad.self, &spec, NULL, NULL, &child, err) == BP_E_INVALID)
    say("the arguments without an address were refused");
  return BP_OK;
}

static void *elsewhere(void *ctx) {
  if (ws->send(1, BP_WS_TEXT, BP_LIT("x")) == BP_E_THREAD && ws->close(1, 1000, BP_LIT("")) == BP_E_THREAD && live->sequence() == 0 &&
      live->listeners(BP_LIT("x")) == 0 && live->unsubscribe(1) == BP_E_THREAD)
    say("the thread's calls were refused");
  return ctx;
}
static void from_thread(void *state, bp_request request) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, elsewhere, NULL) == 0)
    pthread_join(thread, NULL);
  reply_ok(state, request);
}
static void no_problem(void *state, bp_request request) {
  if (bad.http->reply_problem(request, NULL) == BP_E_INVALID)
    say("the problem without an address was refused");
  reply_ok(state, request);
}
static void no_text(void *state, bp_request request) {
  const bp_problem problem = {.size = sizeof(problem), .status = 418, .message = BP_STR("\xff\xfe")};
  (void)state;
  bad.http->reply_problem(request, &problem);
}
static const bp_family families[] = {FAMILY("null-arguments")};
static const bp_route routes[] = {
    ROUTE_WITH("GET", "/from-thread", "from_thread", .handle = from_thread),
    ROUTE_WITH("GET", "/no-problem", "no_problem", .handle = no_problem),
    ROUTE_WITH("GET", "/no-text", "no_text", .handle = no_text),
};
DESCRIPTOR("null-arguments", .needs = BP_ARRAY(needs), .start = start, .family = BP_STR("null-arguments"), .families = BP_ARRAY(families),
           .routes = BP_ARRAY(routes))
