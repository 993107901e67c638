/* The store: one SQLite file, one writer thread with group commit, a small read pool. The seam for the rest of the host.
 *
 * bp.db/1 is db_table.c; nothing outside this folder includes <sqlite3.h>. */
#ifndef HOST_STORE_STORE_H
#define HOST_STORE_STORE_H

#include <backplane/base.h>
#include <backplane/db.h>
#include <stdbool.h>

struct plugin;

struct store_options {
  const char *path;             /* STATE/state.db */
  int64_t live_retention_days;  /* of the live log; 30 */
  int64_t live_retention_bytes; /* 2 GB */
  bool create;
};
/* Opens (WAL, synchronous=FULL), migrates the host's own tables, starts the threads. A schema newer than this host: refused
 * with the fix. Returns before quick_check, which runs in the background after store_ready(). */
bp_status store_open(const struct store_options *options, bp_error *err);
void store_ready(void);
/* Finishes what is queued, checkpoints, closes. */
void store_close(void);

/* A plugin's declarations: migrations (after one backup for all), statements compiled under its fence, search indexes. `done` runs on main,
 * once: before this returns as long as store_ready has not been called, later after that, since the work is then the writer thread's. Until
 * then what the arrays point to must stay, store_pending counts it, and store_cancel ends it with BP_E_CANCELLED. */
typedef void (*store_added_fn)(void *ctx, bp_status status, const bp_error *err);
void store_add(struct plugin *owner, const bp_array *migrations, const bp_array *statements, const bp_array *searches, store_added_fn done,
               void *ctx);
void store_remove(struct plugin *owner);
/* Units and reads of the owner whose `done` has not run. Cancels those not yet started. */
unsigned store_pending(const struct plugin *owner);
/* Whenever the last of them is delivered, `hook` runs at the end of that tick: its `done` may have begun more by then. NULL: no longer. */
struct loop_hook;
void store_when_idle(const struct plugin *owner, struct loop_hook *hook);
void store_cancel(struct plugin *owner);

/* Copies a consistent image of the running store to `path` (backup API, on a reader). */
typedef void (*store_backup_fn)(void *ctx, bp_status status, const bp_error *err);
void store_backup(const char *path, store_backup_fn done, void *ctx);
/* Puts a backup in place of STATE/state.db; the host must not be running (checked by its lock file). */
bp_status store_restore(const char *state_dir, const char *from, bp_error *err);
/* Reads the whole file (a store or a backup) and tells whether it is sound and of a schema this host knows. Blocks; for commands. */
bp_status store_check(const char *path, bp_error *err);

bool store_is_readonly(void);
/* Re-reads retention from a changed configuration. */
void store_set_retention(int64_t days, int64_t bytes);

/* Reads durable events after `from`, oldest first, at most `limit`, whose topic matches one of `topics` (exact, or prefix
 * ending in ".*"; none: all). `done` on main. `oldest` is the lowest sequence still kept (0: empty log). */
struct live_row {
  uint64_t sequence;
  int64_t time_ns;
  bp_str topic, key, payload;
};
typedef void (*store_live_fn)(void *ctx, bp_status status, const struct live_row *rows, uint32_t count, bool more, uint64_t oldest);
void store_live_read(const bp_str *topics, uint32_t topic_count, bp_str key, uint64_t from, uint32_t limit, store_live_fn done, void *ctx);

struct store_counters {
  uint64_t units, batches, reads, failed, commit_ns_total, live_rows;
  uint32_t queued, largest_batch;
};
void store_counters(struct store_counters *ret);

#endif
