/* Outbound requests; see outbound.h.
 *
 * Plugins are called from curl's callbacks (head, chunk) and from the loop (done). What they ask for meanwhile (pause, cancel)
 * is only noted; the exchange's own event acts on it in the next tick. Redirects are followed here and not by curl, so that
 * every hop is checked and credentials are dropped in one place. */
#include "client/outbound.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/slots.h"
#include "base/str.h"
#include "client/address.h"
#include "client/head.h"
#include "client/multi.h"
#include "client/order.h"
#include "loop/loop.h"

#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDIRECTS_MAX 5
#define CONNECT_TIMEOUT_MS 10000u
#define IDLE_TIMEOUT_MS 60000u
#define COLLECT_LIMIT_BYTES ((uint64_t)64 * 1024 * 1024)

struct outbound {
  struct owned owned;
  struct plugin *plugin;
  bp_exchange handle;
  struct order order;
  uint32_t flags;
  uint32_t connect_timeout_ms, idle_timeout_ms;
  int64_t deadline_ms;  /* 0: none */
  uint64_t limit_bytes; /* 0: none */
  bp_client_events events;
  void *ctx;

  CURL *easy; /* NULL before the start and between hops */
  struct curl_slist *headers;
  char error_text[CURL_ERROR_SIZE];
  struct event wake;  /* something was asked for */
  struct event timer; /* the idle and the total time-out */
  int64_t active_ms;
  curl_off_t sent_bytes;

  struct head head;
  struct buf collected;
  uint64_t received_bytes;
  uint64_t charged_bytes;
  unsigned redirects;
  bool is_redirect;        /* the response at hand is followed: its body is nobody's */
  bool is_paused, is_held; /* held: curl keeps a chunk back */
  bool is_cancelled, is_told;
  bool was_address_refused;
  bp_status failure; /* why a callback ended the transfer */
};

static struct slots outbounds;
static uint64_t bytes_of_all;

/* ---- The end ---- */

static bool charge(struct outbound *x, uint64_t bytes) {
  if (bytes > OUTBOUND_BYTES_MAX - bytes_of_all)
    return false;
  bytes_of_all += bytes;
  x->charged_bytes += bytes;
  return true;
}

static void drop_transfer(struct outbound *x) {
  if (x->easy) {
    multi_remove(x->easy);
    curl_api()->easy_cleanup(x->easy);
  }
  curl_api()->slist_free_all(x->headers);
  x->easy = NULL;
  x->headers = NULL;
}

