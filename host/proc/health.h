/* Probing whether a running child is healthy: connects to its port on loopback, for HTTP asks and reads the status. Never blocks:
 * one socket and one timer of the loop at a time. Whoever runs the child says when it starts and ends. Main thread. */
#ifndef HOST_PROC_HEALTH_H
#define HOST_PROC_HEALTH_H

#include <backplane/proc.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

struct health_plan {
  uint32_t kind, port, interval_ms, timeout_ms, failures, start_ms, restarts;
  char *path;
};

/* Checks and copies; NULL is a plan without a probe. BP_E_INVALID with what is wrong. */
bp_status health_plan_copy(const bp_proc_probe *given, struct health_plan *ret, bp_error *err);
void health_plan_release(struct health_plan *plan);

typedef void (*health_fn)(void *ctx, uint32_t state, bp_str reason);

struct health {
  const struct health_plan *plan; /* NULL: not probing */
  health_fn changed;
  void *ctx;
  uint32_t state; /* BP_HEALTH_* */
  uint32_t failures;
  int64_t started_ms;
  int fd; /* of the probe that runs, or -1 */
  bool is_v6, is_sent;
  char answer[16]; /* "HTTP/1.1 200" */
  size_t answer_len;
  struct event io, timer; /* timer: the end of the probe that runs, or the next one */
};

void health_init(struct health *health, health_fn changed, void *ctx);
/* The child has started; `plan` stays with the caller until health_end. */
void health_begin(struct health *health, const struct health_plan *plan);
/* The child is being stopped, or has ended. The state is unknown again. */
void health_end(struct health *health);

#endif
