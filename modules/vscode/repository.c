/* A request about one repository: the registry is asked first, then the handler goes on. And what was sent, read. */
#include "vscode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_MS 10000

void put_number(const bp_json_1 *json, bp_json_writer out, const char *name, int64_t value) {
  json->key(out, str_z(name));
  json->put_integer(out, value);
}

void put_text(const bp_json_1 *json, bp_json_writer out, const char *name, const char *value) {
  json_text_member(json, out, str_z(name), str_z(value));
}

int64_t member_number(const bp_json_1 *json, bp_json object, const char *name) {
  bp_json value = 0;
  int64_t number = 0;
  if (json->get(object, str_z(name), &value) == BP_OK)
    json->integer(value, &number);
  return number;
}

int64_t repo_id(const struct vscode *v, bp_json object) {
  bp_json value = 0;
  bp_str text;
  int64_t number;
  if (v->json->get(object, BP_LIT("repoId"), &value) != BP_OK || v->json->type(value) == BP_JSON_NULL || v->json->type(value) == BP_JSON_FALSE)
    return 0;
  if (v->json->integer(value, &number) == BP_OK)
    return number < 0 ? -1 : number;
  return v->json->string(value, &text) == BP_OK ? (text.len ? kit_digits(text) : 0) : -1;
}

/* ---- Ends ---- */

void inquiry_free(struct inquiry *q) {
  free(q->file);
  free(q->path);
  q->file = q->path = NULL;
}

void inquiry_problem(struct inquiry *q, uint32_t status, const char *message) {
  inquiry_free(q);
  kit_call_problem(q, status, str_z(message));
}

void inquiry_refuse(struct inquiry *q, bp_status status, bp_str message) {
  bp_error err = BP_ERROR_INIT;
  snprintf(err.message, sizeof(err.message), "%.*s", (int)message.len, message.len ? message.ptr : "");
  inquiry_free(q);
  kit_call_refuse(q, status, message.len ? &err : NULL);
}

bp_json_writer inquiry_answer(struct inquiry *q) {
  const struct vscode *v = q->module;
  bp_json_writer out = 0;
  bp_status status = v->json->writer_new(v->self, &out);
  if (status != BP_OK) {
    inquiry_refuse(q, status, BP_LIT(""));
    return 0;
  }
  v->json->object_begin(out);
  v->json->key(out, BP_LIT("success"));
  v->json->put_boolean(out, 1);
  return out;
}

void inquiry_end(struct inquiry *q, bp_json_writer out) {
  const bp_json_1 *json = q->module->json;
  json->object_end(out);
  inquiry_free(q);
  kit_call_json(q, 200, json, out);
}

/* ---- The registry ---- */

static void on_repository(void *ctx, bp_status status, bp_str payload) {
  struct inquiry *q = ctx;
  const struct vscode *v = q->module;
  bp_json root = 0;
  if (status == BP_E_NOT_FOUND) {
    inquiry_problem(q, 404, "Repository not found");
    return;
  }
  if (status == BP_OK)
    status = v->json->parse(v->self, payload, &root, NULL);
  if (status != BP_OK) {
    inquiry_refuse(q, status, BP_LIT(""));
    return;
  }
  q->then(q, root); /* the inquiry may be gone afterwards */
  v->json->release(v->self, root);
}

void inquiry_begin(struct vscode *v, bp_request request, int64_t id, bp_str file, void (*then)(struct inquiry *q, bp_json repository)) {
  char payload[48];
  struct inquiry *q = kit_call_new(v->self, v->http, NULL, request, sizeof(*q));
  if (!q)
    return;
  q->module = v;
  q->id = id;
  q->then = then;
  if (file.ptr)
    q->file = str_dup(file);
  snprintf(payload, sizeof(payload), "{\"id\":%" PRId64 "}", id);
  bp_status status = v->service->call(v->self, BP_LIT("repositories/1"), BP_LIT("get"), str_z(payload), SERVICE_MS, on_repository, q);
  if (status != BP_OK)
    inquiry_refuse(q, status, BP_LIT(""));
}

bool repository_note(struct vscode *v, int64_t id, int64_t pid, bp_str url, bp_service_done_fn done, void *ctx) {
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  if (v->json->writer_new(v->self, &out) != BP_OK)
    return false;
  v->json->object_begin(out);
  put_number(v->json, out, "id", id);
  v->json->key(out, BP_LIT("running"));
  v->json->put_boolean(out, pid > 0);
  if (pid > 0) {
    put_number(v->json, out, "pid", pid);
    json_text_member(v->json, out, BP_LIT("url"), url);
  }
  v->json->object_end(out);
  bool is_called = v->json->writer_text(out, &text, NULL) == BP_OK &&
                   v->service->call(v->self, BP_LIT("repositories/1"), BP_LIT("set_running"), text, SERVICE_MS, done, ctx) == BP_OK;
  v->json->writer_free(out);
  return is_called;
}
