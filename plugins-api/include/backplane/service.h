/* bp.service/1: asynchronous messages between plugins by service name; no function pointer of another plugin is ever held. */
#ifndef BACKPLANE_SERVICE_H
#define BACKPLANE_SERVICE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_SERVICE_1 "bp.service/1"

typedef uint64_t bp_service_call; /* one call until it is answered */

/* `payload` is JSON text, borrowed. Answer now or later with `answer`, exactly once. [main] */
typedef void (*bp_service_fn)(void *ctx, bp_service_call call, bp_str method, bp_str payload);
/* `payload` is the answer's JSON text, or for a failure the error's message. [main] */
typedef void (*bp_service_done_fn)(void *ctx, bp_status status, bp_str payload);

typedef struct bp_service_1 {
  uint32_t size;
  /* Answers calls to a name of the descriptor's `provides`. Revoked on drain: open calls end with BP_E_CANCELLED. [main] */
  bp_status (*serve)(bp_plugin self, bp_str name, bp_service_fn fn, void *ctx);
  bp_status (*answer)(bp_service_call call, bp_status status, bp_str payload); /* copies [any] */
  /* Calls a service. Delivered in a later tick; `done` runs exactly once: BP_E_NOT_FOUND nobody serves the name, BP_E_TIMEOUT,
   * BP_E_CANCELLED. `timeout_ms` 0: 30 s. At most 1024 open calls a plugin: BP_E_BUSY. Payloads up to 16 MiB. [main] */
  bp_status (*call)(bp_plugin self, bp_str name, bp_str method, bp_str payload, uint32_t timeout_ms, bp_service_done_fn done, void *ctx);
} bp_service_1;

#ifdef __cplusplus
}
#endif

#endif
