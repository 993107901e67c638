/* One request or service call while git works for it, and how each of them is answered. */
#include "git.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSAL_LOG_NS (INT64_C(1000) * 1000 * 1000) /* between two log lines about refused paths */

/* The client left: what only reads is stopped, what changes something runs to its end. */
static void client_left(void *ctx, bp_request request, uint32_t reason) {
  struct call *call = ctx;
  (void)request;
  if (call->run && reason == BP_CANCEL_CLIENT_GONE && !(run_flags_of(&call->args) & RUN_WRITES))
    run_cancel(call->run);
}

struct call *call_new(struct git *git, bp_request request) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    git->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  *call = (struct call){.git = git, .request = request};
  git->http->defer(request, client_left, call);
  return call;
}

struct call *call_of_service(struct git *git, bp_service_call service) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    git->service->answer(service, BP_E_NO_MEMORY, BP_LIT("out of memory"));
    return NULL;
  }
  *call = (struct call){.git = git, .service = service};
  return call;
}

void call_free(struct call *call) {
  words_release(&call->args);
  free(call->shown);
  free(call->folder);
  free(call->target);
  free(call->more);
  free(call);
}

void call_problem(struct call *call, uint32_t status, const char *sentence) {
  if (call->service)
    call->git->service->answer(call->service,
                               status == 404   ? BP_E_NOT_FOUND
                               : status == 403 ? BP_E_DENIED
                               : status == 400 ? BP_E_INVALID
                                               : BP_E_IO,
                               str_z(sentence));
  else
    kit_problem(call->git->http, call->request, status, str_z(sentence));
  call_free(call);
}

void call_failure(struct call *call, bp_status status, const bp_error *err) {
  if (call->service)
    call->git->service->answer(call->service, status, err ? str_z(err->message) : BP_LIT("failed"));
  else
    call->git->http->reply_failure(call->request, status, err);
  call_free(call);
}

bp_json_writer call_object(struct call *call) {
  const bp_json_1 *json = call->git->json;
  bp_json_writer out = 0;
  bp_status status = json->writer_new(call->git->self, &out);
  if (status != BP_OK) {
    call_failure(call, status, NULL);
    return 0;
  }
  json->object_begin(out);
  if (!call->service) {
    json->key(out, BP_LIT("success"));
    json->put_boolean(out, 1);
  }
  return out;
}

void call_json(struct call *call, bp_json_writer out) {
  struct git *git = call->git;
  bp_str text;
  git->json->object_end(out);
  if (!call->service) {
    git->http->reply_json(call->request, 200, out);
  } else {
    bp_status status = git->json->writer_text(out, &text, NULL);
    git->service->answer(call->service, status, status == BP_OK ? text : BP_LIT("the answer could not be written"));
  }
  git->json->writer_free(out);
  call_free(call);
}

/* ---- Failures of git ---- */

/* The line of stderr that says it: the first "fatal:" or "error:", else the first line. */
static bp_str telling_line(bp_str err) {
  bp_str rest = err, line, first = {NULL, 0};
  while (str_cut_at(&rest, '\n', &line)) {
    if (str_begins(line, "fatal:") || str_begins(line, "error:"))
      return line;
    if (first.len == 0)
      first = line;
  }
  return first;
}

static void put_clean(const bp_json_1 *json, bp_json_writer out, const char *name, bp_str value) {
  struct text clean = {0}, masked = {0};
  text_put_masked(&masked, value);
  text_put_utf8(&clean, text_str(&masked));
  json_text_member(json, out, str_z(name), text_str(&clean));
  text_release(&masked);
  text_release(&clean);
}

void call_git_failed(struct call *call, const struct run_result *result) {
  struct git *git = call->git;
  struct text error = {0};
  bp_json_writer out = 0;
  bp_str text;
  char sentence[64];
  bp_str line = result->sentence[0] ? str_z(result->sentence) : telling_line(result->err);
  snprintf(sentence, sizeof(sentence), "git ended with exit code %d", result->exit_code);
  text_put_masked(&error, line.len ? line : str_z(sentence));
  if (call->service || git->json->writer_new(git->self, &out) != BP_OK) {
    call_problem(call, 500, error.data ? error.data : sentence);
    text_release(&error);
    return;
  }
  git->json->object_begin(out);
  git->json->key(out, BP_LIT("success"));
  git->json->put_boolean(out, 0);
  put_clean(git->json, out, "error", text_str(&error));
  put_clean(git->json, out, "stdout", result->out);
  put_clean(git->json, out, "stderr", result->err.len ? result->err : str_z(result->end == RUN_ABSENT ? result->sentence : ""));
  if (call->shown)
    put_clean(git->json, out, "command", str_z(call->shown));
  git->json->object_end(out);
  if (git->json->writer_text(out, &text, NULL) == BP_OK)
    git->http->reply_text(call->request, 500, BP_LIT("application/json; charset=utf-8"), text);
  else
    git->http->reply_failure(call->request, BP_E_IO, NULL);
  git->json->writer_free(out);
  text_release(&error);
  call_free(call);
}

