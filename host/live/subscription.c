/* Subscriptions of plugins; see subscription.h. */
#include "live/subscription.h"

#include "base/array.h"
#include "base/mem.h"
#include "base/slots.h"
#include "base/str.h"
#include "live/cursor.h"
#include "live/ring.h"
#include "live/view.h"
#include "loader/plugin.h"
#include "loop/loop.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define RUN_EVENTS 64u /* old events handed out in one go */

struct subscription {
  struct owned owned;
  struct subscription *next;
  bp_subscription handle; /* 0: cancelled, to be swept */
  struct cursor *cursor;  /* NULL once it is live */
  bp_live_fn fn;
  void *ctx;
  uint32_t handed_out; /* in this run */
  bool is_due;         /* goes on in the next run */
  bool is_ahead;       /* goes on after the next flush */
  bp_str key;
  struct filter filter;
  bp_str names[]; /* of the filter; the bytes follow */
};

static struct slots handles;
static struct subscription *subscriptions; /* newest first */
static uint32_t busy;                      /* in callbacks: no sweeping */
static bool run_is_posted, has_cancelled;

/* ---- Life ---- */

static void sweep(void) {
  if (busy || !has_cancelled)
    return;
  has_cancelled = false;
  for (struct subscription **link = &subscriptions; *link;) {
    struct subscription *subscription = *link;
    if (subscription->handle) {
      link = &subscription->next;
      continue;
    }
    *link = subscription->next;
    free(subscription);
  }
}

static void cancel(struct subscription *subscription) {
  slots_remove(&handles, subscription->handle);
  owned_remove(&subscription->owned);
  subscription->handle = 0;
  cursor_drop(subscription->cursor);
  subscription->cursor = NULL;
  has_cancelled = true;
  sweep();
}

static void revoke(struct owned *self) {
  cancel((struct subscription *)(void *)((char *)self - offsetof(struct subscription, owned)));
}

static bool check_names(const bp_array *topics, size_t *ret_bytes) {
  if (topics->count > VIEW_TOPICS_MAX || !array_holds(*topics, sizeof(bp_str)))
    return false;
  for (uint32_t i = 0; i < topics->count; i++)
    *ret_bytes += ((const bp_str *)(const void *)((const char *)topics->ptr + (size_t)i * topics->stride))->len;
  return true;
}

static bp_str copy_to(char **at, bp_str from) {
  bp_str copy = bp_str_make(*at, from.len);
  if (from.len)
    memcpy(*at, from.ptr, from.len);
  *at += from.len;
  return copy;
}

static struct subscription *subscription_new(const bp_array *topics, bp_str key, size_t bytes) {
  struct subscription *subscription = mem_alloc(sizeof(*subscription) + topics->count * sizeof(bp_str) + bytes);
  char *at = (char *)(subscription->names + topics->count);
  for (uint32_t i = 0; i < topics->count; i++)
    subscription->names[i] = copy_to(&at, *(const bp_str *)(const void *)((const char *)topics->ptr + (size_t)i * topics->stride));
  subscription->key = copy_to(&at, key);
  subscription->filter = (struct filter){.names = subscription->names, .count = topics->count};
  return subscription;
}

/* ---- Calling ---- */

static void call(struct subscription *subscription, const bp_live_event *event) {
  struct culprit frame;
  culprit_enter(&frame, subscription->owned.owner, "live subscription", event->topic);
  subscription->fn(subscription->ctx, event);
  culprit_leave(&frame);
}

/* The callback may cancel its own subscription, which stays until the way back from it is over. */
static bool on_row(void *ctx, const bp_live_event *event) {
  struct subscription *subscription = ctx;
  busy++;
  if (subscription->handle)
    call(subscription, event);
  bool wants_more = subscription->handle && ++subscription->handed_out < RUN_EVENTS;
  busy--;
  sweep();
  return wants_more;
}

