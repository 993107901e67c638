/* Outbound requests; see outbound.h.
 *
 * Plugins are called from curl's callbacks (head, chunk) and from the loop (done). What they ask for meanwhile (pause, cancel)
 * is only noted; the exchange's own event acts on it in the next tick. Redirects are followed here and not by curl, so that
 * every hop is checked and credentials are dropped in one place. */
#include "client/outbound.h"
#include "base/fail.h"
#include "base/slots.h"
#include "client/multi.h"
#include "client/outbound_state.h"
#include "loop/loop.h"

#include <stdlib.h>

#define REDIRECTS_MAX 5
#define CONNECT_TIMEOUT_MS 10000u
#define IDLE_TIMEOUT_MS 60000u
#define COLLECT_LIMIT_BYTES ((uint64_t)64 * 1024 * 1024)

static struct slots outbounds;
static uint64_t bytes_of_all;

void outbound_touch(struct outbound *x) {
  x->active_ms = loop_now_ms();
}

/* ---- The end ---- */

bool outbound_charge(struct outbound *x, uint64_t bytes) {
  if (bytes > OUTBOUND_BYTES_MAX - bytes_of_all)
    return false;
  bytes_of_all += bytes;
  x->charged_bytes += bytes;
  return true;
}

static void outbound_free(struct outbound *x) {
  hop_drop(x);
  event_del(&x->wake);
  event_del(&x->timer);
  slots_remove(&outbounds, x->handle);
  owned_remove(&x->owned);
  order_release(&x->order);
  head_clear(&x->head);
  buf_release(&x->collected);
  bytes_of_all -= x->charged_bytes;
  free(x);
}

/* The one call of `done`; the handle is stale in it. */
static void tell_done(struct outbound *x, bp_status status, long http_status, const bp_error *err) {
  struct culprit frame;
  x->is_told = true;
  slots_remove(&outbounds, x->handle);
  owned_remove(&x->owned);
  if (!x->events.done)
    return;
  culprit_enter(&frame, x->plugin, "client done", BP_LIT(""));
  x->events.done(x->ctx, x->handle, status, (uint32_t)http_status, status == BP_OK ? buf_str(&x->collected) : bp_str_make(NULL, 0), err);
  culprit_leave(&frame);
}

static void finish(struct outbound *x, bp_status status, long http_status, const bp_error *err) {
  hop_drop(x);
  tell_done(x, status, http_status, err);
  outbound_free(x);
}

static void finish_cancelled(struct outbound *x) {
  bp_error err = BP_ERROR_INIT;
  finish(x, fail(&err, BP_E_CANCELLED, "the request was cancelled"), 0, &err);
}

/* The plugin drains. Inside a callback of curl's the transfer cannot go yet: its next event takes it. */
static void outbound_revoke(struct owned *owned) {
  struct outbound *x = (struct outbound *)owned;
  bp_error err = BP_ERROR_INIT;
  if (!multi_is_calling()) {
    finish_cancelled(x);
    return;
  }
  x->is_cancelled = true;
  tell_done(x, fail(&err, BP_E_CANCELLED, "the module is being stopped"), 0, &err);
  event_active(&x->wake, EV_TIMEOUT, 0);
}

/* ---- Hops ---- */

static void begin_hop(struct outbound *x) {
  bp_error err = BP_ERROR_INIT;
  if (!hop_start(x))
    finish(x, fail(&err, BP_E_NO_MEMORY, "the request cannot be set up"), 0, &err);
}

static void follow(struct outbound *x) {
  bp_error err = BP_ERROR_INIT;
  char *url = NULL;
  long status = hop_status(x);
  bp_status result = BP_OK;
  curl_api()->easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &url);
  if (++x->redirects > REDIRECTS_MAX)
    result = fail(&err, BP_E_LIMIT, "there are more than %d redirects", REDIRECTS_MAX);
  else
    result = order_follow(&x->order, status, url, &err);
  if (result != BP_OK) {
    finish(x, result, status, &err);
    return;
  }
  hop_drop(x);
  x->received_bytes = 0;
  begin_hop(x);
}

static void on_ended(void *private_data, CURLcode code) {
  struct outbound *x = private_data;
  bp_error err = BP_ERROR_INIT;
  if (x->is_told)
    outbound_free(x);
  else if (x->is_cancelled)
    finish_cancelled(x);
  else if (code != CURLE_OK)
    finish(x, hop_failure(x, code, &err), hop_status(x), &err);
  else if (x->is_redirect)
    follow(x);
  else
    finish(x, BP_OK, hop_status(x), &err);
}

/* ---- The exchange's own events ---- */

