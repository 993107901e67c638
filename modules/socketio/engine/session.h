/* What the files of the engine share. Its users include engine.h only. */
#ifndef SOCKETIO_SESSION_H
#define SOCKETIO_SESSION_H

#include "due.h"
#include "engine.h"
#include "payload.h"

#define SID_BYTES 20
#define OUT_COUNT_MAX 10000u /* packets waiting for one poll */

enum queue { QUEUE_PING, QUEUE_PONG, QUEUE_UPGRADE, QUEUE_EXPECT, QUEUE_COUNT };
enum upgrade { UPGRADE_NONE, UPGRADE_OPEN /* a second transport is there */, UPGRADE_PROBED };

/* A packet that waits for the next poll, as it stands in a payload. */
struct out {
  struct out *next;
  uint32_t len;
  bool is_binary; /* raw bytes: base64 with a 'b' is what a poll gets */
  char data[];
};

struct session {
  struct engine *engine;
  void *user;
  struct session *previous, *next, *same_hash;
  struct due beat, upgrade_due, expect_due; /* beat: in QUEUE_PONG if waits_pong, else in QUEUE_PING */
  uint64_t principal;                       /* hash */
  bp_ws ws;                                 /* the transport, once it is a WebSocket */
  bp_ws probe;                              /* the WebSocket that wants to become it */
  bp_request poll;                          /* the GET that waits for packets */
  struct out *out_first, *out_last;
  uint32_t out_count, out_bytes;
  uint32_t backlog; /* bytes that waited on the WebSocket when it was last written to */
  uint32_t charged; /* by the plugin */
  uint32_t realm;
  uint32_t references;
  uint16_t corked; /* > 0: packets wait for the end of the callback */
  uint8_t upgrade;
  bool waits_pong, is_closed, is_doomed, has_post, is_announced;
  char sid[SID_BYTES];
};

struct engine {
  struct engine_tables t;
  struct engine_limits limits;
  const struct engine_events *events;
  void *ctx;
  struct session *first;
  struct session **buckets;
  uint32_t bucket_count; /* a power of two */
  uint32_t count;
  struct due_queue queues[QUEUE_COUNT];
  bp_timer timer;
  int64_t timer_ms;       /* when it fires; 0: it is not set */
  uint64_t waiting_bytes; /* out_bytes, backlog and charged of all, and bodies being read */
  uint32_t posted;        /* a sweep of doomed sessions is on its way */
  bool is_closed, is_stopping;
  bp_ws *handles; /* for engine_broadcast */
  uint64_t *waiting;
  uint32_t handles_cap;
};

/* engine.c */
int64_t engine_now_ms(const struct engine *engine);
struct session *engine_find(struct engine *engine, bp_str sid);
void engine_table_add(struct engine *engine, struct session *session);
void engine_table_remove(struct engine *engine, struct session *session);
/* Sets one of the session's deadlines and makes sure that the timer looks in time. */
void engine_due(struct engine *engine, enum queue queue, struct due *due, int64_t at_ms);
/* True if `bytes` more may wait, which they then do. */
bool engine_charge(struct engine *engine, int64_t bytes);

/* session.c */
/* A new one in the table, with one reference, or NULL. */
struct session *session_new(struct engine *engine, uint32_t realm, uint64_t principal);
struct session *session_ref(struct session *session);
void session_unref(struct session *session);
/* Calls `opened`; false where the plugin refused and the session is over. */
bool session_announce(struct session *session);
/* The "0{…}" packet. False without memory. */
bool session_send_open(struct session *session, bool can_upgrade);
/* A packet came over the transport in use. */
void session_packet(struct session *session, bp_str text);
void session_message(struct session *session, bool is_binary, bp_str data);
void session_cork(struct session *session);
void session_uncork(struct session *session);
/* Ends all that are meant. */
void sessions_end(struct engine *engine, bool (*is_meant)(const struct session *session), const char *reason);
/* Ends it in a later tick. */
void session_doom(struct session *session);
/* True if its time is over, whatever the timer has seen. */
bool session_is_expired(const struct session *session);

/* outgoing.c */
void out_clear(struct session *session);
/* Sends what waits, by the way there is. */
void out_flush(struct session *session);

/* polling.c */
void polling_answer(struct session *session, bp_str payload);
void polling_flush(struct session *session);
void polling_get(struct session *session, bp_request request);
void polling_post(struct session *session, bp_request request);

/* websocket.c */
/* A session of its own (`session` NULL), or a second transport of one. */
void websocket_open(struct engine *engine, bp_request request, uint32_t realm, uint64_t principal, struct session *session);
void websocket_close(struct session *session, bp_ws *which, uint32_t code);
/* Answers the handshake and closes: what clients expect where a session has its transport already. */
void websocket_turn_away(struct engine *engine, bp_request request);

/* requests.c */
enum refusal { REFUSE_TRANSPORT, REFUSE_SID, REFUSE_METHOD, REFUSE_REQUEST, REFUSE_FORBIDDEN, REFUSE_VERSION };
void refuse(const struct engine *engine, bp_request request, enum refusal why);

#endif
