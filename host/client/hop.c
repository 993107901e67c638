/* One transfer of curl's; see outbound_state.h. Plugins are called from its callbacks (head, chunk). */
#include "base/fail.h"
#include "client/address.h"
#include "client/multi.h"
#include "client/outbound_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- What curl calls ---- */

long hop_status(const struct outbound *x) {
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
  outbound_touch(x);
  enum head_line line = head_take(&x->head, bp_str_make(data, bytes));
  if (line == HEAD_IS_TOO_LARGE)
    x->failure = BP_E_LIMIT;
  if (x->is_cancelled || line == HEAD_IS_TOO_LARGE)
    return 0;
  if (line == HEAD_GOES_ON)
    return bytes;
  long status = hop_status(x);
  x->is_redirect = is_redirect(x, status);
  return status < 200 || x->is_redirect || tell_head(x, status) ? bytes : 0;
}

static bool collect(struct outbound *x, bp_str bytes) {
  if (!outbound_charge(x, bytes.len)) {
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
  outbound_touch(x);
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
    outbound_touch(x);
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

/* ---- Its options ---- */

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

bool hop_start(struct outbound *x) {
  head_clear(&x->head);
  x->is_redirect = false;
  x->sent_bytes = 0;
  outbound_touch(x);
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

void hop_drop(struct outbound *x) {
  if (x->easy) {
    multi_remove(x->easy);
    curl_api()->easy_cleanup(x->easy);
  }
  curl_api()->slist_free_all(x->headers);
  x->easy = NULL;
  x->headers = NULL;
}

/* ---- Why it failed ---- */

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

bp_status hop_failure(struct outbound *x, CURLcode code, bp_error *err) {
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
