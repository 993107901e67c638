/* Engine.IO protocol version 4, server side: sessions over long-polling and WebSocket, the upgrade from one to the other,
 * heartbeats, and the limits of all that. Knows nothing of Socket.IO (protocol.h) or of what messages mean.
 *
 * Linked into each plugin that serves it; the plugin gives the interface tables and has routes whose handlers call engine_get,
 * engine_post and engine_other. Main thread only. Protocol: https://github.com/socketio/engine.io-protocol */
#ifndef SOCKETIO_ENGINE_H
#define SOCKETIO_ENGINE_H

#include <backplane/backplane.h>
#include <stdbool.h>

struct engine;
struct session;

/* The interfaces an engine needs. */
struct engine_tables {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_http_1 *http;
  const bp_stream_1 *stream;
  const bp_ws_1 *ws;
  const bp_loop_1 *loop;
  const bp_json_1 *json;
};

struct engine_limits {
  int64_t ping_interval_ms;
  int64_t ping_timeout_ms;
  int64_t upgrade_timeout_ms; /* from the WebSocket's handshake to the upgrade packet */
  uint64_t payload_bytes;     /* of one message or one HTTP body: maxPayload */
  uint64_t session_bytes;     /* waiting to be sent to one client, and unread from it */
  uint64_t total_bytes;       /* the same of all clients */
  uint32_t sessions;
};

/* What the plugin hears. `reason` is a word for a log. After `closed` the session must not be used. */
struct engine_events {
  bool (*opened)(void *ctx, struct session *session); /* false: refused, the session ends */
  void (*message)(void *ctx, struct session *session, bool is_binary, bp_str data);
  void (*closed)(void *ctx, struct session *session, const char *reason);
};

/* NULL without memory. `events` and the tables' members are kept by reference. */
struct engine *engine_new(const struct engine_tables *tables, const struct engine_limits *limits, const struct engine_events *events, void *ctx);
/* The host begins to stop, and waits for requests that run: ends what is polling, and opens nothing new. WebSockets go on. */
void engine_stop(struct engine *engine);
/* Ends all sessions. Nothing new is accepted afterwards. */
void engine_close(struct engine *engine);
/* After engine_close, when no callback can come any more. NULL is fine. */
void engine_free(struct engine *engine);

/* ---- Routes: one path, GET (BP_ROUTE_WEBSOCKET), POST (BP_ROUTE_STREAM) and anything else ---- */

/* Query parameters that the GET and the POST route must declare. */
#define ENGINE_PARAM_COUNT 3
extern const bp_param engine_params[ENGINE_PARAM_COUNT];

/* `realm` is a number of the plugin's own (which family the client came to); a session is found only in its realm and by the
 * principal that opened it. */
void engine_get(struct engine *engine, bp_request request, uint32_t realm);
void engine_post(struct engine *engine, bp_request request, uint32_t realm);
void engine_other(struct engine *engine, bp_request request);

/* ---- Sessions ---- */

uint32_t session_realm(const struct session *session);
void *session_user(const struct session *session);
void session_set_user(struct session *session, void *user);
/* Sends one packet with its type in front ("4" and the message). A client that does not keep up is cut, in a later tick. */
void session_send(struct session *session, bp_str packet);
void session_send_binary(struct session *session, bp_str data);
/* The same packet to many: rendered and copied once for all WebSockets. */
void engine_broadcast(struct engine *engine, struct session *const *sessions, uint32_t count, bp_str packet);
/* Ends it now, with `closed`. */
void session_end(struct session *session, const char *reason);
/* Ends it unless session_settle is called within `ms`. */
void session_expect(struct session *session, int64_t ms);
void session_settle(struct session *session);
/* Takes `bytes` more of the session's and the total allowance for what the plugin keeps unread of it (negative: gives back).
 * False: there is no more, and nothing was taken. */
bool session_charge(struct session *session, int64_t bytes);

#endif
