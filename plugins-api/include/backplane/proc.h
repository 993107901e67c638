/* bp.proc/1: child processes. The host is the only one that forks.
 *
 * A child has its own session and process group, an environment made from an allow list, no descriptor but 0, 1 and 2, and
 * ends with the host (bound) or is found again after a restart (surviving). argv arrays only; never a shell. */
#ifndef BACKPLANE_PROC_H
#define BACKPLANE_PROC_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_PROC_1 "bp.proc/1"

typedef uint64_t bp_proc;

/* Lifetimes. */
#define BP_PROC_BOUND 1u /* pipes; killed with the host; never adopted */
/* Output of a surviving child goes to rotated files that are tailed, its stdin is /dev/null, and it is adopted after a restart. What comes faster
 * than it can be read is left out, and a line says how much (not with BP_PROC_RAW_OUTPUT, which has no lines). */
#define BP_PROC_SURVIVING 2u

#define BP_PROC_PTY 1u          /* a terminal instead of pipes; bound only */
#define BP_PROC_RAW_OUTPUT 2u   /* output comes as bytes, not as lines */
#define BP_PROC_MERGE_STDERR 4u /* stderr goes where stdout goes */
#define BP_PROC_STDIN 8u        /* keep a pipe to stdin; otherwise it is /dev/null */

#define BP_RESTART_NEVER 0u
#define BP_RESTART_ON_FAILURE 1u
#define BP_RESTART_ALWAYS 2u

/* Output streams. */
#define BP_PROC_STDOUT 1u
#define BP_PROC_STDERR 2u

typedef struct bp_proc_env {
  uint32_t size;
  uint32_t is_secret; /* 1: never shown or logged */
  bp_str name;        /* [A-Z_][A-Z0-9_]*, none of the refused ones (LD_*, PATH, NODE_OPTIONS ...): BP_E_DENIED names it */
  bp_str value;
  /* 1: name and value are the plugin's own and nothing a client sent: HOME, GIT_* and SSH_* are allowed then, and replace the
   * host's. */
  uint32_t is_own;
  uint32_t reserved;
} bp_proc_env;

/* How the health of a child is found out. */
#define BP_PROBE_NONE 0u
#define BP_PROBE_TCP 1u  /* healthy: takes a connection on loopback */
#define BP_PROBE_HTTP 2u /* healthy: answers GET with a status from 200 to 399 */

/* What is known of it; unknown again after each start. */
#define BP_HEALTH_UNKNOWN 0u
#define BP_HEALTH_HEALTHY 1u
#define BP_HEALTH_UNHEALTHY 2u

typedef struct bp_proc_probe {
  uint32_t size;
  uint32_t kind;        /* BP_PROBE_* */
  uint32_t port;        /* on 127.0.0.1, else on ::1 */
  uint32_t interval_ms; /* between two probes, 100 to 3600000; 0: 5000 */
  uint32_t timeout_ms;  /* of one probe, up to 60000; 0: 2000 */
  uint32_t failures;    /* in a row before it counts as unhealthy, up to 1000; 0: 3 */
  uint32_t start_ms;    /* so long after a start failures do not count, unless it was healthy; 0: 10000 */
  uint32_t restarts;    /* 1: an unhealthy child is ended (why BP_PROC_UNHEALTHY) and started again with the usual back-off, also
                         * with BP_RESTART_NEVER; an adopted one is only ended */
  bp_str path;          /* HTTP: begins with "/", visible ASCII, at most 1024 bytes; empty: "/" */
} bp_proc_probe;

typedef struct bp_proc_spec {
  uint32_t size;
  uint32_t lifetime;           /* BP_PROC_BOUND, BP_PROC_SURVIVING */
  uint32_t flags;              /* BP_PROC_PTY ... */
  uint32_t restart;            /* BP_RESTART_*; back-off 0.1 s to 30 s with jitter, broken after 5 failures a minute */
  bp_str name;                 /* for logs and, for SURVIVING, to find it again: unique in the plugin */
  bp_array argv;               /* of bp_str; argv[0] is a path, or a name looked up in the fixed PATH */
  bp_str cwd;                  /* absolute; empty: the plugin's folder */
  bp_array env;                /* of bp_proc_env, added to the allow list (PATH HOME LANG TERM TZ TMPDIR) */
  bp_str log_topic;            /* ephemeral live topic of the plugin's own that gets {"stream","line"}; empty: none */
  bp_str log_key;              /* key of those events */
  uint32_t grace_ms;           /* between TERM and KILL of the group; 0: 5000 */
  uint32_t timeout_ms;         /* stopped after this long; 0: never */
  uint64_t output_limit_bytes; /* stopped when it has written more; 0: no limit (the ring stays bounded) */
  uint32_t rows, columns;      /* of a PTY; 0: 24 x 80 */
  const bp_proc_probe *probe;  /* NULL: none */
} bp_proc_spec;

/* How a child ended. */
typedef struct bp_proc_exit {
  uint32_t size;
  int32_t code;          /* exit status, or -1 */
  int32_t signal;        /* that killed it, or 0 */
  uint32_t is_unknown;   /* 1: an adopted child; nobody could wait for it */
  uint32_t will_restart; /* 1: the restart policy starts it again after restart_in_ms */
  uint32_t restart_in_ms;
  uint32_t why; /* BP_PROC_ENDED ... */
  uint32_t reserved;
} bp_proc_exit;
#define BP_PROC_ENDED 0u   /* by itself */
#define BP_PROC_STOPPED 1u /* by `stop` or drain */
#define BP_PROC_TIMED_OUT 2u
#define BP_PROC_OUTPUT_LIMIT 3u
#define BP_PROC_NOT_STARTED 4u /* exec failed; code is its errno */
#define BP_PROC_UNHEALTHY 5u   /* its probe failed too often, and it restarts on that */

