/* WebSocket connections; see ws.h. */
#include "live/ws.h"

#include "live/ws_handshake.h"

#include <stddef.h>
#include <string.h>

#define PONG_WAITING_MAX 4096u

static uint32_t open_count;

static struct ws *of(struct outlet *o) {
  return (struct ws *)(void *)((char *)o - offsetof(struct ws, out));
}

static void apply_pause(struct ws *ws) {
  if (ws->out.raw)
    raw_pause_read(ws->out.raw, ws->paused_by_user || ws->paused_for_pongs);
}

void ws_pause(struct ws *ws, bool pause) {
  ws->paused_by_user = pause;
  ws->heard_s = outlet_clock_s();
  apply_pause(ws);
}

/* ---- The end ---- */

static void tell_closed(struct ws *ws, uint32_t code, bp_str reason) {
  if (ws->is_over)
    return;
  ws->is_over = true;
  open_count--;
  ws->user->closed(ws, code, reason);
}

static void queue_close(struct ws *ws, uint32_t code, bp_str reason) {
  if (ws->is_closing)
    return;
  ws->is_closing = true;
  struct frame *frame = code == WS_NO_STATUS ? image_ws(WS_CLOSE, (bp_str){0}) : image_ws_close(code, reason);
  outlet_queue(&ws->out, frame);
  frame_unref(frame);
}

void ws_close(struct ws *ws, uint32_t code, bp_str reason) {
  queue_close(ws, code, reason);
  outlet_end_by_deadline(&ws->out);
}

/* The last word; closes once it has left. A peer that does not read gets nothing more than what is half sent. */
static void finish(struct ws *ws, uint32_t code, bp_str reason) {
  if (ws->out.wants_write)
    outlet_drop_waiting(&ws->out);
  queue_close(ws, code, reason);
  outlet_end(&ws->out);
}

void ws_cut(struct ws *ws, uint32_t code, bp_str reason) {
  finish(ws, code, reason);
  tell_closed(ws, code, reason);
}

/* ---- Reading ---- */

static void on_message(void *owner, uint32_t type, bp_str data) {
  struct ws *ws = owner;
  if (!ws->is_closing && ws->user->message)
    ws->user->message(ws, type, data);
}

/* A peer that pings but does not read its pongs is not read from either. */
static void on_ping(void *owner, bp_str payload) {
  struct ws *ws = owner;
  struct frame *frame = ws->is_closing ? NULL : image_ws(WS_PONG, payload);
  outlet_queue(&ws->out, frame);
  frame_unref(frame);
  if (!ws->out.wants_write)
    return;
  ws->pong_bytes += (uint32_t)payload.len + 2;
  if (ws->pong_bytes > PONG_WAITING_MAX && !ws->paused_for_pongs) {
    ws->paused_for_pongs = true;
    apply_pause(ws);
  }
}

static const struct ws_reader_events reader_events = {.message = on_message, .ping = on_ping};

static void on_readable(struct outlet *o, bp_str bytes) {
  struct ws *ws = of(o);
  if (ws->is_over)
    return;
  ws->heard_s = outlet_clock_s();
  struct ws_end end;
  enum ws_reading reading = ws_reader_feed(&ws->reader, &reader_events, ws, bytes, &end);
  if (reading == WS_GOES_ON || ws->is_over)
    return;
  finish(ws, end.code, (bp_str){0});
  tell_closed(ws, end.code, bp_str_make(end.reason, strnlen(end.reason, sizeof(end.reason))));
}

static void on_drained(struct outlet *o) {
  struct ws *ws = of(o);
  ws->pong_bytes = 0;
  if (ws->paused_for_pongs) {
    ws->paused_for_pongs = false;
    apply_pause(ws);
  }
  if (!ws->is_closing)
    ws->user->drained(ws);
}

/* ---- The clock ---- */

static void ping(struct ws *ws, uint32_t now_s) {
  ws->out.beat_s = now_s;
  struct frame *frame = image_ws(WS_PING, (bp_str){0});
  outlet_queue(&ws->out, frame);
  frame_unref(frame);
}

/* Bytes the peer takes count as a sign of life too: it cannot answer pings behind a long frame. */
static void on_pulse(struct outlet *o, uint32_t now_s) {
  struct ws *ws = of(o);
  uint32_t alive_s = ws->heard_s > o->moved_s ? ws->heard_s : o->moved_s;
  bool is_paused = ws->paused_by_user || ws->paused_for_pongs;
  if (!is_paused && ws_reader_is_in_frame(&ws->reader) && now_s - ws->heard_s >= WS_FRAME_S)
    ws_cut(ws, WS_POLICY, (bp_str){0});
  else if (!is_paused && now_s - alive_s >= WS_DEAD_S)
    outlet_abort(o);
  else if (o->count == 0 && now_s - o->beat_s >= WS_PING_S)
    ping(ws, now_s);
}

static void on_stop(struct outlet *o) {
  ws_cut(of(o), WS_GOING_AWAY, (bp_str){0});
}

static void on_gone(struct outlet *o) {
  struct ws *ws = of(o);
  tell_closed(ws, WS_ABNORMAL, (bp_str){0});
  ws_reader_release(&ws->reader);
  ws->user->gone(ws);
}

static const struct outlet_kind kind = {.readable = on_readable, .drained = on_drained, .pulse = on_pulse, .stop = on_stop, .gone = on_gone};

bool ws_open(struct ws *ws, const struct ws_user *user, struct http_exchange *x, bp_str protocol) {
  ws->user = user;
  ws_handshake_headers(x, protocol);
  if (!outlet_open(&ws->out, &kind, x, 101, (bp_str){0}))
    return false;
  ws->heard_s = outlet_clock_s();
  open_count++;
  return true;
}

bool ws_send(struct ws *ws, struct frame *frame) {
  if (ws->is_closing || !frame)
    return false;
  outlet_queue(&ws->out, frame);
  return true;
}

uint32_t ws_count(void) {
  return open_count;
}
