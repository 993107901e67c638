/* Unit tests of the sandbox and of rule sets: what a rule can see, what it can use up, what its answer means; and every row
 * of the corpus of hostile policies. */
#include "base/str.h"
#include "policy/rule_set.h"
#include "unit.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void decide_tree(struct rule_set *set, const json_t *tree, struct verdict *ret) {
  struct facts facts;
  facts_of_tree(&facts, tree);
  rule_set_decide(set, &facts, ret);
  facts_release(&facts);
}

/* As a tree; every rule must say the same of the same facts as text. */
static enum verdict_kind decide(const char *source, const char *facts_text, struct verdict *ret) {
  bp_error err = BP_ERROR_INIT;
  struct verdict own;
  struct verdict *verdict = ret ? ret : &own;
  struct rule_set *set = rule_set_of_source("rule.lua", str_from(source), &err);
  json_t *facts = doc_parse(str_from(facts_text), &doc_default_limits, &err);
  assert_non_null(set);
  assert_non_null(facts);
  decide_tree(set, facts, verdict);
  json_decref(facts);
  struct facts as_text;
  struct verdict of_text;
  facts_of_text(&as_text, str_from(facts_text));
  rule_set_decide(set, &as_text, &of_text);
  assert_int_equal(of_text.kind, verdict->kind);
  if (!strstr(verdict->reason, "the rule used more than")) /* which budget ends first is not the same twice */
    assert_string_equal(of_text.reason, verdict->reason);
  verdict_release(&of_text);
  facts_release(&as_text);
  rule_set_free(set);
  if (!ret)
    verdict_release(verdict);
  return verdict->kind;
}

static void test_only_true_and_verdicts_count(void **state) {
  (void)state;
  assert_int_equal(decide("return true", "{}", NULL), VERDICT_ALLOW);
  assert_int_equal(decide("return allow()", "{}", NULL), VERDICT_ALLOW);
  assert_int_equal(decide("return ask('sure?')", "{}", NULL), VERDICT_ASK);
  assert_int_equal(decide("return false", "{}", NULL), VERDICT_DENY);
  assert_int_equal(decide("return 1", "{}", NULL), VERDICT_DENY);
  assert_int_equal(decide("return 'allow'", "{}", NULL), VERDICT_DENY);
  assert_int_equal(decide("return", "{}", NULL), VERDICT_DENY);
  assert_int_equal(decide("allow()", "{}", NULL), VERDICT_DENY);
  assert_int_equal(decide("error('x')", "{}", NULL), VERDICT_DENY);
}

static void test_a_reason_is_plain_text(void **state) {
  (void)state;
  struct verdict verdict;
  decide("return deny('no\\nFAKE \\27[31m', '/body/tags/0')", "{}", &verdict);
  assert_string_equal(verdict.reason, "no FAKE  [31m");
  assert_string_equal(verdict.pointer, "/body/tags/0");
  assert_string_equal(verdict.rule, "rule.lua");
}

static void test_facts_are_there_and_read_only(void **state) {
  (void)state;
  const char *facts = "{\"args\":[\"push\",\"--force\"],\"n\":3,\"deep\":{\"x\":null,\"y\":true}}";
  assert_int_equal(
      decide("return request.args[2] == '--force' and #request.args == 2 and request.n == 3 and request.deep.y and request.deep.x == nil", facts,
             NULL),
      VERDICT_ALLOW);
  assert_int_equal(decide("local n = 0 for _, a in ipairs(request.args) do n = n + #a end return n == 11", facts, NULL), VERDICT_ALLOW);
  assert_int_equal(decide("local n = 0 for k in pairs(request) do n = n + 1 end return n == 3", facts, NULL), VERDICT_ALLOW);
  assert_int_equal(decide("return table.concat(request.args, ' ') == 'push --force'", facts, NULL), VERDICT_ALLOW);
  assert_int_equal(decide("request.n = 4 return true", facts, NULL), VERDICT_DENY);
  assert_int_equal(decide("request.args[1] = 'x' return true", facts, NULL), VERDICT_DENY);
  assert_int_equal(decide("table.insert(request.args, 'x') return true", facts, NULL), VERDICT_DENY);
}

