/* The queue of notices and their subscribers; see events.h. */
#include "loader/events.h"
#include "base/mem.h"
#include "base/slots.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_LIMIT 1024

struct notice {
  struct notice *next;
  bp_plugin only; /* 0: for all */
  size_t name_len, payload_len;
  char bytes[]; /* name, then payload */
};

struct subscription {
  struct owned owned; /* first: revoke gets a pointer to it */
  bp_subscription handle;
  struct plugin *owner;
  bp_event_fn fn;
  void *ctx;
  char *name; /* exact, or a prefix ending in ".*" */
};

static struct {
  pthread_mutex_t lock; /* guards the queue; subscriptions are main's */
  struct notice *first, **end;
  unsigned count;
  bool is_posted;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct slots subscriptions;

static bool matches(bp_str pattern, bp_str name) {
  if (str_ends(pattern, BP_LIT(".*")))
    return str_starts(name, bp_str_make(pattern.ptr, pattern.len - 1));
  return str_eq(pattern, name);
}

static void deliver_to(struct subscription *s, const struct notice *notice) {
  bp_str name = bp_str_make(notice->bytes, notice->name_len);
  bp_str payload = bp_str_make(notice->bytes + notice->name_len, notice->payload_len);
  if ((notice->only && notice->only != s->owner->handle) || !matches(str_from(s->name), name))
    return;
  struct culprit frame;
  culprit_enter(&frame, s->owner, "event", name);
  s->fn(s->ctx, name, payload);
  culprit_leave(&frame);
}

/* Subscribers may come and go in the callbacks: only those there now are called, and each is looked up again. */
static void deliver(const struct notice *notice) {
  uint32_t count = 0;
  uint64_t *handles = mem_array(subscriptions.live, sizeof(*handles));
  for (uint32_t i = 0; i < subscriptions.count; i++) {
    const struct subscription *s = subscriptions.items[i].object;
    if (s)
      handles[count++] = s->handle;
  }
  for (uint32_t i = 0; i < count; i++) {
    struct subscription *s = slots_get(&subscriptions, handles[i]);
    if (s)
      deliver_to(s, notice);
  }
  free(handles);
}

static struct notice *take_all(void) {
  pthread_mutex_lock(&queue.lock);
  struct notice *notices = queue.first;
  queue.first = NULL;
  queue.end = &queue.first;
  queue.count = 0;
  queue.is_posted = false;
  pthread_mutex_unlock(&queue.lock);
  return notices;
}

static void deliver_all(void *arg) {
  (void)arg;
  for (struct notice *notice = take_all(), *next; notice; notice = next) {
    next = notice->next;
    deliver(notice);
    free(notice);
  }
}

static struct notice *notice_new(bp_str name, bp_str payload, bp_plugin only) {
  struct notice *notice = malloc(sizeof(*notice) + name.len + payload.len);
  if (!notice)
    return NULL;
  *notice = (struct notice){.only = only, .name_len = name.len, .payload_len = payload.len};
  memcpy(notice->bytes, name.ptr, name.len);
  if (payload.len)
    memcpy(notice->bytes + name.len, payload.ptr, payload.len);
  return notice;
}

static bp_status enqueue(struct notice *notice, unsigned limit) {
  pthread_mutex_lock(&queue.lock);
  bool has_room = queue.count < limit;
  bool must_post = has_room && !queue.is_posted;
  if (has_room) {
    if (!queue.end)
      queue.end = &queue.first;
    *queue.end = notice;
    queue.end = &notice->next;
    queue.count++;
    queue.is_posted = true;
  }
  pthread_mutex_unlock(&queue.lock);
  if (must_post)
    loop_post(deliver_all, NULL);
  if (!has_room)
    free(notice);
  return has_room ? BP_OK : BP_E_BUSY;
}

bp_status events_queue(bp_str name, bp_str payload) {
  struct notice *notice = notice_new(name, payload, 0);
  return notice ? enqueue(notice, QUEUE_LIMIT) : BP_E_NO_MEMORY;
}

void events_emit(bp_str name, bp_str payload, struct plugin *only) {
  struct notice *notice = notice_new(name, payload, only ? only->handle : 0);
  if (notice)
    enqueue(notice, UINT32_MAX);
}

static void subscription_end(struct subscription *s) {
  owned_remove(&s->owned);
  slots_remove(&subscriptions, s->handle);
  free(s->name);
  free(s);
}

static void subscription_revoke(struct owned *self) {
  subscription_end((struct subscription *)self);
}

bp_status events_subscribe(struct plugin *owner, bp_str name, bp_event_fn fn, void *ctx, bp_subscription *ret) {
  struct subscription *s = mem_alloc(sizeof(*s));
  *s = (struct subscription){.owner = owner, .fn = fn, .ctx = ctx, .name = str_dupz(name)};
  s->handle = slots_add(&subscriptions, s);
  if (!s->handle) {
    free(s->name);
    free(s);
    return BP_E_NO_MEMORY;
  }
  owned_add(owner, &s->owned, subscription_revoke);
  *ret = s->handle;
  return BP_OK;
}

bp_status events_unsubscribe(bp_subscription subscription) {
  struct subscription *s = slots_get(&subscriptions, subscription);
  if (!s)
    return BP_E_STALE;
  subscription_end(s);
  return BP_OK;
}

bool events_has_subscriber(const struct plugin *plugin, bp_str name) {
  for (uint32_t i = 0; i < subscriptions.count; i++) {
    const struct subscription *s = subscriptions.items[i].object;
    if (s && s->owner == plugin && matches(str_from(s->name), name))
      return true;
  }
  return false;
}

void events_release(void) {
  for (struct notice *notice = take_all(), *next; notice; notice = next) {
    next = notice->next;
    free(notice);
  }
  slots_release(&subscriptions);
}
