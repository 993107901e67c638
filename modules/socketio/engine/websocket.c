/* The WebSocket transport: a session's only one, or the one it changes over to after a probe. */
#include "session.h"

#include <string.h>

#define CLOSE_NORMAL 1000u
#define CLOSE_TOO_BIG 1009u

void websocket_close(struct session *session, bp_ws *which, uint32_t code) {
  bp_ws ws = *which;
  if (!ws)
    return;
  *which = 0;
  if (which == &session->probe) {
    session->upgrade = UPGRADE_NONE;
    due_clear(&session->engine->queues[QUEUE_UPGRADE], &session->upgrade_due);
  }
  session->engine->t.ws->close(ws, code, bp_str_make(NULL, 0));
}

/* ---- Changing over ---- */

static void finish_upgrade(struct session *session) {
  session->ws = session->probe;
  session->probe = 0;
  session->upgrade = UPGRADE_NONE;
  due_clear(&session->engine->queues[QUEUE_UPGRADE], &session->upgrade_due);
  polling_answer(session, BP_LIT("6"));
  out_flush(session);
}

/* The client stops polling once it has the answer to its probe; the poll that still waits is ended for it. */
static void answer_probe(struct session *session) {
  session->upgrade = UPGRADE_PROBED;
  session->engine->t.ws->send(session->probe, BP_WS_TEXT, BP_LIT("3probe"));
  if (session->out_first)
    polling_flush(session);
  else
    polling_answer(session, BP_LIT("6"));
}

static bool is_text(bp_str data, const char *text) {
  return data.len == strlen(text) && memcmp(data.ptr, text, data.len) == 0;
}

static void take_probe(struct session *session, uint32_t type, bp_str data) {
  if (type == BP_WS_TEXT && is_text(data, "2probe"))
    answer_probe(session);
  else if (type == BP_WS_TEXT && is_text(data, "5"))
    finish_upgrade(session);
  else
    websocket_close(session, &session->probe, CLOSE_NORMAL);
}

/* ---- Events of the connection; ctx is the session, which has a reference for it ---- */

static void take(struct session *session, uint32_t type, bp_str data) {
  if (data.len > session->engine->limits.payload_bytes) {
    websocket_close(session, &session->ws, CLOSE_TOO_BIG);
    session_end(session, "payload too large");
  } else if (type == BP_WS_BINARY) {
    session_message(session, true, data);
  } else {
    session_packet(session, data);
  }
}

static void on_message(void *ctx, bp_ws ws, uint32_t type, bp_str data) {
  struct session *session = ctx;
  if (session->is_closed)
    return;
  session_ref(session);
  if (ws == session->ws)
    take(session, type, data);
  else if (ws == session->probe)
    take_probe(session, type, data);
  session_unref(session);
}

static void on_closed(void *ctx, bp_ws ws, uint32_t code, bp_str reason) {
  struct session *session = ctx;
  (void)code;
  (void)reason;
  if (ws == session->ws) {
    session->ws = 0;
    session_end(session, "transport close");
  } else if (ws == session->probe) {
    websocket_close(session, &session->probe, CLOSE_NORMAL);
  }
  session_unref(session);
}

/* ---- Opening ---- */

/* False: not accepted, and answered by the host or here. */
static bool accept_for(struct engine *engine, bp_request request, struct session *session, bp_ws *ret) {
  static const bp_ws_events events = {.size = sizeof(bp_ws_events), .message = on_message, .closed = on_closed};
  bp_status status = engine->t.ws->accept(request, bp_str_make(NULL, 0), &events, session, ret);
  if (status == BP_OK)
    session_ref(session);
  else
    engine->t.http->reply_failure(request, status, NULL); /* stale where it has been answered */
  return status == BP_OK;
}

static void open_session(struct engine *engine, bp_request request, uint32_t realm, uint64_t principal) {
  struct session *session = session_new(engine, realm, principal);
  if (!session) {
    engine->t.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  if (!accept_for(engine, request, session, &session->ws) || !session_send_open(session, false))
    session_end(session, "transport error");
  else
    session_announce(session);
}

void websocket_open(struct engine *engine, bp_request request, uint32_t realm, uint64_t principal, struct session *session) {
  if (!session) {
    open_session(engine, request, realm, principal);
    return;
  }
  if (!accept_for(engine, request, session, &session->probe))
    return;
  session->upgrade = UPGRADE_OPEN;
  engine_due(engine, QUEUE_UPGRADE, &session->upgrade_due, engine_now_ms(engine) + engine->limits.upgrade_timeout_ms);
}

void websocket_turn_away(struct engine *engine, bp_request request) {
  static const bp_ws_events events = {.size = sizeof(bp_ws_events)};
  bp_ws ws;
  if (engine->t.ws->accept(request, bp_str_make(NULL, 0), &events, NULL, &ws) == BP_OK)
    engine->t.ws->close(ws, CLOSE_NORMAL, bp_str_make(NULL, 0));
}
