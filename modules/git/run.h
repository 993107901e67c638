/* The hardened runner: every git of this module goes through it, whatever the policy allowed.
 *
 * A run is inspected on a worker, waits for its place (at most 8 at once, one writer a repository), its repository's configuration is
 * scanned where it has changed, and then git is started with an environment made from nothing. README.md lists the layers. */
#ifndef GIT_RUN_H
#define GIT_RUN_H

#include "repo.h"
#include "scan.h"

struct git;

#define RUN_AT_ONCE 8u
#define RUN_WAITING 256u              /* more are answered with 503 */
#define RUN_OUTPUT_BYTES (16u << 20)  /* of stdout; then it is stopped and the answer says truncated */
#define RUN_ERRORS_BYTES (256u << 10) /* of stderr kept; the rest is dropped */
#define RUN_LOCAL_MS 60000u
#define RUN_NETWORK_MS 300000u
#define RUN_LONG_MS 3600000u

#define RUN_WRITES 1u      /* takes the writer lock of the repository */
#define RUN_NETWORK 2u     /* fetch, pull, push, clone: keys, agent and askpass are passed, and the remotes checked */
#define RUN_CLONE 4u       /* there is no repository yet: runs in `folder` */
#define RUN_EDITOR_TRUE 8u /* merge, rebase, pull: an editor that changes nothing */
#define RUN_LONG 16u       /* a job, which can be cancelled: an hour */

#define RUN_INSPECT 32u /* only looks whether it is a repository of ours */

enum run_end { RUN_OK, RUN_EXIT, RUN_REFUSED, RUN_ABSENT, RUN_TIMEOUT, RUN_BUSY, RUN_CANCELLED, RUN_BROKEN };

struct run_result {
#define RUN_INSPECT 32u /* only looks whether it is a repository of ours */

  enum run_end end;
  int exit_code;
  bp_str out, err;
  bool is_truncated;
  const char *sentence;    /* for REFUSED, ABSENT, BROKEN: what to say */
  const struct repo *repo; /* NULL for a clone */
};

/* Borrowed for the call. [main] */
typedef void (*run_done_fn)(void *ctx, const struct run_result *result);
typedef void (*run_progress_fn)(void *ctx, bp_str stderr_bytes);

struct run_spec {
  const char *folder;       /* absolute and resolved */
  const struct words *args; /* from the subcommand on */
  const struct words *env;  /* name, value … added to the environment; NULL: none */
  bp_str input;             /* for stdin, at most 1 MiB; empty: /dev/null */
  uint32_t flags;           /* RUN_* */
  run_progress_fn progress; /* may be NULL */
  run_done_fn done;
  void *ctx;
};

/* Starts a run: copies the spec; `done` runs exactly once, later. NULL: no memory, `done` does not run. */
struct run *run_start(struct git *git, const struct run_spec *spec);
/* Ends it soon, with RUN_CANCELLED. */
void run_cancel(struct run *run);

struct scan_entry;
struct runner {
  struct run *first; /* all that live */
  unsigned active, waiting;
  bool is_draining;
  struct scan_entry *cache;
};

/* The user's identity is known now: what waited for it begins. */
void runner_go_on(struct git *git);
/* Cancels all; the host waits for the children. */
void runner_drain(struct git *git);
void runner_release(struct git *git);

/* What a subcommand is to the runner: RUN_* flags. */
uint32_t run_flags_of(const struct words *args);

#endif
