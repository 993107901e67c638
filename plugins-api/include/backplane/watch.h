/* bp.watch/1: changes of files and folders (inotify), coalesced. Paths are of a root of bp.fs/1 or absolute ones that the
 * plugin's configuration names. */
#ifndef BACKPLANE_WATCH_H
#define BACKPLANE_WATCH_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_WATCH_1 "bp.watch/1"

typedef uint64_t bp_watch;

#define BP_WATCH_CREATED 1u
#define BP_WATCH_CHANGED 2u /* written and closed, or replaced */
#define BP_WATCH_REMOVED 4u
#define BP_WATCH_OVERFLOW 8u /* events were lost: read everything again */

/* `name` is the entry below the watched folder, or empty for the watched path itself. [main] */
typedef void (*bp_watch_fn)(void *ctx, bp_watch watch, uint32_t changes, bp_str name);

typedef struct bp_watch_1 {
  uint32_t size;
  /* Watches a folder's entries, or one file (also while it does not exist yet, and across replacement by rename). One call of
   * `fn` per name and tick, at least `settle_ms` after the first change. BP_E_LIMIT beyond 256 a plugin. [main] */
  bp_status (*open)(bp_plugin self, bp_str path, uint32_t settle_ms, bp_watch_fn fn, void *ctx, bp_watch *ret);
  bp_status (*close)(bp_watch watch);
} bp_watch_1;

#ifdef __cplusplus
}
#endif

#endif
