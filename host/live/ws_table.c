/* bp.ws/1: WebSocket messages for plugins, over ws.h. */
#include "base/slots.h"
#include "base/str.h"
#include "live/ws.h"
#include "live/ws_answer.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "router/router.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX (1u << 20)
#define REASON_MAX 123u

struct plugin_ws {
  struct ws ws;
  struct owned owned;
  bp_ws handle; /* 0 once it is stale */
  bp_ws_events events;
  void *ctx;
};

static struct slots handles;

static struct plugin_ws *of(struct ws *ws) {
  return (struct plugin_ws *)(void *)((char *)ws - offsetof(struct plugin_ws, ws));
}

/* ---- To the plugin ---- */

static void on_message(struct ws *ws, uint32_t type, bp_str data) {
  struct plugin_ws *self = of(ws);
  if (!self->handle || !self->events.message)
    return;
  struct culprit frame;
  culprit_enter(&frame, self->owned.owner, "websocket message", (bp_str){0});
  self->events.message(self->ctx, self->handle, type, data);
  culprit_leave(&frame);
}

static void on_drained(struct ws *ws) {
  struct plugin_ws *self = of(ws);
  if (!self->handle || !self->events.drained)
    return;
  struct culprit frame;
  culprit_enter(&frame, self->owned.owner, "websocket drained", (bp_str){0});
  self->events.drained(self->ctx, self->handle);
  culprit_leave(&frame);
}

static void on_closed(struct ws *ws, uint32_t code, bp_str reason) {
  struct plugin_ws *self = of(ws);
  if (!self->handle)
    return;
  bp_ws handle = self->handle;
  slots_remove(&handles, handle);
  self->handle = 0;
  struct plugin *owner = self->owned.owner;
  owned_remove(&self->owned);
  if (!self->events.closed)
    return;
  struct culprit frame;
  culprit_enter(&frame, owner, "websocket closed", (bp_str){0});
  self->events.closed(self->ctx, handle, code, reason);
  culprit_leave(&frame);
}

static void on_gone(struct ws *ws) {
  free(of(ws));
}

static const struct ws_user user = {.message = on_message, .drained = on_drained, .closed = on_closed, .gone = on_gone};

/* The plugin goes: it hears of the end while its code is still there. */
static void revoke(struct owned *item) {
  struct plugin_ws *self = (struct plugin_ws *)(void *)((char *)item - offsetof(struct plugin_ws, owned));
  on_closed(&self->ws, WS_GOING_AWAY, (bp_str){0});
  ws_cut(&self->ws, WS_GOING_AWAY, (bp_str){0});
}

/* ---- From the plugin ---- */

static bp_status open_for(bp_request request, struct http_exchange *x, bp_str protocol, struct plugin_ws *self) {
  struct plugin *owner = request_owner(request);
  self->handle = slots_add(&handles, self);
  if (!self->handle)
    return BP_E_NO_MEMORY;
  request_finish(request);
  if (!ws_open(&self->ws, &user, x, protocol)) {
    slots_remove(&handles, self->handle);
    return BP_E_STALE;
  }
  owned_add(owner, &self->owned, revoke);
  return BP_OK;
}

static bp_status accept_request(bp_request request, bp_str protocol, const bp_ws_events *events, void *ctx, bp_ws *ret) {
  if (!plugin_on_main(0, "ws accept"))
    return BP_E_THREAD;
  if (!events || !ret)
    return BP_E_INVALID;
  struct http_exchange *x = request_exchange(request);
  if (!x)
    return BP_E_STALE;
  bp_str chosen;
  bp_status status = ws_answer_check(request, x, protocol, &chosen);
  if (status != BP_OK)
    return status;
  struct plugin_ws *self = calloc(1, sizeof(*self));
  if (!self)
    return BP_E_NO_MEMORY;
  memcpy(&self->events, events, events->size < sizeof(self->events) ? events->size : sizeof(self->events));
  self->ctx = ctx;
  status = open_for(request, x, chosen, self);
  if (status == BP_OK)
    *ret = self->handle;
  else
    free(self);
  return status;
}

