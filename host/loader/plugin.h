/* A loaded plugin: one generation of one module, and everything it has registered.
 *
 * Whoever keeps something on a plugin's behalf embeds `struct owned`; draining the plugin revokes them all. */
#ifndef HOST_LOADER_PLUGIN_H
#define HOST_LOADER_PLUGIN_H

#include <backplane/backplane.h>
#include <stdbool.h>

enum plugin_phase { PLUGIN_LOADED, PLUGIN_CREATED, PLUGIN_STARTED, PLUGIN_DRAINING, PLUGIN_GONE, PLUGIN_FAILED };

/* A registration. `revoke` must unlink it with owned_remove and free what it is part of. */
struct owned {
  struct owned *next, *previous;
  struct plugin *owner;
  void (*revoke)(struct owned *self);
};

struct plugin {
  bp_plugin handle;
  uint32_t generation; /* 1 for the first load of this id since start */
  enum plugin_phase phase;
  char *id;
  char *path;                      /* the .so as configured */
  bp_plugin_descriptor descriptor; /* a widened copy: members newer than the plugin are zero */
  void *state;
  void *image; /* dlopen handle */
  struct owned *registrations;
  char status_text[121];
  char failure[512]; /* why it is FAILED */
  uint64_t slow_callbacks;
  struct plugin *next;
  /* Per-subsystem data, owned by the subsystem named. */
  void *store_data;
  void *config_data;
};

/* NULL when stale. Main thread. */
struct plugin *plugin_get(bp_plugin handle);
struct plugin *plugin_find(bp_str id);
struct plugin *plugin_first(void); /* linked by `next`, in start order */

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

#endif
