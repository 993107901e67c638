/* What the files of start and end share: run.c (the order), settings.c (the configuration) and stop.c. Main thread. */
#ifndef HOST_RUN_STATE_H
#define HOST_RUN_STATE_H

#include "config/config.h"
#include <backplane/base.h>
#include <event2/event.h>
#include <stdbool.h>

struct run_state {
  struct config *config;
  const char *module_dir; /* from the command line, or NULL */
  int lock_fd;
  bool has_store;
  bool was_cut_short;
  struct event *stop_guard;
  struct event *signals[4];
};
extern struct run_state running;

/* settings.c */

/* A configuration that is good as a whole, or NULL with all faults logged and the first in `err`. */
struct config *settings_load(bp_error *err);
/* What takes effect at once, at start and at every reload. */
void settings_apply(const struct config *config);

/* stop.c */

/* SIGTERM and SIGINT stop the host, SIGHUP loads the configuration again. */
void stop_watch_signals(void);
void stop_release(void);

#endif
