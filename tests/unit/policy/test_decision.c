/* Unit tests of decisions: what each verdict means and leaves behind; facts as text and as tree; loading rules again. */
#include "policy/audit.h"
#include "policy/decision.h"
#include "policy/policy_fixture.h"
#include "json/json.h"

/* Rows are written behind the caller's back. */
static void wait_for_rows(uint64_t rows) {
  while (audit_counters()->rows < rows) {
    loop_post(fixture_stop, NULL);
    loop_run();
    usleep(200);
  }
}

static void never(void *ctx, const struct decision *decision) {
  (void)ctx;
  (void)decision;
  fail_msg("nobody waits");
}

static enum verdict_kind decide_text(const char *set, const char *text, struct decision *ret) {
  struct facts facts;
  facts_of_text(&facts, str_from(text));
  const struct question question = {.set = str_from(set), .principal = BP_LIT("uid:1"), .module = BP_LIT("tools"), .facts = &facts};
  assert_null(decide(&question, ret, never, NULL));
  facts_release(&facts);
  decision_release(ret);
  return ret->kind;
}

static void what_leaves_a_row(void **state) {
  struct decision d;
  (void)state;
  fixture_rule("validation/a.lua", "if request.bad then return deny('bad', '/body/x') end return true");
  fixture_rule("guard/a.lua", "if request.ask then return ask('sure?') end if request.up then return rewrite { up = false } end return true");
  fixture_close();
  fixture_open();
  uint64_t before = audit_counters()->rows;
  assert_int_equal(decide_text("unknown", "{}", &d), VERDICT_ALLOW);
  assert_int_equal(d.audit_id, 0);
  assert_int_equal(decide_text("validation", "{}", &d), VERDICT_ALLOW);
  assert_int_equal(d.audit_id, 0);
  assert_int_equal(decide_text("validation", "{\"bad\":true}", &d), VERDICT_DENY);
  assert_string_equal(d.pointer, "/body/x");
  assert_int_not_equal(d.audit_id, 0);
  assert_int_equal(decide_text("guard", "{}", &d), VERDICT_ALLOW);
  assert_int_not_equal(d.audit_id, 0);
  assert_int_equal(decide_text("guard", "{\"up\":true}", &d), VERDICT_REWRITE);
  assert_int_equal(decide_text("guard", "{\"ask\":true}", &d), VERDICT_ASK);
  assert_int_equal(strlen(d.approval_id), APPROVAL_ID_BYTES - 1);
  assert_int_equal(decide_text("guard", "[]", &d), VERDICT_DENY);
  wait_for_rows(before + 5);
}

struct reloaded {
  unsigned calls;
  bp_status status;
  char message[512];
};

static void on_reload(void *ctx, bp_status status, const bp_error *err) {
  struct reloaded *r = ctx;
  r->calls++;
  r->status = status;
  snprintf(r->message, sizeof(r->message), "%s", err->message);
}

static struct reloaded reload(void) {
  struct reloaded r = {0};
  struct reloaded behind = {0};
  assert_int_equal(policy_reload(on_reload, &r), BP_OK);
  assert_int_equal(policy_reload(on_reload, &behind), BP_OK);
  fixture_wait(&behind.calls, 1);
  assert_int_equal(r.calls, 1);
  assert_int_equal(behind.status, r.status);
  return r;
}

static void a_fault_changes_nothing(void **state) {
  struct decision d;
  (void)state;
  fixture_rule("guard/a.lua", "return deny('first')");
  assert_int_equal(reload().status, BP_OK);
  assert_int_equal(decide_text("guard", "{}", &d), VERDICT_DENY);
  fixture_rule("guard/a.lua", "return true\nend");
  struct reloaded broken = reload();
  assert_int_not_equal(broken.status, BP_OK);
  assert_non_null(strstr(broken.message, "guard/a.lua:2"));
  assert_int_equal(decide_text("guard", "{}", &d), VERDICT_DENY);
  fixture_rule("guard/a.lua", "return true");
  fixture_rule("guard/a.test.lua", "return { { name = 'is strict', facts = {}, expect = 'deny' } }");
  broken = reload();
  assert_non_null(strstr(broken.message, "is strict"));
  assert_int_equal(decide_text("guard", "{}", &d), VERDICT_DENY);
  fixture_rule("guard/a.test.lua", "return { { name = 'is kind', facts = {}, expect = 'allow' } }");
  assert_int_equal(reload().status, BP_OK);
  assert_int_equal(decide_text("guard", "{}", &d), VERDICT_ALLOW);
}

/* ---- Facts ---- */

static bool is_flat(const char *text) {
  struct facts facts;
  facts_of_text(&facts, str_from(text));
  bool flat = facts.is_flat;
  facts_release(&facts);
  return flat;
}

static void only_plain_text_is_cut(void **state) {
  (void)state;
  assert_true(is_flat("{}"));
  assert_true(is_flat("{\"a\":\"b\",\"n\":-12,\"t\":true,\"f\":false}"));
  static const char *const others[] = {"",
                                       "{",
                                       "[]",
                                       "{\"a\":1.5}",
                                       "{\"a\":{}}",
                                       "{\"a\":null}",
                                       "{\"a\": 1}",
                                       "{\"a\":1,}",
                                       "{\"a\":1}x",
                                       "{\"a\":\"\\n\"}",
                                       "{\"a\":\"b}",
                                       "{\"a\":1 }",
                                       "{a:1}",
                                       "{\"a\"}",
                                       "{\"a\":99999999999999999999}",
                                       "{\"a\":tru}",
                                       "{\"\\u0061\":1}"};
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    if (is_flat(others[i]))
      fail_msg("%s is cut", others[i]);
}

/* What is no JSON object is denied, whichever way it came. */
static void broken_facts_are_denied(void **state) {
  static const char *const broken[] = {"", "{", "[]", "{\"a\":1,}", "{\"a\":{}}x", "3"};
  struct decision d;
  (void)state;
  fixture_rule("guard/a.lua", "return true");
  fixture_close();
  fixture_open();
  for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
    assert_int_equal(decide_text("guard", broken[i], &d), VERDICT_DENY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      POLICY_TEST(what_leaves_a_row),
      POLICY_TEST(a_fault_changes_nothing),
      cmocka_unit_test(only_plain_text_is_cut),
      POLICY_TEST(broken_facts_are_denied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
