/* bp.log/1 of the fake host: lines are kept for the test to read. */
#include "fake.h"

static struct buf lines;

static void write_line(bp_plugin self, uint32_t level, bp_str message, bp_array fields) {
  static const char *const names[] = {"?", "error", "warn", "info", "debug"};
  bp_log_field field;
  (void)self;
  buf_append_z(&lines, names[level <= BP_LOG_DEBUG ? level : 0]);
  buf_append_z(&lines, ": ");
  buf_append_str(&lines, message);
  for (uint32_t i = 0; i < fields.count; i++) {
    array_item(fields, i, &field);
    buf_append_char(&lines, ' ');
    buf_append_str(&lines, field.key);
    buf_append_char(&lines, '=');
    buf_append_str(&lines, field.value);
  }
  buf_append_char(&lines, '\n');
}

static uint32_t enabled(bp_plugin self, uint32_t level) {
  (void)self;
  (void)level;
  return 1;
}

const char *bp_testhost_log(void) {
  return fake_keep(buf_str(&lines));
}

void fake_log_reset(void) {
  buf_release(&lines);
}

const bp_log_1 fake_log_table = {.size = sizeof(bp_log_1), .write = write_line, .enabled = enabled};
