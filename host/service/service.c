/* Services and open calls; see service.h.
 *
 * A call ends once: who takes its handle out of the table (an answer, the time-out, the caller's drain) ends it. Its memory
 * stays until the posts that name it have run. */
#include "service/service.h"
#include "base/mem.h"
#include "base/slots.h"
#include "base/str.h"
#include "base/strmap.h"
#include "loader/plugin.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 100 /* of the one timer that looks for time-outs */

struct service {
  struct owned owned; /* first */
  char *name;
  bp_service_fn fn;
  void *ctx;
};

struct call {
  struct owned owned; /* first; the caller's */
  struct call *next, *previous;
  bp_service_call handle;
  const struct service *server; /* NULL until it is delivered */
  bp_service_done_fn done;
  void *ctx;
  int64_t deadline_ms;
  bool is_ended;  /* `done` has run */
  unsigned posts; /* on their way to main; under the lock */
  /* The answer; under the lock until posted. */
  bp_status status;
  char *answer;
  size_t answer_len;
  size_t name_len, method_len, payload_len;
  char bytes[]; /* name, method, payload */
};

static struct {
  pthread_mutex_t lock; /* guards handles, waiting_bytes, and of each call what says so */
  struct slots handles;
  size_t waiting_bytes;
  /* Main's */
  struct strmap services;
  struct call *first;
  struct event *timer;
} calls = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bp_str call_name(const struct call *c) {
  return bp_str_make(c->bytes, c->name_len);
}

static size_t call_bytes(const struct call *c) {
  return sizeof(*c) + c->name_len + c->method_len + c->payload_len;
}

/* ---- The end of a call ---- */

static void call_free(struct call *c) {
  if (c->previous)
    c->previous->next = c->next;
  else
    calls.first = c->next;
  if (c->next)
    c->next->previous = c->previous;
  pthread_mutex_lock(&calls.lock);
  calls.waiting_bytes -= call_bytes(c) + c->answer_len;
  pthread_mutex_unlock(&calls.lock);
  free(c->answer);
  free(c);
}

/* For whoever has taken the handle out: tells the caller, and frees the call unless a post still names it. */
static void end(struct call *c, bp_status status, bp_str payload) {
  struct plugin *caller = c->owned.owner;
  struct culprit frame;
  c->is_ended = true;
  owned_remove(&c->owned);
  caller->service_calls--;
  culprit_enter(&frame, caller, "service done", call_name(c));
  c->done(c->ctx, status, payload);
  culprit_leave(&frame);
  pthread_mutex_lock(&calls.lock);
  bool is_named = c->posts > 0;
  pthread_mutex_unlock(&calls.lock);
  if (!is_named)
    call_free(c);
}

static bool take(struct call *c) {
  pthread_mutex_lock(&calls.lock);
  bool is_mine = slots_remove(&calls.handles, c->handle) != NULL;
  pthread_mutex_unlock(&calls.lock);
  return is_mine;
}

/* A post that named the call has run: true if the call has ended meanwhile, and then it may be gone. */
static bool unpost(struct call *c) {
  pthread_mutex_lock(&calls.lock);
  bool is_last = --c->posts == 0;
  pthread_mutex_unlock(&calls.lock);
  if (!c->is_ended)
    return false;
  if (is_last)
    call_free(c);
  return true;
}

/* ---- Answers ---- */

static void on_answered(void *arg) {
  struct call *c = arg;
  if (!unpost(c))
    end(c, c->status, bp_str_make(c->answer, c->answer_len));
}

/* The copy goes to the call, which nobody else can end from here on. */
static bp_status attach(bp_service_call handle, bp_status status, char *copy, size_t len, struct call **ret) {
  struct call *c = slots_get(&calls.handles, handle);
  if (!c)
    return BP_E_STALE;
  if (calls.waiting_bytes + len > SERVICE_LIMIT_WAITING_BYTES)
    return BP_E_BUSY;
  slots_remove(&calls.handles, handle);
  calls.waiting_bytes += len;
  c->status = status;
  c->answer = copy;
  c->answer_len = len;
  c->posts++;
  *ret = c;
  return BP_OK;
}

bp_status service_answer(bp_service_call handle, bp_status status, bp_str payload) {
  struct call *c = NULL;
  char *copy = malloc(payload.len ? payload.len : 1);
  if (!copy)
    return BP_E_NO_MEMORY;
  if (payload.len)
    memcpy(copy, payload.ptr, payload.len);
  pthread_mutex_lock(&calls.lock);
  bp_status attached = attach(handle, status, copy, payload.len, &c);
  pthread_mutex_unlock(&calls.lock);
  if (attached == BP_OK)
    loop_post(on_answered, c);
  else
    free(copy);
  return attached;
}

/* ---- Time-outs ---- */

