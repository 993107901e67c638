/* POST routes that change a repository without a command text: stage, unstage, commit. Their facts hold the argv that is run, so the same
 * rules decide on them as on commands. */
#include "git.h"
#include "handlers.h"
#include "parse.h"

#include <stdlib.h>
#include <string.h>

static bp_status facts_of(const struct git *git, bp_request request, bp_json_writer out, const char *action, const struct words *args) {
  facts_begin(git, request, out, action);
  if (args->count && !args->has_failed && body_text(git, request, "repoPath").len)
    facts_command(git, out, body_text(git, request, "repoPath"), args, 0);
  git->json->object_end(out);
  return BP_OK;
}

bool body_flag(const struct git *git, bp_request request, const char *name) {
  bp_json body = 0, value = 0;
  uint32_t flag = 0;
  return git->http->body(request, &body) == BP_OK && git->json->get(body, str_z(name), &value) == BP_OK &&
         git->json->boolean(value, &flag) == BP_OK && flag;
}

/* ---- Stage and unstage ---- */

static bp_status facts_of_paths(const struct git *git, bp_request request, bp_json_writer out, const char *action, const char *const *words) {
  struct words args = {0}, paths = {0};
  for (; *words; words++)
    words_add_z(&args, *words);
  words_add_z(&args, "--");
  if (body_words(git, request, "paths", &paths) && paths.count)
    words_copy(&args, &paths);
  else
    words_release(&args);
  bp_status status = facts_of(git, request, out, action, &args);
  words_release(&args);
  words_release(&paths);
  return status;
}

bp_status facts_of_stage(void *state, bp_request request, bp_json_writer facts) {
  static const char *const words[] = {"add", "-A", NULL};
  return facts_of_paths(state, request, facts, "stage", words);
}

bp_status facts_of_unstage(void *state, bp_request request, bp_json_writer facts) {
  static const char *const words[] = {"reset", "-q", NULL};
  return facts_of_paths(state, request, facts, "unstage", words);
}

static void answer_done(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  bp_json_writer out = call_object(call);
  if (out)
    call_json(call, out);
}

void change_stage(void *state, bp_request request) {
  struct call *call = call_change(state, request, "paths must be a list of paths");
  if (call)
    call_run(call, 0, answer_done);
}

/* ---- Commit ---- */

bp_status facts_of_commit(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  struct words args = {0};
  bp_str message = body_text(git, request, "message");
  bool is_amend = body_flag(git, request, "amend");
  if (message.len || is_amend) {
    words_add_z(&args, "commit");
    if (is_amend)
      words_add_z(&args, "--amend");
    if (body_flag(git, request, "all"))
      words_add_z(&args, "-a");
    if (body_flag(git, request, "allowEmpty"))
      words_add_z(&args, "--allow-empty");
    words_add_z(&args, message.len ? "-m" : "--no-edit");
    if (message.len)
      words_add(&args, message);
  }
  bp_status status = facts_of(git, request, facts, "commit", &args);
  words_release(&args);
  return status;
}

static void answer_commit(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  bp_str oid = result->out;
  if (call_refused(call, result))
    return;
  while (oid.len && oid.ptr[oid.len - 1] == '\n')
    oid.len--;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  parse_put(call->git->json, out, "oid", oid);
  call_json(call, out);
}

static void committed(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  CALL_ARGS(call, "rev-parse", "HEAD");
  call_run(call, 0, answer_commit);
}

void change_commit(void *state, bp_request request) {
  struct call *call = call_change(state, request, "message is required");
  if (call)
    call_run(call, 0, committed);
}
