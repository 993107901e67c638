/* The gateway's side of `backplane acp`: its events become the editor's notifications and questions; the editor's answers go back. */
#include "base/buf.h"
#include "base/str.h"
#include "cli/acp_bridge.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSIONS_MAX 1000u
#define QUESTIONS_MAX 256u
#define AGAIN_NS 500000000L
#define END_SECONDS 5
#define PAGES_MAX 200u /* of 500 messages */

bool acp_is_name(const char *id) {
  size_t len = strlen(id);
  return len > 0 && len < 200 && strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == len;
}

/* ---- Sessions the editor has opened ---- */

unsigned acp_attach(const char *session) {
  pthread_mutex_lock(&acp_bridge.lock);
  const json_t *ends = json_object_get(acp_bridge.sessions, session);
  unsigned count = (unsigned)json_integer_value(ends);
  if (!ends && json_object_size(acp_bridge.sessions) < SESSIONS_MAX)
    json_object_set_new(acp_bridge.sessions, session, json_integer(0));
  pthread_mutex_unlock(&acp_bridge.lock);
  return count;
}

static bool is_attached(const char *session) {
  pthread_mutex_lock(&acp_bridge.lock);
  bool is_known = session && json_object_get(acp_bridge.sessions, session);
  pthread_mutex_unlock(&acp_bridge.lock);
  return is_known;
}

static void note_end(const char *session) {
  pthread_mutex_lock(&acp_bridge.lock);
  json_t *ends = json_object_get(acp_bridge.sessions, session);
  json_integer_set(ends, json_integer_value(ends) + 1);
  pthread_cond_broadcast(&acp_bridge.changed);
  pthread_mutex_unlock(&acp_bridge.lock);
}

void acp_await_end(const char *session, unsigned before) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += END_SECONDS;
  pthread_mutex_lock(&acp_bridge.lock);
  while ((unsigned)json_integer_value(json_object_get(acp_bridge.sessions, session)) == before)
    if (pthread_cond_timedwait(&acp_bridge.changed, &acp_bridge.lock, &until) != 0)
      break;
  pthread_mutex_unlock(&acp_bridge.lock);
}

static void put_update(const char *session, json_t *update) {
  acp_put(json_pack("{s:s, s:{s:s, s:o}}", "method", "session/update", "params", "sessionId", session, "update", update));
}

/* ---- Questions ---- */

/* False: it has been asked. */
static bool keep_question(const char *id, json_t *options) {
  pthread_mutex_lock(&acp_bridge.lock);
  bool is_new = !json_object_get(acp_bridge.questions, id) && json_object_size(acp_bridge.questions) < QUESTIONS_MAX;
  if (is_new)
    json_object_set_new(acp_bridge.questions, id, json_deep_copy(options));
  pthread_mutex_unlock(&acp_bridge.lock);
  return is_new;
}

/* Its options, to be released; NULL: there is no such question. */
static json_t *take_question(const char *id) {
  pthread_mutex_lock(&acp_bridge.lock);
  json_t *options = id ? json_incref(json_object_get(acp_bridge.questions, id)) : NULL;
  if (options)
    json_object_del(acp_bridge.questions, id);
  pthread_mutex_unlock(&acp_bridge.lock);
  return options;
}

static void forward_question(const json_t *question) {
  const char *id = json_string_value(json_object_get(question, "requestId"));
  json_t *call = json_object_get(question, "toolCall"), *options = json_object_get(question, "options");
  if (!id || !acp_is_name(id) || !json_is_array(options) || !keep_question(id, options))
    return;
  call = json_is_object(call) ? json_incref(call) : json_pack("{s:s, s:O*}", "toolCallId", id, "title", json_object_get(question, "description"));
  acp_put(json_pack("{s:s, s:s, s:{s:O, s:o, s:O}}", "id", id, "method", "session/request_permission", "params", "sessionId",
                    json_object_get(question, "sessionId"), "toolCall", call, "options", options));
}

void acp_forward_open(const char *session) {
  int64_t status;
  size_t i;
  json_t *answer = acp_ask("GET", "/permissions", "", "", NULL, &status), *question;
  json_array_foreach(json_object_get(json_object_get(answer, "data"), "permissions"), i, question) {
    const char *whose = json_string_value(json_object_get(question, "sessionId"));
    if (whose && strcmp(whose, session) == 0)
      forward_question(question);
  }
  json_decref(answer);
}

static bool allows(const json_t *options, const char *chosen) {
  const json_t *option;
  size_t i;
  json_array_foreach(options, i, option) {
    const char *id = json_string_value(json_object_get(option, "optionId")), *kind = json_string_value(json_object_get(option, "kind"));
    if (id && strcmp(id, chosen) == 0)
      return kind && strncmp(kind, "allow", 5) == 0;
  }
  return false;
}

