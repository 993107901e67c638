/* A request with headers and no connection behind it, for checks that only read. */
#ifndef TESTS_UNIT_ROUTER_FAKE_EXCHANGE_H
#define TESTS_UNIT_ROUTER_FAKE_EXCHANGE_H

#include "base/str.h"
#include "http/exchange.h"

#define FAKE_HEADERS_MAX 8

struct fake_exchange {
  struct http_exchange x;
  struct http_header headers[FAKE_HEADERS_MAX];
};

/* `lines`: name, value, name, value, …, NULL. */
static inline struct http_exchange *fake_exchange(struct fake_exchange *fake, enum http_method method, const char *const *lines) {
  *fake = (struct fake_exchange){.x = {.method = method}};
  fake->x.headers = fake->headers;
  for (; lines[0] != NULL && fake->x.header_count < FAKE_HEADERS_MAX; lines += 2) {
    fake->headers[fake->x.header_count++] = (struct http_header){str_from(lines[0]), str_from(lines[1])};
    fake->x.header_lengths |= header_length_bit(strlen(lines[0]));
  }
  return &fake->x;
}
#define FAKE(fake, method, ...) fake_exchange((fake), (method), (const char *const[]){__VA_ARGS__, NULL})

#endif
