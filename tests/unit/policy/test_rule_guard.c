/* Unit tests of the guard: which first statements are one, and that a guarded rule says what it would say. */
#include "base/str.h"
#include "policy/rule_guard.h"
#include "policy/rule_set.h"
#include "unit.h"

#include <string.h>

static void test_only_the_very_statement_is_a_guard(void **state) {
  (void)state;
  static const char *const guards[] = {
      "if request.module ~= \"a-b.c1\" then return true end",
      "-- words\n\n  -- more\r\nif request.module ~= \"a-b.c1\" then\n  return true\nend\nreturn deny('x')",
      "if request . module~=\"a-b.c1\"then return true--x\nend",
  };
  static const char *const others[] = {
      "",
      "return true",
      "local x = 1 if request.module ~= \"a\" then return true end",
      "if request.module == \"a\" then return true end",
      "if request.module ~= \"a\" then return false end",
      "if request.module ~= \"a\" then return true, 1 end",
      "if request.module ~= \"a\" then return trueish end",
      "if request.module ~= \"a\" and x then return true end",
      "if request.module ~= \"a\" .. b then return true end",
      "if request.module ~= \"\\97\" then return true end",
      "if request.module ~= 'a' then return true end",
      "if request.module ~= \"a",
      "if request.modules ~= \"a\" then return true end",
      "if request.module ~= \"a\" then return true else return deny() end",
      "--[[ if request.module ~= \"a\" then return true end ]] return deny('x')",
      "--[==[\nif request.module ~= \"a\" then return true end\n]==]",
      "-- a line ends here, too\rreturn deny('x')\nif request.module ~= \"a\" then return true end",
  };
  for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
    assert_str_eq(rule_guard_module(str_from(guards[i])), "a-b.c1");
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    if (rule_guard_module(str_from(others[i])).ptr)
      fail_msg("taken for a guard: %s", others[i]);
}

static enum verdict_kind decide(struct rule_set *set, const char *text, bool as_tree) {
  struct facts facts;
  struct verdict verdict;
  json_t *tree = as_tree ? json_loads(text, 0, NULL) : NULL;
  if (as_tree)
    facts_of_tree(&facts, tree);
  else
    facts_of_text(&facts, str_from(text));
  rule_set_decide(set, &facts, &verdict);
  facts_release(&facts);
  verdict_release(&verdict);
  json_decref(tree);
  return verdict.kind;
}

static void test_a_guarded_rule_is_asked_for_its_own_facts_alone(void **state) {
  bp_error err = BP_ERROR_INIT;
  (void)state;
  struct rule_set *set = rule_set_of_source("r.lua", BP_LIT("if request.module ~= \"a\" then return true end return deny('x')"), &err);
  assert_non_null(set);
  for (int as_tree = 0; as_tree < 2; as_tree++) {
    assert_int_equal(decide(set, "{\"module\":\"a\"}", as_tree), VERDICT_DENY);
    assert_int_equal(decide(set, "{\"module\":\"\\u0061\"}", as_tree), VERDICT_DENY);
    assert_int_equal(decide(set, "{\"module\":\"a\",\"more\":{\"x\":[1]}}", as_tree), VERDICT_DENY);
    assert_int_equal(decide(set, "{\"module\":\"b\"}", as_tree), VERDICT_ALLOW);
    assert_int_equal(decide(set, "{\"module\":1}", as_tree), VERDICT_ALLOW);
    assert_int_equal(decide(set, "{}", as_tree), VERDICT_ALLOW);
  }
  rule_set_free(set);
}

static void test_code_that_runs_through_once_is_told_from_its_text(void **state) {
  (void)state;
  static const char *const straight[] = {
      "return true",
      "-- for each\nif request.a and 'for ever \\' while' == \"function\" or not (request.b <= 1.5) then return deny('repeat', '/a') end return "
      "allow()",
      "if #request.name > 1 then return ask(request.name) elseif (request.for_each) then return false; end return request.a.b.c ~= nil",
      "return deny(request.while_, request.n)",
  };
  static const char *const others[] = {
      /* What loops, calls or names anything. */
      "for i = 1, 2 do end return true",
      "while true do end",
      "repeat until true",
      "::a:: goto a",
      "do return true end",
      "local x = 1 return true",
      "local f = function() end",
      "local function f() return f() end",
      "local l = import 'lib/x'",
      "import 'lib/x'",
      "_ENV['imp' .. 'ort'] 'lib/x'",
      "_G['import']('lib/x')",
      "return request['a']",
      "request.x = 1",
      "return table.sort({}, math.max)",
      "return tonumber(request.a)",
      "return string.rep('x', 9)",
      "return ('x'):rep(9)",
      "return request.a:rep(9)",
      "return request.a.rep(request.a, 9)",
      "return request.a.rep 'x'",
      "return (request.a.rep)(request.a, 9)",
      "return deny('x').a('y')",
      "return deny('x')('y')",
      "return (deny)('x')",
      "return deny.x",
      "return deny 'x'",
      "return rewrite(request)",
      "return error('x')",
      "return pairs(request)",
      /* What makes a text grow, or reads it as a number. */
      "return request.a .. 'x'",
      "return 'a'..'b'",
      "return 1 ..2",
      "return request.a + 0",
      "return request.a - 0",
      "return -request.a",
      "return request.a | 0",
      "return ~request.a",
      "return request.a % 1 ^ 2",
      "return request.a // 1 * 2 << 3",
      "return {}",
      "return ...",
      /* What is hard to read. */
      "return [[ x ]]",
      "return [==[ x ]==]",
      "--[[ x\n]] return true",
      "-- x\rwhile true do end",
      "return 'x\n'",
      "return 'x\\z\n\n'",
      "return \"x",
      "\x1bLua",
  };
  for (size_t i = 0; i < sizeof(straight) / sizeof(straight[0]); i++)
    if (!rule_is_straight(str_from(straight[i])))
      fail_msg("not taken for straight: %s", straight[i]);
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    if (rule_is_straight(str_from(others[i])))
      fail_msg("taken for straight: %s", others[i]);
  static char text[8192];
  memset(text, '1', sizeof(text) - 1);
  assert_false(rule_is_straight(str_from(text)));
  memcpy(text, "--", 2);
  assert_true(rule_is_straight(str_from(text)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_only_the_very_statement_is_a_guard),
      cmocka_unit_test(test_code_that_runs_through_once_is_told_from_its_text),
      cmocka_unit_test(test_a_guarded_rule_is_asked_for_its_own_facts_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
