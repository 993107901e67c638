/* The context of a request while the store works for it, and the time as answers show it. */
#include "observability.h"

#include <string.h>
#include <time.h>

struct call *call_new(struct observability *module, bp_request request) {
  struct call *call = kit_call_new(module->self, module->http, module->db, request, sizeof(*call));
  if (call)
    call->module = module;
  if (call)
    call->from = BP_LIVE_FROM_NOW;
  return call;
}

/* Six digits. */
static void put_micros(char *at, uint32_t micros) {
  for (int i = 5; i >= 0; i--, micros /= 10)
    at[i] = (char)('0' + micros % 10);
}

/* Asked for every event: the part before the fraction is made once a second. */
bp_str timestamp_now(const struct observability *module, char text[TIMESTAMP_BYTES]) {
  static char head[sizeof("2026-11-21T08:17:00")];
  static time_t made = -1;
  static const char zone[] = "+00:00";
  int64_t now_ns = module->core->now_wall_ns();
  time_t seconds = (time_t)(now_ns / 1000000000);
  struct tm parts;
  if (seconds != made) {
    gmtime_r(&seconds, &parts);
    strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &parts);
    made = seconds;
  }
  char *at = text + sizeof(head) - 1;
  memcpy(text, head, sizeof(head) - 1);
  *at = '.';
  put_micros(at + 1, (uint32_t)(now_ns / 1000 % 1000000));
  memcpy(at + 7, zone, sizeof(zone));
  return bp_str_make(text, sizeof(head) - 1 + 7 + sizeof(zone) - 1);
}
