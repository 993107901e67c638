/* WebSocket handshake; see ws_handshake.h. */
#include "live/ws_handshake.h"

#include "base/str.h"
#include "live/sha1.h"

#include <sodium.h>
#include <string.h>

#define KEY_BYTES 16
#define KEY_TEXT 24
#define ACCEPT_TEXT 29 /* base64 of 20 bytes, and a NUL */

/* Calls `each` for the members of a comma list header, over all its lines, until it returns true. */
static bool each_token(const struct http_exchange *x, const char *name, bool (*each)(void *ctx, bp_str token), void *ctx) {
  bp_str wanted = str_from(name);
  for (uint32_t i = 0; i < x->header_count; i++) {
    bp_str rest = x->headers[i].value;
    if (!str_ieq(x->headers[i].name, wanted))
      continue;
    while (rest.len) {
      ptrdiff_t comma = str_find(rest, ',');
      size_t len = comma < 0 ? rest.len : (size_t)comma;
      bp_str token = str_trim(bp_str_make(rest.ptr, len));
      if (token.len && each(ctx, token))
        return true;
      size_t skip = comma < 0 ? len : len + 1;
      rest = bp_str_make(rest.ptr + skip, rest.len - skip);
    }
  }
  return false;
}

static bool is_same_word(void *ctx, bp_str token) {
  return str_ieq(token, *(const bp_str *)ctx);
}

static bool has_word(const struct http_exchange *x, const char *name, bp_str word) {
  return each_token(x, name, is_same_word, &word);
}

static bool key_is_good(const struct http_exchange *x) {
  bp_str key;
  unsigned char bytes[KEY_BYTES + 1];
  size_t len;
  return exchange_header_count(x, "Sec-WebSocket-Key") == 1 && exchange_header(x, "Sec-WebSocket-Key", &key) && key.len == KEY_TEXT &&
         sodium_base642bin(bytes, sizeof(bytes), key.ptr, key.len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 && len == KEY_BYTES;
}

static bool version_is_good(const struct http_exchange *x) {
  bp_str version;
  return exchange_header_count(x, "Sec-WebSocket-Version") == 1 && exchange_header(x, "Sec-WebSocket-Version", &version) &&
         str_eq(version, BP_LIT("13"));
}

unsigned ws_handshake_check(const struct http_exchange *x, bp_str *ret_text) {
  *ret_text = BP_LIT("the request is no websocket handshake: GET with Upgrade: websocket and Connection: Upgrade on HTTP/1.1 is needed");
  if (x->method != HTTP_GET || x->is_http10 || x->has_body)
    return 400;
  if (!has_word(x, "Upgrade", BP_LIT("websocket")) || !has_word(x, "Connection", BP_LIT("upgrade")))
    return 400;
  *ret_text = BP_LIT("Sec-WebSocket-Key must be 16 bytes in base64");
  if (!key_is_good(x))
    return 400;
  *ret_text = BP_LIT("only websocket version 13 is spoken");
  return version_is_good(x) ? 0 : 426;
}

/* ---- Protocols ---- */

struct offers {
  bp_str wanted;
  bool has_wanted;
  bool has_plain; /* "bp" */
  bool has_other; /* neither "bp" nor a token */
};

static bool look_at_offer(void *ctx, bp_str token) {
  struct offers *offers = ctx;
  if (str_eq(token, offers->wanted))
    offers->has_wanted = true;
  if (str_eq(token, BP_LIT("bp")))
    offers->has_plain = true;
  else if (!str_starts(token, BP_LIT("bp.token.")))
    offers->has_other = true;
  return false;
}

bool ws_handshake_protocol(const struct http_exchange *x, bp_str wanted, bp_str *ret) {
  struct offers offers = {.wanted = wanted};
  each_token(x, "Sec-WebSocket-Protocol", look_at_offer, &offers);
  *ret = wanted;
  if (wanted.len)
    return offers.has_wanted && !str_starts(wanted, BP_LIT("bp.token."));
  if (offers.has_plain && !offers.has_other)
    *ret = BP_LIT("bp");
  return true;
}

/* ---- Answers ---- */

static void accept_value(bp_str key, char value[ACCEPT_TEXT]) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  char text[KEY_TEXT + sizeof(guid) - 1];
  unsigned char digest[SHA1_BYTES];
  memcpy(text, key.ptr, KEY_TEXT);
  memcpy(text + KEY_TEXT, guid, sizeof(guid) - 1);
  sha1(text, sizeof(text), digest);
  sodium_bin2base64(value, ACCEPT_TEXT, digest, sizeof(digest), sodium_base64_VARIANT_ORIGINAL);
}

/* "Connection: Upgrade" is the wire's. */
void ws_handshake_headers(struct http_exchange *x, bp_str protocol) {
  bp_str key = {0};
  char value[ACCEPT_TEXT];
  exchange_header(x, "Sec-WebSocket-Key", &key);
  accept_value(key, value);
  exchange_header_add(x, BP_LIT("Upgrade"), BP_LIT("websocket"));
  exchange_header_add(x, BP_LIT("Sec-WebSocket-Accept"), str_from(value));
  if (protocol.len)
    exchange_header_add(x, BP_LIT("Sec-WebSocket-Protocol"), protocol);
}

void ws_handshake_refusal_headers(struct http_exchange *x) {
  exchange_header_add(x, BP_LIT("Upgrade"), BP_LIT("websocket"));
  exchange_header_add(x, BP_LIT("Sec-WebSocket-Version"), BP_LIT("13"));
}
