/* Whole folders: counting and removing what lies in them, within bounds. Blocks: on a worker. */
#ifndef HOST_FS_TREE_H
#define HOST_FS_TREE_H

#include <backplane/base.h>
#include <dirent.h>
#include <stdbool.h>

struct fs_job;

#define TREE_ENTRIES_MAX 100000
#define TREE_DEPTH_MAX 64 /* each level holds a descriptor */

/* True for what is no entry of a listing: "." and "..". */
bool tree_is_dots(const char *name);
/* The open folder as a stream of its own; NULL and errno. */
DIR *tree_read(int dir);
/* Refuses trees that are too large, too deep, or hold one of the host's own folders, before anything is changed. */
bp_status tree_check(struct fs_job *job, int dir);
/* Removes dir/name and everything below it; what is gone already does not matter. False and errno. */
bool tree_remove(int dir, const char *name, bool (*should_end)(const struct fs_job *job), const struct fs_job *job);

#endif