static void test_a_rewrite_is_decided_on_again(void **state) {
  (void)state;
  struct verdict verdict;
  decide("if request.args[1] == 'a' then return rewrite { args = { 'b' } } end return true", "{\"args\":[\"a\"]}", &verdict);
  assert_int_equal(verdict.kind, VERDICT_REWRITE);
  assert_string_equal(json_string_value(json_array_get(json_object_get(verdict.facts, "args"), 0)), "b");
  verdict_release(&verdict);
  assert_int_equal(decide("return rewrite { args = request.args }", "{\"args\":[\"a\"]}", NULL), VERDICT_DENY);
  assert_int_equal(decide("if request.x then return rewrite { x = false, y = type } end return true", "{\"x\":true}", NULL), VERDICT_DENY);
}

static void test_patterns_are_those_of_lua(void **state) {
  (void)state;
  static const char *const truths[] = {
      "return string.find('hello world', 'o w') == 5",
      "return select('#', string.find('key=val', '(%w+)=(%w+)')) == 4",
      "return string.match('  trim ', '^%s*(.-)%s*$') == 'trim'",
      "return string.match('f(a(b)c)d', '%b()') == '(a(b)c)'",
      "return string.gsub('THE (quick) fox', '%f[%a]%a+%f[%A]', 'X') == 'X (X) X'",
      "return (string.gsub('hello', 'l+', '<%0>')) == 'he<ll>o'",
      "return (string.gsub('abc', '%w', { a = '1', b = true and 'x' })) == '1xc'",
      "return (string.gsub('abc', '', '-')) == '-a-b-c-'",
      "local t = {} for k, v in string.gmatch('a=1, b=2', '(%w+)=(%w+)') do t[k] = v end return t.a == '1' and t.b == '2'",
      "return string.find('a.b', '.', 1, true) == 2",
      "return string.match('abcabc', '(abc)%1') == 'abc'",
      "return string.match('x', '()') == 1",
      "return ('[]]'):match('[]]+') == ']]'",
      "return ('a-z'):match('^[a%-z]+$') == 'a-z'",
      "return ('abc'):match('^b') == nil and ('abc'):find('b', -2) == 2",
      "return ('\\0a\\0'):find('a') == 2",
      "return (''):rep(1e15) == '' and (''):rep(math.maxinteger, '') == '' and ('a'):rep(3, '-') == 'a-a-a' and ('a'):rep(-1) == ''",
      "return string.format('%q %5.1f %d%% %s', 'a', 1.5, 7, 'x') == '\"a\"   1.5 7% x'",
      "local t = {'b', 'c', 'a'} table.sort(t) return table.concat(t) == 'abc'",
  };
  for (size_t i = 0; i < sizeof(truths) / sizeof(truths[0]); i++)
    if (decide(truths[i], "{}", NULL) != VERDICT_ALLOW)
      fail_msg("not true: %s", truths[i]);
}

static void test_costly_work_ends(void **state) {
  (void)state;
  static const char *const costly[] = {
      "while true do end",
      "return string.find(('a'):rep(1000000), ('.-'):rep(8) .. 'b')",
      "local s = ('x'):rep(900000) local n = 0 while true do if s < s .. 'a' then n = n + 1 end end",
      "local t = {} for i = 1, 60000 do t[i] = i end while true do table.sort(t) end",
      "local s = ('x'):rep(1000000) while true do utf8.len(s) end",
      "local t = {} for i = 1, 1e6 do t[i] = ('x'):rep(1000) .. i end",
      "local a, t = ('\\0'):rep(40000), {} for i = 1, 300 do t[i] = a:sub(1, -2) .. '\\0' end table.sort(t) return true",
      "return #string.format('%q', ('\\0'):rep(900000)) > 0",
      "local t = {} for i = 1, 4500 do t[i] = 1e308 end return #string.format(('%99.99f'):rep(4500), table.unpack(t)) > 0",
  };
  for (size_t i = 0; i < sizeof(costly) / sizeof(costly[0]); i++)
    assert_int_equal(decide(costly[i], "{}", NULL), VERDICT_DENY);
}

