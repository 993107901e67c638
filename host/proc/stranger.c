/* Checks, then a quarry; see stranger.h. The answer is never given inside the call. */
#include "proc/stranger.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "proc/child.h"
#include "proc/quarry.h"

#include <stdlib.h>
#include <unistd.h>

#define GRACE_MS 5000u
#define PID_LARGEST 4194304 /* PID_MAX_LIMIT of 64-bit kernels */

struct stranger {
  struct owned owned; /* owner NULL: the plugin is gone, nobody is told */
  struct stranger *next;
  bp_status status;
  void (*done)(void *ctx, bp_status status);
  void *ctx;
};

static struct stranger *strangers;

static void free_stranger(struct stranger *stranger) {
  struct stranger **at = &strangers;
  while (*at != stranger)
    at = &(*at)->next;
  *at = stranger->next;
  owned_remove(&stranger->owned);
  free(stranger);
}

static void tell(const struct stranger *stranger, struct plugin *owner, bp_status status) {
  if (!owner || !stranger->done)
    return;
  struct culprit culprit;
  culprit_enter(&culprit, owner, "process stopped", bp_str_make(NULL, 0));
  stranger->done(stranger->ctx, status);
  culprit_leave(&culprit);
}

/* The plugin drains: it is told that it will not be told. The process is stopped all the same. */
static void on_revoke(struct owned *owned) {
  struct plugin *owner = owned->owner;
  owned_remove(owned);
  tell((struct stranger *)owned, owner, BP_E_CANCELLED);
}

static void answer(void *arg) {
  struct stranger *stranger = arg;
  struct plugin *owner = stranger->owned.owner;
  struct stranger copy = *stranger;
  free_stranger(stranger);
  tell(&copy, owner, copy.status);
}

static bp_status check(pid_t pid, int64_t started, struct proc_fact *ret) {
  if (!fact_read(pid, ret) || ret->is_dead || ret->started != started)
    return BP_E_NOT_FOUND;
  return ret->owner != geteuid() || fact_is_host_or_above(pid) ? BP_E_DENIED : BP_OK;
}

/* One that leads a group takes the group along, unless we are in it ourselves. A child of ours has a policy of its own. */
static void begin(struct stranger *stranger, const struct proc_fact *fact, uint32_t grace_ms) {
  struct child *child = child_by_pid(fact->pid);
  if (child)
    child_stop(child, BP_PROC_STOPPED);
  quarry_begin(&(struct quarry){
      .rule = fact->group == fact->pid && getpgrp() != fact->pid ? quarry_is_in_group : NULL,
      .leader = fact->pid,
      .leader_started = fact->started,
      .kill_at_ms = loop_now_ms() + (grace_ms ? grace_ms : GRACE_MS),
      .done = answer,
      .ctx = stranger,
  });
}

bp_status stranger_stop(struct plugin *owner, int64_t pid, int64_t started, uint32_t grace_ms, void (*done)(void *ctx, bp_status status), void *ctx) {
  struct proc_fact fact;
  if (pid <= 0 || pid > PID_LARGEST)
    return BP_E_INVALID;
  struct stranger *stranger = mem_alloc(sizeof(*stranger));
  stranger->done = done;
  stranger->ctx = ctx;
  stranger->next = strangers;
  strangers = stranger;
  owned_add(owner, &stranger->owned, on_revoke);
  stranger->status = check((pid_t)pid, started, &fact);
  if (stranger->status == BP_OK)
    begin(stranger, &fact, grace_ms);
  else
    loop_post(answer, stranger);
  return BP_OK;
}

void strangers_release(void) {
  while (strangers)
    free_stranger(strangers);
}
