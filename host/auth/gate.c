/* The gate as the router sees it, the list of allowed origins, and the CORS headers. The decision itself is in checks.c. */
#include "auth/gate.h"
#include "auth/checks.h"
#include "auth/tokens.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/chars.h"
#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

#define PREFLIGHT_AGE_S "600"
/* Names a preflight may ask for; a page that needs more has something else in mind. */
#define ALLOWED_HEADERS_MAX 64

static struct {
  char **items;
  uint32_t count;
} origins;

enum auth_verdict auth_gate(struct http_exchange *x, unsigned *ret_status, bp_str *ret_text) {
  LOOP_MAIN();
  struct gate_answer answer = gate_decide(x, http_peer(x));
  if (answer.verdict == AUTH_REFUSE) {
    if (answer.status == 401)
      exchange_header_add(x, BP_LIT("WWW-Authenticate"), BP_LIT("Bearer"));
    *ret_status = answer.status;
    *ret_text = answer.text;
  }
  return answer.verdict;
}

/* ---- Origins ---- */

/* Browsers send scheme://host[:port], lower case, nothing behind it. */
static bool can_be_an_origin(bp_str origin) {
  bool has_scheme = str_starts(origin, BP_LIT("http://")) || str_starts(origin, BP_LIT("https://"));
  size_t slashes = 0;
  for (size_t i = 0; i < origin.len; i++) {
    unsigned char c = (unsigned char)origin.ptr[i];
    if (c <= ' ' || c >= 0x7F || c == '*' || c == ',' || (c >= 'A' && c <= 'Z'))
      return false;
    slashes += c == '/';
  }
  return has_scheme && slashes == 2 && origin.ptr[origin.len - 1] != '/';
}

static void origins_clear(void) {
  for (uint32_t i = 0; i < origins.count; i++)
    free(origins.items[i]);
  free(origins.items);
  origins.items = NULL;
  origins.count = 0;
}

void auth_set_origins(const bp_str *list, uint32_t count) {
  origins_clear();
  origins.items = mem_array(count > 0 ? count : 1, sizeof(*origins.items));
  for (uint32_t i = 0; i < count; i++) {
    if (can_be_an_origin(list[i]))
      origins.items[origins.count++] = str_dupz(list[i]);
    else
      log_warn("auth", "origin \"%.*s\" is ignored: write it as a browser sends it, like http://localhost:5173", (int)list[i].len, list[i].ptr);
  }
}

bool gate_origin_is_listed(bp_str origin) {
  for (uint32_t i = 0; i < origins.count; i++)
    if (str_eq(origin, str_from(origins.items[i])))
      return true;
  return false;
}

/* ---- CORS ---- */

static void allow_asked_headers(struct http_exchange *x) {
  bp_str asked, name;
  struct buf names = {0};
  if (!exchange_header(x, "Access-Control-Request-Headers", &asked))
    return;
  for (int i = 0; i < ALLOWED_HEADERS_MAX && gate_next_member(&asked, &name); i++) {
    if (!char_is_token(name) || str_eq(name, BP_LIT("*")))
      continue;
    if (names.len > 0)
      buf_append_z(&names, ", ");
    buf_append_str(&names, name);
  }
  if (names.len > 0 && !names.failed)
    exchange_header_add(x, BP_LIT("Access-Control-Allow-Headers"), buf_str(&names));
  buf_release(&names);
}

static void answer_preflight(struct http_exchange *x) {
  bp_str value;
  exchange_header_add(x, BP_LIT("Access-Control-Allow-Methods"), BP_LIT("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
  allow_asked_headers(x);
  exchange_header_add(x, BP_LIT("Access-Control-Max-Age"), BP_LIT(PREFLIGHT_AGE_S));
  if (exchange_header(x, "Access-Control-Request-Private-Network", &value) && str_eq(value, BP_LIT("true")))
    exchange_header_add(x, BP_LIT("Access-Control-Allow-Private-Network"), BP_LIT("true"));
}

void auth_cors_headers(struct http_exchange *x, bool credentials, bool is_preflight) {
  bp_str origin;
  if (!x->who.origin_allowed || !exchange_header(x, "Origin", &origin))
    return;
  exchange_header_add(x, BP_LIT("Access-Control-Allow-Origin"), origin);
  exchange_header_add(x, BP_LIT("Vary"),
                      is_preflight ? BP_LIT("Origin, Access-Control-Request-Method, Access-Control-Request-Headers") : BP_LIT("Origin"));
  if (credentials)
    exchange_header_add(x, BP_LIT("Access-Control-Allow-Credentials"), BP_LIT("true"));
  if (is_preflight)
    answer_preflight(x);
}

/* ---- Start and end ---- */

bp_status auth_init(const char *state_dir, bp_error *err) {
  return tokens_open(state_dir, err);
}

void auth_release(void) {
  tokens_close();
  origins_clear();
}
