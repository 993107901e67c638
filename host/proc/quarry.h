/* A set of processes that must all end: TERM, grace, KILL, in rounds on a worker until a round finds none of them.
 *
 * Members are found anew in every round, by a rule and by descent from a member, so that what forks meanwhile is found as
 * well. Each is signalled through a pidfd after its start time was checked on that pidfd's process: never a stranger. The
 * host, everything above it, and the host's other children are spared. */
#ifndef HOST_PROC_QUARRY_H
#define HOST_PROC_QUARRY_H

#include "loop/workers.h"
#include "proc/facts.h"
#include "proc/marker.h"

#include <event2/event_struct.h>

struct quarry_member {
  pid_t pid;
  int64_t started;
  bool was_told; /* to terminate */
};

struct quarry {
  struct work work;
  /* Whether the process belongs to the set by itself; on a worker. NULL: only the leader and its descendants do. */
  bool (*rule)(const struct quarry *quarry, const struct proc_fact *fact);
  char marker[MARKER_BYTES]; /* for the rules; may be empty */
  pid_t leader;              /* 0: none */
  int64_t leader_started;
  int64_t kill_at_ms;      /* on loop_now_ms's clock; 0: at once */
  void (*done)(void *ctx); /* on main; NULL: nobody waits any more */
  void *ctx;
  /* The quarry's own. */
  struct quarry *next;
  struct quarry_member *members;
  size_t member_count;
  pid_t *spared;
  size_t spared_count;
  bool should_kill;
  bool is_working;
  bool is_abandoned;
  size_t alive;
  unsigned round;
  struct event timer;
};

/* Begins at once; the struct is copied. Returns the running one, which is gone once `done` was called. */
struct quarry *quarry_begin(const struct quarry *wanted);
/* No more grace from here. */
void quarry_hasten(struct quarry *quarry);
/* How many are running. */
unsigned quarries_running(void);
void quarries_hasten(void);
/* At the very end, after the workers were stopped. */
void quarries_release(void);

/* Rules. */
bool quarry_is_marked(const struct quarry *quarry, const struct proc_fact *fact);   /* has the marker, or is a stray of the leader's session */
bool quarry_is_in_group(const struct quarry *quarry, const struct proc_fact *fact); /* is in the leader's process group */
bool quarry_is_stray(const struct quarry *quarry, const struct proc_fact *fact);    /* a child of the host that it did not start */

#endif
