/* Deferred replies: exactly once, from any thread, in time, or cancelled with the reason. */
#include "router/deferred.h"
#include "serve.h"

static struct http_listener *listener;
static struct plugin *plugin;
static bp_request last;
static unsigned cancels;
static uint32_t last_reason;
static pthread_t helper;

static void on_cancel(void *ctx, bp_request request, uint32_t reason) {
  assert_ptr_equal(ctx, &last);
  assert_true(request == last);
  assert_int_equal(http_table.reply_empty(request, 204), BP_E_STALE);
  cancels++;
  last_reason = reason;
  if (reason == BP_CANCEL_CLIENT_GONE)
    loop_stop();
}

static void reply_later(void *arg) {
  (void)arg;
  assert_true(request_is_deferred(last));
  assert_int_equal(http_table.header_add(last, BP_LIT("X-Later"), BP_LIT("1")), BP_OK);
  assert_int_equal(http_table.reply_text(last, 200, BP_LIT("text/plain"), BP_LIT("later")), BP_OK);
  assert_int_equal(http_table.reply_text(last, 200, BP_LIT("text/plain"), BP_LIT("again")), BP_E_STALE);
}

static void defer_to_main(void *state, bp_request request) {
  (void)state;
  bp_str id;
  last = request;
  assert_int_equal(http_table.param(request, BP_LIT("id"), &id), BP_OK);
  assert_int_equal(http_table.defer(request, on_cancel, &last), BP_OK);
  assert_int_equal(http_table.defer(request, on_cancel, &last), BP_E_STATE);
  assert_str_eq(id, "one");
  loop_post(reply_later, NULL);
}

static bp_status seen[4];

static void *reply_elsewhere(void *arg) {
  (void)arg;
  bp_str text;
  bp_json_writer w;
  json_table.writer_new(0, &w);
  json_table.object_begin(w);
  json_table.key(w, BP_LIT("ok"));
  json_table.put_boolean(w, 1);
  json_table.object_end(w);
  seen[0] = http_table.param(last, BP_LIT("id"), &text);
  seen[1] = http_table.header_add(last, BP_LIT("X-From"), BP_LIT("elsewhere"));
  seen[2] = http_table.reply_json(last, 201, w);
  seen[3] = http_table.reply_json(last, 201, w);
  json_table.writer_free(w);
  return NULL;
}

static void defer_to_thread(void *state, bp_request request) {
  (void)state;
  last = request;
  assert_int_equal(http_table.defer(request, on_cancel, &last), BP_OK);
  pthread_create(&helper, NULL, reply_elsewhere, NULL);
}

static void *fail_elsewhere(void *arg) {
  (void)arg;
  bp_error err = {.size = sizeof(err), .message = "no such thing"};
  seen[0] = http_table.reply_failure(last, BP_E_NOT_FOUND, &err);
  return NULL;
}

static void defer_to_failing_thread(void *state, bp_request request) {
  (void)state;
  last = request;
  assert_int_equal(http_table.defer(request, NULL, NULL), BP_OK);
  pthread_create(&helper, NULL, fail_elsewhere, NULL);
}

static void defer_for_ever(void *state, bp_request request) {
  (void)state;
  last = request;
  assert_int_equal(http_table.defer(request, on_cancel, &last), BP_OK);
}

static void drain(void *arg) {
  (void)arg;
  assert_int_equal(router_pending(plugin), 1);
  router_cancel(plugin);
  assert_int_equal(router_pending(plugin), 0);
}

static void defer_and_drain(void *state, bp_request request) {
  defer_for_ever(state, request);
  loop_post(drain, NULL);
}

/* What bp.stream does: the request is over for the plugin's handle, the exchange is answered by someone else. */
static void hand_over(void *state, bp_request request) {
  (void)state;
  struct http_exchange *x = request_exchange(request);
  assert_ptr_equal(request_owner(request), plugin);
  request_finish(request);
  assert_null(request_exchange(request));
  assert_null(request_owner(request));
  assert_int_equal(http_table.reply_empty(request, 204), BP_E_STALE);
  exchange_reply(x, 200, BP_LIT("text/plain"), BP_LIT("handed over"));
}

