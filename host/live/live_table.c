/* bp.live/1: the live log as plugins see it. */
#include "base/log.h"
#include "live/clients.h"
#include "live/image.h"
#include "live/ring.h"
#include "live/sequence.h"
#include "live/subscription.h"
#include "live/wake.h"
#include "live/ws_answer.h"
#include "live/ws_handshake.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "router/family.h"
#include "router/router.h"

#define PAYLOAD_MAX (1u << 20)
#define KEY_MAX 1024u

static bp_status publish(bp_plugin self, bp_str topic, bp_str key, bp_str payload) {
  if (payload.len > PAYLOAD_MAX || key.len > KEY_MAX)
    return BP_E_LIMIT;
  bp_status status = topics_check(self, topic, BP_TOPIC_EPHEMERAL);
  if (status != BP_OK)
    return status;
  struct record *record = record_new(topic, key, payload);
  if (!record)
    return BP_E_NO_MEMORY;
  if (!sequence_push(record)) {
    record_free(record);
    return BP_E_BUSY;
  }
  live_wake();
  return BP_OK;
}

static uint64_t sequence(void) {
  if (!plugin_on_main(0, "live sequence"))
    return 0;
  return ring_last();
}

static bp_status subscribe(bp_plugin self, bp_array topics, bp_str key, uint64_t from, bp_live_fn fn, void *ctx, bp_subscription *ret) {
  if (!plugin_on_main(self, "live subscribe"))
    return BP_E_THREAD;
  struct plugin *owner = plugin_get(self);
  return owner ? subscription_add(owner, &topics, key, from, fn, ctx, ret) : BP_E_STALE;
}

static bp_status unsubscribe(bp_subscription subscription) {
  if (!plugin_on_main(0, "live unsubscribe"))
    return BP_E_THREAD;
  return subscription_cancel(subscription);
}

static bp_status serve_ws(bp_request request, const bp_live_view *view, bp_str key, uint64_t from, bp_str first) {
  if (!plugin_on_main(0, "live serve_ws"))
    return BP_E_THREAD;
  if (!view)
    return BP_E_INVALID;
  struct http_exchange *x = request_exchange(request);
  struct plugin *owner = request_owner(request);
  if (!x || !owner)
    return BP_E_STALE;
  bp_str protocol;
  bp_status status = ws_answer_check(request, x, (bp_str){0}, &protocol);
  if (status != BP_OK)
    return status;
  struct audience *audience = audience_of(owner, view, WIRE_WS, key, &status);
  if (!audience)
    return status;
  request_finish(request);
  return client_open_ws(x, audience, protocol, from, first) ? BP_OK : BP_E_STALE;
}

static bp_status serve_sse(bp_request request, const bp_live_view *view, bp_str key, uint64_t from, bp_str first, uint32_t retry_ms) {
  if (!plugin_on_main(0, "live serve_sse"))
    return BP_E_THREAD;
  if (!view)
    return BP_E_INVALID;
  struct http_exchange *x = request_exchange(request);
  struct plugin *owner = request_owner(request);
  if (!x || !owner)
    return BP_E_STALE;
  if (x->method == HTTP_HEAD) {
    request_finish(request);
    exchange_reply(x, 200, BP_LIT(SSE_CONTENT_TYPE), (bp_str){0});
    return BP_OK;
  }
  bp_status status;
  struct audience *audience = audience_of(owner, view, WIRE_SSE, key, &status);
  if (!audience)
    return status;
  request_finish(request);
  return client_open_sse(x, audience, client_sse_from(x, from), first, retry_ms) ? BP_OK : BP_E_STALE;
}

static uint32_t listeners(bp_str topic) {
  if (!plugin_on_main(0, "live listeners"))
    return 0;
  return views_listeners(topic) + subscriptions_listeners(topic);
}

const bp_live_1 live_table = {
    .size = sizeof(bp_live_1),
    .publish = publish,
    .sequence = sequence,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .serve_ws = serve_ws,
    .serve_sse = serve_sse,
    .listeners = listeners,
};

void live_serve_host_sse(struct http_exchange *x, bp_str topics, uint64_t from) {
  LOOP_MAIN();
  if (x->method == HTTP_HEAD) {
    exchange_reply(x, 200, BP_LIT(SSE_CONTENT_TYPE), (bp_str){0});
    return;
  }
  bp_status status;
  struct audience *audience = audience_of_host(topics, &status);
  if (!audience) {
    family_reply_text(x, family_host(), 400, BP_LIT("topics names more than 64 topics"));
    return;
  }
  client_open_sse(x, audience, client_sse_from(x, from), (bp_str){0}, 0);
}
