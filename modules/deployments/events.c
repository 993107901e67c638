/* What clients with a Socket.IO connection are told. Nothing is built while nobody listens. */
#include "deployments.h"

#include <inttypes.h>
#include <stdio.h>

#define TOPIC "deployments.socket"

/* {"family": "desktop", "event": ..., "room": ..., "args": [{ ; 0 without listeners or memory. */
static bp_json_writer begin(const struct deployments *d, const char *event, const char *room) {
  bp_json_writer out = 0;
  if (d->is_draining || d->live->listeners(BP_LIT(TOPIC)) == 0 || d->json->writer_new(d->self, &out) != BP_OK)
    return 0;
  d->json->object_begin(out);
  put_text(d->json, out, "family", "desktop");
  put_text(d->json, out, "event", event);
  put_text(d->json, out, "room", room);
  d->json->key(out, BP_LIT("args"));
  d->json->array_begin(out);
  d->json->object_begin(out);
  return out;
}

static void end(const struct deployments *d, bp_json_writer out) {
  bp_str text = {NULL, 0};
  d->json->object_end(out);
  d->json->array_end(out);
  d->json->object_end(out);
  if (d->json->writer_text(out, &text, NULL) == BP_OK)
    d->live->publish(d->self, BP_LIT(TOPIC), BP_LIT(""), text);
  d->json->writer_free(out);
}

void event_updated(const struct deployments *d, int64_t id, const char *action, const char *status, const struct running *running) {
  const bp_json_1 *json = d->json;
  bp_json_writer out = begin(d, "deployment:updated", "");
  if (!out)
    return;
  put_number(json, out, "id", id);
  put_text(json, out, "action", action);
  put_text(json, out, "status", status);
  if (running && running->is_online) {
    put_number(json, out, "pid", running->pid);
    put_number(json, out, "memory", running->memory_bytes);
    json->key(out, BP_LIT("cpu"));
    json->put_real(out, running->cpu_percent);
    put_number(json, out, "uptime", (d->core->now_wall_ns() / 1000000 - running->started_ms) / 1000);
  }
  end(d, out);
}

void event_deleted(const struct deployments *d, int64_t id) {
  bp_json_writer out = begin(d, "deployment:deleted", "");
  if (!out)
    return;
  put_number(d->json, out, "id", id);
  end(d, out);
}

static void output(const struct deployments *d, const char *event, const char *room, int64_t id, unsigned stream, bp_str text) {
  char time[32];
  bp_json_writer out = begin(d, event, room);
  if (!out)
    return;
  put_number(d->json, out, "id", id);
  json_text_member(d->json, out, BP_LIT("data"), text);
  put_text(d->json, out, "stream", stream ? "stderr" : "stdout");
  json_text_member(d->json, out, BP_LIT("timestamp"), kit_time_text(d->core->now_wall_ns(), time));
  end(d, out);
}

void event_output(const struct deployments *d, int64_t id, unsigned stream, bp_str text) {
  char event[48], room[48];
  snprintf(event, sizeof(event), "deployment:%" PRId64 ":log", id);
  snprintf(room, sizeof(room), "deployment:%" PRId64, id);
  output(d, "deployment:logs", "", id, stream, text);
  output(d, event, room, id, stream, text);
}
