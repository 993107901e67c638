/* PM2's daemon, spoken to over its sockets: the state of that, shared by the files pm2*.c.
 *
 *   pm2_link.c   a socket          pm2_rpc.c     calls and answers          pm2_daemon.c   connected, launched, lost
 *   pm2_list.c   what runs there, and what that means for deployments       pm2.c          the supervisor: start, stop, forget
 *   pm2_orphans.c  what a daemon that died has left behind */
#ifndef DEPLOYMENTS_PM2_H
#define DEPLOYMENTS_PM2_H

#include "deployments.h"
#include "pm2_link.h"

#define PM2_PATH_BYTES 1024
#define PM2_CALLS_MOST 1024
#define PM2_PROCESSES_MOST 2000

struct pm2_call;
struct pm2_wait;
struct preparation;

/* Whether anything should run under a daemon; where none is there, it is launched only then. */
enum pm2_need { PM2_NEED_UNKNOWN, PM2_NEED_ASKED, PM2_NEED_NONE, PM2_NEED_SOME };

/* A process as the daemon lists it. */
struct pm2_process {
  int64_t pm_id, pid, memory_bytes, uptime_ms, restarts, instances;
  double cpu_percent;
  char name[NAME_BYTES + 32], status[24], mode[16];
};

struct watchman {
  struct deployments *module;
  char home[PM2_PATH_BYTES], daemon_script[PM2_PATH_BYTES];
  struct pm2_link rpc, pub;
  struct pm2_call *calls;
  uint64_t last_id;
  bp_timer tick;
  bp_proc daemon;               /* where we have launched it */
  int64_t waiting_since_ns;     /* without a connection; 0: connected */
  bool was_connected, was_lost; /* lost: since the last list that was read */
  struct pm2_process *list;
  uint32_t count;
  bool is_listing, is_stale; /* a list is on its way; it will be too old */
  struct pm2_wait *waits;
  struct preparation *preparations; /* starts that wait for the daemon */
  enum pm2_need need;
  bool is_absent; /* none is there, and nothing needs one */
  unsigned ticks;
};

/* pm2_daemon.c */
struct watchman *pm2_new(struct deployments *module, const char **ret_why_not);
void pm2_start(struct watchman *w);
void pm2_free(struct watchman *w);
bool pm2_is_connected(const struct watchman *w);

/* pm2_rpc.c. `result` is the first of the answer's arguments, or 0 with what was wrong in `error`; never both. */
typedef void (*pm2_done_fn)(void *ctx, bp_json result, const char *error);
/* Calls a method with the one argument that every method used here takes, as JSON text: the daemon dies of a wrong number. */
void pm2_call(struct watchman *w, const char *method, bp_str argument, pm2_done_fn done, void *ctx);
void pm2_rpc_frame(void *ctx, const struct amp_frame *frame);
void pm2_rpc_expire(struct watchman *w); /* calls that have waited too long */
void pm2_rpc_fail_all(struct watchman *w, const char *error);
void pm2_rpc_release(struct watchman *w);

/* pm2_list.c */
/* Reads the list anew; `done` (or NULL) runs when it has been read, or could not be: `error` then. */
void pm2_refresh(struct watchman *w, void (*done)(void *ctx, const char *error), void *ctx);
void pm2_list_release(struct watchman *w);
void pm2_pub_frame(void *ctx, const struct amp_frame *frame);

/* pm2.c: starts that waited for the daemon, when it is there, on each tick, and at the end. */
void pm2_preparations_begin(struct watchman *w);
void pm2_preparations_expire(struct watchman *w);
void pm2_preparations_release(struct watchman *w);

/* pm2_orphans.c: stops what an earlier daemon has left behind, then calls `done`. `daemon`: the process that is there now; 0: not known,
 * and nothing is stopped. */
#define PM2_NO_DAEMON (-1)
void pm2_orphans_stop(struct watchman *w, int64_t daemon, void (*done)(struct watchman *w));

extern const struct supervisor pm2_supervisor;

#endif
