/* Bringing plugins up: the steps each one goes through, and what happens when one fails. */
#ifndef HOST_LOADER_START_H
#define HOST_LOADER_START_H

#include "loader/plugin.h"

struct config;
struct config_module;

/* The module of this id, or NULL. */
const struct config_module *module_find(const struct config *config, const char *id);
/* Where its file is: as configured, else in the folder of installed modules. Owned by the caller. */
char *module_path(const struct config *config, const struct config_module *module);

/* Loads, resolves and starts every module of the configuration that is not in the registry. Those that fail stay there as FAILED with their
 * reason. `done` is called when that is over and they have read what they keep (first_reads.h). While the host starts, their tables are made
 * before this returns; once it serves, later, on the store's writer thread. One at a time; `config` is used before this returns only. */
void start_missing(const struct config *config, const char *private_dir, void (*done)(void));
/* The host stops: tables being made are given up, and no plugin is created any more. `done` still comes. */
void start_give_up(void);

/* The options as configured, checked; true when the plugin's values changed. */
bp_status start_options(struct plugin *plugin, const struct config_module *module, bool *ret_changed, bp_error *err);

/* True if the options as configured are in order and others than the plugin has. */
bool start_would_change(const struct plugin *plugin, const struct config_module *module);

/* True if `plugin` cannot run without `other`. */
bool start_depends(const struct plugin *plugin, const struct plugin *other);

#endif
