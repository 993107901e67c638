/* bp.live/1 of the fake host: events are kept for the test and handed to the plugin's subscriptions. */
#include "base/slots.h"
#include "fake.h"

#include <stdlib.h>

struct event {
  struct bp_testhost_event shown;
  int64_t time_ns;
};
static struct event *events;
static uint32_t event_count, delivered_count;

struct subscription {
  bp_subscription handle;
  bp_array topics; /* kept */
  const char *key;
  uint64_t after;
  bp_live_fn fn;
  void *ctx;
  struct subscription *next;
};
static struct subscription *subscriptions;
static struct slots subscription_slots;

/* ---- Delivery ---- */

static bool topic_fits(bp_array topics, bp_str topic) {
  const bp_str *patterns = topics.ptr;
  for (uint32_t i = 0; i < topics.count; i++)
    if (fake_name_fits(patterns[i], topic))
      return true;
  return false;
}

static bp_live_event as_event(const struct event *event) {
  return (bp_live_event){.size = sizeof(bp_live_event),
                         .sequence = event->shown.sequence,
                         .time_ns = event->time_ns,
                         .topic = str_from(event->shown.topic),
                         .key = str_from(event->shown.key),
                         .payload = str_from(event->shown.payload)};
}

static void deliver_to(struct subscription *subscription, const struct event *event) {
  bp_live_event live = as_event(event);
  bool fits_key = !subscription->key[0] || str_eq(str_from(subscription->key), live.key);
  if (live.sequence <= subscription->after || !fits_key || !topic_fits(subscription->topics, live.topic))
    return;
  subscription->after = live.sequence;
  subscription->fn(subscription->ctx, &live);
}

/* Everything to everybody, old events first; what a subscription has seen it is not given again. */
static void deliver(void *ctx) {
  (void)ctx;
  for (uint32_t i = 0; i < event_count; i++) {
    const struct event event = events[i]; /* a callback may publish */
    for (struct subscription *s = subscriptions, *next; s; s = next) {
      next = s->next;
      deliver_to(s, &event);
    }
  }
  delivered_count = event_count;
}

uint64_t fake_live_add(uint32_t kind, bp_str topic, bp_str key, bp_str payload) {
  events = mem_resize(events, (event_count + 1) * sizeof(*events));
  events[event_count] = (struct event){
      .shown = {.sequence = event_count + 1, .kind = kind, .topic = fake_keep(topic), .key = fake_keep(key), .payload = fake_keep(payload)},
      .time_ns = fake_now_ns(),
  };
  fake_later(deliver, NULL);
  return ++event_count;
}

/* ---- The test's side ---- */

uint32_t bp_testhost_event_count(void) {
  return event_count;
}

const struct bp_testhost_event *bp_testhost_event(uint32_t index) {
  if (index >= event_count)
    fake_misuse("there is no event %u, only %u", index, event_count);
  return &events[index].shown;
}

void bp_testhost_publish(const char *topic, const char *key, const char *payload) {
  fake_live_add(BP_TOPIC_EPHEMERAL, str_from(topic), str_from(key), str_from(payload));
}

const char *bp_testhost_render(const bp_live_view *view, uint32_t index) {
  bp_testhost_event(index);
  bp_live_event live = as_event(&events[index]);
  bp_str name = {NULL, 0}, text = {NULL, 0};
  if (!topic_fits(view->topics, live.topic))
    return NULL;
  if (!view->render)
    fake_misuse("a view without render is drawn by the real host");
  bp_json_writer frame = doc_writer_new(0);
  bool is_shown = view->render(view->ctx, &live, frame, &name) != 0 && doc_writer_text(frame, &text, NULL);
  const char *kept = is_shown ? fake_keep(text) : NULL;
  doc_writer_free(frame);
  return kept;
}

/* ---- The table ---- */

static bool is_ephemeral_topic(bp_str name) {
  bp_topic topic;
  bp_array topics = fake_plugin()->topics;
  for (uint32_t i = 0; i < topics.count; i++) {
    array_item(topics, i, &topic);
    if (str_eq(topic.name, name))
      return topic.kind != BP_TOPIC_DURABLE;
  }
  return false;
}

static bp_status publish(bp_plugin self, bp_str topic, bp_str key, bp_str payload) {
  (void)self;
  if (!is_ephemeral_topic(topic))
    return BP_E_INVALID;
  fake_live_add(BP_TOPIC_EPHEMERAL, topic, key, payload);
  return BP_OK;
}

static uint64_t sequence(void) {
  return delivered_count;
}

static bp_array keep_topics(bp_array topics) {
  bp_str *kept = mem_array(topics.count ? topics.count : 1, sizeof(*kept));
  for (uint32_t i = 0; i < topics.count; i++)
    kept[i] = str_from(fake_keep(*(const bp_str *)(const void *)((const char *)topics.ptr + (size_t)i * topics.stride)));
  return (bp_array){kept, topics.count, (uint32_t)sizeof(*kept)};
}

static bp_status subscribe(bp_plugin self, bp_array topics, bp_str key, uint64_t from, bp_live_fn fn, void *ctx, bp_subscription *ret) {
  struct subscription *added = mem_alloc(sizeof(*added));
  (void)self;
  *added = (struct subscription){.topics = keep_topics(topics),
                                 .key = fake_keep(key),
                                 .after = from == BP_LIVE_FROM_NOW ? event_count : from,
                                 .fn = fn,
                                 .ctx = ctx,
                                 .next = subscriptions};
  subscriptions = added;
  added->handle = slots_add(&subscription_slots, added);
  if (ret)
    *ret = added->handle;
  fake_later(deliver, NULL);
  return BP_OK;
}

static void subscription_free(struct subscription *subscription) {
  struct subscription **at = &subscriptions;
  while (*at != subscription)
    at = &(*at)->next;
  *at = subscription->next;
  slots_remove(&subscription_slots, subscription->handle);
  free((void *)(uintptr_t)subscription->topics.ptr);
  free(subscription);
}

static bp_status unsubscribe(bp_subscription handle) {
  struct subscription *found = slots_get(&subscription_slots, handle);
  if (!found)
    return BP_E_STALE;
  subscription_free(found);
  return BP_OK;
}

/* The connection is the real host's: the test sees the first text as the reply, and frames through bp_testhost_render. */
static bp_status serve_ws(bp_request request, const bp_live_view *view, bp_str key, uint64_t from, bp_str text) {
  (void)view;
  (void)key;
  (void)from;
  return fake_http_finish(request, 101, bp_str_make(NULL, 0), text);
}

static bp_status serve_sse(bp_request request, const bp_live_view *view, bp_str key, uint64_t from, bp_str text, uint32_t retry_ms) {
  (void)view;
  (void)key;
  (void)from;
  (void)retry_ms;
  return fake_http_finish(request, 200, BP_LIT("text/event-stream"), text);
}

static uint32_t listeners(bp_str topic) {
  uint32_t count = 0;
  for (const struct subscription *s = subscriptions; s; s = s->next)
    count += topic_fits(s->topics, topic);
  return count;
}

void fake_live_reset(void) {
  while (subscriptions)
    subscription_free(subscriptions);
  slots_release(&subscription_slots);
  free(events);
  events = NULL;
  event_count = delivered_count = 0;
}

const bp_live_1 fake_live_table = {
    .size = sizeof(bp_live_1),
    .publish = publish,
    .sequence = sequence,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .serve_ws = serve_ws,
    .serve_sse = serve_sse,
    .listeners = listeners,
};
