/* Describing an entry to a plugin. */
#ifndef HOST_FS_ENTRY_H
#define HOST_FS_ENTRY_H

#include <backplane/fs.h>
#include <sys/stat.h>

uint32_t entry_kind(mode_t mode); /* BP_FS_* */
/* `name` must live as long as the entry. */
void entry_fill(bp_fs_entry *ret, bp_str name, const struct stat *info);

#endif
