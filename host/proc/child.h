/* A child from its first start to its end, restarts included. Private to host/proc.
 *
 *   RUNNING  its first process (the leader) runs
 *   ENDING   the leader has ended; what it left behind is being ended too
 *   EMPTYING nothing of it runs; its last output is being taken
 *   WAITING  for its next start
 *
 * A group is signalled only while its leader has not been waited for, so that its number cannot have been taken over. What
 * left the group, or outlives the leader, is a quarry's business. A child whose plugin has drained lives on without owner:
 * a bound one until it has ended, a surviving one until it is adopted. */
#ifndef HOST_PROC_CHILD_H
#define HOST_PROC_CHILD_H

#include "loader/plugin.h"
#include "proc/feed.h"
#include "proc/health.h"
#include "proc/input.h"
#include "proc/marker.h"
#include "proc/output.h"
#include "proc/restart.h"
#include "proc/ring.h"
#include "proc/spec.h"

#include <backplane/proc.h>
#include <sys/types.h>

enum child_phase { CHILD_RUNNING, CHILD_ENDING, CHILD_EMPTYING, CHILD_WAITING };

#define CHILD_STREAMS 2

struct child {
  struct owned owned; /* owned.owner NULL: no plugin holds it */
  struct child *next;
  struct plugin *drains; /* whose drain waits for it and is told of its end, or NULL */
  char *plugin_id;
  bp_proc handle; /* 0: none */
  struct spec spec;
  bp_proc_events events;
  void *ctx;

  enum child_phase phase;
  pid_t pid;      /* 0 unless RUNNING */
  pid_t exit_pid; /* what `pid` was */
  int64_t started;
  int pidfd;
  bool is_foreign;    /* started by an earlier run of the host: not ours to wait for */
  bool is_told;       /* `started` was called for this start */
  bool is_stopping;   /* no restart, unless ... */
  bool is_recycled;   /* ... it is unhealthy and is to start again */
  bool is_paused;     /* by the plugin */
  uint32_t why;       /* BP_PROC_ENDED … */
  int64_t kill_at_ms; /* once stopping */
  char marker[MARKER_BYTES];
  char mark_text[sizeof(MARKER_NAME) + MARKER_BYTES]; /* "BACKPLANE_CHILD=…" for the environment */
  struct bp_proc_exit exit;
  struct quarry *quarry;
  struct event exit_event; /* on pidfd */
  struct event timer;      /* RUNNING: time-out or KILL; WAITING: the next start */
  struct restart restart;
  struct health health;

  struct spout_reader reader;
  struct spout spouts[CHILD_STREAMS];
  struct feed feeds[CHILD_STREAMS];
  struct inlet input;
  struct tail_ring ring;
  uint64_t output_bytes;
  int follows[CHILD_STREAMS]; /* of a surviving child's files: 0 or a follow.h number */
  int64_t started_ms;
};

/* Starts a child for `owner`; takes `spec` over, also when it fails. */
bp_status child_spawn(struct plugin *owner, struct spec *spec, const bp_proc_events *events, void *ctx, bp_proc *ret, bp_error *err);
/* A surviving child of an earlier run, without owner. Takes `name` and `plugin_id` over. */
struct child *child_found(char *plugin_id, char *name, const char *marker, pid_t pid, int64_t started, int pidfd);
/* Gives an ownerless surviving child to a plugin. */
bp_status child_adopt(struct child *child, struct plugin *owner, const bp_proc_events *events, void *ctx);
/* TERM to the group now, KILL after the grace; no restart. */
void child_stop(struct child *child, uint32_t why);
/* KILL, now. */
void child_kill(struct child *child);
/* Pauses or resumes reading as plugin and feeds want it. */
void child_pace(struct child *child);
/* Its leader was seen to have ended: waits for it and goes on from there. Other phases: nothing. */
void child_leader_ended(struct child *child);

/* All children that are RUNNING or have to be ended still. */
struct child *children_first(void);
struct child *child_by_handle(bp_proc handle);
struct child *child_by_pid(pid_t pid);
struct child *child_by_name(const char *plugin_id, bp_str name); /* surviving ones */
unsigned children_count(void);
/* Leaders in rising order, without `except`; owned by the caller. */
pid_t *children_pids(size_t *ret_count, pid_t except);
/* Frees all: they are left to themselves. */
void children_release(void);

/* child_start.c: one start of the program, and the process that came of it. */
bp_status child_start(struct child *child, bp_error *err);
void child_runs(struct child *child, pid_t pid, int pidfd);
/* Calls `started` in a later tick, when the plugin has its handle. */
void child_announce(struct child *child);
/* child_end.c: from the leader's end on. */
void child_stream_ended(void *ctx);
void child_start_again(struct child *child);
/* Finds and ends all that carries the child's mark. */
void child_hunt(struct child *child);
void child_disown_handle(struct child *child);
void child_free(struct child *child);
/* `started`, if it is due. */
void child_tell_started(struct child *child);

#endif
