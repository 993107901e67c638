/* The context of a request while the store works for it, and the time as answers show it. */
#include "observability.h"

#include <stdio.h>
#include <time.h>

struct call *call_new(struct observability *module, bp_request request) {
  struct call *call = kit_call_new(module->self, module->http, module->db, request, sizeof(*call));
  if (call)
    call->module = module;
  if (call)
    call->from = BP_LIVE_FROM_NOW;
  return call;
}

bp_str timestamp_now(const struct observability *module, char text[TIMESTAMP_BYTES]) {
  int64_t now_ns = module->core->now_wall_ns();
  time_t seconds = (time_t)(now_ns / 1000000000);
  struct tm parts;
  char head[20];
  gmtime_r(&seconds, &parts);
  strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &parts);
  int len = snprintf(text, TIMESTAMP_BYTES, "%s.%06u+00:00", head, (unsigned)(now_ns / 1000 % 1000000));
  return bp_str_make(text, (size_t)len);
}
