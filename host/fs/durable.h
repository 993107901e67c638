/* Making changes of files last: temporary names, fsync, and a rename that never overwrites. Blocks: on a worker. */
#ifndef HOST_FS_DURABLE_H
#define HOST_FS_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define DURABLE_TEMP_BYTES 32

/* A name nobody else uses: ".backplane-<random>.tmp". */
void durable_temp_name(char ret[DURABLE_TEMP_BYTES]);
/* All of these: false and errno. */
bool durable_sync_file(int dir, const char *name);
/* `dir` may be an O_PATH descriptor. */
bool durable_sync_folder(int dir);
/* EEXIST when `new_name` is taken, on every file system. */
bool durable_move_new(int from, const char *old_name, int to, const char *new_name);

#endif
