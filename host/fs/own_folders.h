/* The host's own folders (configuration, state, scripts, plugins), which bp.fs and bp.watch never touch, whatever their
 * roots. They are recognised by device and inode, so no link, mount or other spelling leads into them. */
#ifndef HOST_FS_OWN_FOLDERS_H
#define HOST_FS_OWN_FOLDERS_H

#include <stdbool.h>
#include <sys/stat.h>

/* Adds a folder (or one file) by its absolute path; it need not be there yet. Adding it again does nothing. Main. */
void own_folders_add(const char *path);
/* Adds the folder a file lies in, or only the file where that folder is "/", /tmp, the home folder or above it. Main. */
void own_folders_add_of(const char *file);
/* Forgets all; for the end, and for tests. */
void own_folders_release(void);

#define OWN_IDS_MAX 256

/* What is on disk at the moment under these paths. */
struct own_ids {
  struct {
    dev_t device;
    ino_t inode;
  } items[OWN_IDS_MAX];
  unsigned count;
  bool is_cut; /* not all fit: everything counts as own */
};

/* Any thread; blocks on the file system. */
void own_folders_read(struct own_ids *ret);
/* The folders and everything above them, for changes that would take them along. */
void own_folders_read_above(struct own_ids *ret);
bool own_ids_has(const struct own_ids *ids, const struct stat *info);

/* True if the open folder is one of them or lies in one. */
bool own_folders_hold(int folder);

#endif
