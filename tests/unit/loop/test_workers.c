/* Unit tests of host/loop/workers.c: running, cancelling by owner, joining, stopping. */
#include "loop/loop.h"
#include "loop/workers.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct item {
  struct work work;
  atomic_bool ran;
  bool is_done, was_cancelled;
};

static struct item items[16];
static int done_count, stop_at;
static atomic_bool gate_open, at_gate;
static int owner_a, owner_b;

static int setup(void **state) {
  (void)state;
  done_count = 0;
  atomic_store(&gate_open, false);
  atomic_store(&at_gate, false);
  for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
    items[i] = (struct item){0};
  return loop_init() ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  atomic_store(&gate_open, true);
  workers_stop();
  loop_release();
  return 0;
}

static void run(struct work *work) {
  assert_false(loop_is_main());
  atomic_store(&((struct item *)work)->ran, true);
}

static void run_behind_the_gate(struct work *work) {
  atomic_store(&at_gate, true);
  while (!atomic_load(&gate_open))
    usleep(1000);
  run(work);
}

static void done(struct work *work, bool cancelled) {
  struct item *item = (struct item *)work;
  assert_true(loop_is_main());
  assert_false(item->is_done);
  item->is_done = true;
  item->was_cancelled = cancelled;
  if (++done_count == stop_at)
    loop_stop();
}

static void submit(int index, void (*fn)(struct work *work), const void *owner) {
  items[index].work = (struct work){.run = fn, .done = done, .owner = owner};
  workers_submit(&items[index].work);
}

static void test_work_runs_and_is_told(void **state) {
  (void)state;
  stop_at = 8;
  for (int i = 0; i < 8; i++)
    submit(i, run, NULL);
  assert_int_equal(workers_pending(NULL), 8);
  loop_run();
  for (int i = 0; i < 8; i++) {
    assert_true(items[i].ran);
    assert_true(items[i].is_done);
    assert_false(items[i].was_cancelled);
  }
  assert_int_equal(workers_pending(NULL), 0);
}

static void test_cancel_takes_only_the_owners_waiting_work(void **state) {
  (void)state;
  stop_at = 5;
  submit(0, run_behind_the_gate, &owner_b);
  submit(1, run_behind_the_gate, &owner_b);
  submit(2, run, &owner_a);
  submit(3, run, &owner_b);
  submit(4, run, &owner_a);
  workers_cancel(&owner_a);
  assert_int_equal(workers_pending(&owner_a), 2);
  assert_int_equal(done_count, 0);
  atomic_store(&gate_open, true);
  loop_run();
  assert_true(items[2].was_cancelled && items[4].was_cancelled);
  assert_false(items[2].ran || items[4].ran);
  assert_true(items[3].ran && !items[3].was_cancelled);
}

static void test_cancel_lets_go_on_what_runs(void **state) {
  (void)state;
  stop_at = 1;
  submit(0, run_behind_the_gate, &owner_a);
  while (!atomic_load(&at_gate)) /* until a worker has taken it */
    usleep(1000);
  workers_cancel(&owner_a);
  assert_int_equal(workers_pending(&owner_a), 1);
  atomic_store(&gate_open, true);
  loop_run();
  assert_true(items[0].is_done);
  assert_int_equal(workers_pending(&owner_a), 0);
}

static void test_stop_cancels_what_waits_and_can_start_again(void **state) {
  (void)state;
  stop_at = -1;
  submit(0, run_behind_the_gate, NULL);
  submit(1, run_behind_the_gate, NULL);
  submit(2, run, NULL);
  atomic_store(&gate_open, true);
  workers_stop();
  stop_at = 4;
  submit(3, run, NULL);
  loop_run();
  assert_int_equal(done_count, 4);
  assert_true(items[3].ran);
}

static void done_and_go_on(struct work *work, bool cancelled) {
  done(work, cancelled);
  if (work == &items[0].work)
    submit(1, run, NULL);
}

static void test_stop_tells_all_and_starts_nothing_new(void **state) {
  (void)state;
  stop_at = -1;
  items[0].work = (struct work){.run = run, .done = done_and_go_on};
  workers_submit(&items[0].work);
  while (!atomic_load(&items[0].ran))
    usleep(1000);
  workers_stop();
  assert_int_equal(done_count, 2);
  assert_false(items[0].was_cancelled);
  assert_true(items[1].was_cancelled && !items[1].ran);
  assert_int_equal(workers_pending(NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_work_runs_and_is_told, setup, teardown),
      cmocka_unit_test_setup_teardown(test_cancel_takes_only_the_owners_waiting_work, setup, teardown),
      cmocka_unit_test_setup_teardown(test_cancel_lets_go_on_what_runs, setup, teardown),
      cmocka_unit_test_setup_teardown(test_stop_cancels_what_waits_and_can_start_again, setup, teardown),
      cmocka_unit_test_setup_teardown(test_stop_tells_all_and_starts_nothing_new, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
