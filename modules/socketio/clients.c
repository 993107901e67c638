/* The server with its limits from the options, and what clients do: come, send events, leave. */
#include "socketio.h"

#include <string.h>

#define NAMESPACES 1u

const bp_str socketio_families[FAMILY_COUNT] = {[REALM_DESKTOP] = BP_STR("desktop"), [REALM_SWARM] = BP_STR("swarm")};

unsigned family_index(bp_str name) {
  unsigned i = 0;
  while (i < FAMILY_COUNT && !(name.len == socketio_families[i].len && memcmp(name.ptr, socketio_families[i].ptr, name.len) == 0))
    i++;
  return i;
}

bool realm_has(uint32_t realm, unsigned family) {
  return realm == REALM_ALL || realm == family;
}

static bool has_namespace(void *ctx, bp_str nsp, uint32_t realm) {
  (void)ctx;
  (void)realm;
  return nsp.len == 1;
}

static void on_connected(void *ctx, struct sio_socket *socket, bp_json auth) {
  (void)auth; /* who asks is known from the connection */
  feeds_count(ctx, sio_socket_realm(socket), true);
}

static void on_disconnected(void *ctx, struct sio_socket *socket) {
  feeds_count(ctx, sio_socket_realm(socket), false);
}

static void on_event(void *ctx, struct sio_socket *socket, const struct sio_message *message) {
  joins_take(ctx, socket, message);
}

static int64_t number(const struct socketio *m, bp_str name) {
  int64_t value = 0;
  m->config->integer(m->self, name, &value);
  return value;
}

bp_status clients_start(struct socketio *m, bp_error *err) {
  static const struct sio_events events = {has_namespace, on_connected, on_event, on_disconnected};
  struct engine_limits engine_limits = {.ping_interval_ms = number(m, BP_LIT("ping_interval_ms")),
                                        .ping_timeout_ms = number(m, BP_LIT("ping_timeout_ms")),
                                        .upgrade_timeout_ms = number(m, BP_LIT("upgrade_timeout_ms")),
                                        .payload_bytes = (uint64_t)number(m, BP_LIT("max_payload_bytes")),
                                        .session_bytes = (uint64_t)number(m, BP_LIT("client_buffer_bytes")),
                                        .total_bytes = (uint64_t)number(m, BP_LIT("total_buffer_bytes")),
                                        .sessions = (uint32_t)number(m, BP_LIT("clients"))};
  struct sio_limits limits = {.connect_timeout_ms = number(m, BP_LIT("connect_timeout_ms")),
                              .rooms = (uint32_t)number(m, BP_LIT("rooms_per_client")),
                              .namespaces = NAMESPACES};
  (void)err;
  m->sio = sio_new(&m->tables, &engine_limits, &limits, &events, m);
  return m->sio ? BP_OK : BP_E_NO_MEMORY;
}