void acp_take_answer(const char *id, const json_t *result) {
  json_t *options = take_question(id);
  const char *chosen = json_string_value(json_object_get(json_object_get(result, "outcome"), "optionId"));
  int64_t status;
  if (!options)
    return;
  json_t *body = json_pack("{s:b, s:s*}", "granted", chosen && allows(options, chosen), "optionId", chosen);
  json_decref(acp_ask("POST", "/permission/", id, "", body, &status));
  json_decref(body);
  json_decref(options);
}

/* Somebody else has answered: the editor need not ask any longer. */
static void drop_question(const char *id) {
  json_t *options = take_question(id);
  if (options)
    acp_put(json_pack("{s:s, s:{s:s}}", "method", "$/cancel_request", "params", "requestId", id));
  json_decref(options);
}

/* ---- The transcript ---- */

static void replay_message(const char *session, const json_t *message) {
  static const char *const kinds[][2] = {{"user", "user_message_chunk"}, {"assistant", "agent_message_chunk"}, {"thought", "agent_thought_chunk"}};
  const char *role = json_string_value(json_object_get(message, "role")), *content = json_string_value(json_object_get(message, "content"));
  json_t *call = json_object_get(message, "toolCall");
  for (size_t i = 0; role && content && i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (strcmp(role, kinds[i][0]) == 0)
      put_update(session, json_pack("{s:s, s:{s:s, s:s}}", "sessionUpdate", kinds[i][1], "content", "type", "text", "text", content));
  if (json_is_object(call) && json_object_get(call, "toolCallId")) {
    json_t *update = json_deep_copy(call);
    json_object_set_new(update, "sessionUpdate", json_string("tool_call"));
    if (!json_object_get(update, "title"))
      json_object_set_new(update, "title", json_string("tool"));
    put_update(session, update);
  }
}

void acp_replay(const char *session) {
  int64_t after = 0, status;
  bool has_more = true;
  for (unsigned page = 0; has_more && page < PAGES_MAX; page++) {
    char rest[64];
    const json_t *message;
    size_t i;
    (void)snprintf(rest, sizeof(rest), "/messages?after=%lld", (long long)after);
    json_t *answer = acp_ask("GET", "/session/", session, rest, NULL, &status), *data = json_object_get(answer, "data");
    json_array_foreach(json_object_get(data, "messages"), i, message) {
      replay_message(session, message);
      after = json_integer_value(json_object_get(message, "id"));
    }
    has_more = json_is_true(json_object_get(data, "more"));
    json_decref(answer);
  }
}

/* ---- The stream ---- */

static void take_event(bp_str text) {
  json_t *event = doc_parse(text, &doc_default_limits, NULL), *data = json_object_get(event, "data");
  const char *type = json_string_value(json_object_get(event, "type")), *session = json_string_value(json_object_get(event, "sessionId"));
  if (type && session && is_attached(session)) {
    if (strcmp(type, "session_update") == 0 && json_is_object(json_object_get(data, "update")))
      put_update(session, json_incref(json_object_get(data, "update")));
    else if (strcmp(type, "session_end_turn") == 0)
      note_end(session);
    else if (strcmp(type, "permission_request") == 0)
      forward_question(data);
    else if (strcmp(type, "permission_resolved") == 0)
      drop_question(json_string_value(json_object_get(data, "requestId")));
  }
  json_decref(event);
}

static void read_stream(struct wire *wire, char last_event[WIRE_EVENT_ID_BYTES]) {
  struct buf data = {0};
  while (wire_event(wire, &data, last_event))
    take_event(buf_str(&data));
  buf_release(&data);
}

static bool open_stream(struct wire *wire, const char *last_event) {
  struct buf headers = {0};
  if (last_event[0])
    buf_printf(&headers, "Last-Event-ID: %s\r\n", last_event);
  const struct wire_request request = {
      .state_dir = acp_bridge.state_dir, .method = "GET", .target = "/f/acp-gateway/events", .headers = buf_str(&headers)};
  bool is_open = wire_open(wire, &request);
  buf_release(&headers);
  if (!is_open || wire->status == 200)
    return is_open;
  wire_close(wire);
  return false;
}

static void *run_listener(void *arg) {
  const struct timespec again = {.tv_nsec = AGAIN_NS};
  struct wire *wire = arg;
  char last_event[WIRE_EVENT_ID_BYTES] = "";
  bool is_open = true;
  for (;;) {
    if (is_open) {
      read_stream(wire, last_event);
      wire_close(wire);
    }
    nanosleep(&again, NULL);
    is_open = open_stream(wire, last_event);
  }
  return NULL;
}

bool acp_listen(void) {
  static struct wire wire;
  pthread_t thread;
  acp_bridge.sessions = json_object();
  acp_bridge.questions = json_object();
  if (!open_stream(&wire, ""))
    return false;
  if (pthread_create(&thread, NULL, run_listener, &wire) != 0) {
    wire_close(&wire);
    return false;
  }
  pthread_detach(thread);
  return true;
}
