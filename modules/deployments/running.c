/* The deployments that have processes now, or are about to. Each is in the list from its start until it has ended for good. */
#include "deployments.h"

#include <stdlib.h>

struct running *running_find(const struct deployments *d, int64_t id) {
  struct running *at = d->running;
  while (at && at->id != id)
    at = at->next;
  return at;
}

struct running *running_make(struct deployments *d, int64_t id) {
  struct running *made = calloc(1, sizeof(*made));
  if (!made)
    return NULL;
  *made = (struct running){.next = d->running, .module = d, .id = id};
  d->running = made;
  return made;
}

static void free_one(struct running *running) {
  for (unsigned i = 0; i < STREAM_COUNT; i++)
    free(running->batches[i].text);
  free(running);
}

void running_drop(struct deployments *d, struct running *running) {
  for (struct running **at = &d->running; *at; at = &(*at)->next)
    if (*at == running) {
      *at = running->next;
      logs_flush(running);
      free_one(running);
      return;
    }
}

void running_release(struct deployments *d) {
  while (d->running) {
    struct running *next = d->running->next;
    free_one(d->running);
    d->running = next;
  }
}
