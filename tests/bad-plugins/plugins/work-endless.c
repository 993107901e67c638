/* Its work on a worker does not end. */
#include "bad.h"

#include <unistd.h>

static void work(void *ctx) {
  (void)ctx;
  for (;;)
    pause();
}
static void work_done(void *ctx, bp_status status) {
  (void)ctx;
  (void)status;
}
static bp_status start(void *state, bp_error *err) {
  (void)state;
  (void)err;
  return bad.loop->work(bad.self, work, work_done, NULL);
}
DESCRIPTOR("work-endless", .start = start)
