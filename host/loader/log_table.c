/* bp.log/1; see backplane/log.h. */
#include "base/array.h"
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"

#define FIELDS_MAX 16

static void log_write(bp_plugin self, uint32_t level, bp_str message, bp_array fields) {
  const struct plugin *plugin = plugin_peek(self);
  bp_log_field known[FIELDS_MAX];
  if (!log_enabled(level))
    return;
  if (!fields.ptr || fields.stride < sizeof(uint32_t))
    fields.count = 0;
  if (fields.count > FIELDS_MAX)
    fields.count = FIELDS_MAX;
  for (uint32_t i = 0; i < fields.count; i++)
    array_item(fields, i, &known[i]);
  log_fields(level, plugin ? str_from(plugin->id) : BP_LIT("unknown plugin"), message, (bp_array){known, fields.count, sizeof(known[0])});
}

static uint32_t enabled(bp_plugin self, uint32_t level) {
  (void)self;
  return log_enabled(level);
}

const bp_log_1 log_table = {.size = sizeof(bp_log_1), .write = log_write, .enabled = enabled};
