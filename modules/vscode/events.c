/* What clients with a Socket.IO connection are told: vscode:updated {repoId, action, url?, port?}. */
#include "vscode.h"

#define TOPIC "vscode.socket"

static void write_event(const struct editor *e, const char *action, bool has_address, bp_json_writer out) {
  const bp_json_1 *json = e->module->json;
  char url[64];
  json->object_begin(out);
  put_text(json, out, "family", "desktop");
  put_text(json, out, "event", "vscode:updated");
  put_text(json, out, "room", "");
  json->key(out, BP_LIT("args"));
  json->array_begin(out);
  json->object_begin(out);
  put_number(json, out, "repoId", e->id);
  put_text(json, out, "action", action);
  if (has_address) {
    json_text_member(json, out, BP_LIT("url"), editor_url(e, url));
    put_number(json, out, "port", e->port);
  }
  json->object_end(out);
  json->array_end(out);
  json->object_end(out);
}

void event_updated(const struct editor *e, const char *action, bool has_address) {
  const struct vscode *v = e->module;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  if (v->is_draining || v->live->listeners(BP_LIT(TOPIC)) == 0 || v->json->writer_new(v->self, &out) != BP_OK)
    return;
  write_event(e, action, has_address, out);
  if (v->json->writer_text(out, &text, NULL) == BP_OK)
    v->live->publish(v->self, BP_LIT(TOPIC), BP_LIT(""), text);
  v->json->writer_free(out);
}
