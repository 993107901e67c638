/* POST /api/vscode/start and /stop. */
#include "vscode.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- start ---- */

static void reply_running(struct inquiry *q, const struct editor *e) {
  const bp_json_1 *json = q->module->json;
  char url[64];
  bp_json_writer out = inquiry_answer(q);
  if (!out)
    return;
  put_text(json, out, "message", "Code-server already running");
  json_text_member(json, out, BP_LIT("url"), editor_url(e, url));
  put_number(json, out, "port", e->port);
  put_number(json, out, "pid", e->pid);
  put_number(json, out, "repoId", e->id);
  inquiry_end(q, out);
}

/* The request waits with the editor; the inquiry is done. */
static void wait_for(struct inquiry *q, struct waiting *waiting) {
  bool is_waiting = waiting_add(waiting, q->call.request);
  if (!is_waiting) {
    inquiry_problem(q, 503, "Too many requests wait for this editor");
    return;
  }
  inquiry_free(q);
  free(q);
}

static void start_new(struct inquiry *q, bp_json repository) {
  struct vscode *v = q->module;
  bp_json value = 0;
  bp_str path = {NULL, 0};
  int64_t port = member_number(v->json, repository, "port");
  if (v->json->get(repository, BP_LIT("path"), &value) == BP_OK)
    v->json->string(value, &path);
  struct editor *e = path.ptr && port > 0 ? editor_add(v, q->id, port, path) : NULL;
  if (!e) {
    inquiry_problem(q, 503, "Too many editors run already");
    return;
  }
  bp_str principal = v->http->principal(q->call.request);
  snprintf(e->principal, sizeof(e->principal), "%.*s", (int)principal.len, principal.len ? principal.ptr : "");
  wait_for(q, &e->starters);
  prepare_begin(e);
}

static void start(struct inquiry *q, bp_json repository) {
  struct editor *e = editor_find(q->module, q->id);
  if (!e)
    start_new(q, repository);
  else if (e->state == EDITOR_STOPPING || e->is_unwanted)
    wait_for(q, &e->followers);
  else if (e->state == EDITOR_READY && e->starters.count == 0)
    reply_running(q, e);
  else
    wait_for(q, &e->starters);
}

/* The id of the facts; 0: answered. */
static int64_t wanted_id(struct vscode *v, bp_request request) {
  bp_json facts = 0;
  v->http->facts(request, &facts);
  int64_t id = repo_id(v, facts);
  if (id == 0)
    kit_problem(v->http, request, 400, BP_LIT("Repository ID is required"));
  else if (!v->is_recovered) {
    v->http->reply_failure(request, BP_E_BUSY, NULL);
    id = 0;
  }
  return id;
}

void vscode_start(void *state, bp_request request) {
  int64_t id = wanted_id(state, request);
  if (id)
    inquiry_begin(state, request, id, bp_str_make(NULL, 0), start);
}

/* ---- stop ---- */

static void stop(struct inquiry *q, bp_json repository) {
  struct editor *e = editor_find(q->module, q->id);
  (void)repository;
  if (e) {
    wait_for(q, &e->stoppers);
    if (e->state != EDITOR_STOPPING)
      editor_stop(e);
    return;
  }
  bp_json_writer out = inquiry_answer(q);
  if (!out)
    return;
  put_text(q->module->json, out, "message", "Code-server stopped");
  inquiry_end(q, out);
}

void vscode_stop(void *state, bp_request request) {
  int64_t id = wanted_id(state, request);
  if (id)
    inquiry_begin(state, request, id, bp_str_make(NULL, 0), stop);
}