static void on_tick(evutil_socket_t fd, short what, void *arg) {
  int64_t now_ms = loop_now_ms();
  (void)fd;
  (void)what;
  (void)arg;
  for (struct call *c = calls.first, *next; c; c = next) {
    next = c->next;
    if (!c->is_ended && c->deadline_ms <= now_ms && take(c))
      end(c, BP_E_TIMEOUT, BP_LIT("the service did not answer in time"));
  }
  if (!calls.first)
    event_del(calls.timer);
}

static void watch_time(void) {
  const struct timeval interval = {.tv_usec = TICK_MS * 1000};
  if (!calls.timer)
    calls.timer = event_new(loop_base(), -1, EV_PERSIST, on_tick, NULL);
  if (calls.timer && !evtimer_pending(calls.timer, NULL))
    event_add(calls.timer, &interval);
}

/* ---- Calls ---- */

/* An answer that is on its way is not waited for. */
static void call_revoke(struct owned *self) {
  struct call *c = (struct call *)self;
  take(c);
  end(c, BP_E_CANCELLED, BP_LIT("the caller is draining"));
}

static void deliver(void *arg) {
  struct call *c = arg;
  struct culprit frame;
  if (unpost(c))
    return;
  const struct service *s = strmap_get(&calls.services, call_name(c));
  if (!s) {
    if (take(c))
      end(c, BP_E_NOT_FOUND, BP_LIT("nobody serves this name"));
    return;
  }
  c->server = s;
  culprit_enter(&frame, s->owned.owner, "service", call_name(c));
  s->fn(s->ctx, c->handle, bp_str_make(c->bytes + c->name_len, c->method_len), bp_str_make(c->bytes + c->name_len + c->method_len, c->payload_len));
  culprit_leave(&frame);
}

static struct call *call_new(bp_str name, bp_str method, bp_str payload) {
  struct call *c = malloc(sizeof(*c) + name.len + method.len + payload.len);
  if (!c)
    return NULL;
  *c = (struct call){.name_len = name.len, .method_len = method.len, .payload_len = payload.len};
  const bp_str parts[] = {name, method, payload};
  char *at = c->bytes;
  for (unsigned i = 0; i < 3; i++) {
    if (parts[i].len)
      memcpy(at, parts[i].ptr, parts[i].len);
    at += parts[i].len;
  }
  return c;
}

static bp_status enter(struct call *c) {
  bp_status status = BP_OK;
  pthread_mutex_lock(&calls.lock);
  if (calls.waiting_bytes + call_bytes(c) > SERVICE_LIMIT_WAITING_BYTES)
    status = BP_E_BUSY;
  else if (!(c->handle = slots_add(&calls.handles, c)))
    status = BP_E_NO_MEMORY;
  if (status == BP_OK) {
    calls.waiting_bytes += call_bytes(c);
    c->posts = 1;
  }
  pthread_mutex_unlock(&calls.lock);
  return status;
}

bp_status service_call(struct plugin *caller, bp_str name, bp_str method, bp_str payload, uint32_t timeout_ms, bp_service_done_fn done, void *ctx) {
  LOOP_MAIN();
  if (caller->service_calls >= SERVICE_LIMIT_CALLS)
    return BP_E_BUSY;
  struct call *c = call_new(name, method, payload);
  bp_status status = c ? enter(c) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    free(c);
    return status;
  }
  c->done = done;
  c->ctx = ctx;
  c->deadline_ms = loop_now_ms() + (timeout_ms ? timeout_ms : SERVICE_DEFAULT_TIMEOUT_MS);
  c->next = calls.first;
  if (c->next)
    c->next->previous = c;
  calls.first = c;
  caller->service_calls++;
  owned_add(caller, &c->owned, call_revoke);
  watch_time();
  loop_post(deliver, c);
  return BP_OK;
}

/* ---- Serving ---- */

static void service_revoke(struct owned *self) {
  struct service *s = (struct service *)self;
  owned_remove(self);
  strmap_remove(&calls.services, str_from(s->name));
  for (const struct call *c = calls.first; c; c = c->next)
    if (c->server == s && !c->is_ended)
      service_answer(c->handle, BP_E_CANCELLED, BP_LIT("the service is draining"));
  free(s->name);
  free(s);
}

bp_status service_serve(struct plugin *owner, bp_str name, bp_service_fn fn, void *ctx) {
  LOOP_MAIN();
  if (strmap_get(&calls.services, name))
    return BP_E_EXISTS;
  struct service *s = mem_alloc(sizeof(*s));
  *s = (struct service){.name = str_dupz(name), .fn = fn, .ctx = ctx};
  strmap_set(&calls.services, name, s);
  owned_add(owner, &s->owned, service_revoke);
  return BP_OK;
}

void services_release(void) {
  while (calls.first)
    call_free(calls.first);
  if (calls.timer)
    event_free(calls.timer);
  calls.timer = NULL;
  strmap_release(&calls.services);
  slots_release(&calls.handles);
}
