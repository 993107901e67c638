/* What a request to the path asks for, and who may: parameters, ids, principals. Refusals are the protocol's own. */
#include "session.h"

#include <string.h>

#define PARAM(word, text)                                                                                                                            \
  { .size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR(word), .doc = BP_STR(text) }
const bp_param engine_params[ENGINE_PARAM_COUNT] = {
    PARAM("EIO", "Revision of the protocol; 4 is spoken."),
    PARAM("transport", "polling or websocket."),
    PARAM("sid", "The session; without it a new one is opened."),
};

void refuse(const struct engine *engine, bp_request request, enum refusal why) {
  static const struct {
    uint32_t status;
    bp_str body;
  } answers[] = {
      [REFUSE_TRANSPORT] = {400, BP_STR("{\"code\":0,\"message\":\"Transport unknown\"}")},
      [REFUSE_SID] = {400, BP_STR("{\"code\":1,\"message\":\"Session ID unknown\"}")},
      [REFUSE_METHOD] = {400, BP_STR("{\"code\":2,\"message\":\"Bad handshake method\"}")},
      [REFUSE_REQUEST] = {400, BP_STR("{\"code\":3,\"message\":\"Bad request\"}")},
      [REFUSE_FORBIDDEN] = {403, BP_STR("{\"code\":4,\"message\":\"Forbidden\"}")},
      [REFUSE_VERSION] = {400, BP_STR("{\"code\":5,\"message\":\"Unsupported protocol version\"}")},
  };
  engine->t.http->reply_text(request, answers[why].status, BP_LIT("application/json"), answers[why].body);
}

/* ---- Reading ---- */

static bp_str param(const struct engine *engine, bp_request request, bp_str name) {
  bp_str value = bp_str_make(NULL, 0);
  engine->t.http->param(request, name, &value);
  return value;
}

static bool is_word(bp_str text, const char *word) {
  return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* Which one it means is checked with the handshake by bp.ws. */
static bool asks_for_upgrade(const struct engine *engine, bp_request request) {
  bp_str upgrade;
  return engine->t.http->header(request, BP_LIT("Upgrade"), &upgrade) == BP_OK && upgrade.len > 0;
}

/* FNV-1a of who asks. */
static uint64_t principal_of(const struct engine *engine, bp_request request) {
  bp_str name = engine->t.http->principal(request);
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < name.len; i++)
    hash = (hash ^ (unsigned char)name.ptr[i]) * 0x100000001b3u;
  return hash;
}

/* The session a request means; an id of another realm or another's is as unknown as any. */
static struct session *find(struct engine *engine, bp_request request, bp_str sid, uint32_t realm) {
  struct session *session = engine_find(engine, sid);
  if (!session || session->realm != realm || session->principal != principal_of(engine, request))
    return NULL;
  if (!session_is_expired(session))
    return session;
  session_end(session, "ping timeout");
  return NULL;
}

/* ---- GET ---- */

static bool is_full(struct engine *engine, bp_request request) {
  static const bp_error err = {
      .size = sizeof(err), .code = BP_E_BUSY, .message = "as many clients are connected as may be", .hint = "try again later"};
  if (!engine->is_closed && !engine->is_stopping && engine->count < engine->limits.sessions)
    return false;
  engine->t.http->reply_failure(request, BP_E_BUSY, &err);
  return true;
}

static void open_polling(struct engine *engine, bp_request request, uint32_t realm) {
  struct session *session = session_new(engine, realm, principal_of(engine, request));
  if (!session || !session_send_open(session, true)) {
    engine->t.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    if (session)
      session_end(session, "no memory");
    return;
  }
  session_ref(session);
  polling_get(session, request); /* which answers with the open packet */
  session_announce(session);
  session_unref(session);
}

static void open_new(struct engine *engine, bp_request request, uint32_t realm, bool is_ws) {
  if (!is_word(param(engine, request, BP_LIT("EIO")), "4"))
    refuse(engine, request, REFUSE_VERSION);
  else if (is_full(engine, request))
    return;
  else if (is_ws)
    websocket_open(engine, request, realm, principal_of(engine, request), NULL);
  else
    open_polling(engine, request, realm);
}

static void go_on(struct engine *engine, bp_request request, uint32_t realm, bp_str sid, bool is_ws) {
  struct session *session = find(engine, request, sid, realm);
  if (!session)
    refuse(engine, request, REFUSE_SID);
  else if (!is_ws)
    polling_get(session, request);
  else if (session->ws || session->probe)
    websocket_turn_away(engine, request);
  else
    websocket_open(engine, request, realm, 0, session);
}

void engine_get(struct engine *engine, bp_request request, uint32_t realm) {
  bp_str transport = param(engine, request, BP_LIT("transport"));
  bp_str sid = param(engine, request, BP_LIT("sid"));
  bool is_ws = is_word(transport, "websocket");
  if (!is_word(engine->t.http->method(request), "GET"))
    refuse(engine, request, REFUSE_METHOD); /* HEAD: nobody could read what it opens or takes */
  else if (!is_ws && !is_word(transport, "polling"))
    refuse(engine, request, REFUSE_TRANSPORT);
  else if (is_ws != asks_for_upgrade(engine, request))
    refuse(engine, request, REFUSE_REQUEST);
  else if (sid.ptr)
    go_on(engine, request, realm, sid, is_ws);
  else
    open_new(engine, request, realm, is_ws);
}

/* ---- POST and the rest ---- */

void engine_post(struct engine *engine, bp_request request, uint32_t realm) {
  bp_str transport = param(engine, request, BP_LIT("transport"));
  bp_str sid = param(engine, request, BP_LIT("sid"));
  bool is_polling = is_word(transport, "polling");
  if (!is_polling && !is_word(transport, "websocket")) {
    refuse(engine, request, REFUSE_TRANSPORT);
    return;
  }
  if (!sid.ptr) {
    refuse(engine, request, REFUSE_METHOD);
    return;
  }
  struct session *session = find(engine, request, sid, realm);
  if (!session)
    refuse(engine, request, REFUSE_SID);
  else if (!is_polling)
    refuse(engine, request, REFUSE_REQUEST);
  else
    polling_post(session, request);
}

void engine_other(struct engine *engine, bp_request request) {
  refuse(engine, request, REFUSE_METHOD);
}
