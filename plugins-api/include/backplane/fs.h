/* bp.fs/1: files under declared roots, and nothing else opens a path.
 *
 * Every path is relative to a root and resolved by the kernel beneath it (openat2: no "..", no link out, no magic link); paths are
 * bytes, percent-decoded once by whoever took them from a URL. Work happens on workers; every `done` runs exactly once. */
#ifndef BACKPLANE_FS_H
#define BACKPLANE_FS_H

#include "base.h"
#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_FS_1 "bp.fs/1"

typedef uint64_t bp_root;

#define BP_ROOT_READ_ONLY 1u
#define BP_ROOT_NO_DOT 2u      /* top-level dot entries are refused (a home folder) */
#define BP_ROOT_SINGLE_LINK 4u /* files with several names (hard links) are refused: one may be a file of outside the root */
#define BP_ROOT_NO_GIT 8u      /* what lies in a ".git" folder is neither read nor copied, whatever link leads there; it is never written */

#define BP_FS_FILE 1u
#define BP_FS_FOLDER 2u
#define BP_FS_LINK 3u
#define BP_FS_OTHER 4u

typedef struct bp_fs_entry {
  uint32_t size;
  uint32_t kind;       /* BP_FS_* */
  bp_str name;         /* bytes, not always UTF-8 */
  uint64_t bytes;      /* of a plain file */
  int64_t modified_ns; /* wall clock, since 1970 */
  uint32_t mode;       /* permission bits */
  uint32_t reserved;
  uint32_t target_kind; /* of a link in a listing: what it leads to inside the root, BP_FS_*; else, and where it leads nowhere, 0 */
  uint32_t reserved_2;
} bp_fs_entry;

/* The error's pointer where a path was DENIED because it leads out of the root. */
#define BP_FS_OUTSIDE "outside"

/* What an operation gives back. Borrowed for the call. */
typedef struct bp_fs_result {
  uint32_t size;
  bp_status status; /* NOT_FOUND, DENIED (outside, protected, not a plain file), EXISTS, LIMIT, FULL, IO ... */
  bp_array entries; /* of bp_fs_entry: the listing, or one entry for stat */
  bp_str data;      /* of read */
  uint64_t total;   /* entries in the folder that match, or bytes of the file */
  uint32_t more;    /* 1: the listing was cut */
  uint32_t reserved;
  const bp_error *error; /* never NULL */
} bp_fs_result;

typedef void (*bp_fs_fn)(void *ctx, const bp_fs_result *result); /* [main] */

#define BP_FS_HIDDEN 1u    /* list: also dot entries */
#define BP_FS_OVERWRITE 2u /* write, rename, copy: replace what is there */
#define BP_FS_PARENTS 4u   /* write, mkdir: make missing folders */
#define BP_FS_RECURSIVE 8u /* remove, copy: whole trees (up to 100000 entries) */
#define BP_FS_TRASH 16u    /* remove: move to the root's trash folder instead */

typedef struct bp_fs_1 {
  uint32_t size;
  /* Opens an absolute folder as a root. BP_E_DENIED for one of the host's own folders or a parent of them that is not
   * excluded, BP_E_NOT_FOUND. [main] */
  bp_status (*root_open)(bp_plugin self, bp_str path, uint32_t flags, bp_root *ret, bp_error *err);
  bp_status (*root_close)(bp_root root);

  /* [main], all of them; `flags` BP_FS_*. */
  bp_status (*stat)(bp_root root, bp_str path, bp_fs_fn done, void *ctx);
  /* Entries in name order, folders and links to folders first; `pattern` is a glob on the name or empty. */
  bp_status (*list)(bp_root root, bp_str path, bp_str pattern, uint32_t flags, uint32_t offset, uint32_t limit, bp_fs_fn done, void *ctx);
  /* At most `length` bytes (<= 16 MiB) from `offset` of a plain file. */
  bp_status (*read)(bp_root root, bp_str path, uint64_t offset, uint64_t length, bp_fs_fn done, void *ctx);
  /* Atomic: temporary file in the same folder, fsync, rename, fsync of the folder. Refuses any component that is ".git" to
   * the eyes of some file system. */
  bp_status (*write)(bp_root root, bp_str path, bp_str data, uint32_t flags, bp_fs_fn done, void *ctx);
  bp_status (*mkdir)(bp_root root, bp_str path, uint32_t flags, bp_fs_fn done, void *ctx);
  bp_status (*rename)(bp_root root, bp_str from, bp_str to, uint32_t flags, bp_fs_fn done, void *ctx);
  bp_status (*copy)(bp_root root, bp_str from, bp_str to, uint32_t flags, bp_fs_fn done, void *ctx);
  bp_status (*remove)(bp_root root, bp_str path, uint32_t flags, bp_fs_fn done, void *ctx);
  /* Answers a request with a file: as bp.stream's send_file. */
  bp_status (*send)(bp_request request, bp_root root, bp_str path, const bp_file_reply *options);
  /* Moves spooled part `index` of an upload to `path`, durable as in `write`. */
  bp_status (*keep_part)(bp_request request, uint32_t index, bp_root root, bp_str path, uint32_t flags, bp_fs_fn done, void *ctx);
} bp_fs_1;

#ifdef __cplusplus
}
#endif

#endif
