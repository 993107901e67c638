/* Sessions: made by `initialize`, found by their id, ended by DELETE or time. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const versions[] = {MCP_PROTOCOL, "2025-06-18", "2025-03-26", "2024-11-05"};

int level_of(bp_str name) {
  static const char *const names[] = {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};
  for (int i = 0; i < 8; i++)
    if (name.ptr && kit_same(name, names[i]))
      return i;
  return -1;
}

bool session_knows_version(bp_str version) {
  for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
    if (kit_same(version, versions[i]))
      return true;
  return false;
}

static const char *negotiate(bp_str wanted) {
  for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
    if (wanted.ptr && kit_same(wanted, versions[i]))
      return versions[i];
  return versions[0];
}

static void make_id(const struct mcp *m, char id[SESSION_ID_BYTES]) {
  unsigned char bytes[16];
  m->core->random_bytes(bytes, sizeof(bytes));
  for (size_t i = 0; i < sizeof(bytes); i++)
    snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static bool make_room(struct mcp *m) {
  struct session *oldest = NULL;
  if (m->session_count < (unsigned)m->sessions_most)
    return true;
  for (struct session *s = m->sessions; s; s = s->next) {
    bool is_read = false;
    for (const struct feed *feed = s->feeds; feed; feed = feed->next)
      is_read = is_read || feed->out;
    if (!s->calls && !is_read && (!oldest || s->used_ms < oldest->used_ms))
      oldest = s;
  }
  if (oldest)
    session_end(oldest);
  return oldest != NULL;
}

struct session *session_new(struct mcp *m, bp_str principal, const struct scope *scope, bp_json params) {
  struct session *s = make_room(m) ? calloc(1, sizeof(*s)) : NULL;
  if (!s)
    return NULL;
  bp_json abilities = json_member(m, params, "capabilities");
  *s = (struct session){.m = m, .next = m->sessions, .used_ms = now_ms(m), .version = negotiate(kit_member_text(m->json, params, "protocolVersion"))};
  make_id(m, s->id);
  s->principal = str_copy(principal);
  s->capabilities = json_copy(m, abilities);
  s->has_roots = json_member(m, abilities, "roots") != 0;
  s->has_sampling = json_member(m, abilities, "sampling") != 0;
  s->has_elicitation = json_member(m, abilities, "elicitation") != 0;
  s->has_primer = s->version == versions[0];
  s->scope.kind = scope->kind;
  s->scope.name = scope->name ? str_copy(str_z(scope->name)) : NULL;
  m->sessions = s;
  m->session_count++;
  if (s->principal && feed_new(s, true))
    return s;
  session_end(s);
  return NULL;
}

static void end_subscription(struct session *s) {
  struct subscription *sub = s->subscriptions;
  s->subscriptions = sub->next;
  free(sub->server);
  free(sub->uri);
  free(sub);
}

void session_end(struct session *s) {
  struct mcp *m = s->m;
  for (struct session **at = &m->sessions; *at; at = &(*at)->next)
    if (*at == s) {
      *at = s->next;
      m->session_count--;
      break;
    }
  while (s->calls) {
    struct call *call = s->calls;
    s->calls = call->next;
    call->session = NULL;
    call->feed = NULL;
    call_cancel(call);
  }
  for (struct instance *i = m->instances; i; i = i->next) {
    if (i->owner != s)
      continue;
    while (i->asks)
      ask_drop(i->asks);
    i->owner = NULL;
    i->subscriptions = 0;
    instance_stop(i, "the session has ended");
  }
  while (s->subscriptions)
    session_unsubscribe(s, s->subscriptions->server, s->subscriptions->uri);
  while (s->feeds)
    feed_free(s->feeds);
  free(s->principal);
  free(s->capabilities);
  free(s->scope.name);
  free(s);
}

struct session *session_find(const struct mcp *m, bp_str id, bp_str principal) {
  for (struct session *s = m->sessions; s; s = s->next)
    if (kit_same(id, s->id) && kit_same(principal, s->principal))
      return s;
  return NULL;
}

bool session_is_private(const struct session *s) {
  return s->m->is_always_private || s->has_roots || s->has_sampling || s->has_elicitation || s->has_level;
}

bool session_can_answer(const struct session *s, bp_str method) {
  return str_starts(method, "sampling/")      ? s->has_sampling
         : str_starts(method, "elicitation/") ? s->has_elicitation
                                              : str_starts(method, "roots/") && s->has_roots;
}

/* ---- Subscriptions ---- */

static struct subscription **find_subscription(struct session *s, const char *server, const char *uri) {
  struct subscription **at = &s->subscriptions;
  while (*at && (strcmp((*at)->server, server) != 0 || strcmp((*at)->uri, uri) != 0))
    at = &(*at)->next;
  return at;
}

