/* The order of durable and ephemeral events: numbers, waiting, giving up, and two threads at once. */
#include "live/sequence.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static struct record *make(bp_str payload) {
  struct record *record = record_new(BP_LIT("test.topic"), (bp_str){0}, payload);
  assert_non_null(record);
  return record;
}

static uint64_t push(bp_str payload) {
  struct record *record = make(payload);
  assert_true(sequence_push(record));
  return record->sequence;
}

static struct record_list batch_of(uint64_t first, uint32_t count) {
  struct record_list list = {0};
  for (uint32_t i = 0; i < count; i++) {
    struct record *record = make(BP_LIT("durable"));
    record->sequence = first + i;
    record_list_add(&list, record);
  }
  return list;
}

static unsigned expect(const uint64_t *numbers, unsigned count) {
  struct record_list list;
  sequence_release(&list);
  unsigned seen = 0;
  for (struct record *record; (record = record_list_take(&list)); seen++) {
    assert_true(seen < count);
    assert_int_equal(record->sequence, numbers[seen]);
    record_free(record);
  }
  assert_int_equal(seen, count);
  return seen;
}

static void ephemeral_alone_is_released_at_once(void **state) {
  (void)state;
  sequence_start(7);
  assert_int_equal(push(BP_LIT("a")), 8);
  assert_int_equal(push(BP_LIT("b")), 9);
  expect((const uint64_t[]){8, 9}, 2);
  expect(NULL, 0);
}

static void ephemeral_waits_for_lower_numbers(void **state) {
  (void)state;
  sequence_start(0);
  uint64_t first = sequence_take(2);
  assert_int_equal(first, 1);
  assert_int_equal(push(BP_LIT("a")), 3);
  expect(NULL, 0);
  struct record_list rows = batch_of(first, 2);
  assert_true(sequence_finish(first, &rows));
  expect((const uint64_t[]){1, 2, 3}, 3);
}

static void failed_batch_gives_its_numbers_up(void **state) {
  (void)state;
  sequence_start(0);
  push(BP_LIT("a"));
  uint64_t first = sequence_take(5);
  push(BP_LIT("b"));
  expect((const uint64_t[]){1}, 1);
  struct record_list nothing = {0};
  assert_true(sequence_finish(first, &nothing));
  expect((const uint64_t[]){7}, 1);
}

static void later_batch_waits_for_earlier_one(void **state) {
  (void)state;
  sequence_start(0);
  uint64_t one = sequence_take(1), two = sequence_take(1);
  push(BP_LIT("x"));
  struct record_list rows = batch_of(two, 1);
  assert_true(sequence_finish(two, &rows));
  expect(NULL, 0);
  rows = batch_of(one, 1);
  assert_true(sequence_finish(one, &rows));
  expect((const uint64_t[]){1, 2, 3}, 3);
}

static void unknown_batch_is_refused(void **state) {
  (void)state;
  sequence_start(0);
  struct record_list rows = batch_of(1, 1);
  assert_false(sequence_finish(1, &rows));
  assert_null(rows.first);
  expect(NULL, 0);
}

static void waiting_records_are_bounded(void **state) {
  (void)state;
  sequence_start(0);
  uint64_t first = sequence_take(1);
  static char payload[1 << 20];
  unsigned taken = 0;
  for (; taken < 64; taken++) {
    struct record *record = make(bp_str_make(payload, sizeof(payload)));
    if (sequence_push(record))
      continue;
    record_free(record);
    break;
  }
  assert_in_range(taken, 7, 9);
  struct record_list nothing = {0};
  sequence_finish(first, &nothing);
  struct record_list list;
  assert_true(sequence_release(&list));
  for (struct record *record; (record = record_list_take(&list));)
    record_free(record);
  assert_true(push(BP_LIT("room again")) > 0);
  sequence_start(0);
}

#define ROUNDS 20000

static atomic_bool writer_is_done;

/* The writer thread of the store: takes numbers, and finishes each batch with or without its events. */
static void *write_batches(void *arg) {
  (void)arg;
  for (unsigned i = 0; i < ROUNDS; i++) {
    uint32_t count = i % 3 + 1;
    uint64_t first = sequence_take(count);
    struct record_list rows = i % 7 ? batch_of(first, count) : (struct record_list){0};
    sequence_finish(first, &rows);
  }
  atomic_store(&writer_is_done, true);
  return NULL;
}

static uint64_t drain_rising(uint64_t last, unsigned *seen) {
  struct record_list list;
  sequence_release(&list);
  for (struct record *record; (record = record_list_take(&list)); (*seen)++) {
    assert_true(record->sequence > last);
    last = record->sequence;
    record_free(record);
  }
  return last;
}

static void two_threads_deliver_in_order(void **state) {
  (void)state;
  sequence_start(0);
  atomic_store(&writer_is_done, false);
  pthread_t writer;
  assert_int_equal(pthread_create(&writer, NULL, write_batches, NULL), 0);
  unsigned seen = 0, pushed = 0, durable = 0;
  uint64_t last = 0;
  while (!atomic_load(&writer_is_done)) {
    push(BP_LIT("ephemeral"));
    pushed++;
    last = drain_rising(last, &seen);
  }
  pthread_join(writer, NULL);
  last = drain_rising(last, &seen);
  for (unsigned i = 0; i < ROUNDS; i++)
    durable += i % 7 ? i % 3 + 1 : 0;
  assert_int_equal(seen, pushed + durable);
  assert_true(last <= sequence_last());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ephemeral_alone_is_released_at_once),
      cmocka_unit_test(ephemeral_waits_for_lower_numbers),
      cmocka_unit_test(failed_batch_gives_its_numbers_up),
      cmocka_unit_test(later_batch_waits_for_earlier_one),
      cmocka_unit_test(unknown_batch_is_refused),
      cmocka_unit_test(waiting_records_are_bounded),
      cmocka_unit_test(two_threads_deliver_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