static void arm_timer(struct outbound *x) {
  int64_t now_ms = loop_now_ms(), due_ms = x->active_ms + x->idle_timeout_ms;
  if (x->is_paused)
    due_ms = now_ms + x->idle_timeout_ms;
  if (x->deadline_ms && x->deadline_ms < due_ms)
    due_ms = x->deadline_ms;
  int64_t delay_ms = due_ms > now_ms ? due_ms - now_ms : 1;
  const struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
  evtimer_add(&x->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct outbound *x = arg;
  bp_error err = BP_ERROR_INIT;
  char host[128];
  int64_t now_ms = loop_now_ms();
  bool is_idle = !x->is_paused && now_ms >= x->active_ms + x->idle_timeout_ms;
  bool is_late = x->deadline_ms && now_ms >= x->deadline_ms;
  (void)fd, (void)what;
  if (!is_idle && !is_late) {
    arm_timer(x);
    return;
  }
  order_host(&x->order, host, sizeof(host));
  finish(x, fail(&err, BP_E_TIMEOUT, "\"%s\" %s", host, is_late ? "took longer than allowed in all" : "sent nothing for too long"), 0, &err);
}

static void let_go_on(struct outbound *x) {
  x->is_held = false;
  outbound_touch(x);
  CURLcode code = curl_api()->easy_pause(x->easy, CURLPAUSE_CONT); /* may call on_body */
  if (code == CURLE_OK)
    multi_kick();
  else
    on_ended(x, code);
}

static void on_wake(evutil_socket_t fd, short what, void *arg) {
  struct outbound *x = arg;
  (void)fd, (void)what;
  if (x->is_told)
    outbound_free(x);
  else if (x->is_cancelled)
    finish_cancelled(x);
  else if (!x->easy)
    begin_hop(x);
  else if (x->is_held && !x->is_paused)
    let_go_on(x);
}

/* ---- What plugins call ---- */

static unsigned count_open(const struct plugin *plugin) {
  unsigned count = 0;
  for (const struct owned *item = plugin->registrations; item; item = item->next)
    count += item->revoke == outbound_revoke;
  return count;
}

static void set_times(struct outbound *x, const bp_client_request *request) {
  x->connect_timeout_ms = request->connect_timeout_ms ? request->connect_timeout_ms : CONNECT_TIMEOUT_MS;
  x->idle_timeout_ms = request->idle_timeout_ms ? request->idle_timeout_ms : IDLE_TIMEOUT_MS;
  x->deadline_ms = request->total_timeout_ms ? loop_now_ms() + request->total_timeout_ms : 0;
  x->limit_bytes = request->response_limit_bytes;
  if (x->limit_bytes == 0 && !x->events.chunk)
    x->limit_bytes = COLLECT_LIMIT_BYTES;
}

static bp_status prepare(struct outbound *x, const bp_client_request *request, bp_error *err) {
  bp_status status = order_make(request, &x->order, err);
  if (status != BP_OK)
    return status;
  if (!outbound_charge(x, x->order.body.len))
    return fail(err, BP_E_BUSY, "too much is being sent and collected at the moment");
  x->handle = slots_add(&outbounds, x);
  return x->handle ? BP_OK : fail(err, BP_E_NO_MEMORY, "there is no memory for the request");
}

bp_status outbound_send(struct plugin *plugin, const bp_client_request *request, const bp_client_events *events, void *ctx, bp_exchange *ret,
                        bp_error *err) {
  if (count_open(plugin) >= OUTBOUND_MAX)
    return fail(err, BP_E_BUSY, "plugin \"%s\" has %d requests open already", plugin->id, OUTBOUND_MAX);
  if (!curl_api_load(err))
    return BP_E_UNSUPPORTED;
  struct outbound *x = multi_init(on_ended) ? calloc(1, sizeof(*x)) : NULL;
  if (!x)
    return fail(err, BP_E_NO_MEMORY, "there is no memory for the request");
  x->plugin = plugin;
  x->flags = request->flags;
  x->events = *events;
  x->ctx = ctx;
  evtimer_assign(&x->wake, loop_base(), on_wake, x);
  evtimer_assign(&x->timer, loop_base(), on_timer, x);
  outbound_touch(x);
  set_times(x, request);
  bp_status status = prepare(x, request, err);
  if (status != BP_OK) {
    outbound_free(x);
    return status;
  }
  owned_add(plugin, &x->owned, outbound_revoke);
  event_active(&x->wake, EV_TIMEOUT, 0);
  arm_timer(x);
  if (ret)
    *ret = x->handle;
  return BP_OK;
}

bp_status outbound_pause(bp_exchange handle, bool pauses) {
  struct outbound *x = slots_get(&outbounds, handle);
  if (!x)
    return BP_E_STALE;
  if (x->is_paused && !pauses)
    outbound_touch(x);
  x->is_paused = pauses;
  arm_timer(x);
  if (!pauses && x->is_held)
    event_active(&x->wake, EV_TIMEOUT, 0);
  return BP_OK;
}

bp_status outbound_cancel(bp_exchange handle) {
  struct outbound *x = slots_get(&outbounds, handle);
  if (!x)
    return BP_E_STALE;
  x->is_cancelled = true;
  event_active(&x->wake, EV_TIMEOUT, 0);
  return BP_OK;
}
