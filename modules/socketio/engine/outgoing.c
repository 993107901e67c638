/* Packets on their way to a client: at once over a WebSocket, else until its next poll; and what happens to the slow. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

void out_clear(struct session *session) {
  while (session->out_first) {
    struct out *next = session->out_first->next;
    free(session->out_first);
    session->out_first = next;
  }
  engine_charge(session->engine, -(int64_t)session->out_bytes);
  session->out_last = NULL;
  session->out_count = session->out_bytes = 0;
}

/* ---- WebSockets ---- */

/* `waiting`: what the client had not taken before this message, or UINT64_MAX where it was not queued at all. */
static void note_backlog(struct session *session, uint64_t waiting) {
  struct engine *engine = session->engine;
  if (waiting == 0 && session->backlog == 0)
    return;
  uint32_t backlog = waiting > UINT32_MAX ? UINT32_MAX : (uint32_t)waiting;
  if (backlog > engine->limits.session_bytes) {
    session_doom(session);
    return;
  }
  if (engine_charge(engine, (int64_t)backlog - session->backlog))
    session->backlog = backlog;
  else
    session_doom(session);
}

static void send_ws(struct session *session, uint32_t type, bp_str data) {
  uint64_t waiting = UINT64_MAX;
  if (session->engine->t.ws->send_many(&session->ws, 1, type, data, &waiting) != BP_OK)
    session_doom(session);
  else
    note_backlog(session, waiting);
}

/* ---- The queue ---- */

static void queue(struct session *session, bool is_binary, bp_str data) {
  struct engine *engine = session->engine;
  bool fits = session->out_count < OUT_COUNT_MAX && session->out_bytes + data.len <= engine->limits.session_bytes;
  struct out *out = fits && engine_charge(engine, (int64_t)data.len) ? malloc(sizeof(*out) + data.len) : NULL;
  if (!out) {
    session_doom(session);
    return;
  }
  *out = (struct out){.len = (uint32_t)data.len, .is_binary = is_binary};
  if (data.len)
    memcpy(out->data, data.ptr, data.len);
  *(session->out_last ? &session->out_last->next : &session->out_first) = out;
  session->out_last = out;
  session->out_count++;
  session->out_bytes += out->len;
}

static void flush_ws(struct session *session) {
  for (const struct out *out = session->out_first; out && !session->is_doomed; out = out->next)
    send_ws(session, out->is_binary ? BP_WS_BINARY : BP_WS_TEXT, bp_str_make(out->data, out->len));
  out_clear(session);
}

void out_flush(struct session *session) {
  if (!session->out_first)
    return;
  if (session->ws)
    flush_ws(session);
  else
    polling_flush(session);
}

/* ---- Sending ---- */

static void send_or_queue(struct session *session, bool is_binary, bp_str data) {
  if (session->is_closed || session->is_doomed)
    return;
  if (session->ws) {
    send_ws(session, is_binary ? BP_WS_BINARY : BP_WS_TEXT, data);
    return;
  }
  queue(session, is_binary, data);
  if (!session->corked)
    out_flush(session);
}

void session_send(struct session *session, bp_str packet) {
  send_or_queue(session, false, packet);
}

void session_send_binary(struct session *session, bp_str data) {
  send_or_queue(session, true, data);
}

static bool reserve(struct engine *engine, uint32_t count) {
  if (count <= engine->handles_cap)
    return true;
  bp_ws *handles = realloc(engine->handles, count * sizeof(*handles));
  if (!handles)
    return false;
  engine->handles = handles;
  uint64_t *waiting = realloc(engine->waiting, count * sizeof(*waiting));
  if (!waiting)
    return false;
  engine->waiting = waiting;
  engine->handles_cap = count;
  return true;
}

void engine_broadcast(struct engine *engine, struct session *const *sessions, uint32_t count, bp_str packet) {
  uint32_t sockets = 0;
  bool is_shared = reserve(engine, count);
  for (uint32_t i = 0; i < count; i++) {
    if (is_shared && sessions[i]->ws)
      engine->handles[sockets++] = sessions[i]->ws;
    else
      session_send(sessions[i], packet);
  }
  if (sockets == 0 || engine->t.ws->send_many(engine->handles, sockets, BP_WS_TEXT, packet, engine->waiting) != BP_OK)
    return;
  for (uint32_t i = 0, at = 0; i < count; i++)
    if (sessions[i]->ws)
      note_backlog(sessions[i], engine->waiting[at++]);
}