#define R(at, id, run) .size = sizeof(bp_route), .method = BP_STR("GET"), .path = BP_STR(at), .operation_id = BP_STR(id), .handle = (run)
static const bp_route routes[] = {
    {R("/main/{id}", "to_main", defer_to_main)},
    {R("/thread", "to_thread", defer_to_thread)},
    {R("/fail", "to_failing_thread", defer_to_failing_thread)},
    {R("/timeout", "timeout", defer_for_ever), .timeout_ms = 150},
    {R("/gone", "gone", defer_for_ever)},
    {R("/drain", "drain", defer_and_drain)},
    {R("/over", "over", hand_over)},
};

static int set_up(void **state) {
  (void)state;
  serve_start();
  plugin = serve_plugin("tester", (bp_array)BP_ARRAY(routes), true);
  listener = serve_listen("detail");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  serve_stop();
  return 0;
}

static int reset(void **state) {
  (void)state;
  cancels = 0;
  last_reason = 0;
  memset(seen, 0, sizeof(seen));
  return 0;
}

static void later_on_main(void **state) {
  (void)state;
  struct ask ask = {0};
  ask_start(&ask, listener, "GET", "/main/one", "", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 200);
  assert_string_equal(ask.body, "later");
  assert_true(ask_has_header(&ask, "X-Later: 1"));
  assert_int_equal(cancels, 0);
  assert_int_equal(router_pending(plugin), 0);
  ask_end(&ask);
}

static void from_another_thread(void **state) {
  (void)state;
  struct ask ask = {0};
  ask_start(&ask, listener, "GET", "/thread", "", BP_LIT(""));
  ask_wait(&ask);
  pthread_join(helper, NULL);
  assert_int_equal(ask.status, 201);
  assert_string_equal(ask.body, "{\"ok\":true}");
  assert_true(ask_has_header(&ask, "Content-Type: application/json"));
  assert_true(ask_has_header(&ask, "X-From: elsewhere"));
  assert_int_equal(seen[0], BP_E_STALE);
  assert_int_equal(seen[1], BP_OK);
  assert_int_equal(seen[2], BP_OK);
  assert_int_equal(seen[3], BP_E_STALE);
  ask_end(&ask);
}

static void a_failure_from_another_thread(void **state) {
  (void)state;
  expect(listener, "GET", "/fail", 404, "{\"detail\":\"no such thing\"}");
  pthread_join(helper, NULL);
  assert_int_equal(seen[0], BP_OK);
}

static void too_late(void **state) {
  (void)state;
  expect(listener, "GET", "/timeout", 504, "{\"detail\":\"no answer within 150 ms; the work may still finish, so look before you try again\"}");
  assert_int_equal(cancels, 1);
  assert_int_equal(last_reason, BP_CANCEL_TIMEOUT);
  assert_int_equal(http_table.reply_empty(last, 204), BP_E_STALE);
}

static void client_gone(void **state) {
  (void)state;
  struct ask ask = {.leaves_early = true};
  ask_start(&ask, listener, "GET", "/gone", "", BP_LIT(""));
  loop_run();
  pthread_join(ask.thread, NULL);
  assert_int_equal(cancels, 1);
  assert_int_equal(last_reason, BP_CANCEL_CLIENT_GONE);
  assert_int_equal(router_pending(plugin), 0);
  ask_end(&ask);
}

static void draining(void **state) {
  (void)state;
  struct ask ask = {0};
  ask_start(&ask, listener, "GET", "/drain", "", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 503);
  assert_true(ask_has_header(&ask, "Retry-After: 1"));
  assert_int_equal(cancels, 1);
  assert_int_equal(last_reason, BP_CANCEL_DRAIN);
  ask_end(&ask);
}

static void handed_over(void **state) {
  (void)state;
  expect(listener, "GET", "/over", 200, "handed over");
}

static void while_draining_and_after(void **state) {
  (void)state;
  plugin->phase = PLUGIN_DRAINING;
  expect(listener, "GET", "/over", 503, NULL);
  router_remove(plugin);
  plugin->phase = PLUGIN_GONE;
  expect(listener, "GET", "/over", 404, "{\"detail\":\"Not Found\"}");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(later_on_main, reset), cmocka_unit_test_setup(from_another_thread, reset),
      cmocka_unit_test_setup(too_late, reset),      cmocka_unit_test_setup(a_failure_from_another_thread, reset),
      cmocka_unit_test_setup(client_gone, reset),   cmocka_unit_test_setup(draining, reset),
      cmocka_unit_test_setup(handed_over, reset),   cmocka_unit_test_setup(while_draining_and_after, reset),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