static bool is_message(uint32_t type, bp_str data) {
  return type == BP_WS_BINARY || (type == BP_WS_TEXT && str_is_utf8(data));
}

static bp_status send_message(bp_ws handle, uint32_t type, bp_str data) {
  if (!plugin_on_main(0, "ws send"))
    return BP_E_THREAD;
  struct plugin_ws *self = slots_get(&handles, handle);
  if (!self)
    return BP_E_STALE;
  if (!is_message(type, data))
    return BP_E_INVALID;
  if (outlet_buffered(&self->ws.out) >= WAITING_MAX)
    return BP_E_BUSY;
  struct frame *frame = image_ws(type == BP_WS_TEXT ? WS_TEXT : WS_BINARY, data);
  if (!frame)
    return BP_E_NO_MEMORY;
  bool is_sent = ws_send(&self->ws, frame);
  frame_unref(frame);
  return is_sent ? BP_OK : BP_E_STATE;
}

static uint64_t queue_shared(bp_ws handle, struct frame *frame) {
  struct plugin_ws *self = slots_get(&handles, handle);
  uint64_t waiting = self ? outlet_buffered(&self->ws.out) : UINT64_MAX;
  return waiting < WAITING_MAX && ws_send(&self->ws, frame) ? waiting : UINT64_MAX;
}

/* A crowd's memory is cold: some are fetched ahead. */
#define AHEAD 8u
static void prefetch(bp_ws handle) {
  const struct plugin_ws *self = slots_get(&handles, handle);
  if (self)
    outlet_prefetch(&self->ws.out);
}

static bp_status send_many(const bp_ws *sockets, uint32_t count, uint32_t type, bp_str data, uint64_t *ret_waiting) {
  if (!plugin_on_main(0, "ws send_many"))
    return BP_E_THREAD;
  if (!is_message(type, data))
    return BP_E_INVALID;
  struct frame *frame = image_ws(type == BP_WS_TEXT ? WS_TEXT : WS_BINARY, data);
  if (!frame)
    return BP_E_NO_MEMORY;
  for (uint32_t i = 0; i < count; i++) {
    if (i + AHEAD < count)
      prefetch(sockets[i + AHEAD]);
    uint64_t waiting = queue_shared(sockets[i], frame);
    if (ret_waiting)
      ret_waiting[i] = waiting;
  }
  frame_unref(frame);
  return BP_OK;
}

static uint64_t buffered(bp_ws handle) {
  if (!plugin_on_main(0, "ws buffered"))
    return 0;
  const struct plugin_ws *self = slots_get(&handles, handle);
  return self ? outlet_buffered(&self->ws.out) : 0;
}

static bp_status set_pause(bp_ws handle, bool is_paused) {
  if (!plugin_on_main(0, "ws pause"))
    return BP_E_THREAD;
  struct plugin_ws *self = slots_get(&handles, handle);
  if (!self)
    return BP_E_STALE;
  ws_pause(&self->ws, is_paused);
  return BP_OK;
}

static bp_status pause_reading(bp_ws handle) {
  return set_pause(handle, true);
}

static bp_status resume_reading(bp_ws handle) {
  return set_pause(handle, false);
}

static bp_status close_socket(bp_ws handle, uint32_t code, bp_str reason) {
  if (!plugin_on_main(0, "ws close"))
    return BP_E_THREAD;
  struct plugin_ws *self = slots_get(&handles, handle);
  if (!self)
    return BP_E_STALE;
  if (!ws_check_close_code(code) || reason.len > REASON_MAX || !str_is_utf8(reason))
    return BP_E_INVALID;
  ws_close(&self->ws, code, reason);
  return BP_OK;
}

const bp_ws_1 ws_table = {
    .size = sizeof(bp_ws_1),
    .accept = accept_request,
    .send = send_message,
    .buffered = buffered,
    .pause = pause_reading,
    .resume = resume_reading,
    .close = close_socket,
    .send_many = send_many,
};
