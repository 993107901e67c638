/* `backplane approvals`: what waits for a person's word, and giving it. */
#include "base/buf.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <stdio.h>
#include <string.h>

static int list(const struct cli_call *call) {
  static const char *const headings[] = {"ID", "STATE", "PRINCIPAL", "MODULE", "OPERATION", "SET", "REASON"};
  const char *state = call->word_count > 1 ? call->words[1] : "pending";
  struct buf target = {0};
  if (strspn(state, "abcdefghijklmnopqrstuvwxyz") != strlen(state))
    return say_misuse("\"%s\" is no state: pending, approved, denied, used, expired or all", state);
  buf_printf(&target, "/api/backplane/approvals?limit=1000&state=%s", strcmp(state, "all") == 0 ? "" : state);
  buf_append_char(&target, '\0');
  json_t *answer = client_get(call, target.data);
  buf_release(&target);
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json) {
    say_json(answer);
  } else {
    size_t index;
    const json_t *a;
    json_t *rows = json_array();
    json_array_foreach(json_object_get(answer, "approvals"), index, a) json_array_append_new(
        rows, json_pack("[O?, O?, O?, O?, O?, O?, O?]", json_object_get(a, "id"), json_object_get(a, "state"), json_object_get(a, "principal"),
                        json_object_get(a, "module"), json_object_get(a, "operation"), json_object_get(a, "set"), json_object_get(a, "reason")));
    say_table(headings, 7, rows);
    json_decref(rows);
  }
  json_decref(answer);
  return CLI_DONE;
}

/* An id as it goes into a path. */
static bool is_id(const char *id) {
  return id[0] && strspn(id, "0123456789abcdef") == strlen(id);
}

static int decide(const struct cli_call *call) {
  const char *id = call->words[1], *reason = cli_value(call, "--reason");
  if (!is_id(id))
    return say_misuse("\"%s\" is no approval's id; `backplane approvals list` shows them", id);
  struct buf target = {0};
  buf_printf(&target, "/api/backplane/approvals/%s/%s", id, call->words[0]);
  buf_append_char(&target, '\0');
  json_t *body = json_pack("{s:s}", "reason", reason ? reason : "");
  json_t *answer = body ? client_request(call, "POST", target.data, body) : NULL;
  buf_release(&target);
  if (!body)
    return say_failure("the reason is not UTF-8");
  json_decref(body);
  json_decref(answer);
  return answer ? CLI_DONE : CLI_FAILED;
}

static int show(const struct cli_call *call) {
  static const char *const names[] = {"id", "state", "principal", "module", "operation", "set", "rule", "reason", "decided_by", "note", NULL};
  struct buf target = {0};
  if (!is_id(call->words[1]))
    return say_misuse("\"%s\" is no approval's id; `backplane approvals list` shows them", call->words[1]);
  buf_printf(&target, "/api/backplane/approvals/%s", call->words[1]);
  buf_append_char(&target, '\0');
  json_t *answer = client_get(call, target.data);
  buf_release(&target);
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json) {
    say_json(answer);
  } else {
    say_pairs(answer, names);
    fputs("facts:      ", stdout);
    say_json(json_object_get(answer, "facts"));
  }
  json_decref(answer);
  return CLI_DONE;
}

static int run(const struct cli_call *call) {
  static const struct cli_verb verbs[] = {
      {"approve", 1, 1, decide}, {"deny", 1, 1, decide}, {"list", 0, 1, list}, {"show", 1, 1, show}, {0},
  };
  return cli_run_verb(call, verbs);
}

static const struct cli_option options[] = {
    {"--reason", NULL, "TEXT", "approve, deny: a sentence for the record; whoever is denied sees it"},
    {0},
};

const struct cli_command command_approvals = {
    .name = "approvals",
    .synopsis = "list [STATE] | show ID | approve ID [--reason TEXT] | deny ID [--reason TEXT]",
    .summary = "see and decide what waits for a person's approval",
    .help = "list shows what is pending, or the approvals in another STATE: approved, denied, used, expired, all.\n\n"
            "A rule may say that a person has to be asked. The request waits up to 25 s and is refused then with the approval's\n"
            "id; once approved, the same sender's same request passes once within 10 minutes. Pending approvals end with the host.\n"
            "This command decides with the admin token; nobody decides what was asked with the same credential.",
    .words_min = 1,
    .words_max = 2,
    .options = options,
    .run = run,
};
