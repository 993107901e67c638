/* Unit tests of approvals: their whole life, passing once, who may decide, time, a restart, limits. */
#include "policy/approvals.h"
#include "policy/policy_fixture.h"
#include "json/json.h"

static int64_t now_ms;

static int64_t fake_now(void) {
  return now_ms;
}

static int setup(void **state) {
  now_ms = 1000000;
  approvals_now_ms = fake_now;
  return fixture_setup(state);
}

static struct approval_question question(const char *principal, const json_t *facts) {
  return (struct approval_question){.set = BP_LIT("guard"),
                                    .principal = str_from(principal),
                                    .module = BP_LIT("tools"),
                                    .operation = BP_LIT("run_tool"),
                                    .rule = "guard/a.lua",
                                    .reason = "sure?",
                                    .facts = facts};
}

static json_t *facts_of(const char *text) {
  json_t *facts = doc_parse(str_from(text), &doc_default_limits, NULL);
  assert_non_null(facts);
  return facts;
}

/* ---- What is the same question ---- */

static bool hashes_equal(const struct approval_question *a, const struct approval_question *b) {
  uint8_t one[APPROVAL_HASH_BYTES], two[APPROVAL_HASH_BYTES];
  assert_true(approval_hash(a, one) && approval_hash(b, two));
  return memcmp(one, two, sizeof(one)) == 0;
}

static void the_order_of_members_does_not_matter(void **state) {
  (void)state;
  json_t *one = facts_of("{\"a\":1,\"b\":{\"x\":[1,2],\"y\":null}}"), *two = facts_of("{\"b\":{\"y\":null,\"x\":[1,2]},\"a\":1}");
  json_t *other = facts_of("{\"a\":1,\"b\":{\"x\":[2,1],\"y\":null}}");
  struct approval_question q = question("uid:1", one), same = question("uid:1", two);
  struct approval_question else_facts = question("uid:1", other), else_who = question("uid:2", one), else_set = question("uid:1", one);
  else_set.set = BP_LIT("other");
  assert_true(hashes_equal(&q, &same));
  assert_false(hashes_equal(&q, &else_facts));
  assert_false(hashes_equal(&q, &else_who));
  assert_false(hashes_equal(&q, &else_set));
  json_decref(one);
  json_decref(two);
  json_decref(other);
}

/* ---- Waiting and deciding ---- */

struct told {
  unsigned calls;
  enum approval_end end;
  char reason[257];
};

static void tell(void *ctx, enum approval_end end, const char *id, const char *reason) {
  struct told *told = ctx;
  assert_int_equal(strlen(id), APPROVAL_ID_BYTES - 1);
  told->calls++;
  told->end = end;
  snprintf(told->reason, sizeof(told->reason), "%s", reason);
}

struct outcome {
  unsigned calls;
  bp_status status;
  char state[32], note[300], decider[64], facts[256];
};

static void decided(void *ctx, bp_status status, const bp_error *err) {
  struct outcome *outcome = ctx;
  (void)err;
  outcome->calls++;
  outcome->status = status;
}

static bp_status decide_as(const char *id, bool approves, const char *decider, const char *note) {
  struct outcome outcome = {0};
  bp_error err = BP_ERROR_INIT;
  bp_status status = approvals_decide(str_from(id), approves, str_from(decider), str_from(note), decided, &outcome, &err);
  if (status != BP_OK)
    return status;
  fixture_wait(&outcome.calls, 1);
  return outcome.status;
}

static void read_row(void *ctx, json_t *answer, bp_status status, const bp_error *err) {
  struct outcome *outcome = ctx;
  (void)err;
  outcome->calls++;
  outcome->status = status;
  if (!answer)
    return;
  const char *decider = json_string_value(json_object_get(answer, "decided_by"));
  char *facts = json_dumps(json_object_get(answer, "facts"), JSON_COMPACT);
  snprintf(outcome->state, sizeof(outcome->state), "%s", json_string_value(json_object_get(answer, "state")));
  snprintf(outcome->note, sizeof(outcome->note), "%s", json_string_value(json_object_get(answer, "note")));
  snprintf(outcome->decider, sizeof(outcome->decider), "%s", decider ? decider : "");
  snprintf(outcome->facts, sizeof(outcome->facts), "%s", facts);
  free(facts);
}

