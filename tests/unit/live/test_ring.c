/* The ring: bounds, floor, and finding the next event. */
#include "live/ring.h"
#include "unit.h"

static uint64_t evicted_last;

static void on_evicted(const struct record *record) {
  assert_true(record->sequence > evicted_last);
  evicted_last = record->sequence;
}

static void add(uint64_t sequence, size_t payload_len) {
  static char payload[1 << 16];
  struct record *record = record_new(BP_LIT("t.x"), (bp_str){0}, bp_str_make(payload, payload_len));
  assert_non_null(record);
  record->sequence = sequence;
  ring_add(record, on_evicted);
}

static int start(void **state) {
  (void)state;
  evicted_last = 0;
  ring_start(0, 10000);
  return 0;
}

static int stop(void **state) {
  (void)state;
  ring_release();
  return 0;
}

static void empty_ring_vouches_for_all_above_its_start(void **state) {
  (void)state;
  ring_start(41, 10000);
  assert_int_equal(ring_floor(), 41);
  assert_int_equal(ring_last(), 41);
  assert_null(ring_after(0));
}

static void finds_the_next_over_gaps(void **state) {
  (void)state;
  add(3, 1);
  add(7, 1);
  add(8, 1);
  assert_int_equal(ring_after(0)->sequence, 3);
  assert_int_equal(ring_after(3)->sequence, 7);
  assert_int_equal(ring_after(5)->sequence, 7);
  assert_int_equal(ring_after(7)->sequence, 8);
  assert_null(ring_after(8));
  assert_int_equal(ring_last(), 8);
}

static void evicts_by_bytes_and_raises_the_floor(void **state) {
  (void)state;
  for (uint64_t i = 1; i <= 20; i++)
    add(i * 2, 1000);
  assert_true(ring_bytes() <= 10000);
  assert_int_equal(ring_floor(), evicted_last);
  assert_int_equal(ring_after(0)->sequence, ring_floor() + 2);
  assert_int_equal(ring_last(), 40);
}

static void keeps_the_newest_whatever_its_size(void **state) {
  (void)state;
  add(1, 10);
  add(2, 60000);
  assert_int_equal(ring_floor(), 1);
  assert_int_equal(ring_after(0)->sequence, 2);
  add(3, 10);
  assert_int_equal(ring_floor(), 2);
  assert_int_equal(ring_after(0)->sequence, 3);
}

static void evicts_by_count(void **state) {
  (void)state;
  ring_start(0, SIZE_MAX);
  for (uint64_t i = 1; i <= RING_EVENTS_MAX + 5; i++)
    add(i, 0);
  assert_int_equal(ring_floor(), 5);
  assert_int_equal(ring_after(0)->sequence, 6);
  assert_int_equal(ring_after(RING_EVENTS_MAX)->sequence, RING_EVENTS_MAX + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(empty_ring_vouches_for_all_above_its_start, start, stop),
      cmocka_unit_test_setup_teardown(finds_the_next_over_gaps, start, stop),
      cmocka_unit_test_setup_teardown(evicts_by_bytes_and_raises_the_floor, start, stop),
      cmocka_unit_test_setup_teardown(keeps_the_newest_whatever_its_size, start, stop),
      cmocka_unit_test_setup_teardown(evicts_by_count, start, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
