/* The registry and the editors brought into line: once after a start of the host, where running ones are taken over, and whenever
 * POST /api/vscode/cleanup asks for it. */
#include "vscode.h"

#define SERVICE_MS 10000

static void noted(void *ctx, bp_status status, bp_str payload) {
  (void)ctx;
  (void)status; /* the next cleanup sees it again */
  (void)payload;
}

static bool is_marked_running(const struct vscode *v, bp_json repository) {
  bp_json value = 0;
  return v->json->get(repository, BP_LIT("running"), &value) == BP_OK && v->json->type(value) == BP_JSON_TRUE;
}

/* 1 if the registry said it runs, and it does not. */
static int64_t correct_one(struct vscode *v, bp_json repository, int64_t id) {
  if (!is_marked_running(v, repository) || editor_find(v, id))
    return 0;
  repository_note(v, id, 0, BP_LIT(""), noted, NULL);
  return 1;
}

/* ---- At start ---- */

static void adopt_one(struct vscode *v, bp_json repository) {
  bp_json value = 0;
  bp_str path = {NULL, 0};
  int64_t id = member_number(v->json, repository, "id");
  if (v->json->get(repository, BP_LIT("path"), &value) == BP_OK)
    v->json->string(value, &path);
  struct editor *e = path.ptr ? editor_add(v, id, member_number(v->json, repository, "port"), path) : NULL;
  if (e && editor_adopt(e))
    return;
  if (e)
    editor_fail(e, 500, "");
  correct_one(v, repository, id);
}

static void on_list(void *ctx, bp_status status, bp_str payload) {
  struct vscode *v = ctx;
  bp_json list = 0, repository = 0;
  if (status == BP_OK && v->json->parse(v->self, payload, &list, NULL) == BP_OK) {
    for (uint32_t i = 0; v->json->at(list, i, &repository) == BP_OK; i++)
      adopt_one(v, repository);
    v->json->release(v->self, list);
  } else if (!v->is_draining) {
    v->log->write(v->self, BP_LOG_ERROR, BP_LIT("the repositories could not be read: editors of an earlier run are not known"),
                  (bp_array){NULL, 0, 0});
  }
  v->is_recovered = true;
}

void recover_begin(struct vscode *v) {
  if (v->service->call(v->self, BP_LIT("repositories/1"), BP_LIT("list"), BP_LIT("{}"), SERVICE_MS, on_list, v) != BP_OK)
    v->is_recovered = true;
}

/* ---- Cleanup ---- */

static bool is_listed(const struct vscode *v, bp_json list, int64_t id) {
  bp_json repository = 0;
  for (uint32_t i = 0; v->json->at(list, i, &repository) == BP_OK; i++)
    if (member_number(v->json, repository, "id") == id)
      return true;
  return false;
}

/* Editors of repositories that are gone are stopped. */
static int64_t stop_orphans(const struct vscode *v, bp_json list) {
  int64_t count = 0;
  for (struct editor *e = v->editors; e; e = e->next)
    if (!is_listed(v, list, e->id) && e->state != EDITOR_STOPPING && e->state != EDITOR_PREPARING) {
      editor_stop(e);
      count++;
    }
  return count;
}

static void on_cleanup_list(void *ctx, bp_status status, bp_str payload) {
  struct inquiry *q = ctx;
  struct vscode *v = q->module;
  bp_json list = 0, repository = 0;
  int64_t cleaned = 0;
  if (status != BP_OK || v->json->parse(v->self, payload, &list, NULL) != BP_OK) {
    inquiry_refuse(q, status == BP_OK ? BP_E_NO_MEMORY : status, BP_LIT(""));
    return;
  }
  for (uint32_t i = 0; v->json->at(list, i, &repository) == BP_OK; i++)
    cleaned += correct_one(v, repository, member_number(v->json, repository, "id"));
  cleaned += stop_orphans(v, list);
  v->json->release(v->self, list);
  bp_json_writer out = inquiry_answer(q);
  if (!out)
    return;
  put_text(v->json, out, "message", "Cleanup completed");
  put_number(v->json, out, "cleaned", cleaned);
  inquiry_end(q, out);
}

void vscode_cleanup(void *state, bp_request request) {
  struct vscode *v = state;
  struct inquiry *q = kit_call_new(v->self, v->http, NULL, request, sizeof(*q));
  if (!q)
    return;
  q->module = v;
  bp_status status = v->service->call(v->self, BP_LIT("repositories/1"), BP_LIT("list"), BP_LIT("{}"), SERVICE_MS, on_cleanup_list, q);
  if (status != BP_OK)
    inquiry_refuse(q, status, BP_LIT(""));
}
