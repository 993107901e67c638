/* The optional password (HTTP Basic, RFC 7617) and the headers that keep browsers careful. The host has already checked who connects
 * and from which page. */
#include "monitor.h"

#include <string.h>
#include <strings.h>

#define CREDENTIAL_BYTES 1024

static int base64_value(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

/* The decoded length, or -1 for what is no base64 (RFC 4648 section 4) or too long. */
static ptrdiff_t base64_decode(bp_str text, unsigned char out[CREDENTIAL_BYTES]) {
  uint32_t bits = 0;
  size_t have = 0, len = 0;
  while (text.len > 0 && text.ptr[text.len - 1] == '=')
    text.len--;
  for (size_t i = 0; i < text.len; i++) {
    int value = base64_value(text.ptr[i]);
    if (value < 0 || len == CREDENTIAL_BYTES)
      return -1;
    bits = bits << 6 | (uint32_t)value;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out[len++] = (unsigned char)(bits >> have);
    }
  }
  return (ptrdiff_t)len;
}

/* Without an early end: the time says nothing about where they differ. */
static bool is_same(const unsigned char *sent, size_t sent_len, bp_str user, bp_str password) {
  unsigned char wanted[CREDENTIAL_BYTES] = {0}, given[CREDENTIAL_BYTES] = {0};
  size_t len = user.len + 1 + password.len;
  if (len > sizeof(wanted))
    return false;
  memcpy(wanted, user.ptr, user.len);
  wanted[user.len] = ':';
  if (password.len)
    memcpy(wanted + user.len + 1, password.ptr, password.len);
  memcpy(given, sent, sent_len);
  unsigned char difference = len != sent_len;
  for (size_t i = 0; i < sizeof(wanted); i++)
    difference |= wanted[i] ^ given[i];
  return difference == 0;
}

bool guard_matches(bp_str header, bp_str username, bp_str password) {
  unsigned char decoded[CREDENTIAL_BYTES];
  ptrdiff_t len = base64_decode(bp_str_make(header.ptr + 6, header.len - 6), decoded);
  return len >= 0 && is_same(decoded, (size_t)len, username, password);
}

void guard_headers(const struct monitor *m, bp_request request) {
  static const struct {
    bp_str name, value;
  } headers[] = {
      {BP_STR("X-Content-Type-Options"), BP_STR("nosniff")},
      {BP_STR("X-Frame-Options"), BP_STR("DENY")},
      {BP_STR("X-XSS-Protection"), BP_STR("1; mode=block")},
      {BP_STR("Content-Security-Policy"), BP_STR("default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
                                                 "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'")},
  };
  for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
    m->http->header_add(request, headers[i].name, headers[i].value);
}

static bool refuse(const struct monitor *m, bp_request request, bp_str sentence) {
  m->http->header_add(request, BP_LIT("WWW-Authenticate"), BP_LIT("Basic"));
  kit_problem(m->http, request, 401, sentence);
  return false;
}

bool guard_pass(const struct monitor *m, bp_request request) {
  bp_str header, username = {NULL, 0}, password = {NULL, 0};
  guard_headers(m, request);
  m->config->string(m->self, BP_LIT("dashboard_username"), &username);
  m->config->string(m->self, BP_LIT("dashboard_password"), &password);
  if (username.len == 0 || password.len == 0)
    return true;
  if (m->http->header(request, BP_LIT("Authorization"), &header) != BP_OK || header.len < 6 || strncasecmp(header.ptr, "Basic ", 6) != 0)
    return refuse(m, request, BP_LIT("Authentication required"));
  return guard_matches(header, username, password) || refuse(m, request, BP_LIT("Invalid credentials"));
}
