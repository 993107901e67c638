/* What modules read as they start is over before the start is: chains of it too, but never for long. */
#include "store/store_fixture.h"

#include "loader/first_reads.h"

static uint32_t over_count, read_count, reads_wanted, reads_when_over;

static void on_over(void) {
  over_count++;
  reads_when_over = read_count;
}

static void read_one(void);

static void on_read(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  assert_int_equal(outcome->status, BP_OK);
  if (++read_count < reads_wanted)
    read_one();
}

static void read_one(void) {
  const bp_db_query query = {.size = sizeof(query), .statement = COUNT};
  assert_int_equal(DB->read(box->handle, (bp_array){&query, 1, sizeof(query)}, 0, on_read, NULL), BP_OK);
}

static void begin(uint32_t wanted) {
  over_count = 0;
  read_count = 0;
  reads_wanted = wanted;
}

static void test_a_chain_of_reads_is_waited_for(void **state) {
  (void)state;
  begin(5);
  first_reads_note(box);
  read_one();
  first_reads_await(on_over);
  assert_int_equal(over_count, 0);
  fixture_wait(&over_count, 1);
  assert_int_equal(reads_when_over, 5);
}

static void test_who_reads_nothing_is_not_waited_for(void **state) {
  (void)state;
  begin(1);
  first_reads_note(box);
  first_reads_await(on_over);
  assert_int_equal(over_count, 1);
}

static void test_what_another_module_reads_is_not_waited_for(void **state) {
  (void)state;
  begin(UINT32_MAX);
  read_one();
  first_reads_await(on_over);
  assert_int_equal(over_count, 1);
  reads_wanted = 0;
  fixture_wait(&read_count, 1);
}

static void test_who_reads_without_end_is_let_go(void **state) {
  (void)state;
  begin(UINT32_MAX);
  first_reads_note(box);
  read_one();
  first_reads_await(on_over);
  fixture_wait(&over_count, 1);
  assert_true(read_count > 1);
  reads_wanted = 0;
  fixture_wait(&read_count, read_count + 1);
  assert_int_equal(store_pending(box), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(test_a_chain_of_reads_is_waited_for),
      STORE_TEST(test_who_reads_nothing_is_not_waited_for),
      STORE_TEST(test_what_another_module_reads_is_not_waited_for),
      STORE_TEST(test_who_reads_without_end_is_let_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
