/* Sets of rules; see rule_set.h. */
#include "policy/rule_set.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/lua_json.h"
#include "policy/request_view.h"
#include "policy/rule_file.h"
#include "policy/rule_guard.h"
#include "policy/sandbox.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MOST 64
/* A state that holds more is tidied a little after each decision. */
#define GARBAGE_BYTES ((size_t)256 << 10)

struct rule {
  char *file;    /* "git/10-options.lua", as shown */
  int reference; /* of the compiled chunk */
  char *module;  /* it is about this module alone, and says so in its first line; or NULL */
  bool is_straight;
};

struct rule_set {
  char *dir; /* the scripts folder, or NULL for a set made of text */
  char *name;
  struct budget budget;
  struct request_view request;
  lua_State *lua;
  struct rule rules[RULES_MOST];
  unsigned count;
};

/* ---- Imports: scripts/<name>.lua, run once a set, read-only ---- */

static const char set_key; /* registry key of the set a state belongs to */

static struct rule_set *set_of(lua_State *lua) {
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &set_key);
  struct rule_set *set = lua_touserdata(lua, -1);
  lua_pop(lua, 1);
  return set;
}

/* Pushes the compiled chunk; raises with what is wrong. */
static void compile_import(lua_State *lua, const struct rule_set *set, const char *name) {
  bp_error err = BP_ERROR_INIT;
  char file[RULE_NAME_BYTES];
  struct rule_file source = {0};
  snprintf(file, sizeof(file), "%s.lua", name);
  bp_status status = set->dir ? rule_file_read(set->dir, file, &source, &err) : fail(&err, BP_E_NOT_FOUND, "there is no scripts folder");
  if (status == BP_OK)
    status = sandbox_compile(lua, file, bp_str_make(source.text, source.len), &err);
  rule_file_release(&source);
  if (status != BP_OK)
    luaL_error(lua, "import \"%s\": %s", name, err.message);
}

static int import(lua_State *lua) {
  const char *name = luaL_checkstring(lua, 1);
  if (!rule_file_name_is_safe(name))
    return luaL_error(lua, "import: \"%s\" is no name inside the scripts folder", name);
  lua_getfield(lua, lua_upvalueindex(1), name);
  if (!lua_isnil(lua, -1))
    return 1;
  compile_import(lua, set_of(lua), name);
  lua_call(lua, 0, 1);
  if (lua_type(lua, -1) == LUA_TTABLE)
    sandbox_freeze(lua);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, lua_upvalueindex(1), name);
  return 1;
}

/* ---- Making and freeing ---- */

static int install(lua_State *lua) {
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &set_key);
  verdict_install(lua);
  request_view_install(lua, &set_of(lua)->request);
  lua_newtable(lua);
  lua_pushcclosure(lua, import, 1);
  sandbox_set_global(lua, "import");
  return 0;
}

static struct rule_set *set_new(const char *dir, const char *name, bp_error *err) {
  struct rule_set *set = mem_alloc(sizeof(*set));
  set->name = str_dupz(str_from(name));
  set->dir = dir ? str_dupz(str_from(dir)) : NULL;
  set->lua = sandbox_new(&set->budget);
  if (set->lua) {
    lua_pushcfunction(set->lua, install);
    lua_pushlightuserdata(set->lua, set);
    if (lua_pcall(set->lua, 1, 0, 0) == LUA_OK)
      return set;
  }
  fail(err, BP_E_NO_MEMORY, "no memory for the rules of \"%s\"", name);
  rule_set_free(set);
  return NULL;
}

void rule_set_free(struct rule_set *set) {
  if (!set)
    return;
  sandbox_free(set->lua);
  for (unsigned i = 0; i < set->count; i++) {
    free(set->rules[i].file);
    free(set->rules[i].module);
  }
  free(set->name);
  free(set->dir);
  free(set);
}

const char *rule_set_name(const struct rule_set *set) {
  return set->name;
}

unsigned rule_set_count(const struct rule_set *set) {
  return set->count;
}

const char *rule_set_file(const struct rule_set *set, unsigned index) {
  return set->rules[index].file;
}

static bp_status add_rule(struct rule_set *set, const char *file, bp_str source, bp_error *err) {
  if (set->count == RULES_MOST)
    return fail(err, BP_E_LIMIT, "set \"%s\" has more than %d rules", set->name, RULES_MOST);
  bp_status status = sandbox_compile(set->lua, file, source, err);
  if (status != BP_OK)
    return status;
  bp_str module = rule_guard_module(source);
  set->rules[set->count] =
      (struct rule){str_dupz(str_from(file)), luaL_ref(set->lua, LUA_REGISTRYINDEX), module.ptr ? str_dupz(module) : NULL, rule_is_straight(source)};
  set->count++;
  return BP_OK;
}

static bp_status add_file(void *ctx, const char *file, bp_error *err) {
  struct rule_set *set = ctx;
  struct rule_file source = {0};
  bp_status status = rule_file_read(set->dir, file, &source, err);
  if (status == BP_OK)
    status = add_rule(set, file, bp_str_make(source.text, source.len), err);
  rule_file_release(&source);
  return status;
}

