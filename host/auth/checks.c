/* Host, Origin and Fetch-Metadata checks and the identity of a request; see checks.h. Tokens themselves are in tokens.c. */
#include "auth/checks.h"
#include "auth/tokens.h"
#include "base/str.h"
#include "http/listener.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_PROTOCOL "bp.token."

static const bp_str text_host = BP_STR("this listener answers only to its own address and port; the Host header names another");
static const bp_str text_origin = BP_STR("requests from this origin are not allowed; add it to the allowed origins in the configuration");
static const bp_str text_fetch = BP_STR("requests from another site are not allowed");
static const bp_str text_token = BP_STR("the bearer token is not valid");
static const bp_str text_limited = BP_STR("too many requests with a wrong token; try again in a minute");
static const bp_str text_identity = BP_STR("a bearer token is needed here: send it as \"Authorization: Bearer TOKEN\"");

static struct gate_answer pass(enum auth_verdict verdict) {
  return (struct gate_answer){.verdict = verdict};
}

static struct gate_answer refuse(unsigned status, bp_str text) {
  return (struct gate_answer){AUTH_REFUSE, status, text};
}

bool gate_next_member(bp_str *rest, bp_str *ret) {
  while (rest->len > 0) {
    ptrdiff_t comma = str_find(*rest, ',');
    size_t len = comma < 0 ? rest->len : (size_t)comma;
    *ret = str_trim(bp_str_make(rest->ptr, len));
    size_t used = comma < 0 ? len : len + 1;
    *rest = bp_str_make(rest->ptr + used, rest->len - used);
    if (ret->len > 0)
      return true;
  }
  return false;
}

/* ---- Host ---- */

/* Cuts ":port" off and compares it; a bare host stands for port 80. */
static bool take_port(bp_str *host, uint16_t port) {
  size_t at = host->len;
  unsigned rest = port;
  bool is_same = true;
  do {
    is_same = at > 0 && host->ptr[--at] == (char)('0' + rest % 10);
    rest /= 10;
  } while (is_same && rest > 0);
  if (is_same && at > 0 && host->ptr[at - 1] == ':') {
    host->len = at - 1;
    return true;
  }
  return port == 80 && (host->len == 0 || str_find(*host, ':') < 0 || host->ptr[host->len - 1] == ']');
}

