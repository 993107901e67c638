/* What the host says of itself: /api/backplane/status and /api/backplane/routes. */
#include "api/reply.h"
#include "api/routes.h"
#include "auth/identity.h"
#include "base/str.h"
#include "host.h"
#include "http/bulk.h"
#include "http/listener.h"
#include "live/live.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "store/store.h"

#include <time.h>
#include <unistd.h>

static json_t *listener_json(const struct http_listener *listener) {
  return json_pack("{s:s, s:i, s:s, s:s, s:b}", "address", listener->address, "port", (int)listener->port, "family",
                   listener->is_control ? "control"
                   : listener->is_main  ? "main"
                   : listener->family   ? listener->family
                                        : "main",
                   "auth", listener->auth == LISTENER_AUTH_TOKEN ? "token" : "peer", "public", (int)listener->is_public);
}

static json_t *listeners_json(void) {
  json_t *list = json_array();
  for (const struct http_listener *listener = http_listeners(); listener; listener = listener->next)
    json_array_append_new(list, listener_json(listener));
  return list;
}

static int count_phase(enum plugin_phase phase) {
  int count = 0;
  for (const struct plugin *plugin = plugin_first(); plugin; plugin = plugin->next)
    count += plugin->phase == phase;
  return count;
}

static int64_t uptime_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - host_run.started_wall_ms) / 1000;
}

static const char *reason(void) {
  if (host_run.is_stopping)
    return "the host is stopping";
  if (!host_run.is_ready)
    return "the host is starting";
  return store_is_readonly() ? "the store is read-only: there is no space, or the disk fails" : NULL;
}

static void add_figures(json_t *status) {
  struct live_counters live = {0};
  live_counters(&live);
  json_object_set_new(status, "connections", json_integer(http_counters()->connections));
  json_object_set_new(status, "requests", json_integer((json_int_t)http_counters()->requests));
  json_object_set_new(status, "websockets", json_integer(live.websockets));
  json_object_set_new(status, "event_streams", json_integer(live.sse));
  json_object_set_new(status, "bulk_sends", json_string(bulk_state()));
  json_object_set_new(status, "live_sequence", json_integer((json_int_t)live_table.sequence()));
}

void api_status(struct http_exchange *x, bp_str body) {
  (void)body;
  json_t *status = json_pack("{s:s, s:i, s:I, s:b, s:s?, s:s, s:s, s:s?, s:i, s:i, s:i, s:s, s:o}", "version", HOST_VERSION, "pid", (int)getpid(),
                             "uptime_s", (json_int_t)uptime_s(), "ready", (int)(host_run.is_ready && !host_run.is_stopping), "reason", reason(),
                             "state", host_run.state_dir, "config", host_run.config_file, "modules", host_run.module_dir, "port_offset",
                             host_run.port_offset, "modules_started", count_phase(PLUGIN_STARTED), "modules_failed", count_phase(PLUGIN_FAILED),
                             "store", store_is_readonly() ? "read-only" : "writable", "listeners", listeners_json());
  if (status)
    add_figures(status);
  reply_json(x, 200, status);
}

static const char *scope_word(uint32_t scope) {
  return scope & SCOPE_ADMIN ? "admin" : scope & SCOPE_WRITE ? "write" : scope & SCOPE_READ ? "read" : "public";
}

static bp_str route_scope(const bp_route *route) {
  if (route->scope.len)
    return route->scope;
  bool is_read = (route->flags & BP_ROUTE_READ_ONLY) || str_eq(route->method, BP_LIT("GET")) || str_eq(route->method, BP_LIT("HEAD"));
  return is_read ? BP_LIT("read") : BP_LIT("write");
}

static json_t *host_route_json(const struct host_route *route) {
  return json_pack("{s:s, s:s, s:n, s:s, s:s, s:s, s:s}", "method", route->method, "path", route->path, "family", "module", "host", "scope",
                   scope_word(route->scope), "operation", route->operation_id, "summary", route->summary);
}

static void add_route(void *ctx, const struct route_info *info) {
  json_t *list = ctx;
  if (info->host_route) {
    json_array_append_new(list, host_route_json(info->host_route));
    return;
  }
  const bp_route *route = info->route;
  json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "method", text_or_null(route->method), "path",
                                        text_or_null(route->path), "family", text_or_null(family_facts(info->family)->name), "module",
                                        info->owner->id, "scope", text_or_null(route_scope(route)), "operation", text_or_null(route->operation_id),
                                        "summary", text_or_null(route->summary)));
}

void api_routes(struct http_exchange *x, bp_str body) {
  json_t *list = json_array();
  (void)body;
  router_each(add_route, list);
  reply_json(x, 200, json_pack("{s:o}", "routes", list));
}
