/* The route table: one path in each family that has Socket.IO, and one for all of them on the main listener. */
#include "socketio.h"

#include <string.h>

#define BODY_LIMIT_BYTES 16777216u /* beyond max_payload_bytes, whose answer is the engine's, the host cuts a body off */
#define POLL_TIMEOUT_MS 300000u    /* longer than any ping interval and time-out: a poll is answered before */

static uint32_t realm_of(const struct socketio *m, bp_request request) {
  unsigned family = family_index(m->tables.http->family(request));
  return family < FAMILY_COUNT ? family : REALM_ALL;
}

static void get(void *state, bp_request request) {
  struct socketio *m = state;
  engine_get(sio_engine(m->sio), request, realm_of(m, request));
}

static void post(void *state, bp_request request) {
  struct socketio *m = state;
  engine_post(sio_engine(m->sio), request, realm_of(m, request));
}

static void other(void *state, bp_request request) {
  struct socketio *m = state;
  engine_other(sio_engine(m->sio), request);
}

#define PARAMS                                                                                                                                       \
  .params = {engine_params, ENGINE_PARAM_COUNT, (uint32_t)sizeof(bp_param)}, .timeout_ms = POLL_TIMEOUT_MS, .body_limit_bytes = BODY_LIMIT_BYTES
/* What a client posts moves itself between rooms and changes nothing else: no policy is asked, and reading may do it. */
#define ROUTES(in, bits, word)                                                                                                                       \
  {KIT_ROUTE("GET", "/socket.io/", word "_get", "Opens a session, waits for its packets, or makes it a WebSocket"), .family = BP_STR(in),            \
   .flags = BP_ROUTE_WEBSOCKET | (bits), .handle = get, PARAMS},                                                                                     \
      {KIT_ROUTE("POST", "/socket.io/", word "_post", "Packets of a session that is polling"),                                                       \
       .family = BP_STR(in),                                                                                                                         \
       .flags = BP_ROUTE_STREAM | (bits),                                                                                                            \
       .scope = BP_STR("read"),                                                                                                                      \
       .policy = BP_STR("none"),                                                                                                                     \
       .handle = post,                                                                                                                               \
       PARAMS},                                                                                                                                      \
  {                                                                                                                                                  \
    KIT_ROUTE("*", "/socket.io/", word "_other", "Refuses what the protocol does not know"),                                                         \
        .family = BP_STR(in), .flags = BP_ROUTE_READ_ONLY | BP_ROUTE_STREAM | (bits), .handle = other                                                \
  }

const bp_route socketio_routes[ROUTE_COUNT] = {
    ROUTES("socketio", 0, "all"),
    ROUTES("desktop", BP_ROUTE_IF_FAMILY | BP_ROUTE_NOT_BARE, "desktop"),
    ROUTES("swarm", BP_ROUTE_IF_FAMILY | BP_ROUTE_NOT_BARE, "swarm"),
};
