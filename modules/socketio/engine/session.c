/* One session: its life, and what its packets mean. */
#include "session.h"

#include "base64.h"

#include <stdlib.h>
#include <string.h>

/* ---- Life ---- */

static bool set_sid(struct engine *engine, struct session *session) {
  engine->t.core->random_bytes(session->sid, SID_BYTES);
  base64_id(session->sid, SID_BYTES);
  return !engine_find(engine, bp_str_make(session->sid, SID_BYTES));
}

struct session *session_new(struct engine *engine, uint32_t realm, uint64_t principal) {
  struct session *session = calloc(1, sizeof(*session));
  if (!session)
    return NULL;
  session->engine = engine;
  session->realm = realm;
  session->principal = principal;
  session->references = 1;
  while (!set_sid(engine, session))
    ;
  engine_table_add(engine, session);
  engine_due(engine, QUEUE_PING, &session->beat, engine_now_ms(engine) + engine->limits.ping_interval_ms);
  return session;
}

struct session *session_ref(struct session *session) {
  session->references++;
  return session;
}

void session_unref(struct session *session) {
  if (--session->references == 0)
    free(session);
}

bool session_announce(struct session *session) {
  session_ref(session);
  session_cork(session);
  session->is_announced = true;
  if (!session->engine->events->opened(session->engine->ctx, session))
    session_end(session, "refused");
  session_uncork(session);
  bool is_open = !session->is_closed;
  session_unref(session);
  return is_open;
}

static void clear_deadlines(struct session *session) {
  struct due_queue *queues = session->engine->queues;
  due_clear(&queues[session->waits_pong ? QUEUE_PONG : QUEUE_PING], &session->beat);
  due_clear(&queues[QUEUE_UPGRADE], &session->upgrade_due);
  due_clear(&queues[QUEUE_EXPECT], &session->expect_due);
}

void session_end(struct session *session, const char *reason) {
  struct engine *engine = session->engine;
  if (session->is_closed)
    return;
  if (session->poll && session->out_first) /* what was said before the end is heard */
    polling_flush(session);
  session->is_closed = true;
  clear_deadlines(session);
  engine_table_remove(engine, session);
  out_clear(session);
  engine->waiting_bytes -= session->backlog;
  session->backlog = 0;
  polling_answer(session, BP_LIT("1"));
  websocket_close(session, &session->ws, engine->is_closed ? 1001 : 1000);
  websocket_close(session, &session->probe, engine->is_closed ? 1001 : 1000);
  if (session->is_announced)
    engine->events->closed(engine->ctx, session, reason);
  engine_charge(engine, -(int64_t)session->charged);
  session->charged = 0;
  session_unref(session);
}

/* ---- Ends that must not happen inside of a broadcast ---- */

void sessions_end(struct engine *engine, bool (*is_meant)(const struct session *session), const char *reason) {
  for (struct session *s = engine->first; s;) {
    struct session *meant = s;
    s = s->next;
    if (!is_meant(meant))
      continue;
    if (s)
      session_ref(s); /* what is told of the end may end others */
    session_end(meant, reason);
    struct session *next = s && s->is_closed ? engine->first : s;
    if (s)
      session_unref(s);
    s = next;
  }
}

static bool is_doomed(const struct session *session) {
  return session->is_doomed;
}

static void sweep(void *ctx) {
  struct engine *engine = ctx;
  engine->posted = 0;
  sessions_end(engine, is_doomed, "too slow");
}

void session_doom(struct session *session) {
  struct engine *engine = session->engine;
  if (session->is_doomed || session->is_closed)
    return;
  session->is_doomed = true;
  if (!engine->posted && engine->t.loop->post(engine->t.self, sweep, engine) == BP_OK)
    engine->posted = 1;
}

/* ---- What the plugin asks for ---- */

uint32_t session_realm(const struct session *session) {
  return session->realm;
}

void *session_user(const struct session *session) {
  return session->user;
}

void session_set_user(struct session *session, void *user) {
  session->user = user;
}

void session_expect(struct session *session, int64_t ms) {
  engine_due(session->engine, QUEUE_EXPECT, &session->expect_due, engine_now_ms(session->engine) + ms);
}

void session_settle(struct session *session) {
  due_clear(&session->engine->queues[QUEUE_EXPECT], &session->expect_due);
}

bool session_charge(struct session *session, int64_t bytes) {
  if (bytes > 0 && session->charged + (uint64_t)bytes > session->engine->limits.session_bytes)
    return false;
  if (!engine_charge(session->engine, bytes))
    return false;
  session->charged = (uint32_t)(session->charged + bytes);
  return true;
}

bool session_is_expired(const struct session *session) {
  int64_t now_ms = engine_now_ms(session->engine);
  int64_t grace_ms = session->waits_pong ? 0 : session->engine->limits.ping_timeout_ms;
  return session->beat.at_ms + grace_ms <= now_ms + 1;
}

/* ---- Packets ---- */

bool session_send_open(struct session *session, bool can_upgrade) {
  const struct engine *engine = session->engine;
  const bp_json_1 *json = engine->t.json;
  bp_json_writer out = 0;
  bp_str text;
  if (json->writer_new(engine->t.self, &out) != BP_OK)
    return false;
  json->object_begin(out);
  json->key(out, BP_LIT("sid"));
  json->put_string(out, bp_str_make(session->sid, SID_BYTES));
  json->key(out, BP_LIT("upgrades"));
  json->array_begin(out);
  if (can_upgrade)
    json->put_string(out, BP_LIT("websocket"));
  json->array_end(out);
  json->key(out, BP_LIT("pingInterval"));
  json->put_integer(out, engine->limits.ping_interval_ms);
  json->key(out, BP_LIT("pingTimeout"));
  json->put_integer(out, engine->limits.ping_timeout_ms);
  json->key(out, BP_LIT("maxPayload"));
  json->put_integer(out, (int64_t)engine->limits.payload_bytes);
  json->object_end(out);
  char packet[256] = {PACKET_OPEN};
  bool is_fine = json->writer_text(out, &text, NULL) == BP_OK && text.len < sizeof(packet);
  if (is_fine) {
    memcpy(packet + 1, text.ptr, text.len);
    session_send(session, bp_str_make(packet, text.len + 1));
  }
  json->writer_free(out);
  return is_fine;
}

void session_message(struct session *session, bool is_binary, bp_str data) {
  session->engine->events->message(session->engine->ctx, session, is_binary, data);
}

static void take_pong(struct session *session) {
  struct engine *engine = session->engine;
  due_clear(&engine->queues[session->waits_pong ? QUEUE_PONG : QUEUE_PING], &session->beat);
  session->waits_pong = false;
  engine_due(engine, QUEUE_PING, &session->beat, engine_now_ms(engine) + engine->limits.ping_interval_ms);
}

void session_packet(struct session *session, bp_str text) {
  struct packet packet;
  if (!packet_parse(text, &packet)) {
    session_end(session, "parse error");
    return;
  }
  switch (packet.type) {
  case PACKET_MESSAGE:
    session_message(session, false, packet.data);
    break;
  case PACKET_PONG:
    take_pong(session);
    break;
  case PACKET_CLOSE:
    polling_answer(session, BP_LIT("6"));
    session_end(session, "transport close");
    break;
  case PACKET_PING: /* in this version the server pings */
  case PACKET_BINARY:
    session_end(session, "parse error");
    break;
  default: /* open, upgrade and noop mean nothing here */
    break;
  }
}

void session_cork(struct session *session) {
  session->corked++;
}

void session_uncork(struct session *session) {
  if (--session->corked == 0 && !session->is_closed)
    out_flush(session);
}
