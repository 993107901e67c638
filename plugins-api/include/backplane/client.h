/* bp.client/1: outbound HTTP (libcurl on the host's loop): TLS, Unix sockets, streaming both ways, event streams. */
#ifndef BACKPLANE_CLIENT_H
#define BACKPLANE_CLIENT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_CLIENT_1 "bp.client/1"

typedef uint64_t bp_exchange;

typedef struct bp_client_header {
  uint32_t size;
  uint32_t is_secret; /* 1: never logged */
  bp_str name;
  bp_str value;
} bp_client_header;

#define BP_CLIENT_FOLLOW 1u      /* up to 5 redirects, credentials only to the same origin */
#define BP_CLIENT_PUBLIC_ONLY 2u /* refuse loopback, private, link-local and metadata addresses, after name resolution */

typedef struct bp_client_request {
  uint32_t size;
  uint32_t flags; /* BP_CLIENT_* */
  bp_str method;
  bp_str url;         /* http or https, no user information */
  bp_str unix_socket; /* path: connect there instead of to the URL's host */
  bp_array headers;   /* of bp_client_header */
  bp_str body;
  uint32_t connect_timeout_ms; /* 0: 10 s */
  uint32_t idle_timeout_ms;    /* without a byte; 0: 60 s */
  uint32_t total_timeout_ms;   /* 0: none */
  uint32_t reserved;
  uint64_t response_limit_bytes; /* 0: 64 MiB where collected, none where streamed */
} bp_client_request;

typedef struct bp_client_events {
  uint32_t size;
  uint32_t reserved;
  void (*head)(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers); /* may be NULL [main] */
  void (*chunk)(void *ctx, bp_exchange exchange, bp_str bytes);                     /* NULL: collect for `done` [main] */
  /* Exactly once; the handle is stale afterwards. `status` is BP_OK when a response came, whatever its HTTP status. [main] */
  void (*done)(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err);
} bp_client_events;

typedef struct bp_client_1 {
  uint32_t size;
  /* Starts a request; copies its inputs. BP_E_BUSY beyond 256 open ones a plugin. [main] */
  bp_status (*send)(bp_plugin self, const bp_client_request *request, const bp_client_events *events, void *ctx, bp_exchange *ret, bp_error *err);
  bp_status (*pause)(bp_exchange exchange, uint32_t paused); /* stops delivery of chunks, with back-pressure to the peer */
  bp_status (*cancel)(bp_exchange exchange);                 /* `done` follows with BP_E_CANCELLED */
} bp_client_1;

#ifdef __cplusplus
}
#endif

#endif