struct rule_set *rule_set_load(const char *dir, const char *name, bp_error *err) {
  struct rule_set *set = set_new(dir, name, err);
  if (set && rule_file_each(dir, name, add_file, set, err) != BP_OK) {
    rule_set_free(set);
    return NULL;
  }
  return set;
}

struct rule_set *rule_set_of_source(const char *name, bp_str source, bp_error *err) {
  struct rule_set *set = set_new(NULL, name, err);
  if (set && add_rule(set, name, source, err) != BP_OK) {
    rule_set_free(set);
    return NULL;
  }
  return set;
}

/* ---- Deciding ---- */

/* For a state that keeps nested members of the facts before. Argument: the chunk. */
static int forget_and_run(lua_State *lua) {
  request_view_clear(lua, &set_of(lua)->request);
  lua_call(lua, 0, 1);
  return 1;
}

static void run_one(struct rule_set *set, const struct rule *rule, struct facts *facts, struct verdict *ret) {
  lua_State *lua = set->lua;
  bool has_kept = set->request.has_kept;
  set->request.facts = facts;
  if (has_kept)
    lua_pushcfunction(lua, forget_and_run);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, rule->reference);
  budget_start(lua, &set->budget, rule->is_straight);
  int status = lua_pcall(lua, has_kept, 1, 0);
  budget_stop(lua);
  set->budget.is_host = true;
  if (status == LUA_OK) {
    verdict_read(lua, -1, ret);
  } else {
    verdict_set(ret, VERDICT_DENY);
    sandbox_error_text(lua, ret->reason, sizeof(ret->reason));
  }
  lua_settop(lua, 0);
  set->budget.is_host = false;
  set->request.facts = NULL;
}

static void name_rule(struct verdict *verdict, const struct rule *rule) {
  snprintf(verdict->rule, sizeof(verdict->rule), "%s", rule->file);
}

static void keep_stronger(struct verdict *held, struct verdict *found, const struct rule *rule) {
  if (found->kind > held->kind) {
    verdict_release(held);
    *held = *found;
    name_rule(held, rule);
  } else {
    verdict_release(found);
  }
}

static void decide_once(struct rule_set *set, struct facts *facts, struct verdict *ret) {
  verdict_set(ret, VERDICT_ALLOW);
  for (unsigned i = 0; i < set->count && ret->kind != VERDICT_DENY; i++) {
    struct verdict found;
    if (set->rules[i].module && !facts_text_is(facts, BP_LIT("module"), str_from(set->rules[i].module)))
      continue; /* it would return true in its first line */
    run_one(set, &set->rules[i], facts, &found);
    keep_stronger(ret, &found, &set->rules[i]);
  }
  if (set->budget.bytes > GARBAGE_BYTES)
    lua_gc(set->lua, LUA_GCSTEP, 0);
}

/* Decides on what a rule has made of the facts. They stay with an ASK: it is about them. */
static void decide_again(struct rule_set *set, struct verdict *ret) {
  struct verdict again;
  struct facts rewritten;
  facts_of_tree(&rewritten, ret->facts);
  decide_once(set, &rewritten, &again);
  facts_release(&rewritten);
  if (again.kind == VERDICT_ALLOW)
    return; /* the rewritten facts pass as they are */
  verdict_release(&again);
  again.facts = NULL;
  if (again.kind == VERDICT_ASK)
    again.facts = json_incref(ret->facts);
  if (again.kind == VERDICT_REWRITE) {
    again.kind = VERDICT_DENY;
    snprintf(again.reason, sizeof(again.reason), "the rewritten facts were rewritten again");
  }
  verdict_release(ret);
  *ret = again;
}

void rule_set_decide(struct rule_set *set, struct facts *facts, struct verdict *ret) {
  if (!facts->is_flat && set->count > 0 && !facts_tree(facts)) {
    *ret = (struct verdict){.kind = VERDICT_DENY, .reason = "the facts are no JSON object"};
    return;
  }
  decide_once(set, facts, ret);
  if (ret->kind == VERDICT_REWRITE)
    decide_again(set, ret);
}

void rule_set_explain(struct rule_set *set, struct facts *facts, rule_said_fn each, void *ctx) {
  for (unsigned i = 0; i < set->count; i++) {
    struct verdict said;
    run_one(set, &set->rules[i], facts, &said);
    name_rule(&said, &set->rules[i]);
    each(ctx, &said);
    verdict_release(&said);
  }
}

/* ---- Tests beside the rules ---- */

struct test_run {
  struct rule_set *set;
  const struct rule *rule;
  rule_test_fn each;
  void *ctx;
  bp_error *err;
  bp_status status;
};

static const char *text_field(lua_State *lua, const char *name, const char *otherwise) {
  lua_getfield(lua, -1, name);
  const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : otherwise;
  lua_pop(lua, 1); /* still anchored in the case's table */
  return text;
}