/* One instruction takes milliseconds, and there are fewer of them than the hook lets pass between two usual looks at the clock. */
static void test_few_instructions_on_large_texts_end_by_the_clock(void **state) {
  (void)state;
  static const char before[] = "local x, n, d = 0, ('\\0'):rep(1e6), ('0'):rep(1e6) local m = n .. 'b' ";
  static const char *const parts[] = {"x = n<m ", "x = n<=m ", "x = tonumber(d) ", "x = #n..d "};
  static char source[16384];
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    size_t at = (size_t)snprintf(source, sizeof(source), "%s", before);
    for (unsigned k = 0; k < 240; k++)
      at += (size_t)snprintf(source + at, sizeof(source) - at, "%s", parts[i]);
    snprintf(source + at, sizeof(source) - at, "return true");
    assert_int_equal(decide(source, "{}", NULL), VERDICT_DENY);
  }
  assert_int_equal(decide("local x = ('x'):rep(1e6) for i = 1, 2000 do x = x return true end", "{}", NULL), VERDICT_ALLOW);
}

/* ---- Folders ---- */

static char folder[] = "/tmp/backplane-rules-XXXXXX";

static void write_file(const char *name, const char *text) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static int make_folder(void **state) {
  (void)state;
  char path[256];
  if (!mkdtemp(folder))
    return -1;
  snprintf(path, sizeof(path), "%s/git", folder);
  mkdir(path, 0700);
  snprintf(path, sizeof(path), "%s/lib", folder);
  return mkdir(path, 0700);
}

static void test_the_strongest_rule_wins_and_imports_work(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  struct verdict verdict;
  write_file("lib/words.lua", "return { bad = 'force' }");
  write_file("git/10-allow.lua", "return true");
  write_file("git/20-force.lua", "local words = import 'lib/words' if request.word == words.bad then return deny('no force') end return true");
  write_file(
      "git/20-force.test.lua",
      "return { { name = 'force', facts = { word = 'force' }, expect = 'deny' }, { name = 'other', facts = { word = 'x' }, expect = 'allow' } }");
  struct rule_set *set = rule_set_load(folder, "git", &err);
  assert_non_null(set);
  assert_int_equal(rule_set_count(set), 2);
  assert_int_equal(rule_set_test(set, NULL, NULL, &err), BP_OK);
  json_t *facts = doc_parse(BP_LIT("{\"word\":\"force\"}"), &doc_default_limits, &err);
  decide_tree(set, facts, &verdict);
  assert_int_equal(verdict.kind, VERDICT_DENY);
  assert_string_equal(verdict.rule, "git/20-force.lua");
  json_decref(facts);
  rule_set_free(set);
}

static void test_a_broken_rule_or_test_says_file_and_line(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  write_file("git/30-broken.lua", "return true\nreturn (");
  assert_null(rule_set_load(folder, "git", &err));
  assert_non_null(strstr(err.message, "git/30-broken.lua:2"));
  char deep[512] = "return ";
  memset(deep + 7, '(', 300);
  deep[307] = '\0';
  write_file("git/30-broken.lua", deep);
  assert_null(rule_set_load(folder, "git", &err));
  assert_non_null(strstr(err.message, "git/30-broken.lua: C stack overflow"));
  write_file("git/30-broken.lua", "return true");
  write_file("git/30-broken.test.lua", "return { { name = 'must deny', facts = {}, expect = 'deny' } }");
  struct rule_set *set = rule_set_load(folder, "git", &err);
  assert_non_null(set);
  assert_int_equal(rule_set_test(set, NULL, NULL, &err), BP_E_INVALID);
  assert_non_null(strstr(err.message, "must deny"));
  static const char *const misspelt[] = {"{ facts = {}, expct = 'deny' }", "{ facts = {}, expect = 'alow' }", "{ fact = {}, expect = 'allow' }",
                                         "'x'"};
  for (size_t i = 0; i < sizeof(misspelt) / sizeof(misspelt[0]); i++) {
    char text[128];
    snprintf(text, sizeof(text), "return { { facts = {}, expect = 'allow' }, %s }", misspelt[i]);
    write_file("git/30-broken.test.lua", text);
    assert_int_equal(rule_set_test(set, NULL, NULL, &err), BP_E_INVALID);
    assert_non_null(strstr(err.message, "git/30-broken.test.lua: case 2 "));
  }
  write_file("git/30-broken.test.lua", "while true do end");
  assert_int_equal(rule_set_test(set, NULL, NULL, &err), BP_E_INVALID);
  assert_non_null(strstr(err.message, "git/30-broken.test.lua"));
  rule_set_free(set);
}

