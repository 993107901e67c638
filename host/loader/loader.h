/* Finding, checking, ordering, starting and draining plugins. */
#ifndef HOST_LOADER_LOADER_H
#define HOST_LOADER_LOADER_H

#include "loader/plugin.h"

struct config;
struct config_module;

/* An image opened for reading its descriptor only. */
struct image;
/* Verifies the file (owner, mode, parents), copies it to a unique name in the 0700 folder, opens that copy and queries it. */
struct image *image_open(const char *path, const char *private_dir, bp_error *err);
const bp_plugin_descriptor *image_descriptor(const struct image *image);
/* Unmaps it: no thread may run its code and no callback of it be pending. NULL is fine. */
void image_close(struct image *image);
/* Frees the struct and leaves the code mapped for ever. */
void image_abandon(struct image *image);

/* Loads every module of the configuration: resolve all, one message naming every missing piece; then families, options,
 * migrations, create, routes, start, in dependency order. A module that fails is FAILED and its dependants are refused;
 * the others run. BP_E_* only if nothing can run. */
bp_status loader_start(const struct config *config, const char *state_dir, bp_error *err);
/* Applies a changed configuration, which is borrowed until the next one: drains modules that left (and who needs them), tells
 * those whose options changed, and starts new and formerly failed ones once the drains are over. What did not change is not
 * touched. Options that are wrong keep the old values; the first such fault is in `err`. While modules of an earlier change are
 * being started, only options are taken over at once; the rest follows when that is over. */
bp_status loader_apply(const struct config *config, bp_error *err);
/* Calls `fn` once no module is being drained or started because of a change, or the host stops: maybe at once. BP_E_BUSY: too many
 * wait already, and `fn` is never called. */
#define LOADER_SETTLED_MAX 32
bp_status loader_when_settled(void (*fn)(void *ctx), void *ctx);
/* `fn` is called whenever a set of modules has been started: families may have come or gone. */
void loader_on_change(void (*fn)(void));
/* The host is going to stop: nothing more is started, and tables being made are given up. */
void loader_stopping(void);
/* Drains all in reverse order, then calls `done`. After loader_stopping. */
void loader_stop(void (*done)(void *arg), void *arg);

/* The interface tables the host offers. */
struct interface_entry {
  const char *name;
  const void *table;
  uint32_t size;
};
const struct interface_entry *interface_find(bp_str name);
const struct interface_entry *interface_at(unsigned index); /* NULL past the end */

#endif
