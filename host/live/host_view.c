/* The generic rendering; see host_view.h. */
#include "live/host_view.h"

#include "base/iso_time.h"
#include "loader/tables.h"

static void put_member(bp_json_writer frame, bp_str name, bp_str value) {
  json_table.key(frame, name);
  json_table.put_string(frame, value);
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
  char text[ISO_TIME_BYTES];
  json_table.object_begin(frame);
  json_table.key(frame, BP_LIT("seq"));
  json_table.put_integer(frame, (int64_t)event->sequence);
  put_member(frame, BP_LIT("topic"), event->topic);
  put_member(frame, BP_LIT("key"), event->key);
  put_member(frame, BP_LIT("time"), iso_time(event->time_ns / 1000000, text));
  json_table.key(frame, BP_LIT("data"));
  json_table.put_raw(frame, event->payload);
  json_table.object_end(frame);
  return 1;
}
