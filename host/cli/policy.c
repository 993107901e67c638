/* `backplane policy test|list|reload`: the operator's rules, tried and put in force. `policy explain` is policy_explain.c. */
#include "base/nearest.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/policy_explain.h"
#include "cli/say.h"
#include "cli/scripts.h"
#include "policy/rule_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- test ---- */

struct testing {
  const char *dir;
  const char *only; /* one set, or NULL */
  bool wants_json;
  unsigned sets, passed, failed;
  struct nearest search; /* for a set that is not there */
  char nearest[128];
  json_t *results;
};

static void show_result(void *ctx, const struct rule_test_result *result) {
  struct testing *t = ctx;
  *(result->passed ? &t->passed : &t->failed) += 1;
  if (t->wants_json) {
    json_array_append_new(t->results, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "rule", result->rule, "name", result->name, "expected",
                                                result->expected, "got", result->got, "reason", result->reason, "passed", (int)result->passed));
    return;
  }
  printf("%s  %s: ", result->passed ? "ok    " : "FAILED", result->rule);
  say_text(result->name);
  if (!result->passed) {
    printf("        expects %s, gets %s%s", result->expected, result->got, result->reason[0] ? ": " : "\n");
    if (result->reason[0])
      say_text(result->reason);
  }
}

static void offer_name(struct testing *t, const char *name) {
  if (!nearest_offer(&t->search, str_from(name)))
    return;
  snprintf(t->nearest, sizeof(t->nearest), "%s", name);
  t->search.best = str_from(t->nearest);
}

static bp_status test_set(void *ctx, const char *name, bp_error *err) {
  struct testing *t = ctx;
  (void)err;
  if (t->only && strcmp(t->only, name) != 0) {
    offer_name(t, name);
    return BP_OK;
  }
  bp_error fault = BP_ERROR_INIT;
  unsigned failed_before = t->failed;
  struct rule_set *set = rule_set_load(t->dir, name, &fault);
  bp_status status = set ? rule_set_test(set, show_result, t, &fault) : fault.code;
  t->sets += set && rule_set_count(set) > 0;
  rule_set_free(set);
  if (status != BP_OK && t->failed == failed_before) { /* not a test: the rule or its tests could not be run */
    t->failed++;
    say_failure("%s", fault.message);
  }
  return BP_OK;
}

static int show_total(const struct testing *t) {
  if (t->only && t->sets == 0 && t->failed == 0)
    return say_failure("there is no set \"%s\" in \"%s\"%s%s%s", t->only, t->dir, t->nearest[0] ? "; did you mean \"" : "", t->nearest,
                       t->nearest[0] ? "\"?" : "");
  if (t->wants_json) {
    json_t *answer = json_pack("{s:b, s:i, s:i, s:O}", "ok", t->failed == 0, "passed", (int)t->passed, "failed", (int)t->failed, "tests", t->results);
    say_json(answer);
    json_decref(answer);
  } else {
    printf("%u sets, %u tests passed, %u failed\n", t->sets, t->passed, t->failed);
  }
  return t->failed ? CLI_FAILED : CLI_DONE;
}

static int test(const struct cli_call *call) {
  bp_error err = BP_ERROR_INIT;
  char *dir = scripts_find(call);
  if (!dir)
    return CLI_FAILED;
  const char *only = call->word_count > 1 ? call->words[1] : NULL;
  struct testing t = {.dir = dir, .only = only, .wants_json = call->wants_json, .results = json_array(), .search.wanted = str_from(only)};
  int code = rule_sets_each_name(dir, test_set, &t, &err) == BP_OK ? show_total(&t) : say_error(&err);
  json_decref(t.results);
  free(dir);
  return code;
}

/* ---- list ---- */

static void add_row(json_t *rows, const json_t *set) {
  const json_t *decided = json_object_get(set, "decided");
  json_array_append_new(rows, json_pack("[O?, i, O?, O?, O?, O?]", json_object_get(set, "name"), (int)json_array_size(json_object_get(set, "rules")),
                                        json_object_get(decided, "allow"), json_object_get(decided, "deny"), json_object_get(decided, "ask"),
                                        json_object_get(decided, "rewrite")));
}

static int list(const struct cli_call *call) {
  static const char *const headings[] = {"SET", "RULES", "ALLOWED", "DENIED", "ASKED", "REWRITTEN"};
  json_t *answer = client_get(call, "/api/backplane/policy");
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json) {
    say_json(answer);
  } else {
    size_t index;
    const json_t *set;
    json_t *rows = json_array();
    json_array_foreach(json_object_get(answer, "sets"), index, set) add_row(rows, set);
    say_table(headings, 6, rows);
    json_decref(rows);
  }
  json_decref(answer);
  return CLI_DONE;
}

static int reload(const struct cli_call *call) {
  json_t *answer = client_request(call, "POST", "/api/backplane/policy/reload", NULL);
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json)
    say_json(answer);
  else
    printf("%d sets of rules are in force\n", (int)json_integer_value(json_object_get(answer, "sets")));
  json_decref(answer);
  return CLI_DONE;
}

static int run(const struct cli_call *call) {
  static const struct cli_verb verbs[] = {
      {"explain", 1, 1, policy_explain}, {"list", 0, 0, list}, {"reload", 0, 0, reload}, {"test", 0, 1, test}, {0},
  };
  return cli_run_verb(call, verbs);
}

static const struct cli_option options[] = {
    {"--scripts", NULL, "DIR", "the folder of rules (default: the configuration's)"},
    {"--set", NULL, "NAME", "explain: the set that decides on the facts"},
    {0},
};

const struct cli_command command_policy = {
    .name = "policy",
    .synopsis = "test [SET] | explain FACTS.json --set NAME | explain AUDIT-ID | list | reload",
    .summary = "try the rules, explain a decision, put changed rules in force",
    .help = "test runs the tests beside the rules of one set or of all; it needs no running host. explain shows what each rule of\n"
            "a set says of facts in a file, or of those a row of the audit was about. list shows the sets in force and what they\n"
            "have decided; reload compiles and tests all rules and puts them in force, or changes nothing and says file and line.",
    .words_min = 1,
    .words_max = 2,
    .options = options,
    .run = run,
};