static bool on_record(void *ctx, const struct record *record) {
  bp_live_event event = record_public(record);
  return on_row(ctx, &event);
}

/* ---- Catching up ---- */

static void run(struct subscription *subscription);

static void run_due(void *arg) {
  (void)arg;
  run_is_posted = false;
  busy++;
  for (struct subscription *subscription = subscriptions; subscription; subscription = subscription->next) {
    if (subscription->is_due && subscription->handle)
      run(subscription);
  }
  busy--;
  sweep();
}

static void make_due(struct subscription *subscription) {
  subscription->is_due = true;
  if (!run_is_posted)
    loop_post(run_due, NULL);
  run_is_posted = true;
}

static void run(struct subscription *subscription) {
  subscription->is_due = false;
  subscription->handed_out = 0;
  enum cursor_state state = cursor_run(subscription->cursor);
  if (!subscription->handle)
    return;
  if (state == CURSOR_FULL)
    make_due(subscription);
  subscription->is_ahead = state == CURSOR_AHEAD;
  if (state == CURSOR_AT_END) {
    cursor_drop(subscription->cursor);
    subscription->cursor = NULL;
  }
}

/* A page came; the next is asked for in a later tick. */
static void on_ready(void *ctx) {
  struct subscription *subscription = ctx;
  subscription->handed_out = 0;
  make_due(subscription);
}

static const struct cursor_owner cursor_owner = {.record = on_record, .row = on_row, .ready = on_ready};

bp_status subscription_add(struct plugin *owner, const bp_array *topics, bp_str key, uint64_t from, bp_live_fn fn, void *ctx, bp_subscription *ret) {
  size_t bytes = key.len;
  if (!fn || !check_names(topics, &bytes))
    return BP_E_INVALID;
  struct subscription *subscription = subscription_new(topics, key, bytes);
  subscription->handle = slots_add(&handles, subscription);
  if (!subscription->handle) {
    free(subscription);
    return BP_E_NO_MEMORY;
  }
  subscription->fn = fn;
  subscription->ctx = ctx;
  owned_add(owner, &subscription->owned, revoke);
  subscription->next = subscriptions;
  subscriptions = subscription;
  if (from != BP_LIVE_FROM_NOW) {
    subscription->cursor = cursor_new(subscription->filter, subscription->key, from, &cursor_owner, subscription);
    make_due(subscription);
  }
  *ret = subscription->handle;
  return BP_OK;
}

bp_status subscription_cancel(bp_subscription handle) {
  struct subscription *subscription = slots_get(&handles, handle);
  if (!subscription)
    return BP_E_STALE;
  cancel(subscription);
  return BP_OK;
}

/* ---- Live ---- */

static bool takes(const struct subscription *subscription, bp_str topic, bp_str key) {
  return subscription->handle && (subscription->key.len == 0 || str_eq(subscription->key, key)) && filter_matches(subscription->filter, topic);
}

void subscriptions_deliver(const struct record *record) {
  if (!subscriptions)
    return;
  bp_live_event event = record_public(record);
  busy++;
  for (struct subscription *subscription = subscriptions; subscription; subscription = subscription->next) {
    if (!subscription->cursor && takes(subscription, event.topic, event.key))
      call(subscription, &event);
  }
  busy--;
  sweep();
}

void subscriptions_flushed(void) {
  for (struct subscription *subscription = subscriptions; subscription; subscription = subscription->next) {
    if (subscription->is_ahead)
      make_due(subscription);
  }
}

uint32_t subscriptions_listeners(bp_str topic) {
  uint32_t count = 0;
  for (const struct subscription *subscription = subscriptions; subscription; subscription = subscription->next)
    count += subscription->handle && filter_matches(subscription->filter, topic);
  return count;
}

uint32_t subscriptions_count(void) {
  return handles.live;
}

void subscriptions_release(void) {
  while (subscriptions) {
    if (subscriptions->handle)
      cancel(subscriptions);
    else
      sweep();
  }
  slots_release(&handles);
}
