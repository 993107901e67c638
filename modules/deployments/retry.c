/* Starts that nobody waits for and that failed for what may pass, such as a port that is still taken when the host starts: they are tried
 * again with growing pauses for about five minutes, and each pause is said. What a client asks for ends the waiting. */
#include "deployments.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_PAUSE_S 1u
#define LONGEST_PAUSE_S 30u
#define ATTEMPTS_MOST 14u /* 1 + 2 + 4 + 8 + 16 + 9 * 30 seconds */

struct retry *retry_find(const struct deployments *d, int64_t id) {
  struct retry *at = d->retries;
  while (at && at->id != id)
    at = at->next;
  return at;
}

static struct retry *make(struct deployments *d, int64_t id) {
  struct retry *made = calloc(1, sizeof(*made));
  if (!made)
    return NULL;
  *made = (struct retry){.next = d->retries, .module = d, .id = id};
  d->retries = made;
  return made;
}

void retry_drop(struct deployments *d, int64_t id) {
  for (struct retry **at = &d->retries; *at; at = &(*at)->next)
    if ((*at)->id == id) {
      struct retry *gone = *at;
      *at = gone->next;
      if (gone->timer)
        d->loop->timer_cancel(gone->timer);
      free(gone);
      return;
    }
}

void retry_release(struct deployments *d) {
  while (d->retries) {
    struct retry *next = d->retries->next;
    free(d->retries);
    d->retries = next;
  }
}

static void on_pause_over(void *ctx, bp_timer timer) {
  struct retry *retry = ctx;
  (void)timer;
  retry->timer = 0;
  if (!operation_add(retry->module, OPERATION_START, retry->id, 0, NULL))
    retry_drop(retry->module, retry->id);
}

static void say(const struct retry *retry, unsigned pause_s) {
  const struct deployments *d = retry->module;
  char line[MESSAGE_BYTES + 96];
  snprintf(line, sizeof(line), "deployment %lld could not be started, and is tried again in %u s: %s", (long long)retry->id, pause_s, retry->reason);
  d->log->write(d->self, BP_LOG_WARN, str_z(line), (bp_array){NULL, 0, 0});
  event_updated(d, retry->id, "retry", "stopped", NULL);
}

bool retry_later(struct deployments *d, int64_t id, const char *reason) {
  struct retry *retry = retry_find(d, id);
  if (!retry)
    retry = make(d, id);
  if (!retry || d->is_draining)
    return false;
  if (retry->timer)
    return true;
  unsigned pause_s = retry->attempts < 5 ? FIRST_PAUSE_S << retry->attempts : LONGEST_PAUSE_S;
  if (retry->attempts++ == ATTEMPTS_MOST || d->loop->timer(d->self, pause_s * 1000, 0, on_pause_over, retry, &retry->timer) != BP_OK)
    return false;
  retry->at_ms = d->core->now_wall_ns() / 1000000 + (int64_t)pause_s * 1000;
  snprintf(retry->reason, sizeof(retry->reason), "%s", reason);
  say(retry, pause_s);
  return true;
}
