/* The context of a request while files and the store are worked on, and the time as answers show it. */
#include "documents.h"

#include <stdio.h>
#include <time.h>

struct call *call_new(struct documents *module, bp_request request) {
  struct call *call = kit_call_new(module->self, module->http, module->db, request, sizeof(*call));
  if (call)
    call->module = module;
  return call;
}

bp_str public_url(const struct documents *module) {
  bp_str url = {NULL, 0};
  module->config->string(module->self, BP_LIT("public_url"), &url);
  return url;
}

bp_str timestamp_now(const struct documents *module, char text[TIMESTAMP_BYTES]) {
  int64_t now_ns = module->core->now_wall_ns();
  time_t seconds = (time_t)(now_ns / 1000000000);
  struct tm parts;
  char head[20];
  localtime_r(&seconds, &parts);
  strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &parts);
  int len = snprintf(text, TIMESTAMP_BYTES, "%s.%06u", head, (unsigned)(now_ns / 1000 % 1000000));
  return bp_str_make(text, (size_t)len);
}