/* The case on top of the stack says what it should: a case that is misspelt must not pass. */
static bp_status check_case(struct test_run *run, lua_State *tests, const char *file, lua_Integer number) {
  if (lua_type(tests, -1) != LUA_TTABLE)
    return fail(run->err, BP_E_INVALID, "%s: case %d is no table", file, (int)number);
  bool has_facts = lua_getfield(tests, -1, "facts") == LUA_TTABLE;
  lua_pop(tests, 1);
  if (!has_facts)
    return fail(run->err, BP_E_INVALID, "%s: case %d has no \"facts\", a table", file, (int)number);
  const char *expected = text_field(tests, "expect", "");
  for (int kind = VERDICT_ALLOW; kind <= VERDICT_DENY; kind++)
    if (strcmp(expected, verdict_name(kind)) == 0)
      return BP_OK;
  return fail(run->err, BP_E_INVALID, "%s: case %d has no \"expect\" of allow, deny, ask or rewrite", file, (int)number);
}

/* The case table is on top of the stack of `tests`, a state of its own, so that running the rule does not disturb it. */
static void run_case(struct test_run *run, lua_State *tests) {
  char why[128] = "";
  struct verdict got;
  const char *name = text_field(tests, "name", "unnamed");
  const char *expected = text_field(tests, "expect", "");
  lua_getfield(tests, -1, "facts");
  json_t *tree = lua_json_from(tests, -1, why, sizeof(why));
  lua_pop(tests, 1);
  struct facts facts;
  facts_of_tree(&facts, tree);
  verdict_set(&got, VERDICT_DENY);
  if (tree)
    run_one(run->set, run->rule, &facts, &got);
  const char *kind = tree ? verdict_name(got.kind) : "no facts";
  struct rule_test_result result = {run->rule->file, name, expected, kind, tree ? got.reason : why, strcmp(kind, expected) == 0};
  if (run->each)
    run->each(run->ctx, &result);
  if (!result.passed && run->status == BP_OK)
    run->status = fail(run->err, BP_E_INVALID, "%s: test \"%s\" expects %s and gets %s%s%s", run->rule->file, name, expected, kind,
                       result.reason[0] ? ": " : "", result.reason);
  verdict_release(&got);
  facts_release(&facts);
  json_decref(tree);
}

static bp_status run_cases(struct test_run *run, lua_State *tests, const char *file) {
  if (lua_type(tests, -1) != LUA_TTABLE)
    return fail(run->err, BP_E_INVALID, "%s must return a list of {name, facts, expect}", file);
  lua_Integer count = (lua_Integer)lua_rawlen(tests, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(tests, -1, i);
    bp_status status = check_case(run, tests, file, i);
    if (status != BP_OK)
      return status;
    run_case(run, tests);
    lua_pop(tests, 1);
  }
  return run->status;
}

static bp_status test_rule(struct test_run *run) {
  char file[RULE_NAME_BYTES], text[VERDICT_REASON_BYTES];
  struct rule_file source = {0};
  struct budget budget;
  snprintf(file, sizeof(file), "%.*s.test.lua", (int)(strlen(run->rule->file) - 4), run->rule->file);
  if (rule_file_read(run->set->dir, file, &source, NULL) != BP_OK)
    return BP_OK; /* a rule without tests */
  lua_State *tests = sandbox_new(&budget);
  bp_status status = tests ? sandbox_compile(tests, file, bp_str_make(source.text, source.len), run->err) : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    budget_start(tests, &budget, false);
    int failed = lua_pcall(tests, 0, 1, 0);
    budget_stop(tests);
    budget.is_host = true;
    sandbox_error_text(tests, text, sizeof(text));
    const char *place = str_starts(str_from(text), str_from(file)) ? "" : file;
    status = failed ? fail(run->err, BP_E_INVALID, "%s%s%s", place, place[0] ? ": " : "", text) : run_cases(run, tests, file);
  }
  sandbox_free(tests);
  rule_file_release(&source);
  return status;
}

static int forget(lua_State *lua) {
  request_view_clear(lua, &set_of(lua)->request);
  return 0;
}

/* The set lives on: what compiling and testing has left, and the facts of the last case, need not. */
static void tidy(struct rule_set *set) {
  lua_pushcfunction(set->lua, forget);
  set->budget.is_host = true;
  if (lua_pcall(set->lua, 0, 0, 0) != LUA_OK)
    lua_settop(set->lua, 0);
  set->budget.is_host = false;
  lua_gc(set->lua, LUA_GCCOLLECT, 0);
}

bp_status rule_set_test(struct rule_set *set, rule_test_fn each, void *ctx, bp_error *err) {
  bp_status status = BP_OK;
  for (unsigned i = 0; set->dir && i < set->count; i++) {
    bp_error ignored = BP_ERROR_INIT;
    struct test_run run = {set, &set->rules[i], each, ctx, status == BP_OK ? err : &ignored, BP_OK};
    bp_status found = test_rule(&run);
    if (status == BP_OK)
      status = found;
  }
  tidy(set);
  return status;
}
