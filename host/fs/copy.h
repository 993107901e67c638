/* Copying the bytes of one file. Blocks: on a worker. */
#ifndef HOST_FS_COPY_H
#define HOST_FS_COPY_H

#include <stdbool.h>
#include <sys/types.h>

struct fs_job;

/* Copies all that `from` has after its position, in the kernel where that can be done. False and errno; ECANCELED when the
 * job should end. */
bool copy_bytes(const struct fs_job *job, int from, int to);

#endif
