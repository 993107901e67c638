/* bp.events/1 of the fake host: notices of the plugin and of the test, delivered later. */
#include "fake.h"

#include <stdlib.h>

#define SUBSCRIPTIONS_MAX 64u

static struct {
  const char *name; /* NULL: free */
  bp_event_fn fn;
  void *ctx;
} subscriptions[SUBSCRIPTIONS_MAX];
static struct buf emitted;

struct notice {
  const char *name, *payload;
};

static void deliver(void *ctx) {
  struct notice *notice = ctx;
  for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++)
    if (subscriptions[i].name && fake_name_fits(str_from(subscriptions[i].name), str_from(notice->name)))
      subscriptions[i].fn(subscriptions[i].ctx, str_from(notice->name), str_from(notice->payload));
  free(notice);
}

static void send_later(bp_str name, bp_str payload) {
  struct notice *notice = mem_alloc(sizeof(*notice));
  *notice = (struct notice){fake_keep(name), fake_keep(payload)};
  fake_later(deliver, notice);
}

void bp_testhost_emit(const char *name, const char *payload) {
  send_later(str_from(name), str_from(payload));
}

const char *bp_testhost_emitted(void) {
  return fake_keep(buf_str(&emitted));
}

static bp_status subscribe(bp_plugin self, bp_str name, bp_event_fn fn, void *ctx, bp_subscription *ret) {
  (void)self;
  for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++) {
    if (subscriptions[i].name)
      continue;
    subscriptions[i].name = fake_keep(name);
    subscriptions[i].fn = fn;
    subscriptions[i].ctx = ctx;
    if (ret)
      *ret = i + 1;
    return BP_OK;
  }
  return BP_E_LIMIT;
}

static bp_status unsubscribe(bp_subscription subscription) {
  if (subscription == 0 || subscription > SUBSCRIPTIONS_MAX || !subscriptions[subscription - 1].name)
    return BP_E_STALE;
  subscriptions[subscription - 1].name = NULL;
  return BP_OK;
}

static bp_status emit(bp_plugin self, bp_str name, bp_str payload) {
  bp_str id = fake_plugin()->id;
  (void)self;
  if (!str_starts(name, id) || name.len <= id.len + 1 || name.ptr[id.len] != '.')
    return BP_E_DENIED;
  buf_append_str(&emitted, name);
  buf_append_char(&emitted, ' ');
  buf_append_str(&emitted, payload);
  buf_append_char(&emitted, '\n');
  send_later(name, payload);
  return BP_OK;
}

void fake_events_reset(void) {
  for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++)
    subscriptions[i].name = NULL;
  buf_release(&emitted);
}

const bp_events_1 fake_events_table = {.size = sizeof(bp_events_1), .subscribe = subscribe, .unsubscribe = unsubscribe, .emit = emit};