static void outbound_free(struct outbound *x) {
  drop_transfer(x);
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
  drop_transfer(x);
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

/* ---- What curl calls ---- */

static void touch(struct outbound *x) {
  x->active_ms = loop_now_ms();
}

static long status_of(const struct outbound *x) {
  long status = 0;
  curl_api()->easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

static bool is_redirect(const struct outbound *x, long status) {
  bool leads_on = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  return leads_on && x->head.has_location && (x->flags & BP_CLIENT_FOLLOW);
}

static bool tell_head(struct outbound *x, long status) {
  struct culprit frame;
  bp_array headers;
  if (!x->events.head)
    return true;
  bp_client_header *list = head_list(&x->head, &headers);
  if (!list) {
    x->failure = BP_E_NO_MEMORY;
    return false;
  }
  culprit_enter(&frame, x->plugin, "client head", BP_LIT(""));
  x->events.head(x->ctx, x->handle, (uint32_t)status, headers);
  culprit_leave(&frame);
  free(list);
  return !x->is_cancelled;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
  struct outbound *x = arg;
  size_t bytes = size * count;
  touch(x);
  enum head_line line = head_take(&x->head, bp_str_make(data, bytes));
  if (line == HEAD_IS_TOO_LARGE)
    x->failure = BP_E_LIMIT;
  if (x->is_cancelled || line == HEAD_IS_TOO_LARGE)
    return 0;
  if (line == HEAD_GOES_ON)
    return bytes;
  long status = status_of(x);
  x->is_redirect = is_redirect(x, status);
  return status < 200 || x->is_redirect || tell_head(x, status) ? bytes : 0;
}

static bool collect(struct outbound *x, bp_str bytes) {
  if (!charge(x, bytes.len)) {
    x->failure = BP_E_BUSY;
    return false;
  }
  buf_append_str(&x->collected, bytes);
  if (x->collected.failed)
    x->failure = BP_E_NO_MEMORY;
  return !x->collected.failed;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
  struct outbound *x = arg;
  struct culprit frame;
  bp_str bytes = bp_str_make(data, size * count);
  touch(x);
  if (x->is_cancelled)
    return CURL_WRITEFUNC_ERROR;
  if (x->is_paused && !x->is_redirect) {
    x->is_held = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  x->received_bytes += bytes.len;
  if (x->limit_bytes && x->received_bytes > x->limit_bytes) {
    x->failure = BP_E_LIMIT;
    return CURL_WRITEFUNC_ERROR;
  }
  if (x->is_redirect)
    return bytes.len;
  if (!x->events.chunk)
    return collect(x, bytes) ? bytes.len : CURL_WRITEFUNC_ERROR;
  culprit_enter(&frame, x->plugin, "client chunk", BP_LIT(""));
  x->events.chunk(x->ctx, x->handle, bytes);
  culprit_leave(&frame);
  return x->is_cancelled ? CURL_WRITEFUNC_ERROR : bytes.len;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t send_total, curl_off_t sent) {
  struct outbound *x = arg;
  (void)total, (void)now, (void)send_total;
  if (sent != x->sent_bytes)
    touch(x);
  x->sent_bytes = sent;
  return x->is_cancelled;
}

/* The address is the resolved one that is about to be connected to: no name can hide it. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
  struct outbound *x = arg;
  (void)purpose;
  if ((x->flags & BP_CLIENT_PUBLIC_ONLY) && !address_is_public(&address->addr)) {
    x->was_address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

/* ---- One hop ---- */

#define SET(option, value) (is_set = is_set && curl_api()->easy_setopt(x->easy, CURLOPT_##option, (value)) == CURLE_OK)

static bool set_limits(struct outbound *x) {
  bool is_set = true;
  SET(NOSIGNAL, 1L);
  SET(QUICK_EXIT, 1L); /* a name that resolves for ever must not hold up the loop when it is given up */
  SET(PROTOCOLS_STR, "http,https");
  SET(FOLLOWLOCATION, 0L);
  SET(PROXY, "");
  SET(NOPROXY, "*");
  SET(SSL_VERIFYPEER, 1L);
  SET(SSL_VERIFYHOST, 2L);
  SET(CONNECTTIMEOUT_MS, (long)x->connect_timeout_ms);
  SET(TCP_KEEPALIVE, 1L);
  if (x->flags & BP_CLIENT_PUBLIC_ONLY) {
    SET(FRESH_CONNECT, 1L); /* a connection at hand may lead to an address that is not public */
    SET(FORBID_REUSE, 1L);
  }
  return is_set;
}

static bool set_callbacks(struct outbound *x) {
  bool is_set = true;
  SET(PRIVATE, x);
  SET(ERRORBUFFER, x->error_text);
  SET(HEADERFUNCTION, on_header);
  SET(HEADERDATA, x);
  SET(WRITEFUNCTION, on_body);
  SET(WRITEDATA, x);
  SET(NOPROGRESS, 0L);
  SET(XFERINFOFUNCTION, on_progress);
  SET(XFERINFODATA, x);
  if (!x->order.unix_socket) {
    SET(OPENSOCKETFUNCTION, open_socket);
    SET(OPENSOCKETDATA, x);
  }
  return is_set;
}

static bool set_order(struct outbound *x) {
  bool is_set = true;
  const struct order *order = &x->order;
  SET(URL, order->url);
  if (order->unix_socket)
    SET(UNIX_SOCKET_PATH, order->unix_socket);
  if (order->has_body) {
    SET(POSTFIELDSIZE_LARGE, (curl_off_t)order->body.len);
    SET(POSTFIELDS, order->body.len ? order->body.data : "");
  }
  if (strcmp(order->method, "HEAD") == 0)
    SET(NOBODY, 1L);
  else
    SET(CUSTOMREQUEST, order->method);
  SET(HTTPHEADER, x->headers);
  return is_set;
}

static bool start_hop(struct outbound *x) {
  head_clear(&x->head);
  x->is_redirect = false;
  x->sent_bytes = 0;
  touch(x);
  x->headers = order_headers(&x->order);
  CURL *easy = curl_api()->easy_init();
  x->easy = easy;
  if (x->headers && easy && set_limits(x) && set_callbacks(x) && set_order(x) && multi_add(easy))
    return true;
  if (easy)
    curl_api()->easy_cleanup(easy);
  x->easy = NULL;
  return false;
}

static void begin_hop(struct outbound *x) {
  bp_error err = BP_ERROR_INIT;
  if (!start_hop(x))
    finish(x, fail(&err, BP_E_NO_MEMORY, "the request cannot be set up"), 0, &err);
}

/* ---- How a hop ends ---- */

static bp_status fail_by_us(struct outbound *x, const char *host, bp_error *err) {
  switch (x->failure) {
  case BP_E_LIMIT:
    return fail(err, BP_E_LIMIT, "the response of \"%s\" is larger than allowed", host);
  case BP_E_BUSY:
    return fail(err, BP_E_BUSY, "the response of \"%s\" does not fit beside those being collected", host);
  default:
    return fail(err, x->failure, "there is no memory for the response of \"%s\"", host);
  }
}

static bp_status fail_by_curl(struct outbound *x, CURLcode code, bp_error *err) {
  char host[128];
  const char *text = x->error_text[0] ? x->error_text : curl_api()->easy_strerror(code);
  order_host(&x->order, host, sizeof(host));
  if (x->failure != BP_OK)
    return fail_by_us(x, host, err);
  if (x->was_address_refused && (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK))
    return fail(err, BP_E_DENIED, "\"%s\" is not at a public address", host);
  if (code == CURLE_OPERATION_TIMEDOUT)
    return fail(err, BP_E_TIMEOUT, "\"%s\" did not answer in time", host);
  if (code == CURLE_OUT_OF_MEMORY)
    return fail(err, BP_E_NO_MEMORY, "there is no memory for the request");
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR)
    return fail(err, BP_E_DENIED, "the certificate of \"%s\" is not trusted: %s", host, text);
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
    return fail(err, BP_E_PARSE, "\"%s\" does not answer as HTTP does: %s", host, text);
  return fail(err, BP_E_IO, "the request to \"%s\" failed: %s", host, text);
}

static void follow(struct outbound *x) {
  bp_error err = BP_ERROR_INIT;
  char *url = NULL;
  long status = status_of(x);
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
  drop_transfer(x);
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
    finish(x, fail_by_curl(x, code, &err), status_of(x), &err);
  else if (x->is_redirect)
    follow(x);
  else
    finish(x, BP_OK, status_of(x), &err);
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
  touch(x);
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
  if (!charge(x, x->order.body.len))
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
  touch(x);
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
    touch(x);
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
