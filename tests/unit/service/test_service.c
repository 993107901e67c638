/* host/service: calls by name, answers from any thread, time-outs, and both sides draining. */
#include "unit.h"

#include "base/log.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "service/service.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "org.example.echo/1"

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(NAME)}};
static struct plugin *server, *caller;

/* What the service saw last. */
static struct {
  unsigned calls;
  bp_service_call call;
  char text[64];
} served;

/* What the caller was told last. */
static struct {
  unsigned calls;
  bp_status status;
  char text[64];
} told;

static void keep(void *ctx, bp_service_call call, bp_str method, bp_str payload) {
  (void)ctx;
  served.calls++;
  served.call = call;
  snprintf(served.text, sizeof(served.text), "%.*s:%.*s", (int)method.len, method.ptr, (int)payload.len, payload.ptr);
}

static void answer_at_once(void *ctx, bp_service_call call, bp_str method, bp_str payload) {
  keep(ctx, call, method, payload);
  assert_int_equal(service_table.answer(call, BP_OK, payload), BP_OK);
  assert_int_equal(service_table.answer(call, BP_OK, payload), BP_E_STALE);
  assert_int_equal(told.calls, 0);
}

static void tell(void *ctx, bp_status status, bp_str payload) {
  (void)ctx;
  told.calls++;
  told.status = status;
  snprintf(told.text, sizeof(told.text), "%.*s", (int)payload.len, payload.ptr ? payload.ptr : "");
}

static void stop(void *arg) {
  (void)arg;
  loop_stop();
}

static void turn(void) {
  loop_post(stop, NULL);
  loop_run();
}

static void turn_until(const unsigned *count, unsigned target) {
  while (*count < target) {
    turn();
    usleep(200);
  }
}

static int set_up(void **state) {
  (void)state;
  log_configure(LOG_HUMAN, BP_LOG_ERROR, 2);
  server = plugin_add(BP_LIT("server"), "/server.so");
  server->descriptor.provides = (bp_array)BP_ARRAY(provides);
  caller = plugin_add(BP_LIT("caller"), "/caller.so");
  memset(&served, 0, sizeof(served));
  memset(&told, 0, sizeof(told));
  return loop_init() ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  plugin_revoke_all(caller);
  plugin_revoke_all(server);
  turn();
  services_release();
  plugin_registry_release();
  loop_release();
  return 0;
}

static void serve(bp_service_fn fn) {
  assert_int_equal(service_table.serve(server->handle, BP_LIT(NAME), fn, NULL), BP_OK);
}

static bp_status call(uint32_t timeout_ms) {
  return service_table.call(caller->handle, BP_LIT(NAME), BP_LIT("greet"), BP_LIT("\"you\""), timeout_ms, tell, NULL);
}

static void test_delivered_and_answered_in_later_ticks(void **state) {
  (void)state;
  serve(answer_at_once);
  assert_int_equal(call(0), BP_OK);
  assert_int_equal(served.calls, 0);
  turn_until(&told.calls, 1);
  assert_string_equal(served.text, "greet:\"you\"");
  assert_int_equal(told.status, BP_OK);
  assert_string_equal(told.text, "\"you\"");
}

static void test_nobody_serves_the_name(void **state) {
  (void)state;
  assert_int_equal(call(0), BP_OK);
  assert_int_equal(told.calls, 0);
  turn_until(&told.calls, 1);
  assert_int_equal(told.status, BP_E_NOT_FOUND);
}

static void *answer_on_a_thread(void *arg) {
  (void)arg;
  assert_int_equal(service_table.answer(served.call, BP_E_CONFLICT, BP_LIT("no")), BP_OK);
  return NULL;
}

static void test_answered_from_a_thread(void **state) {
  (void)state;
  pthread_t thread;
  serve(keep);
  call(0);
  turn_until(&served.calls, 1);
  assert_int_equal(pthread_create(&thread, NULL, answer_on_a_thread, NULL), 0);
  pthread_join(thread, NULL);
  turn_until(&told.calls, 1);
  assert_int_equal(told.status, BP_E_CONFLICT);
  assert_string_equal(told.text, "no");
}

static void test_time_out_makes_the_call_stale(void **state) {
  (void)state;
  serve(keep);
  call(1);
  turn_until(&told.calls, 1);
  assert_int_equal(told.status, BP_E_TIMEOUT);
  assert_int_equal(service_table.answer(served.call, BP_OK, BP_LIT("1")), BP_E_STALE);
  assert_int_equal(told.calls, 1);
}

static void test_a_draining_server_ends_its_calls(void **state) {
  (void)state;
  serve(keep);
  call(0);
  turn_until(&served.calls, 1);
  plugin_revoke_all(server);
  assert_int_equal(told.calls, 0);
  turn_until(&told.calls, 1);
  assert_int_equal(told.status, BP_E_CANCELLED);
  call(0);
  turn_until(&told.calls, 2);
  assert_int_equal(told.status, BP_E_NOT_FOUND);
}

static void test_a_draining_caller_is_told_at_once_and_once(void **state) {
  (void)state;
  serve(keep);
  call(0);
  call(0);
  turn_until(&served.calls, 1);
  assert_int_equal(service_table.answer(served.call, BP_OK, BP_LIT("1")), BP_OK);
  plugin_revoke_all(caller);
  assert_int_equal(told.calls, 2);
  assert_int_equal(told.status, BP_E_CANCELLED);
  turn();
  turn();
  assert_int_equal(told.calls, 2);
  assert_int_equal(caller->service_calls, 0);
}

static void test_open_calls_are_bounded(void **state) {
  (void)state;
  serve(keep);
  for (unsigned i = 0; i < SERVICE_LIMIT_CALLS; i++)
    assert_int_equal(call(0), BP_OK);
  assert_int_equal(call(0), BP_E_BUSY);
}

static void test_what_is_wrong_is_refused(void **state) {
  (void)state;
  assert_int_equal(service_table.serve(caller->handle, BP_LIT(NAME), keep, NULL), BP_E_DENIED);
  serve(keep);
  assert_int_equal(service_table.serve(server->handle, BP_LIT(NAME), keep, NULL), BP_E_EXISTS);
  assert_int_equal(service_table.serve(0, BP_LIT(NAME), keep, NULL), BP_E_STALE);
  assert_int_equal(service_table.call(caller->handle, BP_LIT(NAME), BP_LIT("m"), BP_LIT("1"), 0, NULL, NULL), BP_E_INVALID);
  static char large[SERVICE_LIMIT_PAYLOAD_BYTES + 1];
  bp_str payload = bp_str_make(large, sizeof(large));
  assert_int_equal(service_table.call(caller->handle, BP_LIT(NAME), BP_LIT("m"), payload, 0, tell, NULL), BP_E_LIMIT);
  assert_int_equal(service_table.answer(12345, BP_OK, BP_LIT("1")), BP_E_STALE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_delivered_and_answered_in_later_ticks),
      CASE(test_nobody_serves_the_name),
      CASE(test_answered_from_a_thread),
      CASE(test_time_out_makes_the_call_stale),
      CASE(test_a_draining_server_ends_its_calls),
      CASE(test_a_draining_caller_is_told_at_once_and_once),
      CASE(test_open_calls_are_bounded),
      CASE(test_what_is_wrong_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