typedef struct bp_proc_events {
  uint32_t size;
  uint32_t reserved;
  void (*started)(void *ctx, bp_proc proc, int64_t pid); /* each start, also after a restart or adoption [main] */
  /* One line without its end (cut at 64 KiB), or bytes with BP_PROC_RAW_OUTPUT. Borrowed. [main] */
  void (*output)(void *ctx, bp_proc proc, uint32_t stream, bp_str data);
  void (*stdin_drained)(void *ctx, bp_proc proc); /* everything written has been taken [main] */
  /* After its last output; stale unless will_restart. Exactly once for each start, also while the plugin drains, which waits
   * for it; only a surviving child is let go by a drain without a call. [main] */
  void (*exited)(void *ctx, bp_proc proc, const bp_proc_exit *exit);
  /* The health found by the probe has changed: BP_HEALTH_HEALTHY, or BP_HEALTH_UNHEALTHY with what was wrong the last time. [main] */
  void (*health)(void *ctx, bp_proc proc, uint32_t health, bp_str reason);
} bp_proc_events;

/* A child of any plugin, as it is now. Borrowed for the call. */
typedef struct bp_proc_entry {
  uint32_t size;
  uint32_t lifetime; /* BP_PROC_BOUND, BP_PROC_SURVIVING */
  bp_str plugin;     /* id; of a surviving child whose plugin is not there as well */
  bp_str name;
  int64_t pid;           /* 0: between two starts */
  int64_t started_ticks; /* field 22 of /proc/PID/stat; 0 without a pid */
  uint32_t health;       /* BP_HEALTH_* */
  uint32_t is_stopping;
} bp_proc_entry;

typedef void (*bp_proc_each_fn)(void *ctx, const bp_proc_entry *entry); /* [main] */

typedef struct bp_proc_1 {
  uint32_t size;
  /* Starts a child. Copies the spec. BP_E_LIMIT beyond 512 children or 100 starts a second; BP_E_NOT_FOUND: no such program;
   * BP_E_EXISTS: a surviving child of that name runs (it is adopted at start: see `adopt`). [main] */
  bp_status (*spawn)(bp_plugin self, const bp_proc_spec *spec, const bp_proc_events *events, void *ctx, bp_proc *ret, bp_error *err);
  /* Takes over a surviving child of an earlier run by name: BP_E_NOT_FOUND if none lives. Call it in `start`. [main] */
  bp_status (*adopt)(bp_plugin self, bp_str name, const bp_proc_events *events, void *ctx, bp_proc *ret);
  /* Queues bytes for stdin or the PTY. BP_E_BUSY when 1 MiB waits. [main] */
  bp_status (*write)(bp_proc proc, bp_str bytes);
  bp_status (*close_stdin)(bp_proc proc);
  /* TERM to the group, grace, KILL; no restart. `exited` follows. Asking again is no error. [main] */
  bp_status (*stop)(bp_proc proc);
  bp_status (*signal)(bp_proc proc, int32_t signal); /* to the child alone, not its group; BP_E_STATE between two starts */
  bp_status (*resize)(bp_proc proc, uint32_t rows, uint32_t columns);
  /* Stops reading the child's output, so that it blocks, and goes on. */
  bp_status (*pause_output)(bp_proc proc, uint32_t paused);
  int64_t (*pid)(bp_proc proc); /* 0 while none runs */
  /* The last lines kept (1 MiB ring), oldest first, as one text with line ends. Borrowed until the next call. [main] */
  bp_status (*tail)(bp_proc proc, uint32_t lines, bp_str *ret);
  /* Stops a process that is not a child: TERM, grace, KILL of its group if it leads one, else of it and its descendants. It is
   * signalled only while (pid, start time) still match. `done` runs once: BP_OK gone, BP_E_NOT_FOUND was not there, BP_E_DENIED not
   * ours, or the host or one of its ancestors, BP_E_CANCELLED the plugin drains (the process is stopped all the same). [main] */
  bp_status (*stop_stranger)(bp_plugin self, int64_t pid, int64_t started_ticks, uint32_t grace_ms, void (*done)(void *ctx, bp_status status),
                             void *ctx);

  /* Begins to probe a child, as an adopted one; takes the place of the probe before; NULL ends it. BP_E_INVALID names nothing: see
   * bp_proc_probe for the bounds. [main] */
  bp_status (*probe)(bp_proc proc, const bp_proc_probe *probe);
  uint32_t (*health)(bp_proc proc); /* BP_HEALTH_*; BP_HEALTH_UNKNOWN without a probe [main] */

  /* Calls `each` for every child of every plugin, in no order, before it returns; `each` starts and stops nothing. [main] */
  bp_status (*each)(bp_plugin self, bp_proc_each_fn each, void *ctx);
  /* Whether a child could be given these variables (of bp_proc_env): BP_OK, or what spawn would say, naming the first that
   * is refused (BP_E_DENIED, BP_E_INVALID, BP_E_LIMIT). Starts nothing. [main] */
  bp_status (*check_env)(bp_array env, bp_error *err);
} bp_proc_1;

#ifdef __cplusplus
}
#endif

#endif
