/* Which rule says what of some facts; see policy_explain.h. The rules are those of the scripts folder as it is now. */
#include "cli/policy_explain.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/say.h"
#include "cli/scripts.h"
#include "policy/rule_set.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FACTS_FILE_BYTES ((size_t)16 << 20)

/* ---- Where the facts come from ---- */

struct case_of {
  json_t *facts;
  char *set;
  const json_t *entry; /* the audit's row, or NULL; within `answer` */
  json_t *answer;
};

static void case_release(struct case_of *c) {
  json_decref(c->facts);
  json_decref(c->answer);
  free(c->set);
}

static bool read_all(int fd, struct buf *text) {
  ssize_t got = 1;
  while (got > 0 && text->len <= FACTS_FILE_BYTES) {
    char *room = buf_reserve(text, 65536);
    got = room ? read(fd, room, 65536) : -1;
    text->len += got > 0 ? (size_t)got : 0;
  }
  return got == 0;
}

static int read_file(const struct cli_call *call, struct case_of *ret) {
  const char *path = call->words[1], *set = cli_value(call, "--set");
  bp_error err = BP_ERROR_INIT;
  struct buf text = {0};
  if (!set)
    return say_misuse("which set decides on the facts? name it with --set");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool is_read = fd >= 0 && read_all(fd, &text);
  if (fd >= 0)
    close(fd);
  if (is_read)
    ret->facts = doc_parse(buf_str(&text), &doc_default_limits, &err);
  buf_release(&text);
  ret->set = str_dupz(str_from(set));
  if (!is_read)
    return say_failure("cannot read \"%s\"", path);
  if (!ret->facts)
    return say_failure("\"%s\" is not JSON: %s", path, err.message);
  return json_is_object(ret->facts) ? CLI_DONE : say_failure("\"%s\" holds no JSON object", path);
}

static int read_audit(const struct cli_call *call, struct case_of *ret) {
  char target[64];
  snprintf(target, sizeof(target), "/api/backplane/audit/%.30s", call->words[1]);
  ret->answer = client_get(call, target);
  ret->entry = ret->answer;
  if (!ret->answer)
    return CLI_FAILED;
  ret->facts = json_incref(json_object_get(ret->entry, "facts"));
  ret->set = str_dupz(str_from(json_string_value(json_object_get(ret->entry, "set"))));
  if (json_is_true(json_object_get(ret->entry, "facts_cut")))
    return say_failure("the facts of row %s were too long to be kept whole, so they cannot be decided on again", call->words[1]);
  return json_is_object(ret->facts) ? CLI_DONE : say_failure("row %s is about no facts", call->words[1]);
}

static bool is_number(const char *text) {
  return text[0] && strspn(text, "0123456789") == strlen(text);
}

/* ---- What the rules say ---- */

static void add_verdict(void *ctx, const struct verdict *verdict) {
  json_array_append_new(ctx, json_pack("[s, s, s, s]", verdict->rule, verdict_name(verdict->kind), verdict->reason, verdict->pointer));
}

static json_t *result_json(const struct verdict *verdict) {
  return json_pack("{s:s, s:s, s:s, s:s, s:O?}", "verdict", verdict_name(verdict->kind), "rule", verdict->rule, "reason", verdict->reason, "pointer",
                   verdict->pointer, "facts", verdict->facts);
}

static void show(const struct case_of *c, const json_t *rules, const json_t *result) {
  static const char *const headings[] = {"RULE", "VERDICT", "REASON", "POINTER"};
  static const char *const names[] = {"verdict", "rule", "reason", NULL};
  say_table(headings, 4, rules);
  putchar('\n');
  say_pairs(result, names);
  if (json_object_get(result, "facts")) {
    fputs("facts:   ", stdout);
    say_json(json_object_get(result, "facts"));
  }
  if (!c->entry)
    return;
  printf("recorded: %s", json_string_value(json_object_get(c->entry, "verdict")));
  puts(" (secrets are masked in the record, and the rules may have changed since)");
}

static void explain(const struct cli_call *call, const struct case_of *c, struct rule_set *set) {
  struct facts facts;
  struct verdict verdict;
  json_t *rules = json_array();
  facts_of_tree(&facts, c->facts);
  rule_set_explain(set, &facts, add_verdict, rules);
  rule_set_decide(set, &facts, &verdict);
  json_t *result = result_json(&verdict);
  if (call->wants_json) {
    json_t *answer = json_pack("{s:s, s:O, s:O, s:O?}", "set", c->set, "rules", rules, "result", result, "recorded", c->entry);
    say_json(answer);
    json_decref(answer);
  } else {
    show(c, rules, result);
  }
  json_decref(result);
  json_decref(rules);
  verdict_release(&verdict);
  facts_release(&facts);
}

int policy_explain(const struct cli_call *call) {
  bp_error err = BP_ERROR_INIT;
  struct case_of c = {0};
  bool is_audit = is_number(call->words[1]) && !cli_value(call, "--set");
  int code = is_audit ? read_audit(call, &c) : read_file(call, &c);
  char *dir = code == CLI_DONE ? scripts_find(call) : NULL;
  struct rule_set *set = dir ? rule_set_load(dir, c.set, &err) : NULL;
  if (set && rule_set_count(set) > 0)
    explain(call, &c, set);
  else if (set)
    code = say_failure("there is no set \"%s\" in \"%s\"", c.set, dir);
  else if (code == CLI_DONE)
    code = dir ? say_error(&err) : CLI_FAILED;
  rule_set_free(set);
  free(dir);
  case_release(&c);
  return code;
}