static struct outcome row_of(const char *id) {
  struct outcome outcome = {0};
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(approvals_get(str_from(id), read_row, &outcome, &err), BP_OK);
  fixture_wait(&outcome.calls, 1);
  return outcome;
}

/* The row is written behind the caller's back. */
static void expect_state(const char *id, const char *expected) {
  struct outcome row = row_of(id);
  for (int tries = 0; tries < 5000 && strcmp(row.state, expected) != 0; tries++)
    row = row_of(id);
  assert_string_equal(row.state, expected);
}

static void an_approved_question_passes_once_without_a_wait(void **state) {
  char id[APPROVAL_ID_BYTES], taken[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  (void)state;
  json_t *facts = facts_of("{\"tool\":\"rm\",\"token\":\"abc\"}");
  struct approval_question q = question("uid:1", facts);
  assert_false(approvals_take(&q, taken));
  assert_int_equal(approvals_ask(&q, id, &err), BP_OK);
  assert_int_equal(approvals_pending(), 1);
  expect_state(id, "pending");
  assert_string_equal(row_of(id).facts, "{\"tool\":\"rm\",\"token\":\"***\"}");
  assert_false(approvals_take(&q, taken));
  assert_int_equal(decide_as(id, true, "token:admin", "go on"), BP_OK);
  expect_state(id, "approved");
  assert_string_equal(row_of(id).decider, "token:admin");
  struct approval_question stranger = question("uid:2", facts);
  assert_false(approvals_take(&stranger, taken));
  assert_true(approvals_take(&q, taken));
  assert_string_equal(taken, id);
  assert_false(approvals_take(&q, taken));
  expect_state(id, "used");
  assert_int_equal(decide_as(id, false, "token:admin", ""), BP_E_NOT_FOUND);
  json_decref(facts);
}

static void the_same_question_joins_and_one_waiter_passes(void **state) {
  char id[APPROVAL_ID_BYTES], again[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  struct told first = {0}, second = {0};
  (void)state;
  json_t *facts = facts_of("{\"a\":1}");
  struct approval_question q = question("uid:1", facts);
  assert_int_equal(approvals_ask(&q, id, &err), BP_OK);
  assert_int_equal(approvals_ask(&q, again, &err), BP_OK);
  assert_string_equal(id, again);
  assert_non_null(approvals_wait(id, 25000, tell, &first));
  assert_non_null(approvals_wait(id, 25000, tell, &second));
  assert_int_equal(decide_as(id, true, "session:1", ""), BP_OK);
  fixture_wait(&first.calls, 1);
  fixture_wait(&second.calls, 1);
  assert_int_equal(first.end, APPROVAL_PASSES);
  assert_int_equal(second.end, APPROVAL_DENIED);
  assert_false(approvals_take(&q, again));
  expect_state(id, "used");
  json_decref(facts);
}

static void a_denial_reaches_who_waits_with_its_reason(void **state) {
  char id[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  struct told told = {0}, gone = {0};
  (void)state;
  json_t *facts = facts_of("{\"a\":1}");
  struct approval_question q = question("uid:1", facts);
  assert_int_equal(approvals_ask(&q, id, &err), BP_OK);
  struct approval_waiter *leaver = approvals_wait(id, 25000, tell, &gone);
  assert_non_null(approvals_wait(id, 25000, tell, &told));
  approvals_leave(leaver);
  assert_int_equal(decide_as(id, false, "token:admin", "not today"), BP_OK);
  fixture_wait(&told.calls, 1);
  assert_int_equal(told.end, APPROVAL_DENIED);
  assert_string_equal(told.reason, "not today");
  assert_int_equal(gone.calls, 0);
  assert_int_equal(approvals_pending(), 0);
  assert_null(approvals_wait(id, 1, tell, &told));
  expect_state(id, "denied");
  json_decref(facts);
}

static void nobody_decides_their_own_request(void **state) {
  char id[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  (void)state;
  json_t *facts = facts_of("{\"a\":1}");
  struct approval_question q = question("token:admin", facts);
  assert_int_equal(approvals_ask(&q, id, &err), BP_OK);
  assert_int_equal(decide_as(id, true, "token:admin", ""), BP_E_DENIED);
  assert_int_equal(approvals_pending(), 1);
  assert_int_equal(decide_as("0000000000000000", true, "token:1", ""), BP_E_NOT_FOUND);
  json_decref(facts);
}

static void a_wait_ends_undecided_and_the_question_stays(void **state) {
  char id[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  struct told told = {0};
  (void)state;
  json_t *facts = facts_of("{\"a\":1}");
  struct approval_question q = question("uid:1", facts);
  assert_int_equal(approvals_ask(&q, id, &err), BP_OK);
  assert_non_null(approvals_wait(id, 1, tell, &told));
  fixture_wait(&told.calls, 1);
  assert_int_equal(told.end, APPROVAL_UNDECIDED);
  assert_int_equal(approvals_pending(), 1);
  json_decref(facts);
}

static void time_ends_what_nobody_decides_or_uses(void **state) {
  char pending[APPROVAL_ID_BYTES], approved[APPROVAL_ID_BYTES], taken[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  (void)state;
  json_t *one = facts_of("{\"a\":1}"), *two = facts_of("{\"a\":2}");
  struct approval_question q1 = question("uid:1", one), q2 = question("uid:1", two);
  assert_int_equal(approvals_ask(&q1, pending, &err), BP_OK);
  assert_int_equal(approvals_ask(&q2, approved, &err), BP_OK);
  assert_int_equal(decide_as(approved, true, "token:admin", ""), BP_OK);
  now_ms += APPROVAL_PASS_MS;
  assert_false(approvals_take(&q2, taken));
  approvals_expire();
  expect_state(approved, "expired");
  assert_int_equal(approvals_pending(), 1);
  now_ms += APPROVAL_PENDING_MS;
  approvals_expire();
  assert_int_equal(approvals_pending(), 0);
  expect_state(pending, "expired");
  json_decref(one);
  json_decref(two);
}

static void a_restart_ends_all(void **state) {
  char pending[APPROVAL_ID_BYTES], approved[APPROVAL_ID_BYTES], taken[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  (void)state;
  json_t *one = facts_of("{\"a\":1}"), *two = facts_of("{\"a\":2}");
  struct approval_question q1 = question("uid:1", one), q2 = question("uid:1", two);
  assert_int_equal(approvals_ask(&q1, pending, &err), BP_OK);
  assert_int_equal(approvals_ask(&q2, approved, &err), BP_OK);
  assert_int_equal(decide_as(approved, true, "token:admin", ""), BP_OK);
  fixture_close();
  fixture_open();
  expect_state(pending, "denied");
  assert_string_equal(row_of(pending).note, "the host was restarted");
  expect_state(approved, "expired");
  assert_false(approvals_take(&q2, taken));
  assert_int_equal(decide_as(pending, true, "token:admin", ""), BP_E_NOT_FOUND);
  json_decref(one);
  json_decref(two);
}

static void questions_and_waiters_are_bounded(void **state) {
  char id[APPROVAL_ID_BYTES], text[32];
  bp_error err = BP_ERROR_INIT;
  struct told told = {0};
  struct approval_waiter *waiters[APPROVAL_WAITERS_MOST];
  (void)state;
  for (unsigned i = 0; i <= APPROVALS_MOST; i++) {
    snprintf(text, sizeof(text), "{\"a\":%u}", i);
    json_t *facts = facts_of(text);
    struct approval_question q = question("uid:1", facts);
    assert_int_equal(approvals_ask(&q, id, &err), i < APPROVALS_MOST ? BP_OK : BP_E_LIMIT);
    json_decref(facts);
  }
  for (unsigned i = 0; i < APPROVAL_WAITERS_MOST; i++)
    assert_non_null(waiters[i] = approvals_wait(id, 25000, tell, &told));
  assert_null(approvals_wait(id, 25000, tell, &told));
  for (unsigned i = 0; i < APPROVAL_WAITERS_MOST; i++)
    approvals_leave(waiters[i]);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_order_of_members_does_not_matter),
      T(an_approved_question_passes_once_without_a_wait),
      T(the_same_question_joins_and_one_waiter_passes),
      T(a_denial_reaches_who_waits_with_its_reason),
      T(nobody_decides_their_own_request),
      T(a_wait_ends_undecided_and_the_question_stays),
      T(time_ends_what_nobody_decides_or_uses),
      T(a_restart_ends_all),
      T(questions_and_waiters_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
