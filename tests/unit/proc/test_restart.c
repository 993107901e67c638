/* The restart policy: who is started again, how long the waits grow, when it breaks. */
#include "unit.h"

#include "proc/restart.h"

#include <backplane/proc.h>

static void test_policies(void **state) {
  struct restart restart = {0};
  uint32_t delay_ms = 0;
  (void)state;
  assert_false(restart_after(&restart, BP_RESTART_NEVER, true, 0, 0, &delay_ms));
  assert_false(restart_after(&restart, BP_RESTART_ON_FAILURE, false, 0, 0, &delay_ms));
  assert_true(restart_after(&restart, BP_RESTART_ON_FAILURE, true, 0, 0, &delay_ms));
  assert_true(restart_after(&restart, BP_RESTART_ALWAYS, false, 0, 0, &delay_ms));
}

static void test_waits_double_up_to_half_a_minute(void **state) {
  struct restart restart = {0};
  uint32_t delay_ms = 0;
  int64_t expected_ms = 100;
  (void)state;
  for (int64_t i = 0; i < 12; i++) { /* a minute apart, so that the breaker stays closed */
    assert_true(restart_after(&restart, BP_RESTART_ALWAYS, true, i * 60000, 20000, &delay_ms));
    assert_in_range(delay_ms, expected_ms * 8 / 10, expected_ms * 12 / 10);
    expected_ms = expected_ms * 2 > 30000 ? 30000 : expected_ms * 2;
  }
  assert_true(restart_after(&restart, BP_RESTART_ALWAYS, true, 12 * 60000, 40000, &delay_ms));
  assert_in_range(delay_ms, 80, 120); /* it ran well for a while */
}

static void test_the_fifth_failure_within_a_minute_breaks(void **state) {
  struct restart restart = {0};
  uint32_t delay_ms = 0;
  (void)state;
  for (int64_t i = 0; i < 4; i++)
    assert_true(restart_after(&restart, BP_RESTART_ON_FAILURE, true, i * 14000, 0, &delay_ms));
  assert_false(restart_after(&restart, BP_RESTART_ON_FAILURE, true, 4 * 14000, 0, &delay_ms));
  struct restart slow = {0};
  for (int64_t i = 0; i < 20; i++)
    assert_true(restart_after(&slow, BP_RESTART_ON_FAILURE, true, i * 15000, 0, &delay_ms));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_policies),
      cmocka_unit_test(test_waits_double_up_to_half_a_minute),
      cmocka_unit_test(test_the_fifth_failure_within_a_minute_breaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
