/* bp.loop/1: timers, file descriptors and worker threads on the host's event loop.
 *
 * Everything registered here belongs to the plugin generation and is revoked when it drains: no callback runs after
 * `drain` has completed, and running workers are joined first. */
#ifndef BACKPLANE_LOOP_H
#define BACKPLANE_LOOP_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_LOOP_1 "bp.loop/1"

#define BP_FD_READ 1u
#define BP_FD_WRITE 2u

typedef void (*bp_timer_fn)(void *ctx, bp_timer timer);                          /* [main] */
typedef void (*bp_fd_fn)(void *ctx, bp_fd_watch watch, int32_t fd, uint32_t ev); /* [main]; ev: BP_FD_* bits */
typedef void (*bp_post_fn)(void *ctx);                                           /* [main] */
typedef void (*bp_work_fn)(void *ctx);                                           /* [worker] */
/* After the work; `status` is BP_OK, or BP_E_CANCELLED where it never ran. Runs even while draining, so free ctx here. [main] */
typedef void (*bp_work_done_fn)(void *ctx, bp_status status);

typedef struct bp_loop_1 {
  uint32_t size;

  /* Calls `fn` after `delay_ms` (>= 0), then every `repeat_ms` (0: once). A timer that fired once is stale. [main] */
  bp_status (*timer)(bp_plugin self, int64_t delay_ms, int64_t repeat_ms, bp_timer_fn fn, void *ctx, bp_timer *ret);
  bp_status (*timer_cancel)(bp_timer timer);

  /* Watches a non-blocking descriptor the plugin owns; level-triggered. Cancel before closing it. [main] */
  bp_status (*fd)(bp_plugin self, int32_t fd, uint32_t events, bp_fd_fn fn, void *ctx, bp_fd_watch *ret);
  bp_status (*fd_events)(bp_fd_watch watch, uint32_t events); /* 0 pauses */
  bp_status (*fd_cancel)(bp_fd_watch watch);

  /* Calls `fn` on main in a later tick. BP_E_BUSY when 4096 posts of this plugin wait; BP_E_STALE when it is draining:
   * then `fn` will never run and ctx stays the caller's. [any] */
  bp_status (*post)(bp_plugin self, bp_post_fn fn, void *ctx);

  /* Runs `work` on a host worker, then `done` on main. Workers are shared: work longer than a second belongs in pieces.
   * BP_E_BUSY when 256 pieces of this plugin wait. [main] */
  bp_status (*work)(bp_plugin self, bp_work_fn work, bp_work_done_fn done, void *ctx);
} bp_loop_1;

#ifdef __cplusplus
}
#endif

#endif
