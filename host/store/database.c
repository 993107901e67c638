/* Opening connections and translating errors; see database.h. */
#include "store/database.h"
#include "base/fail.h"
#include "base/log.h"
#include "store/statements.h"

#include <string.h>

static const char common_settings[] = "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA recursive_triggers=ON;"
                                      "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA secure_delete=FAST;";

/* The writer's temporary data stays in memory (bounded by the batch); checkpoints are taken between batches, not in a commit. */
static const char writer_settings[] = "PRAGMA synchronous=FULL; PRAGMA cache_size=-768; PRAGMA temp_store=MEMORY;"
                                      "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=8388608;";
static const char reader_settings[] = "PRAGMA query_only=ON; PRAGMA cache_size=-256;";
static const char schema_settings[] = "PRAGMA synchronous=FULL; PRAGMA cache_size=-512; PRAGMA journal_size_limit=8388608;";

static const struct {
  int id, value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, DATABASE_VALUE_LIMIT_BYTES},
    {SQLITE_LIMIT_SQL_LENGTH, 256 * 1024},
    {SQLITE_LIMIT_COLUMN, 256},
    {SQLITE_LIMIT_EXPR_DEPTH, 128},
    {SQLITE_LIMIT_COMPOUND_SELECT, 64},
    {SQLITE_LIMIT_VDBE_OP, 250000},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1024},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 256},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 16},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

static const struct {
  int id, value;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
    {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
};

/* Process-wide, before the first connection: no mutex inside connections, no allocation statistics. */
static void configure_library(void) {
  static bool is_configured;
  if (is_configured)
    return;
  is_configured = true;
  if (sqlite3_config(SQLITE_CONFIG_MULTITHREAD) != SQLITE_OK || sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK)
    log_warn("store", "sqlite was initialised before the store: its default threading mode stays");
}

static void restrict_connection(sqlite3 *db) {
  for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
    sqlite3_limit(db, limits[i].id, limits[i].value);
  for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
    sqlite3_db_config(db, switches[i].id, switches[i].value, NULL);
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, DATABASE_BUSY_MS);
}

static int apply_settings(struct database *d) {
  int rc = database_run(d, common_settings);
  if (rc != SQLITE_OK)
    return rc;
  switch (d->role) {
  case DATABASE_WRITER:
    return database_run(d, writer_settings);
  case DATABASE_SCHEMA:
    return database_run(d, schema_settings);
  default:
    return database_run(d, reader_settings);
  }
}

static bool journal_is_wal(struct database *d) {
  sqlite3_stmt *stmt = database_prepare(d, "PRAGMA journal_mode=WAL");
  bool is_wal = stmt && sqlite3_step(stmt) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
  sqlite3_finalize(stmt);
  return is_wal;
}

bp_status database_open(struct database *d, const char *path, enum database_role role, bp_error *err) {
  configure_library();
  *d = (struct database){.role = role};
  int rc = sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
  if (rc == SQLITE_OK) {
    restrict_connection(d->db);
    rc = apply_settings(d);
  }
  bp_status status = rc == SQLITE_OK ? BP_OK : sql_fail(d->db, rc, "opening the store", path, err);
  bool writes = role == DATABASE_WRITER || role == DATABASE_SCHEMA;
  if (status == BP_OK && writes && !journal_is_wal(d)) {
    status = fail(err, BP_E_IO, "opening the store \"%s\" failed: its file system cannot hold a write-ahead log", path);
    fail_hint(err, "put the state folder on a local file system");
  }
  if (status == BP_OK && role == DATABASE_SCHEMA)
    sqlite3_set_authorizer(d->db, fence_check, &d->fence);
  if (status != BP_OK)
    database_close(d);
  return status;
}

void database_close(struct database *d) {
  if (!d->db)
    return;
  programs_drop(d, true);
  sqlite3_close_v2(d->db);
  d->db = NULL;
}

int database_run(struct database *d, const char *sql) {
  return sqlite3_exec(d->db, sql, NULL, NULL, NULL);
}

sqlite3_stmt *database_prepare(struct database *d, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v3(d->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
    log_error("store", "compiling the host's own statement failed: %s", sqlite3_errmsg(d->db));
    return NULL;
  }
  return stmt;
}

int64_t database_integer(struct database *d, const char *sql, int64_t fallback) {
  sqlite3_stmt *stmt = NULL;
  int64_t value = fallback;
  if (sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
    value = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return value;
}

static bp_status constraint_status(int rc) {
  return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_ROWID ? BP_E_EXISTS : BP_E_CONFLICT;
}

bp_status sql_status(int rc) {
  if (rc == SQLITE_IOERR_NOMEM)
    return BP_E_NO_MEMORY;
  switch (rc & 0xff) {
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE:
    return BP_OK;
  case SQLITE_CONSTRAINT:
    return constraint_status(rc);
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return BP_E_BUSY;
  case SQLITE_FULL:
  case SQLITE_IOERR:
  case SQLITE_READONLY:
  case SQLITE_CANTOPEN:
    return BP_E_FULL;
  case SQLITE_INTERRUPT:
    return BP_E_TIMEOUT;
  case SQLITE_TOOBIG:
    return BP_E_LIMIT;
  case SQLITE_NOMEM:
    return BP_E_NO_MEMORY;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return BP_E_IO;
  default:
    return BP_E_INVALID;
  }
}

bool sql_is_store_failure(int rc) {
  return sql_status(rc) == BP_E_FULL;
}

bp_status sql_fail(sqlite3 *db, int rc, const char *what, const char *name, bp_error *err) {
  const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
  bp_status status = fail(err, sql_status(rc), "%s \"%s\" failed: %s", what, name, text);
  const char *constraint = (rc & 0xff) == SQLITE_CONSTRAINT ? strstr(text, "constraint failed: ") : NULL;
  if (constraint)
    fail_pointer(err, "%s", constraint + strlen("constraint failed: "));
  return status;
}