static void test_imports_stay_inside(void **state) {
  (void)state;
  assert_int_equal(decide("import '../x' return true", "{}", NULL), VERDICT_DENY);
  assert_int_equal(decide("import '/etc/passwd' return true", "{}", NULL), VERDICT_DENY);
}

/* ---- The corpus ---- */

static void check_row(const json_t *row) {
  const char *id = json_string_value(json_object_get(row, "id"));
  const char *expect = json_string_value(json_object_get(row, "expect"));
  const json_t *script = json_object_get(row, "script");
  bp_error err = BP_ERROR_INIT;
  struct verdict verdict = {.kind = VERDICT_DENY};
  struct rule_set *set = rule_set_of_source("corpus.lua", bp_str_make(json_string_value(script), json_string_length(script)), &err);
  json_t *facts = doc_parse(BP_LIT("{\"method\":\"GET\"}"), &doc_default_limits, &err);
  if (set)
    decide_tree(set, facts, &verdict);
  bool must_run = strcmp(expect, "allow") == 0 || strcmp(expect, "decision") == 0;
  if (must_run && verdict.kind == VERDICT_DENY && strstr(verdict.reason, "corpus.lua:"))
    fail_msg("%s: must run, but: %s", id, verdict.reason);
  if (!must_run && verdict.kind != VERDICT_DENY)
    fail_msg("%s: must be denied, got %s", id, verdict_name(verdict.kind));
  for (const char *c = verdict.reason; *c; c++)
    assert_true((unsigned char)*c >= 0x20);
  verdict_release(&verdict);
  json_decref(facts);
  rule_set_free(set);
}

static void test_every_row_of_the_corpus(void **state) {
  (void)state;
  char path[4096];
  const char *shared = getenv("BACKPLANE_SHARED");
  snprintf(path, sizeof(path), "%s/attack-corpus/lua-policies.jsonl", shared ? shared : TEST_SOURCE_DIR "/../shared");
  FILE *file = fopen(path, "r");
  if (!file) {
    print_message("skipped: no corpus at %s\n", path);
    skip();
  }
  char *line = NULL;
  size_t room = 0;
  unsigned rows = 0;
  while (getline(&line, &room, file) > 0) {
    json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
    assert_non_null(row);
    check_row(row);
    json_decref(row);
    rows++;
  }
  free(line);
  fclose(file);
  assert_true(rows > 50);
  assert_int_not_equal(access("/tmp/lua-pwned", F_OK), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_only_true_and_verdicts_count),
      cmocka_unit_test(test_a_reason_is_plain_text),
      cmocka_unit_test(test_facts_are_there_and_read_only),
      cmocka_unit_test(test_a_rewrite_is_decided_on_again),
      cmocka_unit_test(test_patterns_are_those_of_lua),
      cmocka_unit_test(test_costly_work_ends),
      cmocka_unit_test(test_few_instructions_on_large_texts_end_by_the_clock),
      cmocka_unit_test(test_the_strongest_rule_wins_and_imports_work),
      cmocka_unit_test(test_a_broken_rule_or_test_says_file_and_line),
      cmocka_unit_test(test_imports_stay_inside),
      cmocka_unit_test(test_every_row_of_the_corpus),
  };
  return cmocka_run_group_tests(tests, make_folder, NULL);
}
