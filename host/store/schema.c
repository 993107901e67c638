/* The host's tables; see schema.h. */
#include "store/schema.h"
#include "base/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Position i brings version i to i + 1. Each runs in one transaction with the note of its version. live_log has one index
 * besides its sequence (which the index holds as well): each would be paid for on every event. */
static const char *const migrations[] = {
    "CREATE TABLE bp_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE live_log (seq INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL);"
    "CREATE TABLE bp_search (id INTEGER PRIMARY KEY AUTOINCREMENT, plugin TEXT NOT NULL, name TEXT NOT NULL, base TEXT NOT NULL, "
    "columns TEXT NOT NULL, upto INTEGER NOT NULL);",
    "CREATE INDEX live_log_topic ON live_log (topic);",
};
_Static_assert(sizeof(migrations) / sizeof(migrations[0]) == SCHEMA_VERSION, "one migration a version");

bp_status schema_prepare_file(const char *path, bool create, bool *ret_is_new, bp_error *err) {
  int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
  struct stat st;
  if (fd < 0 && errno == ENOENT)
    return fail(err, BP_E_NOT_FOUND, "opening the store \"%s\" failed: there is none", path);
  if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    bp_status status = fail(err, BP_E_IO, "opening the store \"%s\" failed: %s", path, fd < 0 ? strerror(errno) : "it is not a regular file");
    if (fd >= 0)
      close(fd);
    return status;
  }
  bool is_closed = (st.st_mode & 077) == 0 || fchmod(fd, 0600) == 0;
  close(fd);
  if (!is_closed)
    return fail(err, BP_E_DENIED, "opening the store \"%s\" failed: others may read it and its mode cannot be changed", path);
  *ret_is_new = st.st_size == 0;
  return BP_OK;
}

int64_t meta_integer(struct database *d, const char *name, int64_t fallback) {
  sqlite3_stmt *stmt = database_prepare(d, "SELECT value FROM bp_meta WHERE name = ?1");
  int64_t value = fallback;
  if (stmt && sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
    value = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return value;
}

int meta_set_integer(struct database *d, const char *name, int64_t value) {
  sqlite3_stmt *stmt = database_prepare(d, "INSERT OR REPLACE INTO bp_meta (name, value) VALUES (?1, ?2)");
  if (!stmt)
    return SQLITE_ERROR;
  sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 2, value);
  int rc = sqlite3_step(stmt);
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int64_t schema_version(struct database *d) {
  if (database_integer(d, "SELECT count(*) FROM sqlite_schema WHERE name = 'bp_meta'", 0) > 0)
    return meta_integer(d, "schema", -1);
  return database_integer(d, "SELECT count(*) FROM sqlite_schema", -1) == 0 ? 0 : -1;
}

static int apply(struct database *d, int64_t version) {
  int rc = database_run(d, "BEGIN IMMEDIATE");
  if (rc == SQLITE_OK)
    rc = database_run(d, migrations[version]);
  if (rc == SQLITE_OK)
    rc = meta_set_integer(d, "schema", version + 1);
  if (rc == SQLITE_OK)
    return database_run(d, "COMMIT");
  database_run(d, "ROLLBACK");
  return rc;
}

bp_status schema_migrate(struct database *d, const char *path, bp_error *err) {
  int64_t version = schema_version(d);
  if (version < 0)
    return fail(err, BP_E_INVALID, "the file \"%s\" is no store of this program", path);
  if (version > SCHEMA_VERSION) {
    fail(err, BP_E_UNSUPPORTED, "the store \"%s\" has schema version %lld; this program knows %d", path, (long long)version, SCHEMA_VERSION);
    fail_hint(err, "install the newer version again, or put a backup of before it in place: backplane restore <state>/backups/before-....db");
    return BP_E_UNSUPPORTED;
  }
  for (; version < SCHEMA_VERSION; version++) {
    int rc = apply(d, version);
    if (rc != SQLITE_OK)
      return sql_fail(d->db, rc, "making the tables of the store", path, err);
  }
  return BP_OK;
}
