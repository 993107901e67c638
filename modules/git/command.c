/* POST /api/git: any of the allowed commands, as clients have always sent them. */
#include "git.h"
#include "handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  const bp_json_1 *json = call->git->json;
  if (call_refused(call, result))
    return;
  bool shows_addresses =
      run_flags_of(&call->args) & RUN_NETWORK || strcmp(call->args.at[0], "remote") == 0 || strcmp(call->args.at[0], "config") == 0;
  struct text masked = {0}, out_text = {0}, err_masked = {0}, err_text = {0};
  if (shows_addresses)
    text_put_masked(&masked, result->out);
  text_put_utf8(&out_text, shows_addresses ? text_str(&masked) : result->out);
  text_put_masked(&err_masked, result->err);
  text_put_utf8(&err_text, text_str(&err_masked));
  bp_json_writer out = call_object(call);
  if (out) {
    json_text_member(json, out, BP_LIT("stdout"), text_str(&out_text));
    json_text_member(json, out, BP_LIT("stderr"), text_str(&err_text));
    json_text_member(json, out, BP_LIT("command"), str_z(call->shown));
    if (result->is_truncated) {
      json->key(out, BP_LIT("truncated"));
      json->put_boolean(out, 1);
    }
    call_json(call, out);
  }
  text_release(&masked);
  text_release(&out_text);
  text_release(&err_masked);
  text_release(&err_text);
}

static bp_str trimmed(bp_str text) {
  while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
    text = bp_str_make(text.ptr + 1, text.len - 1);
  while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
    text.len--;
  return text;
}

/* What was asked, as one text: the client's own, with `git` before it. */
static char *shown_command(const struct git *git, bp_request request, const struct words *args) {
  bp_str command = trimmed(body_text(git, request, "command"));
  struct text shown = {0}, masked = {0};
  text_put(&shown, "git");
  if (command.len && body_text(git, request, "args").len == 0 && !str_begins(command, "git ") && !str_begins(command, "git\t")) {
    text_put(&shown, " ");
    text_put_str(&shown, command);
  } else if (command.len) {
    shown.len = 0;
    text_put_str(&shown, command);
  } else {
    for (size_t i = 0; i < args->count; i++) {
      text_put(&shown, " ");
      text_put(&shown, args->at[i]);
    }
  }
  text_put_masked(&masked, text_str(&shown));
  text_release(&shown);
  return masked.data;
}

/* Why there are no facts to act on. */
static void refuse(struct call *call) {
  struct words args = {0};
  char what = '\0', sentence[200];
  const struct git *git = call->git;
  bool has_command = body_text(git, call->request, "command").len > 0;
  const char *fault = command_words(git, call->request, &args, &what);
  if (body_text(git, call->request, "repoPath").len == 0 || (!has_command && args.count == 0 && !fault)) {
    call_problem(call, 400, "repoPath and command are required");
  } else if (fault) {
    if (what >= ' ')
      snprintf(sentence, sizeof(sentence), "Character '%c' is not allowed here. %s", what, fault);
    else
      snprintf(sentence, sizeof(sentence), "%s%s", what ? "A line end is not allowed here. " : "", fault);
    call_problem(call, 403, sentence);
  } else {
    call_refuse_place(call, body_text(git, call->request, "repoPath"));
  }
  words_release(&args);
}

void command_run(void *state, bp_request request) {
  struct git *git = state;
  struct call *call = call_new(git, request);
  if (!call)
    return;
  if (!call_take_facts(call)) {
    refuse(call);
    return;
  }
  call->shown = shown_command(git, request, &call->args);
  if (!call->shown)
    call_failure(call, BP_E_NO_MEMORY, NULL);
  else if (strcmp(call->args.at[0], "clone") == 0)
    clone_begin(call, answer);
  else
    call_run(call, 0, answer);
}
