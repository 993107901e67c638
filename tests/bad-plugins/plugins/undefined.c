/* Calls into the host by a symbol, which the host does not export. */
#include "bad.h"

extern void log_line(uint32_t level, const char *module, const char *format, ...);
static bp_status start(void *state, bp_error *err) {
  (void)state;
  (void)err;
  log_line(1, "undefined", "hello");
  return BP_OK;
}
DESCRIPTOR("undefined", .start = start)
