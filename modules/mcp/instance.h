/* One running stdio server: its process, the framing of JSON-RPC on its pipes, and the requests both sides wait for.
 *
 * Life: QUEUED (too many start at once) -> SPAWNING (secrets are fetched) -> INITIALIZING -> READY -> ENDING -> freed when the
 * process has been reaped. Ids of requests to it are ours; what it asks gets a new id before it goes to a client. */
#ifndef MCP_INSTANCE_H
#define MCP_INSTANCE_H

#include "mcp.h"

#define PENDING_MOST 256u /* requests to one instance at a time */
#define ASKS_MOST 64u     /* requests of one instance to its client at a time */

enum instance_phase { INSTANCE_QUEUED, INSTANCE_SPAWNING, INSTANCE_INITIALIZING, INSTANCE_READY, INSTANCE_ENDING };

/* How a request to an instance ended: exactly one member is set. */
struct outcome {
  bp_json result, error; /* borrowed */
  const char *failure;   /* it never came: a sentence */
};
typedef void (*outcome_fn)(void *ctx, const struct outcome *outcome);

struct pending {
  struct pending *next;
  int64_t id;
  int64_t deadline_ms;
  int64_t timeout_ms;
  outcome_fn done;
  void *ctx;
  struct call *call; /* whose progress and messages belong to a stream; NULL: the hub's own */
};

/* A request of the instance that a client is to answer. */
struct ask {
  struct ask *next;
  struct instance *instance;
  char *child_id;       /* JSON text, as the instance sent it */
  char *progress_token; /* JSON text, or NULL */
  int64_t id;           /* towards the client */
};

typedef void (*woken_fn)(void *ctx, struct instance *instance, const char *failure);
struct waiter {
  struct waiter *next;
  woken_fn done;
  void *ctx;
};

struct discovery;
struct remote;

struct instance {
  struct instance *next; /* of the hub */
  struct mcp *m;
  struct server *server;
  struct session *owner; /* NULL: shared */
  enum instance_phase phase;
  bp_proc proc;
  struct remote *remote; /* instead of a process */
  int64_t pid;
  bool is_wanted;  /* started by hand: no idle stop, and it need not speak MCP */
  bool is_silent;  /* it did not answer `initialize` */
  bool is_stopped; /* we asked for its end */
  bool is_starting;
  bool has_proc;
  bool is_fetching; /* its secrets are on their way */
  int64_t phase_since_ms, used_ms;
  struct text input;  /* the line coming in on stdout */
  struct text errors; /* on stderr */
  bool is_skipping;   /* the rest of a line over the limit */
  struct text output; /* what its stdin does not take yet */
  int64_t next_id;
  struct pending *pending;
  unsigned pending_count;
  struct waiter *waiters;  /* for READY */
  struct waiter *starters; /* for the process alone */
  struct ask *asks;
  unsigned ask_count;
  unsigned subscriptions;
  struct manifest manifest; /* of a private instance whose lists differ */
  bp_json init;             /* the result of `initialize` */
  struct discovery *discovery;
  bool is_stale; /* its lists changed while they were read */
  char failure[200];
};

/* instance.c */
struct instance *instance_new(struct server *server, struct session *owner);
/* Ends it; waiters and requests fail with `why`. The process gets TERM, grace, KILL. It frees itself. */
void instance_stop(struct instance *instance, const char *why);
/* For who tears everything down; else it frees itself. */
void instance_free(struct instance *instance);
void instance_tick(struct instance *instance, int64_t now);
void instance_begin_queued(struct mcp *m);
/* Its lists changed: they are read again. */
void instance_rediscover(struct instance *instance);

/* wake.c: finds or starts the instance for a session (NULL: the shared one) and calls `done`, at once or later, exactly once. */
void wake(struct server *server, struct session *session, woken_fn done, void *ctx);
/* Forgets a waiter. */
void wake_cancel(struct mcp *m, const void *ctx);
/* The same for a start by hand: `done` runs as soon as the process runs. NULL and a sentence: refused, `done` will not run. */
struct instance *wake_by_hand(struct server *server, woken_fn done, void *ctx, const char **ret_failure);
struct instance *instance_of(const struct server *server, const struct session *session);
bool instance_is_unused(const struct instance *instance);

/* rpc.c */
/* Sends a request; `params` is JSON text or empty. 0: it could not be sent, `done` will not run. */
int64_t instance_request(struct instance *instance, const char *method, bp_str params, int64_t timeout_ms, struct call *call, outcome_fn done,
                         void *ctx);
/* Params are made for the id the request will have. */
int64_t instance_next_id(const struct instance *instance);
void instance_forget(struct instance *instance, int64_t id);
void instance_fail_request(struct instance *instance, int64_t id, const char *why);
bool instance_send(struct instance *instance, struct text *message);
void instance_notify(struct instance *instance, const char *method, bp_str params);
void instance_receive(struct instance *instance, bp_str line);
void instance_drained(struct instance *instance);
void instance_fail_pending(struct instance *instance, const char *why);
void instance_expire_pending(struct instance *instance, int64_t now);
/* A client's answer, or the hub's refusal, to something the instance asked. */
void ask_answer(struct ask *ask, bp_json message);
void ask_drop(struct ask *ask);

#endif