bool call_refused(struct call *call, const struct run_result *result) {
  bp_error err = BP_ERROR_INIT;
  call->run = NULL;
  switch (result->end) {
  case RUN_OK:
    return false;
  case RUN_REFUSED:
    call_problem(call, 403, result->sentence);
    return true;
  case RUN_BUSY:
  case RUN_CANCELLED:
    snprintf(err.message, sizeof(err.message), "%s", result->sentence[0] ? result->sentence : "the command was cancelled");
    call_failure(call, result->end == RUN_BUSY ? BP_E_BUSY : BP_E_CANCELLED, &err);
    return true;
  default:
    call_git_failed(call, result);
    return true;
  }
}

/* ---- Runs ---- */

bool call_take_facts(struct call *call) {
  const struct git *git = call->git;
  bp_json facts = 0, value = 0, item = 0;
  bp_str text;
  if (git->http->facts(call->request, &facts) != BP_OK)
    return false;
  if (git->json->get(facts, BP_LIT("repo"), &value) != BP_OK || git->json->string(value, &text) != BP_OK)
    return false;
  free(call->folder);
  call->folder = str_dup(text);
  if (git->json->get(facts, BP_LIT("args"), &value) != BP_OK)
    return false;
  words_release(&call->args);
  for (uint32_t i = 0; git->json->at(value, i, &item) == BP_OK; i++) {
    if (git->json->string(item, &text) != BP_OK)
      return false;
    words_add(&call->args, text);
  }
  return call->folder && call->args.count > 0 && !call->args.has_failed;
}

void call_args(struct call *call, const char *const *words, size_t count) {
  struct words made = {0};
  for (size_t i = 0; i < count; i++)
    words_add_z(&made, words[i]); /* which may be words of the call itself */
  words_release(&call->args);
  call->args = made;
}

void call_refuse_place(struct call *call, bp_str path) {
  struct git *git = call->git;
  int64_t now_ns = git->core->now_monotonic_ns();
  if (path.len && path.ptr[0] == '/' && now_ns - git->refusal_logged_ns >= REFUSAL_LOG_NS) {
    struct text said = {0};
    text_put(&said, "a repository path was refused; those below these folders (option \"roots\") may be used:");
    for (size_t i = 0; i < git->roots.count; i++) {
      text_put(&said, " ");
      text_put(&said, git->roots.at[i]);
    }
    git->log->write(git->self, BP_LOG_INFO, text_str(&said), (bp_array){NULL, 0, 0});
    text_release(&said);
    git->refusal_logged_ns = now_ns;
  }
  call_problem(call, 403, "Invalid repository path");
}

struct call *call_read(struct git *git, bp_request request) {
  bp_str path = {NULL, 0};
  struct call *call = call_new(git, request);
  if (!call)
    return NULL;
  if (git->http->param(request, BP_LIT("repoPath"), &path) != BP_OK || path.len == 0) {
    call_problem(call, 400, "repoPath is required");
    return NULL;
  }
  call->folder = place_resolve(git, path);
  if (call->folder)
    return call;
  call_refuse_place(call, path);
  return NULL;
}

struct call *call_change(struct git *git, bp_request request, const char *missing) {
  struct call *call = call_new(git, request);
  if (!call || call_take_facts(call))
    return call;
  bp_str path = body_text(git, request, "repoPath");
  char *resolved = place_resolve(git, path);
  if (path.len == 0)
    call_problem(call, 400, "repoPath is required");
  else if (!resolved)
    call_refuse_place(call, path);
  else
    call_problem(call, 400, missing);
  free(resolved);
  return NULL;
}

void call_run(struct call *call, uint32_t flags, run_done_fn done) {
  const struct run_spec spec = {.folder = call->folder, .args = &call->args, .flags = run_flags_of(&call->args) | flags, .done = done, .ctx = call};
  call->run = run_start(call->git, &spec);
  if (!call->run)
    call_failure(call, BP_E_BUSY, NULL);
}
