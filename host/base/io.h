/* Blocking steps of writing files, where one call of the system may do only a part. Not on main, except while the host starts. */
#ifndef HOST_BASE_IO_H
#define HOST_BASE_IO_H

#include <backplane/base.h>
#include <stdbool.h>

/* All of these: false and errno. */
bool io_write_all(int fd, bp_str bytes);
/* fsync of the folder a path is in: the entry of a file is on disk only when its folder is. */
bool io_sync_folder_of(const char *path);

#endif
