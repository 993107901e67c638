/* Requests: the pool, the handle table, the arena, and the right to reply; see request.h. Deferral is in deferred.c. */
#include "router/request.h"
#include "base/slots.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "policy/decision.h"
#include "router/deferred.h"
#include "router/policy_step.h"
#include "router/router_counters.h"
#include "router/upload.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define POOL_LIMIT 256u

static struct {
  pthread_mutex_t lock; /* guards `handles`, and phase and is_claimed of deferred requests, against other threads */
  struct slots handles;
  struct request *free;
  unsigned free_count;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct request *request_new(struct http_exchange *x) {
  struct request *r = table.free;
  if (r) {
    table.free = r->next;
    table.free_count--;
  } else if (!(r = malloc(sizeof(*r)))) {
    return NULL;
  }
  memset(r, 0, offsetof(struct request, spans));
  r->x = x;
  x->user = r;
  return r;
}

bool request_route(struct request *r, const struct match *match) {
  r->started_ns = loop_recent_ns();
  pthread_mutex_lock(&table.lock);
  r->handle = slots_add(&table.handles, r);
  pthread_mutex_unlock(&table.lock);
  if (!r->handle)
    return false;
  r->route = match->route;
  r->route->references++;
  r->span_count = match->span_count;
  memcpy(r->spans, match->spans, match->span_count * sizeof(match->spans[0]));
  memset(r->values, 0, r->route->param_count * sizeof(r->values[0]));
  return true;
}

void request_done(struct request *r) {
  if (r->phase == REQUEST_DONE)
    return;
  deferred_remove(r);
  pthread_mutex_lock(&table.lock);
  r->phase = REQUEST_DONE;
  slots_remove(&table.handles, r->handle);
  pthread_mutex_unlock(&table.lock);
}

static void free_body(struct request *r) {
  if (r->body_handle)
    doc_close(r->body_handle);
  json_decref(r->body);
  body_bytes_give(r->collected.len);
  buf_release(&r->collected);
  if (r->facts)
    doc_writer_free(r->facts);
  if (r->facts_handle)
    doc_close(r->facts_handle);
  json_decref(r->facts_tree);
  if (r->upload)
    upload_free(r->upload);
}

static void free_blocks(struct request *r) {
  while (r->blocks) {
    struct request_block *next = r->blocks->next;
    free(r->blocks);
    r->blocks = next;
  }
}

void request_release(struct request *r) {
  r->x->user = NULL;
  if (r->hold)
    hold_leave(r->hold);
  if (r->route) {
    request_done(r);
    policy_step_over(r);
    counters_add(r->route->counters, r->status, loop_recent_ns() - r->started_ns);
    route_unref(r->route);
  }
  free_body(r);
  free_blocks(r);
  if (table.free_count >= POOL_LIMIT) {
    free(r);
    return;
  }
  r->next = table.free;
  table.free = r;
  table.free_count++;
}

struct request *request_find(bp_request handle) {
  struct request *r = slots_get(&table.handles, handle); /* only main changes the table: no lock to read it here */
  return r && r->phase != REQUEST_DONE ? r : NULL;
}

char *request_alloc(struct request *r, size_t bytes) {
  if (bytes <= REQUEST_ARENA_BYTES - r->arena_used) {
    char *at = r->arena + r->arena_used;
    r->arena_used += (uint32_t)bytes;
    return at;
  }
  struct request_block *block = malloc(sizeof(*block) + bytes);
  if (!block)
    return NULL;
  block->next = r->blocks;
  r->blocks = block;
  return block->data;
}

void *request_alloc_aligned(struct request *r, size_t bytes) {
  const size_t alignment = _Alignof(max_align_t);
  size_t start = (r->arena_used + alignment - 1) & ~(alignment - 1);
  if (start <= REQUEST_ARENA_BYTES)
    r->arena_used = (uint32_t)start;
  return request_alloc(r, bytes);
}

bool request_copy(struct request *r, bp_str text, bp_str *ret) {
  char *data = request_alloc(r, text.len);
  if (!data)
    return false;
  if (text.len)
    memcpy(data, text.ptr, text.len);
  *ret = bp_str_make(data, text.len);
  return true;
}

void request_hold(struct request *r) {
  if (!r->is_held)
    exchange_hold(r->x);
  r->is_held = true;
}

bp_str request_path(const struct request *r) {
  return bp_str_make(r->x->path.ptr + r->prefix_len, r->x->path.len - r->prefix_len);
}

void request_note_status(struct http_exchange *x, unsigned status) {
  struct request *r = x->user;
  if (r)
    r->status = status;
}

/* Only a deferred request can be claimed by another thread: all others need no lock. True if it was free. */
static bool claim(struct request *r) {
  if (r->phase != REQUEST_DEFERRED)
    return true;
  pthread_mutex_lock(&table.lock);
  bool is_free = !r->is_claimed;
  r->is_claimed = true;
  pthread_mutex_unlock(&table.lock);
  return is_free;
}

bool request_claim(struct request *r) {
  bool is_free = claim(r);
  if (is_free)
    request_done(r);
  return is_free;
}

bool request_is_claimed(const struct request *r) {
  if (r->phase != REQUEST_DEFERRED)
    return r->phase == REQUEST_DONE;
  pthread_mutex_lock(&table.lock);
  bool is_claimed = r->is_claimed;
  pthread_mutex_unlock(&table.lock);
  return is_claimed;
}

/* Under the lock. */
static bp_status check_elsewhere(const struct request *r) {
  if (!r || r->is_claimed || r->phase == REQUEST_DONE)
    return BP_E_STALE;
  return r->phase == REQUEST_DEFERRED ? BP_OK : BP_E_THREAD;
}

bp_status request_check_elsewhere(bp_request handle) {
  pthread_mutex_lock(&table.lock);
  bp_status status = check_elsewhere(slots_get(&table.handles, handle));
  pthread_mutex_unlock(&table.lock);
  return status;
}

bp_status request_claim_elsewhere(bp_request handle) {
  pthread_mutex_lock(&table.lock);
  struct request *r = slots_get(&table.handles, handle);
  bp_status status = check_elsewhere(r);
  if (status == BP_OK)
    r->is_claimed = true;
  pthread_mutex_unlock(&table.lock);
  return status;
}

struct request *request_claimed(bp_request handle) {
  struct request *r = slots_get(&table.handles, handle);
  return r && r->phase == REQUEST_DEFERRED ? r : NULL;
}

static void enter_deferred(struct request *r) {
  request_hold(r);
  pthread_mutex_lock(&table.lock);
  r->phase = REQUEST_DEFERRED;
  pthread_mutex_unlock(&table.lock);
  request_postpone(r);
  deferred_add(r);
}

bp_status request_defer(struct request *r, bp_cancel_fn on_cancel, void *ctx) {
  bool can_defer = r->phase == REQUEST_RUNNING || (r->phase == REQUEST_DEFERRED && r->is_deferred_for_host);
  if (!can_defer)
    return BP_E_STATE;
  r->on_cancel = on_cancel;
  r->cancel_ctx = ctx;
  r->is_deferred_for_host = false;
  if (r->phase == REQUEST_RUNNING)
    enter_deferred(r);
  return BP_OK;
}

void request_defer_for_host(struct request *r) {
  if (r->phase != REQUEST_RUNNING)
    return;
  r->is_deferred_for_host = true;
  enter_deferred(r);
}

bool request_keep_body(struct request *r) {
  if (r->is_body_kept || r->collected.len > 0)
    return true;
  r->is_body_kept = request_copy(r, r->body_text, &r->body_text);
  return r->is_body_kept;
}

bool request_suspend(struct request *r, int64_t limit_ms) {
  if (!request_keep_body(r))
    return false;
  enter_deferred(r);
  r->deadline_ms = loop_now_ms() + limit_ms;
  return true;
}

void request_resume(struct request *r) {
  deferred_remove(r);
  pthread_mutex_lock(&table.lock);
  r->phase = REQUEST_WAITING;
  pthread_mutex_unlock(&table.lock);
}

void request_postpone(struct request *r) {
  if (r->phase == REQUEST_DEFERRED)
    r->deadline_ms = loop_now_ms() + r->route->timeout_ms;
}

bool request_is_running(const struct request *r) {
  return r->is_in_handler && r->phase != REQUEST_DONE;
}

static void tell_plugin(struct request *r, uint32_t reason) {
  if (!r->on_cancel)
    return;
  struct culprit frame;
  culprit_enter(&frame, r->route->owner, "cancelled request of route", r->route->facts.operation_id);
  r->on_cancel(r->cancel_ctx, r->handle, reason);
  culprit_leave(&frame);
}

bool request_cancel(struct request *r, uint32_t reason) {
  if (r->phase == REQUEST_DEFERRED) {
    bool is_free = claim(r); /* so that replies from now on, and from within on_cancel, find it taken */
    if (!is_free && reason != BP_CANCEL_CLIENT_GONE)
      return false;
    if (is_free && !r->follower)
      tell_plugin(r, reason);
  }
  request_done(r);
  if (reason != BP_CANCEL_CLIENT_GONE)
    request_tell_follower(r, reason == BP_CANCEL_TIMEOUT ? BP_E_TIMEOUT : BP_E_CANCELLED);
  return true;
}

void request_tell_follower(struct request *r, bp_status why) {
  void (*follower)(struct http_exchange *, void *, bp_status) = r->follower;
  r->follower = NULL;
  if (follower)
    follower(r->x, r->follower_ctx, why);
}

/* ---- What bp.stream, bp.ws, bp.live and uploads ask (router.h, upload.h) ---- */

struct http_exchange *request_exchange(bp_request request) {
  struct request *r = request_find(request);
  return r && !request_is_claimed(r) ? r->x : NULL;
}

struct plugin *request_owner(bp_request request) {
  struct request *r = request_find(request);
  return r ? r->route->owner : NULL;
}

void request_finish(bp_request request) {
  struct request *r = request_find(request);
  if (r)
    request_claim(r);
}

bool request_is_deferred(bp_request request) {
  struct request *r = request_find(request);
  return r && r->phase == REQUEST_DEFERRED;
}

void request_follow(struct http_exchange *x, void (*gone)(struct http_exchange *x, void *ctx, bp_status why), void *ctx) {
  struct request *r = x->user;
  if (!r)
    return;
  r->follower = gone;
  r->follower_ctx = ctx;
}

struct upload *request_upload(bp_request request) {
  struct request *r = request_find(request);
  return r && r->is_upload_ready ? r->upload : NULL;
}

void requests_release(void) {
  while (table.free) {
    struct request *next = table.free->next;
    free(table.free);
    table.free = next;
  }
  table.free_count = 0;
  pthread_mutex_lock(&table.lock);
  slots_release(&table.handles);
  pthread_mutex_unlock(&table.lock);
}