bool session_subscribe(struct session *s, const char *server, const char *uri, struct instance *instance) {
  if (*find_subscription(s, server, uri))
    return true;
  struct subscription *sub = s->subscription_count < SUBSCRIPTIONS_MOST ? calloc(1, sizeof(*sub)) : NULL;
  if (!sub)
    return false;
  *sub = (struct subscription){.next = s->subscriptions, .server = str_copy(str_z(server)), .uri = str_copy(str_z(uri))};
  if (!sub->server || !sub->uri) {
    free(sub->server);
    free(sub->uri);
    free(sub);
    return false;
  }
  s->subscriptions = sub;
  s->subscription_count++;
  instance->subscriptions++;
  return true;
}

void session_unsubscribe(struct session *s, const char *server_id, const char *uri) {
  struct subscription **at = find_subscription(s, server_id, uri), *found = *at;
  if (!found)
    return;
  const struct server *server = server_find(s->m, str_z(server_id));
  struct instance *instance = server ? instance_of(server, s) : NULL;
  if (instance && instance->subscriptions)
    instance->subscriptions--;
  *at = found->next;
  s->subscription_count--;
  found->next = NULL;
  struct session only = {.subscriptions = found};
  end_subscription(&only);
}

bool sessions_subscribed(const struct mcp *m, const char *server, const char *uri, const struct session *but) {
  for (struct session *s = m->sessions; s; s = s->next)
    if (s != but && !session_is_private(s) && *find_subscription(s, server, uri))
      return true;
  return false;
}

static void subscribe_again(struct session *s, struct instance *instance) {
  const struct mcp *m = s->m;
  for (const struct subscription *sub = s->subscriptions; sub; sub = sub->next) {
    bp_json_writer out = 0;
    bp_str params;
    if (strcmp(sub->server, instance->server->id) != 0 || m->json->writer_new(m->self, &out) != BP_OK)
      continue;
    m->json->object_begin(out);
    json_text_member(m->json, out, BP_LIT("uri"), str_z(sub->uri));
    m->json->object_end(out);
    if (m->json->writer_text(out, &params, NULL) == BP_OK &&
        instance_request(instance, "resources/subscribe", params, m->call_timeout_ms, NULL, ignore_outcome, NULL))
      instance->subscriptions++;
    m->json->writer_free(out);
  }
}

/* A server that was started anew knows neither subscriptions nor the level of messages. */
void session_instance_ready(struct session *s, struct instance *instance) {
  static const char *const names[] = {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};
  char params[48];
  if (s->has_level && json_member(s->m, json_member(s->m, instance->init, "capabilities"), "logging")) {
    snprintf(params, sizeof(params), "{\"level\":\"%s\"}", names[s->level]);
    instance_request(instance, "logging/setLevel", str_z(params), s->m->call_timeout_ms, NULL, ignore_outcome, NULL);
  }
  subscribe_again(s, instance);
}

void sessions_shared_ready(struct instance *instance) {
  for (struct session *s = instance->m->sessions; s; s = s->next)
    if (!session_is_private(s))
      subscribe_again(s, instance);
}

/* What it asked cannot be answered any more. */
void session_instance_ended(struct session *s, struct instance *instance) {
  (void)s;
  while (instance->asks)
    ask_drop(instance->asks);
}

void ignore_outcome(void *ctx, const struct outcome *outcome) {
  (void)ctx;
  (void)outcome;
}

/* ---- Lists ---- */

/* Once is enough until it has been sent: a session that nobody reads would fill its feed with the same words. */
void session_tell_lists(struct session *s, unsigned changed) {
  static const struct {
    unsigned bit;
    const char *method;
  } kinds[TOLD_KINDS] = {{CHANGED_TOOLS, "notifications/tools/list_changed"},
                         {CHANGED_RESOURCES, "notifications/resources/list_changed"},
                         {CHANGED_PROMPTS, "notifications/prompts/list_changed"}};
  struct feed *feed = feed_own(s);
  for (size_t i = 0; i < TOLD_KINDS; i++) {
    if (!(changed & kinds[i].bit) || feed_has_unsent(feed, s->told[i]))
      continue;
    struct text text = rpc_notification(s->m, kinds[i].method, BP_LIT(""));
    uint32_t after = feed ? feed->next_event + 1 : 0;
    if (feed_put(feed, &text, true))
      s->told[i] = after;
  }
}

void sessions_lists_changed(struct mcp *m, const struct server *server) {
  for (struct session *s = m->sessions; s; s = s->next)
    if (scope_has(m, &s->scope, server))
      session_tell_lists(s, CHANGED_ALL);
}

/* ---- Time ---- */

void sessions_tick(struct mcp *m, int64_t now) {
  for (struct session *s = m->sessions, *next; s; s = next) {
    next = s->next;
    bool is_read = false;
    for (const struct feed *feed = s->feeds; feed; feed = feed->next)
      is_read = is_read || feed->out;
    if (is_read || s->calls)
      s->used_ms = now;
    feeds_expire(s, now);
    if (now - s->used_ms > m->session_idle_ms)
      session_end(s);
  }
}
