/* From the live log to clients: the topics of a family are listened to while it has clients, and each event is rendered once. */
#include "socketio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPICS_MAX 32u

/* ---- The options ---- */

static bp_status add_topic(struct socketio *m, bp_str topic, bp_str family, bp_error *err) {
  unsigned index = family_index(family);
  struct feed *feed = index < FAMILY_COUNT ? &m->feeds[index] : NULL;
  if (!feed || feed->topic_count == TOPICS_MAX) {
    snprintf(err->message, sizeof(err->message), "topic \"%.*s\": %s", (int)topic.len, topic.ptr,
             feed ? "a family has at most 32" : "its family must be \"desktop\" or \"swarm\"");
    return err->code = BP_E_INVALID;
  }
  char *copy = malloc(topic.len + 1);
  if (!copy)
    return BP_E_NO_MEMORY;
  memcpy(copy, topic.ptr, topic.len);
  feed->topics[feed->topic_count++] = bp_str_make(copy, topic.len);
  return BP_OK;
}

static bp_status read_option(struct socketio *m, bp_str option, bp_error *err) {
  bp_str topic, family;
  bp_status status = BP_OK;
  for (uint32_t i = 0; status == BP_OK && i < m->config->entry_count(m->self, option); i++)
    if (m->config->entry(m->self, option, i, &topic, &family) == BP_OK)
      status = add_topic(m, topic, family, err);
  return status;
}

bp_status feeds_read(struct socketio *m, bp_error *err) {
  for (unsigned i = 0; i < FAMILY_COUNT; i++) {
    char label[32];
    struct feed *feed = &m->feeds[i];
    *feed = (struct feed){.module = m, .family = i, .topics = calloc(TOPICS_MAX, sizeof(*feed->topics))};
    if (!feed->topics)
      return BP_E_NO_MEMORY;
    snprintf(label, sizeof(label), "family=%s", socketio_families[i].ptr);
    m->metrics->declare(m->self, BP_METRIC_GAUGE, BP_LIT("connections"), BP_LIT("Clients in the main namespace that hear the family."), str_z(label),
                        &feed->gauge);
  }
  bp_status status = read_option(m, BP_LIT("topics"), err);
  return status == BP_OK ? read_option(m, BP_LIT("extra_topics"), err) : status;
}

void feeds_free(struct socketio *m) {
  for (unsigned i = 0; i < FAMILY_COUNT; i++) {
    for (uint32_t j = 0; j < m->feeds[i].topic_count; j++)
      free((void *)(uintptr_t)m->feeds[i].topics[j].ptr);
    free(m->feeds[i].topics);
  }
}

/* ---- Events ---- */

static bp_str text_member(const bp_json_1 *json, bp_json object, bp_str name) {
  bp_json value = 0;
  bp_str text = bp_str_make(NULL, 0);
  if (json->get(object, name, &value) == BP_OK)
    json->string(value, &text);
  return text;
}

/* ["event", …args] */
static void render(const bp_json_1 *json, bp_json_writer out, bp_str event, bp_json payload) {
  bp_json args = 0, arg = 0;
  json->array_begin(out);
  json->put_string(out, event);
  if (json->get(payload, BP_LIT("args"), &args) == BP_OK)
    for (uint32_t i = 0; json->at(args, i, &arg) == BP_OK; i++)
      json->put_value(out, arg);
  json->array_end(out);
}

static void send(const struct feed *feed, bp_json payload) {
  const struct socketio *m = feed->module;
  bp_str event = text_member(m->json, payload, BP_LIT("event")), text;
  unsigned family = family_index(text_member(m->json, payload, BP_LIT("family")));
  bp_json_writer out = 0;
  if (!event.len || family != feed->family || m->json->writer_new(m->self, &out) != BP_OK)
    return;
  render(m->json, out, event, payload);
  if (m->json->writer_text(out, &text, NULL) == BP_OK)
    sio_broadcast(m->sio, BP_LIT("/"), 1u << family | 1u << REALM_ALL, text_member(m->json, payload, BP_LIT("room")), text);
  m->json->writer_free(out);
}

static void on_live(void *ctx, const bp_live_event *event) {
  const struct feed *feed = ctx;
  const struct socketio *m = feed->module;
  bp_json payload = 0;
  if ((event->flags & BP_LIVE_RESYNC) || m->json->parse(m->self, event->payload, &payload, NULL) != BP_OK)
    return;
  send(feed, payload);
  m->json->release(m->self, payload);
}

/* ---- While there are clients ---- */

static void listen(struct feed *feed) {
  const struct socketio *m = feed->module;
  bp_array topics = {feed->topics, feed->topic_count, (uint32_t)sizeof(*feed->topics)};
  bool is_wanted = feed->clients > 0 && feed->topic_count > 0;
  if (is_wanted && !feed->subscription) {
    m->live->subscribe(m->self, topics, bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, on_live, feed, &feed->subscription);
  } else if (!is_wanted && feed->subscription) {
    m->live->unsubscribe(feed->subscription);
    feed->subscription = 0;
  }
}

void feeds_count(struct socketio *m, uint32_t realm, bool came) {
  for (unsigned i = 0; i < FAMILY_COUNT; i++) {
    struct feed *feed = &m->feeds[i];
    if (!realm_has(realm, i))
      continue;
    feed->clients = came ? feed->clients + 1 : feed->clients - 1;
    m->metrics->set(feed->gauge, feed->clients);
    listen(feed);
  }
}
