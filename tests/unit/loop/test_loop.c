/* Unit tests of host/loop/loop.c: posting, ends of ticks, time, stopping. */
#include "loop/loop.h"
#include "unit.h"

#include <pthread.h>
#include <time.h>

static int order[64];
static int order_count;

static int setup(void **state) {
  (void)state;
  order_count = 0;
  return loop_init() ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  loop_release();
  return 0;
}

static void note(void *arg) {
  order[order_count++] = (int)(intptr_t)arg;
}

static void stop(void *arg) {
  (void)arg;
  loop_stop();
}

static void test_posts_run_in_order(void **state) {
  (void)state;
  for (intptr_t i = 0; i < 10; i++)
    loop_post(note, (void *)i);
  loop_post(stop, NULL);
  loop_run();
  assert_int_equal(order_count, 10);
  for (int i = 0; i < 10; i++)
    assert_int_equal(order[i], i);
}

static void post_from_post(void *arg) {
  note(arg);
  loop_post(note, (void *)2);
  loop_post(stop, NULL);
}

static void test_a_post_from_a_post_runs_later(void **state) {
  (void)state;
  loop_post(post_from_post, (void *)1);
  loop_post(note, (void *)3);
  loop_run();
  assert_int_equal(order_count, 3);
  assert_int_equal(order[1], 3);
  assert_int_equal(order[2], 2);
}

#define THREADS 4
#define POSTS_EACH 2000
static int counted;

static void count(void *arg) {
  (void)arg;
  assert_true(loop_is_main());
  if (++counted == THREADS * POSTS_EACH)
    loop_stop();
}

static void *post_many(void *arg) {
  assert_false(loop_is_main());
  for (int i = 0; i < POSTS_EACH; i++)
    loop_post(count, NULL);
  return arg;
}

static void test_posts_from_threads_all_arrive(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  counted = 0;
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, post_many, NULL), 0);
  loop_run();
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(counted, THREADS * POSTS_EACH);
}

static struct loop_hook hook_a, hook_b;

static void ask_twice(void *arg) {
  (void)arg;
  loop_tick_end(&hook_a);
  loop_tick_end(&hook_a);
  note((void *)1);
}

static void test_a_hook_runs_once_after_the_tick(void **state) {
  (void)state;
  hook_a = (struct loop_hook){.fn = note, .arg = (void *)9};
  loop_post(ask_twice, NULL);
  loop_post(note, (void *)2);
  loop_post(stop, NULL);
  loop_run();
  assert_int_equal(order_count, 3);
  assert_int_equal(order[0], 1);
  assert_int_equal(order[1], 2);
  assert_int_equal(order[2], 9);
}

static void test_a_forgotten_hook_does_not_run(void **state) {
  (void)state;
  hook_a = (struct loop_hook){.fn = note, .arg = (void *)1};
  hook_b = (struct loop_hook){.fn = note, .arg = (void *)2};
  loop_tick_end(&hook_a);
  loop_tick_end(&hook_b);
  loop_tick_forget(&hook_b);
  loop_tick_forget(&hook_b);
  loop_post(stop, NULL);
  loop_run();
  assert_int_equal(order_count, 1);
  assert_int_equal(order[0], 1);
}

static void queue_again(void *arg) {
  loop_tick_end(arg);
  counted++;
}

static void test_a_hook_that_asks_again_does_not_starve_the_loop(void **state) {
  (void)state;
  counted = 0;
  hook_a = (struct loop_hook){.fn = queue_again, .arg = &hook_a};
  loop_tick_end(&hook_a);
  loop_post(stop, NULL);
  loop_run();
  assert_true(counted > 1);
  loop_tick_forget(&hook_a);
}

static void ask_for_next(void *arg) {
  (void)arg;
  loop_next_tick_end(&hook_a);
  loop_next_tick_end(&hook_b);
  loop_next_tick_end(&hook_a);
  loop_post(note, (void *)2);
  loop_post(stop, NULL);
  note((void *)1);
}

static void test_a_hook_for_the_next_tick_waits_for_that_alone(void **state) {
  (void)state;
  hook_a = (struct loop_hook){.fn = note, .arg = (void *)8};
  hook_b = (struct loop_hook){.fn = note, .arg = (void *)9};
  struct loop_hook first = {.fn = ask_for_next};
  loop_tick_end(&first);
  loop_run();
  assert_int_equal(order_count, 4);
  assert_int_equal(order[0], 1);
  assert_int_equal(order[1], 2);
  assert_int_equal(order[2] + order[3], 17);
}

/* Nothing else is there to do: the loop must not wait for an event. */
static void test_a_hook_for_the_next_tick_does_not_wait_for_events(void **state) {
  (void)state;
  hook_a = (struct loop_hook){.fn = stop};
  loop_next_tick_end(&hook_a);
  loop_run();
}

static void test_a_hook_for_the_next_tick_can_be_forgotten(void **state) {
  (void)state;
  hook_a = (struct loop_hook){.fn = note, .arg = (void *)1};
  hook_b = (struct loop_hook){.fn = note, .arg = (void *)2};
  loop_next_tick_end(&hook_a);
  loop_next_tick_end(&hook_b);
  loop_tick_forget(&hook_a);
  loop_tick_forget(&hook_a);
  loop_post(stop, NULL);
  loop_run();
  assert_int_equal(order_count, 1);
  assert_int_equal(order[0], 2);
}

static int64_t seen_ms;

static void see_time(void *arg) {
  (void)arg;
  seen_ms = loop_now_ms();
  struct timespec pause = {.tv_nsec = 5000000};
  nanosleep(&pause, NULL);
  assert_true(loop_now_ms() == seen_ms);
}

static void test_time_stands_still_within_a_tick(void **state) {
  (void)state;
  loop_post(see_time, NULL);
  loop_post(stop, NULL);
  loop_run();
  loop_post(stop, NULL);
  loop_run();
  assert_true(loop_now_ms() > seen_ms);
}

static void test_release_runs_what_is_still_posted(void **state) {
  (void)state;
  loop_post(note, (void *)5);
  loop_release();
  assert_int_equal(order_count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_posts_run_in_order, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_post_from_a_post_runs_later, setup, teardown),
      cmocka_unit_test_setup_teardown(test_posts_from_threads_all_arrive, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_hook_runs_once_after_the_tick, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_forgotten_hook_does_not_run, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_hook_that_asks_again_does_not_starve_the_loop, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_hook_for_the_next_tick_waits_for_that_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_hook_for_the_next_tick_does_not_wait_for_events, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_hook_for_the_next_tick_can_be_forgotten, setup, teardown),
      cmocka_unit_test_setup_teardown(test_time_stands_still_within_a_tick, setup, teardown),
      cmocka_unit_test_setup_teardown(test_release_runs_what_is_still_posted, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
