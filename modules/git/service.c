/* The service "git/1" for other modules; payloads are JSON objects.
 *
 *   changes {path}        -> {modified[], added[], deleted[], untracked[]}, of git status --porcelain
 *   diff    {path, file}  -> {diff}: against HEAD, else of what is staged, else "No changes"; a new file that git does not know is shown whole
 *
 * A path that is no repository of ours is BP_E_DENIED or BP_E_IO with a sentence. */
#include "git.h"

#include <stdlib.h>
#include <string.h>

/* ---- changes ---- */

/* XY of the porcelain form, as clients of the desktop family count it. */
static unsigned kind_of(char x, char y) {
  if (x == '?')
    return 3;
  if (x == 'D' || y == 'D')
    return 2;
  return x == 'A' ? 1 : 0;
}

static void put_kind(struct call *call, bp_json_writer out, bp_str listing, unsigned wanted) {
  bp_str entry, ignored;
  while (str_cut_at(&listing, '\0', &entry)) {
    if (entry.len < 4)
      continue;
    if (entry.ptr[0] == 'R' || entry.ptr[0] == 'C')
      str_cut_at(&listing, '\0', &ignored); /* the old name */
    if (kind_of(entry.ptr[0], entry.ptr[1]) != wanted)
      continue;
    struct text name = {0};
    text_put_utf8(&name, bp_str_make(entry.ptr + 3, entry.len - 3));
    call->git->json->put_string(out, text_str(&name));
    text_release(&name);
  }
}

static void answer_changes(void *ctx, const struct run_result *result) {
  static const char *const names[] = {"modified", "added", "deleted", "untracked"};
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  for (unsigned i = 0; i < 4; i++) {
    call->git->json->key(out, str_z(names[i]));
    call->git->json->array_begin(out);
    put_kind(call, out, result->out, i);
    call->git->json->array_end(out);
  }
  call_json(call, out);
}

static void changes(struct call *call, bp_json payload) {
  (void)payload;
  CALL_ARGS(call, "status", "--porcelain", "-z", "--untracked-files=all");
  call_run(call, 0, answer_changes);
}

/* ---- diff: one attempt after the other ---- */

static void end_diff(struct call *call, bp_str diff) {
  struct text text = {0};
  text_put_utf8(&text, diff);
  bp_json_writer out = call_object(call);
  if (out) {
    json_text_member(call->git->json, out, BP_LIT("diff"), text_str(&text));
    call_json(call, out);
  }
  text_release(&text);
}

static void answer_staged(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (!call_refused(call, result))
    end_diff(call, result->out.len ? result->out : BP_LIT("No changes"));
}

static void try_staged(struct call *call) {
  CALL_ARGS(call, "diff", "--cached", "--", call->target);
  call_run(call, 0, answer_staged);
}

/* Exit code 1 of --no-index means that there are differences. */
static void answer_new_file(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (result->end == RUN_EXIT && result->exit_code == 1 && result->out.len)
    end_diff(call, result->out);
  else if (!call_refused(call, result))
    end_diff(call, result->out.len ? result->out : BP_LIT("No changes"));
}

static void answer_known(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  if (result->out.len == 0 || !str_begins(result->out, "??")) {
    try_staged(call);
    return;
  }
  CALL_ARGS(call, "diff", "--no-index", "--", "/dev/null", call->target);
  call_run(call, 0, answer_new_file);
}

static void answer_head(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (result->end == RUN_OK && result->out.len) {
    end_diff(call, result->out);
    return;
  }
  if (result->end != RUN_EXIT && call_refused(call, result)) /* no HEAD yet is no failure */
    return;
  CALL_ARGS(call, "status", "--porcelain", "-z", "--untracked-files=all", "--", call->target);
  call_run(call, 0, answer_known);
}

static void diff(struct call *call, bp_json payload) {
  bp_json value = 0;
  bp_str file;
  const bp_json_1 *json = call->git->json;
  if (json->get(payload, BP_LIT("file"), &value) != BP_OK || json->string(value, &file) != BP_OK || !place_is_inside(file)) {
    call_problem(call, 400, "file must be a path inside the repository");
    return;
  }
  call->target = str_dup(file);
  if (!call->target) {
    call_failure(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  CALL_ARGS(call, "diff", "HEAD", "--", call->target);
  call_run(call, 0, answer_head);
}

/* ---- Calls ---- */

static const struct {
  const char *name;
  void (*run)(struct call *call, bp_json payload);
} methods[] = {{"changes", changes}, {"diff", diff}};

static void dispatch(struct call *call, bp_str method, bp_json payload) {
  bp_json value = 0;
  bp_str path;
  const bp_json_1 *json = call->git->json;
  if (json->get(payload, BP_LIT("path"), &value) != BP_OK || json->string(value, &path) != BP_OK) {
    call_problem(call, 400, "path is required");
    return;
  }
  call->folder = place_resolve(call->git, path);
  if (!call->folder) {
    call_refuse_place(call, path);
    return;
  }
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (kit_same(method, methods[i].name)) {
      methods[i].run(call, payload);
      return;
    }
  call_problem(call, 404, "git/1 has the methods changes and diff");
}

static void on_call(void *ctx, bp_service_call service, bp_str method, bp_str payload) {
  struct git *git = ctx;
  bp_error err = BP_ERROR_INIT;
  bp_json root = 0;
  struct call *call = call_of_service(git, service);
  if (!call)
    return;
  bp_status status = git->json->parse(git->self, payload, &root, &err);
  if (status != BP_OK) {
    call_failure(call, status, &err);
    return;
  }
  dispatch(call, method, root);
  git->json->release(git->self, root);
}

bp_status service_start(struct git *git) {
  return git->service->serve(git->self, BP_LIT(SERVICE_NAME), on_call, git);
}
