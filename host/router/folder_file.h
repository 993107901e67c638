/* Files of a plugin's own folder, by the relative names plugins use (stream.h): no "..", no symbolic links, regular files only.
 *
 * Everything that takes an err blocks on the file system: call it on a worker. */
#ifndef HOST_ROUTER_FOLDER_FILE_H
#define HOST_ROUTER_FOLDER_FILE_H

#include <backplane/base.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Where uploads lie until they are kept; no plugin may name it. */
#define FOLDER_SPOOL ".spool"

/* True for plain components separated by single '/', none of them the spool. */
bool folder_path_is_plain(bp_str path);
/* Opens for reading. BP_E_NOT_FOUND for what is missing or no regular file, BP_E_BUSY without descriptors, BP_E_IO. */
bp_status folder_open(const char *folder, const char *path, int *ret_fd, struct stat *ret_info, bp_error *err);
/* Moves the spooled file to `path` for good: fsync, rename that never overwrites, fsync of both folders. Missing folders on the
 * way are made (0700). BP_E_EXISTS when the path is taken. */
bp_status folder_keep(const char *folder, const char *spool_name, const char *path, bp_error *err);
/* BP_E_NOT_FOUND when it is not there. */
bp_status folder_remove(const char *folder, const char *path, bp_error *err);
/* The spool folder, made if need be; -1 and errno. */
int folder_open_spool(const char *folder);

#endif
