/* Finding the running server for a call, or starting it: which instance serves whom, how many there may be, and the breaker. */
#include "instance.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

struct instance *instance_of(const struct server *server, const struct session *session) {
  if (!session || !session_is_private(session))
    return server->main && server->main->phase != INSTANCE_ENDING ? server->main : NULL;
  for (struct instance *i = server->m->instances; i; i = i->next)
    if (i->server == server && i->owner == session && i->phase != INSTANCE_ENDING)
      return i;
  return NULL;
}

/* A request of the hub's own, such as reading a list once more, is none. */
static bool has_call(const struct instance *i) {
  const struct pending *at = i->pending;
  while (at && !at->call)
    at = at->next;
  return at != NULL;
}

/* Nobody is served or about to be. */
bool instance_is_unused(const struct instance *i) {
  return i->phase == INSTANCE_READY && !i->is_wanted && !i->waiters && !i->subscriptions && !i->asks && !has_call(i);
}

/* Room for one more: the one that has been idle longest goes. */
static bool make_room(struct mcp *m) {
  struct instance *idlest = NULL;
  if (m->instance_count < (unsigned)m->instances_most)
    return true;
  for (struct instance *i = m->instances; i; i = i->next)
    if (instance_is_unused(i) && (!idlest || i->used_ms < idlest->used_ms))
      idlest = i;
  if (idlest)
    instance_stop(idlest, "another server needed its place");
  return idlest != NULL;
}

static const char *refusal(struct server *server) {
  struct mcp *m = server->m;
  static char text[300];
  if (m->is_draining || server->is_deleted)
    return "the server is being stopped";
  if (server->failures > 0 && now_ms(m) * 1000000 < server->retry_at_ns) {
    snprintf(text, sizeof(text), "server \"%.64s\" failed and is left alone for a moment: %.180s", server->id, server->failure);
    return text;
  }
  return make_room(m) ? NULL : "too many servers run (processes_max) and all are in use";
}

void wake(struct server *server, struct session *session, woken_fn done, void *ctx) {
  struct mcp *m = server->m;
  bool is_private = session && session_is_private(session);
  struct instance *instance = instance_of(server, session);
  if (instance && instance->phase == INSTANCE_READY) {
    done(ctx, instance, NULL);
    return;
  }
  if (instance && instance->is_silent) {
    done(ctx, NULL, "the server runs, but did not answer initialize: it is no MCP server");
    return;
  }
  struct waiter *waiter = calloc(1, sizeof(*waiter));
  const char *failure = !waiter ? "out of memory" : instance ? NULL : refusal(server);
  if (!failure && !instance && !(instance = instance_new(server, is_private ? session : NULL)))
    failure = "out of memory";
  if (failure) {
    free(waiter);
    done(ctx, NULL, failure);
    return;
  }
  *waiter = (struct waiter){.next = instance->waiters, .done = done, .ctx = ctx};
  instance->waiters = waiter;
  instance_begin_queued(m);
}

void wake_cancel(struct mcp *m, const void *ctx) {
  for (struct instance *i = m->instances; i; i = i->next)
    for (struct waiter **at = &i->waiters; *at;) {
      struct waiter *waiter = *at;
      if (waiter->ctx != ctx) {
        at = &waiter->next;
        continue;
      }
      *at = waiter->next;
      free(waiter);
    }
}

struct instance *wake_by_hand(struct server *server, woken_fn done, void *ctx, const char **ret_failure) {
  struct instance *instance = instance_of(server, NULL);
  struct waiter *waiter = calloc(1, sizeof(*waiter));
  server->failures = 0; /* who starts it by hand wants to see it fail */
  *ret_failure = !waiter ? "out of memory" : instance ? NULL : refusal(server);
  if (!*ret_failure && !instance && !(instance = instance_new(server, NULL)))
    *ret_failure = "out of memory";
  if (*ret_failure) {
    free(waiter);
    return NULL;
  }
  *waiter = (struct waiter){.next = instance->starters, .done = done, .ctx = ctx};
  instance->starters = waiter;
  instance->is_wanted = true;
  instance_begin_queued(server->m);
  return instance;
}
