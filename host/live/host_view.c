/* The generic rendering; see host_view.h. */
#include "live/host_view.h"

#include "loader/tables.h"

#include <stdio.h>
#include <time.h>

static void put_member(bp_json_writer frame, bp_str name, bp_str value) {
  json_table.key(frame, name);
  json_table.put_string(frame, value);
}

static bp_str time_text(int64_t time_ns, char text[40]) {
  time_t seconds = (time_t)(time_ns / 1000000000);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  size_t len = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &parts);
  int tail = snprintf(text + len, 40 - len, ".%03dZ", (int)(time_ns / 1000000 % 1000));
  return bp_str_make(text, len + (size_t)tail);
}

static void render_resync(const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  *ret_name = BP_LIT("resync");
  json_table.object_begin(frame);
  put_member(frame, BP_LIT("type"), BP_LIT("resync"));
  json_table.key(frame, BP_LIT("from"));
  json_table.put_integer(frame, (int64_t)event->sequence);
  json_table.object_end(frame);
}

uint32_t host_view_render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  (void)ctx;
  if (event->flags & BP_LIVE_RESYNC) {
    render_resync(event, frame, ret_name);
    return 1;
  }
  char text[40];
  json_table.object_begin(frame);
  json_table.key(frame, BP_LIT("seq"));
  json_table.put_integer(frame, (int64_t)event->sequence);
  put_member(frame, BP_LIT("topic"), event->topic);
  put_member(frame, BP_LIT("key"), event->key);
  put_member(frame, BP_LIT("time"), time_text(event->time_ns, text));
  json_table.key(frame, BP_LIT("data"));
  json_table.put_raw(frame, event->payload);
  json_table.object_end(frame);
  return 1;
}
