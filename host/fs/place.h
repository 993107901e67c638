/* Where a path beneath a root leads: the checked folder that holds it, and the entry's name there. Everything bp.fs does
 * begins with a place, so every rule about what may be touched is here. Blocks: on a worker. */
#ifndef HOST_FS_PLACE_H
#define HOST_FS_PLACE_H

#include "fs/own_folders.h"
#include "fs/root.h"
#include <limits.h>

#define TRASH_FOLDER ".backplane-trash"

enum place_use {
  PLACE_READ,  /* links inside the root are followed on the way to the folder, ".." is the kernel's business */
  PLACE_WRITE, /* no links, no "..", nothing that is ".git" to some file system */
  PLACE_MAKE   /* the same, and missing folders on the way are made */
};

struct place {
  int folder;              /* O_PATH; of what is named */
  bool is_top;             /* the folder is the root itself */
  char name[NAME_MAX + 1]; /* "." for a folder named as a whole */
};

bp_status place_find(const struct fs_root *root, const char *path, enum place_use use, struct place *ret, bp_error *err);
void place_release(struct place *place);

/* Refuses what the host never serves, by what the entry is: its own files, and where the root says so files with several
 * names. `path` is for the message. */
bp_status place_check(const struct fs_root *root, const struct stat *info, const char *path, bp_error *err);
/* Of what is open, wherever a link to it lay: refused where the root keeps git's own to itself and it is in a ".git" folder. */
bp_status place_check_git(const struct fs_root *root, int fd, const char *path, bp_error *err);
/* lstat of the entry with place_check; BP_E_NOT_FOUND. */
bp_status place_stat(const struct fs_root *root, const struct place *place, const char *path, struct stat *ret, bp_error *err);
/* The same, and neither one of the host's own folders nor above one: for what is to be moved or removed. */
bp_status place_stat_movable(const struct fs_root *root, const struct place *place, const char *path, struct stat *ret, bp_error *err);
/* What `path` is once links inside the root have been followed; nothing is opened. */
bp_status place_target(const struct fs_root *root, const char *path, struct stat *ret, bp_error *err);
/* Opens a plain file or a folder (`type` S_IFREG or S_IFDIR) for reading, by links inside the root if need be. */
bp_status place_open(const struct fs_root *root, const char *path, mode_t type, int *ret_fd, struct stat *ret_info, bp_error *err);

/* The error of a failed system call; the path is cut to fit. Returns its status. */
bp_status place_fail(bp_error *err, int error, const char *what, const char *path);
bp_status place_refuse(bp_error *err, bp_status status, const char *path, const char *reason);

#endif
