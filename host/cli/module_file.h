/* The files of modules.d: one a module, written and removed atomically by `backplane module`. */
#ifndef HOST_CLI_MODULE_FILE_H
#define HOST_CLI_MODULE_FILE_H

#include <backplane/base.h>
#include <stdbool.h>

/* [a-z][a-z0-9-]* parts separated by dots, at most 128 bytes: an id that is also a safe file name. */
bool module_id_is_valid(const char *id);
/* Makes modules.d/ID.lua beside the configuration: the text that was kept by an earlier removal, or `module "ID" {}`. BP_E_EXISTS. */
bp_status module_file_write(const char *config_file, const char *id, bp_error *err);
/* Removes it; one that holds more than module_file_write wrote is kept as ID.lua.disabled. BP_E_NOT_FOUND. */
bp_status module_file_remove(const char *config_file, const char *id, bp_error *err);

#endif
