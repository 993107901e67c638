/* bp.port/1; see backplane/port.h. */
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "port/port.h"

#define LIMIT_NAME_BYTES 256u

static bp_status check(bp_plugin self, const char *function, bp_str name, bp_port_fn done, struct plugin **ret) {
  if (!plugin_on_main(self, function))
    return BP_E_THREAD;
  *ret = plugin_get(self);
  if (!*ret)
    return BP_E_STALE;
  return done && name.len > 0 && name.len <= LIMIT_NAME_BYTES && str_is_utf8(name) ? BP_OK : BP_E_INVALID;
}

static bp_status lease(bp_plugin self, bp_str name, uint32_t wanted, uint32_t first, uint32_t last, bp_port_fn done, void *ctx) {
  struct plugin *plugin;
  bp_status status = check(self, "port lease", name, done, &plugin);
  if (status != BP_OK)
    return status;
  bool is_range = first >= 1 && first <= last && last <= UINT16_MAX;
  if (wanted > UINT16_MAX || (wanted == 0 && !is_range))
    return BP_E_INVALID;
  return port_lease(plugin, name, (uint16_t)wanted, (uint16_t)(is_range ? first : 0), (uint16_t)(is_range ? last : 0), done, ctx);
}

static bp_status release(bp_plugin self, bp_str name, bp_port_fn done, void *ctx) {
  struct plugin *plugin;
  bp_status status = check(self, "port release", name, done, &plugin);
  return status == BP_OK ? port_release(plugin, name, done, ctx) : status;
}

const bp_port_1 port_table = {.size = sizeof(bp_port_1), .lease = lease, .release = release};
