/* bp.client/1: the table. */
#include "base/fail.h"
#include "client/outbound.h"
#include "loader/tables.h"

#include <string.h>

static bp_status table_send(bp_plugin self, const bp_client_request *request, const bp_client_events *events, void *ctx, bp_exchange *ret,
                            bp_error *err) {
  bp_client_request known = {0};
  bp_client_events calls = {0};
  if (!plugin_on_main(self, "client send"))
    return fail(err, BP_E_THREAD, "requests are sent from the main thread");
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return fail(err, BP_E_STALE, "the plugin is draining");
  if (!request || !events)
    return fail(err, BP_E_INVALID, "a request and its events are needed");
  memcpy(&known, request, request->size < sizeof(known) ? request->size : sizeof(known));
  memcpy(&calls, events, events->size < sizeof(calls) ? events->size : sizeof(calls));
  if (!calls.done || (known.flags & ~(BP_CLIENT_FOLLOW | BP_CLIENT_PUBLIC_ONLY)))
    return fail(err, BP_E_INVALID, "a request needs a \"done\" and flags this host knows");
  return outbound_send(plugin, &known, &calls, ctx, ret, err);
}

static bp_status table_pause(bp_exchange exchange, uint32_t paused) {
  return plugin_on_main(0, "client pause") ? outbound_pause(exchange, paused != 0) : BP_E_THREAD;
}

static bp_status table_cancel(bp_exchange exchange) {
  return plugin_on_main(0, "client cancel") ? outbound_cancel(exchange) : BP_E_THREAD;
}

const bp_client_1 client_table = {.size = sizeof(bp_client_1), .send = table_send, .pause = table_pause, .cancel = table_cancel};
