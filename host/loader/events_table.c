/* bp.events/1; see backplane/events.h. */
#include "base/str.h"
#include "loader/events.h"
#include "loader/plugin.h"
#include "loader/syntax.h"
#include "loader/tables.h"

#define PAYLOAD_LIMIT_BYTES (64u * 1024)

static bool is_pattern(bp_str name) {
  if (str_ends(name, BP_LIT(".*")))
    name.len -= 2;
  return syntax_is_topic(name);
}

static bp_status subscribe(bp_plugin self, bp_str name, bp_event_fn fn, void *ctx, bp_subscription *ret) {
  if (!plugin_on_main(self, "events subscribe"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (!fn || !ret || !is_pattern(name))
    return BP_E_INVALID;
  return events_subscribe(plugin, name, fn, ctx, ret);
}

static bp_status unsubscribe(bp_subscription subscription) {
  return plugin_on_main(0, "events unsubscribe") ? events_unsubscribe(subscription) : BP_E_THREAD;
}

static bp_status emit(bp_plugin self, bp_str name, bp_str payload) {
  const struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  bp_str id = str_from(plugin->id);
  if (!syntax_is_topic(name))
    return BP_E_INVALID;
  if (!str_starts(name, id) || name.len <= id.len || name.ptr[id.len] != '.')
    return BP_E_DENIED;
  if (payload.len > PAYLOAD_LIMIT_BYTES)
    return BP_E_LIMIT;
  return str_is_utf8(payload) ? events_queue(name, payload) : BP_E_INVALID;
}

const bp_events_1 events_table = {.size = sizeof(bp_events_1), .subscribe = subscribe, .unsubscribe = unsubscribe, .emit = emit};
