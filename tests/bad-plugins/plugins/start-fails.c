/* Is made, registers a timer and then cannot start. */
#include "bad.h"

static void on_timer(void *ctx, bp_timer timer) {
  (void)ctx;
  (void)timer;
  say("timer of a plugin that did not start");
}
static bp_status start(void *state, bp_error *err) {
  bp_timer timer;
  (void)state;
  (void)err;
  bad.loop->timer(bad.self, 1, 1, on_timer, NULL, &timer);
  return BP_E_IO;
}
static void destroy(void *state) {
  (void)state;
  say("start-fails was destroyed");
}
static const bp_family families[] = {FAMILY("start-fails")};
static const bp_route routes[] = {ROUTE("GET", "/start-fails", "get_it")};
DESCRIPTOR("start-fails", .family = BP_STR("start-fails"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes), .start = start,
           .destroy = destroy)
