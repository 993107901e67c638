/* bp.live/1: one ordered log of what happens, with a global sequence, and views of it for clients.
 *
 * Durable topics are written by a step of a db write (db.h), in the same transaction as the change itself. Ephemeral topics
 * are published here, kept in a ring, and gone after a restart. Sequence numbers rise, with gaps. */
#ifndef BACKPLANE_LIVE_H
#define BACKPLANE_LIVE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_LIVE_1 "bp.live/1"

#define BP_TOPIC_DURABLE 1u
#define BP_TOPIC_EPHEMERAL 2u
#define BP_TOPIC_TICK 3u /* ephemeral, and of no use later (a sign of life): who has missed some is not told to read the state again */

/* A topic a plugin publishes; part of the descriptor. */
typedef struct bp_topic {
  uint32_t size;
  uint32_t kind; /* BP_TOPIC_* */
  bp_str name;   /* "<plugin id>.<word>", e.g. "observability.event" */
  bp_str doc;    /* what the payload holds */
} bp_topic;

/* Flags of an event. */
#define BP_LIVE_RESYNC 1u /* history before this point is gone: read the state again; topic and payload are empty */

typedef struct bp_live_event {
  uint32_t size;
  uint32_t flags;    /* BP_LIVE_* */
  uint64_t sequence; /* > 0 */
  int64_t time_ns;   /* wall clock at publication */
  bp_str topic;
  bp_str key;     /* what it is about (a session id, a room), or empty */
  bp_str payload; /* JSON text */
} bp_live_event;

typedef void (*bp_live_fn)(void *ctx, const bp_live_event *event); /* [main] */

/* Where a subscription starts. */
#define BP_LIVE_FROM_NOW UINT64_MAX

/* Writes the frame of one event for one view; returns 0 to leave the event out. Called once per event and view, however
 * many clients watch. `ret_name` may be set to an SSE event name (borrowed until the next call). [main] */
typedef uint32_t (*bp_render_fn)(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name);

#define BP_VIEW_NO_IDS 1u /* SSE frames carry no id: line */

/* A way to show the log to clients of one protocol. Static data of the plugin; views are told apart by address. */
typedef struct bp_live_view {
  uint32_t size;
  uint32_t flags;      /* BP_VIEW_* */
  bp_array topics;     /* of bp_str; exact names, or prefixes ending in ".*" */
  bp_render_fn render; /* NULL: {"seq","topic","key","time","data"} */
  void *ctx;           /* handed to render */
} bp_live_view;

typedef struct bp_live_1 {
  uint32_t size;

  /* Publishes on an ephemeral topic of the plugin's own. Copies. BP_E_DENIED for another's topic, BP_E_INVALID for a durable
   * one, BP_E_LIMIT for a payload over 1 MiB. [any] */
  bp_status (*publish)(bp_plugin self, bp_str topic, bp_str key, bp_str payload);
  /* The sequence of the last event delivered to subscribers. [main] */
  uint64_t (*sequence)(void);

  /* Calls `fn` for every event of the topics (bp_array of bp_str) after `from`, old ones first. `key` empty: all. Revoked
   * on drain. [main] */
  bp_status (*subscribe)(bp_plugin self, bp_array topics, bp_str key, uint64_t from, bp_live_fn fn, void *ctx, bp_subscription *ret);
  bp_status (*unsubscribe)(bp_subscription subscription);

  /* Turns the request into a WebSocket subscriber of the view and finishes it: 101, then `first` (a text message; empty:
   * none), then events after `from`. Text from the client is read and dropped. `key` as above. [main] */
  bp_status (*serve_ws)(bp_request request, const bp_live_view *view, bp_str key, uint64_t from, bp_str first);
  /* The same as an event stream. `first` is sent as it is (complete SSE frames). A Last-Event-ID header overrides `from`.
   * `retry_ms` 0: none is sent. [main] */
  bp_status (*serve_sse)(bp_request request, const bp_live_view *view, bp_str key, uint64_t from, bp_str first, uint32_t retry_ms);

  /* Clients and subscriptions that would see this topic: sample only while it is not 0. [main] */
  uint32_t (*listeners)(bp_str topic);
} bp_live_1;

#ifdef __cplusplus
}
#endif

#endif
