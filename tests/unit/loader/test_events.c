/* Host events: later delivery, prefixes, one addressee, bounds, and subscribers that go away. */
#include "unit.h"

#include "loader/events.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"

#include <stdio.h>
#include <string.h>

static struct plugin *a, *b;
static char seen[256];
static bp_subscription to_cancel;

static void note(void *ctx, bp_str name, bp_str payload) {
  size_t len = strlen(seen);
  snprintf(seen + len, sizeof(seen) - len, "%s:%.*s%.*s ", (const char *)ctx, (int)name.len, name.ptr, (int)payload.len, payload.ptr);
}

static void note_and_cancel(void *ctx, bp_str name, bp_str payload) {
  note(ctx, name, payload);
  events_table.unsubscribe(to_cancel);
}

static void stop(void *arg) {
  (void)arg;
  loop_stop();
}

static void run_loop(void) {
  loop_post(stop, NULL);
  loop_run();
}

static int set_up(void **state) {
  (void)state;
  a = plugin_add(BP_LIT("a"), "/a.so");
  b = plugin_add(BP_LIT("b"), "/b.so");
  seen[0] = '\0';
  return loop_init() ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  plugin_revoke_all(a);
  plugin_revoke_all(b);
  plugin_registry_release();
  events_release();
  loop_release();
  return 0;
}

static bp_subscription subscribe(struct plugin *owner, const char *name, bp_event_fn fn, const char *tag) {
  bp_subscription subscription = 0;
  assert_int_equal(events_table.subscribe(owner->handle, str_from(name), fn, (void *)(uintptr_t)tag, &subscription), BP_OK);
  return subscription;
}

static void test_whether_anybody_listens(void **state) {
  (void)state;
  assert_false(events_has_subscriber(a, BP_LIT("bp.config.changed")));
  subscribe(a, "bp.*", note, "A");
  assert_true(events_has_subscriber(a, BP_LIT("bp.config.changed")));
  assert_false(events_has_subscriber(b, BP_LIT("bp.config.changed")));
  bp_subscription exact = subscribe(b, "bp.config.changed", note, "B");
  assert_true(events_has_subscriber(b, BP_LIT("bp.config.changed")));
  assert_false(events_has_subscriber(b, BP_LIT("bp.ready")));
  events_table.unsubscribe(exact);
  assert_false(events_has_subscriber(b, BP_LIT("bp.config.changed")));
}

static void test_delivered_later_in_order(void **state) {
  (void)state;
  subscribe(a, "b.*", note, "a");
  assert_int_equal(events_table.emit(b->handle, BP_LIT("b.one"), BP_LIT("1")), BP_OK);
  assert_int_equal(events_table.emit(b->handle, BP_LIT("b.two"), BP_LIT("2")), BP_OK);
  assert_string_equal(seen, "");
  run_loop();
  assert_string_equal(seen, "a:b.one1 a:b.two2 ");
}

static void test_names_and_prefixes(void **state) {
  (void)state;
  subscribe(a, "b.one", note, "x");
  subscribe(a, "b.o.*", note, "p");
  assert_int_equal(events_table.emit(b->handle, BP_LIT("b.one"), BP_LIT("")), BP_OK);
  assert_int_equal(events_table.emit(b->handle, BP_LIT("b.o.ne"), BP_LIT("")), BP_OK);
  assert_int_equal(events_table.emit(b->handle, BP_LIT("b.on"), BP_LIT("")), BP_OK);
  run_loop();
  assert_string_equal(seen, "x:b.one p:b.o.ne ");
}

static void test_host_notice_for_one(void **state) {
  (void)state;
  subscribe(a, "bp.*", note, "a");
  subscribe(b, "bp.*", note, "b");
  events_emit(BP_LIT("bp.config.changed"), BP_LIT("{}"), b);
  run_loop();
  assert_string_equal(seen, "b:bp.config.changed{} ");
}

static void test_bad_names_are_refused(void **state) {
  bp_subscription subscription;
  (void)state;
  assert_int_equal(events_table.emit(a->handle, BP_LIT("b.one"), BP_LIT("")), BP_E_DENIED);
  assert_int_equal(events_table.emit(a->handle, BP_LIT("ab.one"), BP_LIT("")), BP_E_DENIED);
  assert_int_equal(events_table.emit(a->handle, BP_LIT("a"), BP_LIT("")), BP_E_DENIED);
  assert_int_equal(events_table.emit(a->handle, BP_LIT("a.*"), BP_LIT("")), BP_E_INVALID);
  assert_int_equal(events_table.emit(a->handle, BP_LIT("a.x"), BP_LIT("\xff")), BP_E_INVALID);
  assert_int_equal(events_table.subscribe(a->handle, BP_LIT("*"), note, NULL, &subscription), BP_E_INVALID);
  assert_int_equal(events_table.subscribe(0, BP_LIT("a.x"), note, NULL, &subscription), BP_E_STALE);
}

static void test_queue_is_bounded_for_plugins_only(void **state) {
  unsigned sent = 0;
  (void)state;
  subscribe(b, "bp.*", note, "b");
  while (sent < 5000 && events_table.emit(a->handle, BP_LIT("a.x"), BP_LIT("")) == BP_OK)
    sent++;
  assert_int_equal(sent, 1024);
  assert_int_equal(events_table.emit(a->handle, BP_LIT("a.x"), BP_LIT("")), BP_E_BUSY);
  events_emit(BP_LIT("bp.stopping"), BP_LIT("{}"), NULL);
  run_loop();
  assert_string_equal(seen, "b:bp.stopping{} ");
  assert_int_equal(events_table.emit(a->handle, BP_LIT("a.x"), BP_LIT("")), BP_OK);
  run_loop();
}

static void test_cancelled_in_delivery(void **state) {
  (void)state;
  subscribe(a, "b.x", note_and_cancel, "1");
  to_cancel = subscribe(a, "b.x", note, "2");
  assert_int_equal(events_table.emit(b->handle, BP_LIT("b.x"), BP_LIT("")), BP_OK);
  run_loop();
  assert_string_equal(seen, "1:b.x ");
  assert_int_equal(events_table.unsubscribe(to_cancel), BP_E_STALE);
}

static void test_revoked_with_its_plugin(void **state) {
  (void)state;
  bp_subscription subscription = subscribe(a, "b.x", note, "a");
  assert_int_equal(events_table.emit(b->handle, BP_LIT("b.x"), BP_LIT("")), BP_OK);
  plugin_revoke_all(a);
  run_loop();
  assert_string_equal(seen, "");
  assert_int_equal(events_table.unsubscribe(subscription), BP_E_STALE);
  assert_int_equal(events_table.emit(a->handle, BP_LIT("a.x"), BP_LIT("")), BP_E_STALE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_whether_anybody_listens), CASE(test_delivered_later_in_order), CASE(test_names_and_prefixes),
      CASE(test_host_notice_for_one),     CASE(test_bad_names_are_refused),    CASE(test_queue_is_bounded_for_plugins_only),
      CASE(test_cancelled_in_delivery),   CASE(test_revoked_with_its_plugin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