/* An address literal cannot be rebound by DNS, so a listener on all addresses takes any. */
static bool is_address_literal(bp_str host) {
  char text[INET6_ADDRSTRLEN];
  unsigned char address[16];
  bool is_v6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
  bp_str inner = is_v6 ? bp_str_make(host.ptr + 1, host.len - 2) : host;
  if (inner.len >= sizeof(text))
    return false;
  memcpy(text, inner.ptr, inner.len);
  text[inner.len] = '\0';
  return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool is_public_name(const struct http_listener *listener, bp_str host) {
  bp_str address = str_from(listener->address);
  if (str_eq(address, BP_LIT("0.0.0.0")) || str_eq(address, BP_LIT("::")))
    return is_address_literal(host);
  if (str_eq(host, address))
    return true;
  return host.len == address.len + 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']' &&
         str_eq(bp_str_make(host.ptr + 1, address.len), address);
}

bool gate_host_matches(const struct http_listener *listener, bp_str host) {
  if (listener->is_unix)
    return true;
  if (!take_port(&host, listener->port))
    return false;
  if (str_eq(host, BP_LIT("127.0.0.1")) || str_ieq(host, BP_LIT("localhost")) || str_eq(host, BP_LIT("[::1]")))
    return true;
  return listener->is_public && is_public_name(listener, host);
}

/* ---- Origin and Fetch-Metadata ---- */

enum origin { ORIGIN_NONE, ORIGIN_OWN, ORIGIN_LISTED, ORIGIN_FOREIGN };

static enum origin classify_origin(const struct http_exchange *x) {
  bp_str origin;
  if (!exchange_header(x, "Origin", &origin))
    return ORIGIN_NONE;
  if (exchange_header_count(x, "Origin") != 1)
    return ORIGIN_FOREIGN;
  if (gate_origin_is_listed(origin))
    return ORIGIN_LISTED;
  const bp_str scheme = BP_STR("http://");
  if (x->host.len > 0 && str_starts(origin, scheme) && str_eq(bp_str_make(origin.ptr + scheme.len, origin.len - scheme.len), x->host))
    return ORIGIN_OWN;
  return ORIGIN_FOREIGN;
}

/* Programs send no Sec-Fetch-Site; browsers always do, and pages cannot change it. */
static bool fetch_site_passes(const struct http_exchange *x, enum origin origin) {
  bp_str site;
  if (origin == ORIGIN_LISTED || !exchange_header(x, "Sec-Fetch-Site", &site))
    return true;
  if (exchange_header_count(x, "Sec-Fetch-Site") != 1)
    return false;
  return str_eq(site, BP_LIT("same-origin")) || (origin == ORIGIN_NONE && str_eq(site, BP_LIT("none")));
}

static bool is_preflight(const struct http_exchange *x, enum origin origin) {
  bp_str method;
  return x->method == HTTP_OPTIONS && origin != ORIGIN_NONE && exchange_header(x, "Access-Control-Request-Method", &method);
}

/* ---- Identity ---- */

bool gate_is_upgrade(const struct http_exchange *x) {
  bp_str upgrade, member;
  if (!exchange_header(x, "Upgrade", &upgrade))
    return false;
  while (gate_next_member(&upgrade, &member))
    if (str_ieq(member, BP_LIT("websocket")))
      return true;
  return false;
}

/* The token sent with the request, if any. Never from the query: that ends up in logs and histories. */
static bool token_of(const struct http_exchange *x, bp_str *ret) {
  const bp_str scheme = BP_STR("Bearer ");
  bp_str value, member;
  if (exchange_header(x, "Authorization", &value) && value.len > scheme.len && str_ieq(bp_str_make(value.ptr, scheme.len), scheme)) {
    *ret = str_trim(bp_str_make(value.ptr + scheme.len, value.len - scheme.len));
    return true;
  }
  if (!gate_is_upgrade(x) || !exchange_header(x, "Sec-WebSocket-Protocol", &value))
    return false;
  while (gate_next_member(&value, &member))
    if (str_starts(member, BP_LIT(TOKEN_PROTOCOL))) {
      *ret = bp_str_make(member.ptr + sizeof(TOKEN_PROTOCOL) - 1, member.len - (sizeof(TOKEN_PROTOCOL) - 1));
      return true;
    }
  return false;
}

/* Whoever forwards requests is not the one who made them. */
static bool is_forwarded(const struct http_exchange *x) {
  const bp_str prefix = BP_STR("X-Forwarded-");
  for (uint32_t i = 0; i < x->header_count; i++) {
    bp_str name = x->headers[i].name;
    if (str_ieq(name, BP_LIT("Forwarded")) || str_ieq(name, BP_LIT("Via")))
      return true;
    if (name.len >= prefix.len && str_ieq(bp_str_make(name.ptr, prefix.len), prefix))
      return true;
  }
  return false;
}

/* The host never changes its user, and this is asked for every request. */
static uid_t own_uid(void) {
  static uid_t uid = (uid_t)-1;
  if (uid == (uid_t)-1)
    uid = geteuid();
  return uid;
}

/* The same user, proven by the kernel; root too where the socket's mode let it in. */
static bool peer_is_trusted(const struct http_exchange *x, const struct auth_peer *peer) {
  const struct http_listener *listener = x->listener;
  if (peer == NULL || !peer->is_known || listener->auth != LISTENER_AUTH_PEER || listener->is_public || is_forwarded(x))
    return false;
  return peer->uid == own_uid() || (peer->is_unix && peer->uid == 0);
}

/* Nearly every request names the same user: the text is made once. */
static void name_user(struct auth_identity *who, uid_t uid) {
  static char text[sizeof(who->principal)];
  static uid_t named = (uid_t)-1;
  if (uid != named)
    (void)snprintf(text, sizeof(text), "uid:%lu", (unsigned long)uid);
  named = uid;
  memcpy(who->principal, text, sizeof(text));
}

/* Two credentials are no credential. */
static struct gate_answer identify(struct http_exchange *x, const struct auth_peer *peer) {
  bp_str token;
  if (exchange_header_count(x, "Authorization") > 1)
    return refuse(401, text_token);
  bool is_left = x->listener->leaves_authorization && peer_is_trusted(x, peer);
  if (!is_left && token_of(x, &token)) {
    bool is_limited = false;
    if (token_check(token, &x->who, &is_limited))
      return pass(AUTH_PASS);
    return is_limited ? refuse(429, text_limited) : refuse(401, text_token);
  }
  if (peer_is_trusted(x, peer)) {
    x->who.scopes = SCOPE_READ | SCOPE_WRITE;
    name_user(&x->who, peer->uid);
    return pass(AUTH_PASS);
  }
  return auth_is_public(x) ? pass(AUTH_PASS) : refuse(401, text_identity);
}

bool auth_is_public(const struct http_exchange *x) {
  static const bp_str paths[] = {BP_STR("/"), BP_STR("/health"), BP_STR("/ready")};
  if (x->method != HTTP_GET && x->method != HTTP_HEAD)
    return false;
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
    if (str_eq(x->path, paths[i]))
      return true;
  return x->listener->family != NULL && str_eq(x->path, BP_LIT("/api/info"));
}

struct gate_answer gate_decide(struct http_exchange *x, const struct auth_peer *peer) {
  x->who = (struct auth_identity){0};
  if (exchange_header_count(x, "Host") > 1 || !gate_host_matches(x->listener, x->host))
    return refuse(421, text_host);
  enum origin origin = classify_origin(x);
  if (origin == ORIGIN_FOREIGN)
    return refuse(403, text_origin);
  if (!fetch_site_passes(x, origin))
    return refuse(403, text_fetch);
  x->who.origin_allowed = origin != ORIGIN_NONE;
  if (is_preflight(x, origin))
    return pass(AUTH_PREFLIGHT);
  bool origin_allowed = x->who.origin_allowed;
  struct gate_answer answer = identify(x, peer);
  x->who.origin_allowed = origin_allowed;
  return answer;
}
