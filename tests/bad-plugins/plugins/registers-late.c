/* Goes on registering while it is destroyed. */
#include "bad.h"

static void on_timer(void *ctx, bp_timer timer) {
  (void)ctx;
  (void)timer;
}
static void destroy(void *state) {
  bp_timer timer;
  bp_subscription subscription;
  (void)state;
  if (bad.loop->timer(bad.self, 0, 1, on_timer, NULL, &timer) == BP_E_STALE &&
      bad.events->subscribe(bad.self, BP_LIT("bp.ready"), NULL, NULL, &subscription) == BP_E_STALE &&
      bad.events->emit(bad.self, BP_LIT("registers-late.x"), BP_LIT("{}")) == BP_E_STALE)
    say("the late registrations were refused");
}
DESCRIPTOR("registers-late", .destroy = destroy)
