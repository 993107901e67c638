/* A loaded plugin: one generation of one module, and everything it has registered.
 *
 * Whoever keeps something on a plugin's behalf embeds `struct owned`; draining the plugin revokes them all. */
#ifndef HOST_LOADER_PLUGIN_H
#define HOST_LOADER_PLUGIN_H

#include <backplane/backplane.h>
#include <stdbool.h>

struct image;

enum plugin_phase { PLUGIN_LOADED, PLUGIN_CREATED, PLUGIN_STARTED, PLUGIN_DRAINING, PLUGIN_GONE, PLUGIN_FAILED };

/* A registration. `revoke` must unlink it with owned_remove and free what it is part of. */
struct owned {
  struct owned *next, *previous;
  struct plugin *owner;
  void (*revoke)(struct owned *self);
};

/* Time spent in one kind of callback, by the literal given to culprit_enter. Written on main only. */
struct hook_time {
  const char *what;
  uint64_t calls;
  int64_t total_ns;
};
#define PLUGIN_HOOKS 16

struct plugin {
  bp_plugin handle;
  uint32_t generation; /* 1 for the first load of this id since start */
  enum plugin_phase phase;
  char *id;
  char *path;                      /* the .so as configured */
  bp_plugin_descriptor descriptor; /* a widened copy: members newer than the plugin are zero */
  void *state;
  struct image *image;
  struct owned *registrations;
  char status_text[121]; /* under the registry's lock: read it with plugin_status */
  char failure[1024];    /* why it is FAILED */
  bool is_revoked;       /* under the registry's lock */
  bool said_drained;     /* bp_host.drained was called; atomic */
  bool wants_drain;      /* the loader's: the running sweep will come to it */
  bool in_first_reads;   /* just started; see first_reads.h */
  bool left_thread;      /* the image stays mapped: a thread of its own may still run its code */
  uint64_t slow_callbacks;
  struct hook_time hooks[PLUGIN_HOOKS];
  char *folder; /* STATE/modules/ID once asked for; under the registry's lock */
  struct plugin *next;
  /* Per-subsystem data, owned by the subsystem named. */
  void *store_data;
  void *config_data;
  unsigned service_calls; /* open ones it has made; host/service */
};

/* The plugin, for registering something on its behalf: NULL when stale, which it is from the moment its registrations are
 * revoked. Any thread: the struct of a plugin that is gone is kept until plugin_registry_release, so that a pointer read on
 * another thread never dangles; only main changes what it holds. */
struct plugin *plugin_get(bp_plugin handle);
/* The plugin until its destroy has returned: for logging and for giving things back. Any thread. */
struct plugin *plugin_peek(bp_plugin handle);
/* The newest generation with this id, whatever its phase. Main thread, as all below. */
struct plugin *plugin_find(bp_str id);
struct plugin *plugin_first(void); /* linked by `next`, in start order */

/* A new plugin at the end of the list, phase LOADED. Strings are copied. */
struct plugin *plugin_add(bp_str id, const char *path);
/* Puts the list in this order; holds every plugin in the list. */
void plugin_reorder(struct plugin *const *order, unsigned count);
/* Revokes what it still has registered, the newest first; from here on plugin_get finds nothing. */
void plugin_revoke_all(struct plugin *plugin);
/* The sentence for `backplane status`, cut to 120 bytes on a character. Both on any thread. */
void plugin_set_status(struct plugin *plugin, bp_str text);
void plugin_status(const struct plugin *plugin, char ret[121]);
/* Takes it off the list and makes its handle stale. */
void plugin_retire(struct plugin *plugin);
/* Frees all, at the very end. */
void plugin_registry_release(void);
const char *plugin_phase_name(enum plugin_phase phase);

/* For a table's [main] functions: true on main; elsewhere it logs plugin and function once, and the caller answers
 * BP_E_THREAD. Never aborts: a faulty plugin does not stop the host. */
bool plugin_on_main(bp_plugin self, const char *function);

void owned_add(struct plugin *owner, struct owned *item, void (*revoke)(struct owned *self));
void owned_remove(struct owned *item);

/* Around every call into plugin code, so that crash output and slow-callback warnings name the culprit. `what` is a
 * string literal: "route list_sessions" style detail goes into `detail`. Nests. */
struct culprit {
  struct plugin *plugin;
  const char *what;
  bp_str detail;
  int64_t started_ns;
  struct culprit *outer;
};
void culprit_enter(struct culprit *frame, struct plugin *plugin, const char *what, bp_str detail);
void culprit_leave(struct culprit *frame);
/* The innermost frame of this thread, or NULL. Async-signal-safe. */
const struct culprit *culprit_current(void);

/* A callback on main that takes longer is logged and counted. */
#define CULPRIT_SLOW_NS (INT64_C(50) * 1000 * 1000)

#endif
