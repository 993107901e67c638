/* What the files of this module share: its state, and each concept's entry points.
 *
 * Socket.IO for the families that have it (see README.md). The protocol itself is in engine/ and protocol/. */
#ifndef SOCKETIO_H
#define SOCKETIO_H

#include "kit.h"
#include "protocol/protocol.h"

#define SERVICE_NAME "socketio/1"

/* Where a client came to: one family, or on the main listener all of them. Bit 1 << realm in masks. */
enum realm { REALM_DESKTOP, REALM_SWARM, REALM_ALL };
#define FAMILY_COUNT 2u
extern const bp_str socketio_families[FAMILY_COUNT];
/* FAMILY_COUNT where there is no family of that name. */
unsigned family_index(bp_str name);
/* True if clients of that realm see what the family says. */
bool realm_has(uint32_t realm, unsigned family);

/* An event by which a client enters or leaves a room: its first argument is what follows the prefix. */
struct join {
  unsigned family;
  char *join, *leave, *room;
};

struct feed {
  struct socketio *module;
  unsigned family;
  bp_str *topics;
  uint32_t topic_count;
  uint32_t clients; /* in namespace "/" */
  bp_subscription subscription;
  bp_metric gauge;
};

struct socketio {
  bp_plugin self;
  struct engine_tables tables;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_live_1 *live;
  const bp_metrics_1 *metrics;
  const bp_service_1 *service;
  const bp_events_1 *events;
  struct sio *sio;
  struct join *joins;
  uint32_t join_count;
  struct feed feeds[FAMILY_COUNT];
};

/* joins.c: the options `joins` and `extra_joins` */
bp_status joins_read(struct socketio *module, bp_error *err);
void joins_free(struct socketio *module);
void joins_take(const struct socketio *module, struct sio_socket *socket, const struct sio_message *message);

/* feed.c: from the live log to clients */
bp_status feeds_read(struct socketio *module, bp_error *err);
void feeds_free(struct socketio *module);
/* A client of the realm came or left. */
void feeds_count(struct socketio *module, uint32_t realm, bool came);

/* clients.c: the server, and what it tells */
bp_status clients_start(struct socketio *module, bp_error *err);

/* service.c */
bp_status service_start(struct socketio *module);

/* routes.c */
#define ROUTE_COUNT 9
extern const bp_route socketio_routes[ROUTE_COUNT];

#endif
