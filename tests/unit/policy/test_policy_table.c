/* Unit tests of bp.policy/1: a plugin's own questions, told once and later, also when a person is asked or the plugin stops. */
#include "loader/tables.h"
#include "policy/approvals.h"
#include "policy/policy_fixture.h"

static struct plugin *plugin;

struct told {
  unsigned calls;
  uint32_t verdict;
  char reason[257], rule[128], approval[32], facts[256];
  uint64_t audit_id;
};

static void keep(char *to, size_t size, bp_str text) {
  snprintf(to, size, "%.*s", (int)text.len, text.ptr ? text.ptr : "");
}

static void tell(void *ctx, const bp_verdict *v) {
  struct told *told = ctx;
  told->calls++;
  told->verdict = v->verdict;
  told->audit_id = v->audit_id;
  keep(told->reason, sizeof(told->reason), v->reason);
  keep(told->rule, sizeof(told->rule), v->rule);
  keep(told->approval, sizeof(told->approval), v->approval_id);
  keep(told->facts, sizeof(told->facts), v->facts);
}

static bp_status ask(const char *facts, const char *principal, uint32_t hold_ms, struct told *told) {
  return policy_table.decide(plugin->handle, BP_LIT("guard"), str_from(principal), str_from(facts), hold_ms, tell, told);
}

static struct told decide(const char *facts) {
  struct told told = {0};
  assert_int_equal(ask(facts, "", 0, &told), BP_OK);
  assert_int_equal(told.calls, 0);
  fixture_wait(&told.calls, 1);
  return told;
}

static int setup(void **state) {
  int failed = fixture_make(state);
  fixture_rule("guard/a.lua", "if request.no then return deny('never') end\n"
                              "if request.ask then return ask('sure?') end\n"
                              "if request.up then return rewrite { down = 1 } end\n"
                              "return true");
  fixture_open();
  plugin = plugin_add(BP_LIT("tools"), "/tools.so");
  return failed;
}

static int teardown(void **state) {
  plugin_revoke_all(plugin);
  plugin_retire(plugin);
  return fixture_teardown(state);
}

static void verdicts_come_later_with_the_facts_to_act_on(void **state) {
  (void)state;
  struct told told = decide("{\"a\":1}");
  assert_int_equal(told.verdict, BP_VERDICT_ALLOW);
  assert_string_equal(told.facts, "{\"a\":1}");
  assert_int_not_equal(told.audit_id, 0);
  told = decide("{\"up\":true}");
  assert_int_equal(told.verdict, BP_VERDICT_ALLOW);
  assert_string_equal(told.facts, "{\"down\":1}");
  told = decide("{\"no\":true}");
  assert_int_equal(told.verdict, BP_VERDICT_DENY);
  assert_string_equal(told.reason, "never");
  assert_string_equal(told.rule, "guard/a.lua");
  assert_string_equal(told.facts, "");
  told = decide("{\"ask\":true}");
  assert_int_equal(told.verdict, BP_VERDICT_ASK);
  assert_int_equal(strlen(told.approval), APPROVAL_ID_BYTES - 1);
}

static void a_person_decides_for_a_plugin(void **state) {
  struct told first = {0}, told = {0};
  bp_error err = BP_ERROR_INIT;
  (void)state;
  first = decide("{\"ask\":1}"); /* makes the approval, whose id we need */
  assert_int_equal(ask("{\"ask\":1}", "", 25000, &told), BP_OK);
  assert_int_equal(approvals_pending(), 1);
  assert_int_equal(approvals_decide(str_from(first.approval), true, BP_LIT("plugin:tools"), BP_LIT(""), NULL, NULL, &err), BP_E_DENIED);
  assert_int_equal(approvals_decide(str_from(first.approval), true, BP_LIT("token:admin"), BP_LIT(""), NULL, NULL, &err), BP_OK);
  fixture_wait(&told.calls, 1);
  assert_int_equal(told.verdict, BP_VERDICT_ALLOW);
  assert_string_equal(told.approval, first.approval);
  assert_string_equal(told.facts, "{\"ask\":1}");
}

static void a_plugin_that_stops_hears_once(void **state) {
  struct told held = {0}, decided = {0};
  (void)state;
  assert_int_equal(ask("{\"ask\":1}", "uid:1", 25000, &held), BP_OK);
  assert_int_equal(ask("{}", "uid:1", 0, &decided), BP_OK);
  plugin_revoke_all(plugin);
  assert_int_equal(held.calls, 1);
  assert_int_equal(held.verdict, BP_VERDICT_DENY);
  assert_int_equal(decided.calls, 1);
  assert_int_equal(ask("{}", "uid:1", 0, &decided), BP_E_STALE);
  unsigned none = 0;
  loop_post(fixture_stop, &none);
  loop_run();
  assert_int_equal(held.calls + decided.calls, 2);
}

static void wrong_calls_are_refused(void **state) {
  struct told told = {0};
  (void)state;
  assert_int_equal(ask("[]", "", 0, &told), BP_E_PARSE);
  assert_int_equal(ask("{", "", 0, &told), BP_E_PARSE);
  assert_int_equal(policy_table.decide(plugin->handle, BP_LIT(""), BP_LIT(""), BP_LIT("{}"), 0, tell, &told), BP_E_INVALID);
  assert_int_equal(policy_table.decide(plugin->handle, BP_LIT("guard"), BP_LIT(""), BP_LIT("{}"), 0, NULL, NULL), BP_E_INVALID);
  assert_int_equal(told.calls, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(verdicts_come_later_with_the_facts_to_act_on),
      T(a_person_decides_for_a_plugin),
      T(a_plugin_that_stops_hears_once),
      T(wrong_calls_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
