/* From a running server to its client; see upward.h. Of a session, exactly one stream gets a message. */
#include "upward.h"
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The stream a session expects messages of this instance on: that of its newest call there, else its own. */
static struct feed *feed_for(struct session *session, const struct instance *instance) {
  for (struct call *call = session->calls; call; call = call->next)
    if (call->instance == instance && call->feed && !call->is_cancelled)
      return call->feed;
  return feed_own(session);
}

static bool has_call(const struct session *session, const struct instance *instance) {
  for (const struct call *call = session->calls; call; call = call->next)
    if (call->instance == instance && !call->is_cancelled)
      return true;
  return false;
}

static struct text message_text(const struct mcp *m, bp_json message) {
  struct text text = {0};
  char *copy = json_copy(m, message);
  if (copy)
    text_add(&text, str_z(copy));
  free(copy);
  return text;
}

/* ---- Asking the client ---- */

/* The params with the token by which the client's progress will be known here. */
static void put_params(const struct mcp *m, bp_json_writer out, bp_json params, struct ask *ask) {
  bp_json meta = json_member(m, params, "_meta"), token = json_member(m, meta, "progressToken");
  if (!token) {
    m->json->put_value(out, params);
    return;
  }
  ask->progress_token = json_copy(m, token);
  m->json->object_begin(out);
  json_put_members(m, out, params, "_meta", NULL);
  m->json->key(out, BP_LIT("_meta"));
  m->json->object_begin(out);
  json_put_members(m, out, meta, "progressToken", NULL);
  m->json->key(out, BP_LIT("progressToken"));
  m->json->put_integer(out, ask->id);
  m->json->object_end(out);
  m->json->object_end(out);
}

bool up_ask(struct instance *instance, bp_str method, bp_json message, const char *child_id) {
  struct mcp *m = instance->m;
  struct session *session = instance->owner;
  struct feed *feed = feed_for(session, instance);
  struct ask *ask = feed ? calloc(1, sizeof(*ask)) : NULL;
  if (!ask)
    return false;
  *ask = (struct ask){.next = instance->asks, .instance = instance, .child_id = str_copy(str_z(child_id)), .id = ++session->next_ask};
  instance->asks = ask;
  instance->ask_count++;
  bp_json_writer out = rpc_begin(m);
  if (!out || !ask->child_id) {
    if (out)
      m->json->writer_free(out);
    ask_drop(ask);
    return false;
  }
  m->json->key(out, BP_LIT("id"));
  m->json->put_integer(out, ask->id);
  json_text_member(m->json, out, BP_LIT("method"), method);
  bp_json params = json_member(m, message, "params");
  if (params) {
    m->json->key(out, BP_LIT("params"));
    put_params(m, out, params, ask);
  }
  struct text text = rpc_end(m, out);
  feed_put(feed, &text, false);
  return true;
}

void up_cancelled(struct instance *instance, bp_json params) {
  const struct mcp *m = instance->m;
  char *id = json_copy(m, json_member(m, params, "requestId"));
  struct ask *ask = instance->asks;
  while (id && ask && strcmp(ask->child_id, id) != 0)
    ask = ask->next;
  free(id);
  if (!id || !ask || !instance->owner)
    return;
  bp_json_writer out = rpc_begin(m);
  bp_str reason = kit_member_text(m->json, params, "reason");
  json_text_member(m->json, out, BP_LIT("method"), BP_LIT("notifications/cancelled"));
  m->json->key(out, BP_LIT("params"));
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("requestId"));
  m->json->put_integer(out, ask->id);
  if (reason.ptr)
    json_text_member(m->json, out, BP_LIT("reason"), reason);
  m->json->object_end(out);
  struct text text = rpc_end(m, out);
  feed_put(feed_for(instance->owner, instance), &text, false);
  ask_drop(ask);
}

/* ---- Telling it ---- */

void up_progress(struct call *call, bp_json params) {
  const struct mcp *m = call->m;
  if (!call->token || !call->feed || call->is_cancelled)
    return;
  bp_json_writer out = rpc_begin(m);
  if (!out)
    return;
  json_text_member(m->json, out, BP_LIT("method"), BP_LIT("notifications/progress"));
  m->json->key(out, BP_LIT("params"));
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("progressToken"));
  m->json->put_raw(out, str_z(call->token));
  json_put_members(m, out, params, "progressToken", NULL);
  m->json->object_end(out);
  struct text text = rpc_end(m, out);
  feed_put(call->feed, &text, true);
}

static void tell_message(struct session *session, const struct instance *instance, bp_json message, int level) {
  if (session->has_level && level >= 0 && (unsigned)level < session->level)
    return;
  struct text text = message_text(instance->m, message);
  feed_put(feed_for(session, instance), &text, true);
}

/* A shared instance does not say which call a message is about: every session with a call there gets it. */
void up_message(struct instance *instance, bp_json message, bp_json params) {
  struct mcp *m = instance->m;
  int level = level_of(kit_member_text(m->json, params, "level"));
  if (instance->owner) {
    tell_message(instance->owner, instance, message, level);
    return;
  }
  for (struct session *session = m->sessions; session; session = session->next)
    if (has_call(session, instance))
      tell_message(session, instance, message, level);
}

void up_resource_updated(struct instance *instance, bp_json message, bp_str uri) {
  struct mcp *m = instance->m;
  for (struct session *s = m->sessions; s; s = s->next) {
    if (instance->owner ? s != instance->owner : session_is_private(s))
      continue;
    for (const struct subscription *sub = s->subscriptions; sub; sub = sub->next)
      if (kit_same(uri, sub->uri) && strcmp(sub->server, instance->server->id) == 0) {
        struct text text = message_text(m, message);
        feed_put(feed_own(s), &text, true);
        break;
      }
  }
}

void up_lists_stale(struct instance *instance) {
  instance_rediscover(instance);
}

void up_lists_changed(struct instance *instance, unsigned changed) {
  struct mcp *m = instance->m;
  if (instance->owner) {
    session_tell_lists(instance->owner, changed);
    return;
  }
  for (struct session *s = m->sessions; s; s = s->next)
    if (scope_has(m, &s->scope, instance->server))
      session_tell_lists(s, changed);
}

void up_other(struct instance *instance, bp_str method, bp_json message) {
  (void)method;
  struct text text = message_text(instance->m, message);
  feed_put(feed_for(instance->owner, instance), &text, true);
}
