/* Finding, checking, ordering, starting and draining plugins. */
#ifndef HOST_LOADER_LOADER_H
#define HOST_LOADER_LOADER_H

#include "loader/plugin.h"

struct config;

/* An image opened for reading its descriptor only. */
struct image;
/* Verifies the file (owner, mode, parents), copies it to a unique name in the 0700 folder, opens that copy and queries it. */
struct image *image_open(const char *path, const char *private_dir, bp_error *err);
const bp_plugin_descriptor *image_descriptor(const struct image *image);
void image_close(struct image *image);

/* Loads every module of the configuration: resolve all, one message naming every missing piece; then families, options,
 * migrations, create, routes, start, in dependency order. A module that fails is FAILED and its dependants are refused;
 * the others run. BP_E_* only if nothing can run. */
bp_status loader_start(const struct config *config, const char *state_dir, bp_error *err);
/* Applies a changed configuration: drains modules that left, loads new ones, tells the others. */
bp_status loader_apply(const struct config *config, bp_error *err);
/* Drains all in reverse order, then calls `done`. */
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
