/* What has changed in a repository, and how: asked of the module git by its service. */
#include "vscode.h"

#include <stdio.h>
#include <string.h>

#define SERVICE_MS 30000

/* {"path": ..., "file": ...} to the service; `done` gets the inquiry. */
static void ask_git(struct inquiry *q, const char *method, bp_service_done_fn done) {
  const struct vscode *v = q->module;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  bp_status status = q->path ? v->json->writer_new(v->self, &out) : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    v->json->object_begin(out);
    put_text(v->json, out, "path", q->path);
    if (q->file)
      put_text(v->json, out, "file", q->file);
    v->json->object_end(out);
    status = v->json->writer_text(out, &text, NULL);
  }
  if (status == BP_OK)
    status = v->service->call(v->self, BP_LIT("git/1"), str_z(method), text, SERVICE_MS, done, q);
  if (out)
    v->json->writer_free(out);
  if (status != BP_OK)
    inquiry_refuse(q, status, BP_LIT(""));
}

static void take_path(struct inquiry *q, bp_json repository) {
  bp_json value = 0;
  bp_str path;
  if (q->module->json->get(repository, BP_LIT("path"), &value) == BP_OK && q->module->json->string(value, &path) == BP_OK)
    q->path = str_dup(path);
}

/* ---- Changes: an answer also where there is no git ---- */

static void put_list(const struct vscode *v, bp_json_writer out, bp_json changes, const char *name) {
  bp_json list = 0;
  v->json->key(out, str_z(name));
  if (changes && v->json->get(changes, str_z(name), &list) == BP_OK && v->json->type(list) == BP_JSON_ARRAY) {
    v->json->put_value(out, list);
  } else {
    v->json->array_begin(out);
    v->json->array_end(out);
  }
}

static void on_changes(void *ctx, bp_status status, bp_str payload) {
  struct inquiry *q = ctx;
  const struct vscode *v = q->module;
  bp_json changes = 0;
  char error[256];
  snprintf(error, sizeof(error), "%.*s", payload.len > 250 ? 250 : (int)payload.len, payload.len ? payload.ptr : "");
  if (status == BP_OK)
    status = v->json->parse(v->self, payload, &changes, NULL);
  bp_json_writer out = inquiry_answer(q);
  if (out) {
    v->json->key(out, BP_LIT("changes"));
    v->json->object_begin(out);
    put_list(v, out, changes, "modified");
    put_list(v, out, changes, "added");
    put_list(v, out, changes, "deleted");
    put_list(v, out, changes, "untracked");
    v->json->object_end(out);
    if (status != BP_OK)
      put_text(v->json, out, "error", error[0] ? error : "nothing answers for git: enable the module git");
    inquiry_end(q, out);
  }
  if (changes)
    v->json->release(v->self, changes);
}

static void with_repository(struct inquiry *q, bp_json repository) {
  take_path(q, repository);
  ask_git(q, "changes", on_changes);
}

void vscode_changes(void *state, bp_request request) {
  const struct vscode *v = state;
  int64_t id = 0;
  v->http->param_integer(request, BP_LIT("repoId"), &id); /* 0: no repository has it */
  inquiry_begin(state, request, id, bp_str_make(NULL, 0), with_repository);
}

/* ---- One file ---- */

static void on_diff(void *ctx, bp_status status, bp_str payload) {
  struct inquiry *q = ctx;
  const struct vscode *v = q->module;
  bp_json answer = 0, value = 0;
  bp_str diff = {NULL, 0};
  if (status == BP_E_NOT_FOUND && payload.len == 0)
    payload = BP_LIT("nothing answers for git: enable the module git");
  if (status == BP_OK)
    status = v->json->parse(v->self, payload, &answer, NULL);
  if (status != BP_OK) {
    inquiry_refuse(q, status, payload);
    return;
  }
  if (v->json->get(answer, BP_LIT("diff"), &value) == BP_OK)
    v->json->string(value, &diff);
  bp_json_writer out = inquiry_answer(q);
  if (out) {
    json_text_member(v->json, out, BP_LIT("diff"), diff.len ? diff : BP_LIT("No changes"));
    inquiry_end(q, out);
  }
  v->json->release(v->self, answer);
}

static void diff_with_repository(struct inquiry *q, bp_json repository) {
  take_path(q, repository);
  ask_git(q, "diff", on_diff);
}

void vscode_diff(void *state, bp_request request) {
  struct vscode *v = state;
  bp_json body = 0, value = 0;
  bp_str file = {NULL, 0};
  int64_t id = v->http->body(request, &body) == BP_OK ? repo_id(v, body) : 0;
  if (body && v->json->get(body, BP_LIT("file"), &value) == BP_OK)
    v->json->string(value, &file);
  if (id == 0 || file.len == 0)
    kit_problem(v->http, request, 400, BP_LIT("Repository ID and file are required"));
  else
    inquiry_begin(v, request, id, file, diff_with_repository);
}
