/* What clients with a Socket.IO connection are told, and the durable trace of changes. */
#include "services.h"

#include <stdio.h>

#define TOPIC BP_LIT("services.socket")

bool events_wanted(const struct services *s) {
  return !s->is_draining && s->live->listeners(TOPIC) > 0;
}

/* {"family": "desktop", "event": ..., "room": ..., "args": [{"serviceId": ...; 0 without memory. */
static bp_json_writer begin(const struct services *s, const struct service *service, const char *event, const char *room) {
  bp_json_writer out = 0;
  if (s->json->writer_new(s->self, &out) != BP_OK)
    return 0;
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT("family"), BP_LIT("desktop"));
  json_text_member(s->json, out, BP_LIT("event"), str_z(event));
  json_text_member(s->json, out, BP_LIT("room"), str_z(room));
  s->json->key(out, BP_LIT("args"));
  s->json->array_begin(out);
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT("serviceId"), str_z(service->entry->id));
  return out;
}

static void end(const struct services *s, bp_json_writer out) {
  bp_str text;
  s->json->object_end(out);
  s->json->array_end(out);
  s->json->object_end(out);
  if (s->json->writer_text(out, &text, NULL) == BP_OK)
    s->live->publish(s->self, TOPIC, bp_str_make(NULL, 0), text);
  s->json->writer_free(out);
}

static void store(const struct services *s, const struct service *service, const char *action, const char *status) {
  bp_json_writer out = 0;
  bp_str text;
  if (s->json->writer_new(s->self, &out) != BP_OK)
    return;
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT("serviceId"), str_z(service->entry->id));
  json_text_member(s->json, out, BP_LIT("action"), str_z(action));
  json_text_member(s->json, out, BP_LIT("status"), str_z(status));
  s->json->object_end(out);
  if (s->json->writer_text(out, &text, NULL) == BP_OK)
    kit_publish(s->self, s->db, BP_LIT("services.updated"), str_z(service->entry->id), text);
  s->json->writer_free(out);
}

/* Both spellings: clients know one or the other. */
void event_updated(const struct services *s, const struct service *service, const char *action, const char *status) {
  static const char *const names[] = {"service:updated", "services:updated"};
  if (s->is_draining)
    return;
  store(s, service, action, status);
  for (unsigned i = 0; i < 2 && events_wanted(s); i++) {
    bp_json_writer out = begin(s, service, names[i], "");
    if (!out)
      return;
    json_text_member(s->json, out, BP_LIT("action"), str_z(action));
    json_text_member(s->json, out, BP_LIT("status"), str_z(status));
    end(s, out);
  }
}

/* To everybody under one name, and to the service's room under its own. */
void event_logs(const struct services *s, const struct service *service, unsigned stream, bp_str text) {
  char room[64], own[64], time[KIT_TIME_BYTES];
  snprintf(room, sizeof(room), "service:%s", service->entry->id);
  snprintf(own, sizeof(own), "service:%s:log", service->entry->id);
  for (unsigned i = 0; i < 2; i++) {
    bp_json_writer out = begin(s, service, i ? own : "service:logs", i ? room : "");
    if (!out)
      return;
    json_text_member(s->json, out, BP_LIT("data"), text);
    json_text_member(s->json, out, BP_LIT("stream"), stream == 2 ? BP_LIT("stderr") : BP_LIT("stdout"));
    json_text_member(s->json, out, BP_LIT("timestamp"), kit_time_text(s->core->now_wall_ns(), time));
    end(s, out);
  }
}
