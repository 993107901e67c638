/* One SQLite connection of the store: opened with every safety setting, and the translation of SQLite's errors.
 *
 * A connection is used by one thread at a time (SQLITE_CONFIG_MULTITHREAD). Who may touch which table is fence.h. */
#ifndef HOST_STORE_DATABASE_H
#define HOST_STORE_DATABASE_H

#include "store/fence.h"
#include <backplane/base.h>
#include <sqlite3.h>
#include <stdbool.h>

struct program;

/* Of the store's threads. SQLite's parser and FTS5 stay well below this; a thread's default would be 8 MiB of address space. */
#define STORE_STACK_BYTES (512 * 1024)

enum database_role {
  DATABASE_WRITER,   /* the writer thread's; synchronous=FULL */
  DATABASE_READER_1, /* the read pool's: query_only */
  DATABASE_READER_2,
  DATABASE_SCHEMA, /* while plugins are added: migrations and checks of statements; main's at start, later the writer thread's */
  DATABASE_ROLES
};

struct database {
  sqlite3 *db;
  enum database_role role;
  struct fence fence;       /* the authorizer's state; DATABASE_SCHEMA only */
  struct program *programs; /* what was compiled here, see statements.h */
};

/* How long a connection waits for another process's lock. */
#define DATABASE_BUSY_MS 5000
/* The largest value SQLite accepts here, and so the largest row. */
#define DATABASE_VALUE_LIMIT_BYTES (32 * 1024 * 1024)

/* Opens `path`, which must exist. On failure nothing is left open. */
bp_status database_open(struct database *d, const char *path, enum database_role role, bp_error *err);
/* Finalizes what the programs compiled here and closes. A zeroed struct is fine. */
void database_close(struct database *d);

/* Runs host SQL without parameters; the return is SQLite's extended code. */
int database_run(struct database *d, const char *sql);
/* A host statement kept for long; NULL on failure. */
sqlite3_stmt *database_prepare(struct database *d, const char *sql);
/* The first integer a host query gives, or `fallback`. */
int64_t database_integer(struct database *d, const char *sql, int64_t fallback);

/* What an extended result code means in this API. */
bp_status sql_status(int rc);
/* True for codes after which the store counts as read-only: no space, I/O error, no write access. */
bool sql_is_store_failure(int rc);
/* Fills `err` from the connection's last error: "<what> \"<name>\" failed: <SQLite's text>"; for a constraint the pointer names
 * it ("table.column"). Returns the status. */
bp_status sql_fail(sqlite3 *db, int rc, const char *what, const char *name, bp_error *err);

#endif
