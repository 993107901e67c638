/* store_check and store_restore: a backup takes the place of STATE/state.db while no host runs. What it replaces is kept as a backup. */
#include "base/buf.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"
#include "store/backup.h"
#include "store/lockfile.h"
#include "store/schema.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "<a><b>" with its NUL, or NULL without memory. */
static char *joined(const char *a, const char *b) {
  struct buf text = {0};
  buf_append_z(&text, a);
  buf_append_z(&text, b);
  buf_append_char(&text, '\0');
  if (!text.failed)
    return text.data;
  buf_release(&text);
  return NULL;
}

static bp_status check_source(struct database *d, const char *from, bp_error *err) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(d->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
  rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
  bool is_ok = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
  bp_status status = BP_OK;
  if (rc != SQLITE_ROW)
    status = sql_fail(d->db, rc, "reading the store", from, err);
  else if (!is_ok)
    status = fail(err, BP_E_IO, "the store in \"%s\" is damaged: %s", from, sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  if (status != BP_OK)
    return status;
  int64_t version = schema_version(d);
  if (version <= 0)
    return fail(err, BP_E_INVALID, "the file \"%s\" is no store", from);
  if (version > SCHEMA_VERSION) {
    fail(err, BP_E_UNSUPPORTED, "the store in \"%s\" has schema version %lld; this program knows %d", from, (long long)version, SCHEMA_VERSION);
    fail_hint(err, "install the newer version of this program");
    return BP_E_UNSUPPORTED;
  }
  return BP_OK;
}

bp_status store_check(const char *path, bp_error *err) {
  struct database d = {0};
  int rc = sqlite3_open_v2(path, &d.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
  bp_status status = rc == SQLITE_OK ? check_source(&d, path, err) : sql_fail(d.db, rc, "opening the store", path, err);
  sqlite3_close(d.db);
  return status;
}

static bp_status copy_source(const char *from, const char *to, bp_error *err) {
  struct database d = {0};
  int rc = sqlite3_open_v2(from, &d.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
  sqlite3_extended_result_codes(d.db, 1);
  bp_status status = rc == SQLITE_OK ? check_source(&d, from, err) : sql_fail(d.db, rc, "opening the store", from, err);
  if (status == BP_OK)
    status = backup_copy(d.db, to, NULL, err);
  sqlite3_close(d.db);
  return status;
}

/* Moves the log of the present store into its file, so that the file alone is the whole store. A damaged one is kept as it is. */
static void settle(const char *path) {
  sqlite3 *db = NULL;
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
    sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
  sqlite3_close(db);
}

static bool rename_beside(const char *path, const char *to, const char *suffix) {
  char *old = joined(path, suffix), *new = joined(to, suffix);
  bool is_moved = old && new && (rename(old, new) == 0 || errno == ENOENT);
  free(old);
  free(new);
  return is_moved;
}

static void remove_beside(const char *path, const char *suffix) {
  char *name = joined(path, suffix);
  if (name)
    unlink(name);
  free(name);
}

/* Keeps what is there under `kept` (with its log, where that could not be settled), then puts the copy in its place. */
static bp_status replace(const char *path, const char *copy, const char *kept, bp_error *err) {
  bool had_store = access(path, F_OK) == 0;
  if (had_store && link(path, kept) != 0)
    return fail(err, BP_E_IO, "keeping the present store as \"%s\" failed: %s", kept, strerror(errno));
  if (!rename_beside(path, kept, "-wal"))
    return fail(err, BP_E_IO, "keeping the log of the present store failed: %s", strerror(errno));
  remove_beside(path, "-shm");
  if (rename(copy, path) != 0 || !io_sync_folder_of(path))
    return fail(err, BP_E_IO, "putting the backup in place of \"%s\" failed: %s", path, strerror(errno));
  if (had_store)
    log_info("store", "the replaced store is kept as %s", kept);
  return BP_OK;
}

static bp_status restore_locked(const char *path, const char *from, bp_error *err) {
  char *copy = joined(path, ".restore");
  if (!copy)
    return fail(err, BP_E_NO_MEMORY, "restoring failed: out of memory");
  unlink(copy); /* of an earlier, interrupted restore */
  bp_status status = copy_source(from, copy, err);
  char *kept = status == BP_OK ? backup_name(path, "replaced", err) : NULL;
  if (status == BP_OK && !kept)
    status = BP_E_IO;
  if (kept) {
    if (access(path, F_OK) == 0)
      settle(path);
    status = replace(path, copy, kept, err);
  }
  if (status != BP_OK)
    unlink(copy);
  free(kept);
  free(copy);
  return status;
}

bp_status store_restore(const char *state_dir, const char *from, bp_error *err) {
  int lock = lockfile_take(state_dir, err);
  if (lock < 0)
    return err ? err->code : BP_E_STATE;
  char *path = joined(state_dir, "/state.db");
  bp_status status = path ? restore_locked(path, from, err) : fail(err, BP_E_NO_MEMORY, "restoring failed: out of memory");
  free(path);
  lockfile_drop(lock);
  return status;
}
