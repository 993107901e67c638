/* bp.service/1; see backplane/service.h. */
#include "base/array.h"
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "service/service.h"

#define LIMIT_NAME_BYTES 256u

static bool provides(const struct plugin *plugin, bp_str name) {
  for (uint32_t i = 0; i < plugin->descriptor.provides.count; i++) {
    bp_provide provide;
    array_item(plugin->descriptor.provides, i, &provide);
    if (str_eq(provide.interface, name))
      return true;
  }
  return false;
}

static bp_status serve(bp_plugin self, bp_str name, bp_service_fn fn, void *ctx) {
  if (!plugin_on_main(self, "service serve"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (!fn)
    return BP_E_INVALID;
  if (provides(plugin, name))
    return service_serve(plugin, name, fn, ctx);
  log_warn(plugin->id, "cannot serve \"%.*s\": it is not among the descriptor's provides", (int)(name.len > 64 ? 64 : name.len),
           name.ptr ? name.ptr : "");
  return BP_E_DENIED;
}

static bp_status answer(bp_service_call call, bp_status status, bp_str payload) {
  if (payload.len > SERVICE_LIMIT_PAYLOAD_BYTES)
    return BP_E_LIMIT;
  return service_answer(call, status, payload);
}

static bp_status call(bp_plugin self, bp_str name, bp_str method, bp_str payload, uint32_t timeout_ms, bp_service_done_fn done, void *ctx) {
  if (!plugin_on_main(self, "service call"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (!done || name.len == 0)
    return BP_E_INVALID;
  if (payload.len > SERVICE_LIMIT_PAYLOAD_BYTES || method.len > LIMIT_NAME_BYTES || name.len > LIMIT_NAME_BYTES)
    return BP_E_LIMIT;
  return service_call(plugin, name, method, payload, timeout_ms, done, ctx);
}

const bp_service_1 service_table = {.size = sizeof(bp_service_1), .serve = serve, .answer = answer, .call = call};
