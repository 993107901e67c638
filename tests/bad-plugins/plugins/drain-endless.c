/* Its drain promises to end and does not. */
#include "bad.h"

static bp_status drain(void *state) {
  (void)state;
  return BP_E_BUSY;
}
static void destroy(void *state) {
  (void)state;
  say("drain-endless was destroyed");
}
DESCRIPTOR("drain-endless", .drain = drain, .destroy = destroy)
