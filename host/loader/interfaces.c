/* The interface tables this host offers, by name and revision, and the struct a plugin gets them from. Part of loader.h. */
#include "base/array.h"
#include "base/log.h"
#include "base/str.h"
#include "loader/drain.h"
#include "loader/loader.h"
#include "loader/tables.h"

static const struct interface_entry entries[] = {
    {BP_CLIENT_1, &client_table, sizeof(client_table)},
    {BP_CONFIG_1, &config_table, sizeof(config_table)},
    {BP_CORE_1, &core_table, sizeof(core_table)},
    {BP_DB_1, &db_table, sizeof(db_table)},
    {BP_EVENTS_1, &events_table, sizeof(events_table)},
    {BP_FS_1, &fs_table, sizeof(fs_table)},
    {BP_HTTP_1, &http_table, sizeof(http_table)},
    {BP_JOB_1, &job_table, sizeof(job_table)},
    {BP_JSON_1, &json_table, sizeof(json_table)},
    {BP_LIVE_1, &live_table, sizeof(live_table)},
    {BP_LOG_1, &log_table, sizeof(log_table)},
    {BP_LOOP_1, &loop_table, sizeof(loop_table)},
    {BP_METRICS_1, &metrics_table, sizeof(metrics_table)},
    {BP_POLICY_1, &policy_table, sizeof(policy_table)},
    {BP_PORT_1, &port_table, sizeof(port_table)},
    {BP_PROC_1, &proc_table, sizeof(proc_table)},
    {BP_SECRET_1, &secret_table, sizeof(secret_table)},
    {BP_SERVICE_1, &service_table, sizeof(service_table)},
    {BP_STREAM_1, &stream_table, sizeof(stream_table)},
    {BP_WATCH_1, &watch_table, sizeof(watch_table)},
    {BP_WS_1, &ws_table, sizeof(ws_table)},
};
#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

const struct interface_entry *interface_find(bp_str name) {
  for (unsigned i = 0; i < ENTRY_COUNT; i++)
    if (str_eq(str_from(entries[i].name), name))
      return &entries[i];
  return NULL;
}

const struct interface_entry *interface_at(unsigned index) {
  return index < ENTRY_COUNT ? &entries[index] : NULL;
}

static bool find_need(const struct plugin *plugin, bp_str name, bp_need *ret) {
  for (uint32_t i = 0; i < plugin->descriptor.needs.count; i++) {
    array_item(plugin->descriptor.needs, i, ret);
    if (str_eq(ret->interface, name))
      return true;
  }
  return false;
}

/* An optional need that this host offers only in a shorter form counts as absent. */
static const void *host_get(bp_plugin self, bp_str interface) {
  bp_need need;
  if (!plugin_on_main(self, "host get"))
    return NULL;
  const struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return NULL;
  if (!find_need(plugin, interface, &need)) {
    log_warn(plugin->id, "asked for interface \"%.*s\" without declaring it: add it to needs", (int)(interface.len > 64 ? 64 : interface.len),
             interface.ptr ? interface.ptr : "");
    return NULL;
  }
  const struct interface_entry *entry = interface_find(interface);
  return entry && entry->size >= need.min_size ? entry->table : NULL;
}

const bp_host host_table = {.size = sizeof(bp_host), .get = host_get, .drained = drain_finished_by_plugin};
