/* bp.db/1: the host's store, one SQLite file shared by all plugins and fenced per plugin.
 *
 * Tables, indexes and triggers a plugin makes begin with its id (dots and dashes as underscores) and an underscore; no statement
 * reaches another plugin's. Statements and migrations are declared in the descriptor and compiled at load. Writes of all
 * plugins go through one writer thread that commits in groups: `done` runs after the commit has reached the disk, so
 * replying and changing memory there is safe. Everything is asynchronous; every `done` runs exactly once. */
#ifndef BACKPLANE_DB_H
#define BACKPLANE_DB_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_DB_1 "bp.db/1"

/* ---- Declared in the descriptor ---- */

/* Schema changes, applied in rising version order before `start`, each in a transaction, after a backup. */
typedef struct bp_migration {
  uint32_t size;
  uint32_t version; /* 1, 2, 3 ... without gaps; never edited once released */
  bp_str sql;       /* one or more statements */
} bp_migration;

/* A statement by position in the declared array, which is its number in the calls below. */
typedef struct bp_statement {
  uint32_t size;
  uint32_t reserved;
  bp_str name; /* for messages: "insert_event" */
  bp_str sql;  /* exactly one statement with ?1, ?2 ... */
} bp_statement;

/* A full-text index the host keeps over columns of one of the plugin's tables (whose primary key is an INTEGER rowid). It follows the table
 * by triggers: where many rows are inserted a second, write INSERT OR FAIL, for else SQLite keeps a copy of every page that a statement with
 * triggers changes. A unit that fails is taken back as a whole either way. */
typedef struct bp_search_index {
  uint32_t size;
  uint32_t reserved;
  bp_str name;
  bp_str table;
  bp_array columns; /* of bp_str */
} bp_search_index;

/* ---- Values ---- */

#define BP_DB_NULL 0u
#define BP_DB_INTEGER 1u
#define BP_DB_REAL 2u
#define BP_DB_TEXT 3u /* UTF-8 */
#define BP_DB_BLOB 4u
#define BP_DB_RESULT 5u /* as a parameter: column `integer` of the first row that step `step` of this unit returned */
#define BP_DB_ROWID 6u  /* as a parameter: the row id that step `step` inserted */

typedef struct bp_db_value {
  uint32_t size;
  uint32_t type; /* BP_DB_* */
  uint32_t step; /* for RESULT and ROWID */
  uint32_t reserved;
  int64_t integer;
  double real;
  bp_str text; /* TEXT or BLOB bytes */
} bp_db_value;

/* ---- Writes: a unit of steps, all or nothing ---- */

#define BP_DB_EXEC 1u    /* runs a declared statement, keeps the rows it returns */
#define BP_DB_PUBLISH 2u /* adds an event to the live log, on a durable topic of the plugin's own */

/* How many rows the statement must return (with RETURNING or SELECT) or change. */
#define BP_DB_ANY 0u
#define BP_DB_ONE 1u
#define BP_DB_SOME 2u /* at least one */
#define BP_DB_NONE 3u

#define BP_DB_IF_CHANGED 1u /* only where step `when_step` changed or returned a row; else the step is skipped */

typedef struct bp_db_step {
  uint32_t size;
  uint32_t kind;  /* BP_DB_EXEC, BP_DB_PUBLISH */
  uint32_t flags; /* BP_DB_IF_CHANGED */
  uint32_t when_step;
  /* EXEC */
  uint32_t statement; /* index into the declared statements */
  uint32_t expect;    /* BP_DB_ANY ... ; otherwise the unit fails with BP_E_CONFLICT and failed_step names this step */
  bp_array params;    /* of bp_db_value */
  /* PUBLISH: payload is `payload`, or, where that is empty, the text in column `payload_column` of every row that step
   * `payload_step` returned (one event a row; none without rows). */
  bp_str topic;
  bp_str key;
  bp_str payload; /* JSON text */
  uint32_t payload_step;
  uint32_t payload_column;
} bp_db_step;

/* ---- Reads: queries on one snapshot ---- */

typedef struct bp_db_query {
  uint32_t size;
  uint32_t statement;
  uint32_t max_rows; /* 0: 1000; at most 10000. Whether more exist is told by `more` */
  uint32_t reserved;
  bp_array params; /* of bp_db_value */
} bp_db_query;

/* ---- Outcomes ---- */

typedef uint64_t bp_db_result; /* rows of all steps or queries; stale when `done` returns */

typedef struct bp_db_outcome {
  uint32_t size;
  /* BP_OK; CONFLICT (expectation, or a constraint: error.pointer names it, e.g. "observability_sessions.session_id"); EXISTS
   * (unique or primary key); FULL (no space or I/O error: the store is read-only); TIMEOUT; CANCELLED; INVALID (types, counts). */
  bp_status status;
  uint32_t failed_step; /* index of the step or query that failed */
  uint32_t reserved;
  uint64_t sequence;     /* read: the live sequence this snapshot includes. write: the last sequence published, or 0 */
  bp_db_result result;   /* valid when status is BP_OK */
  const bp_error *error; /* never NULL; empty when status is BP_OK */
} bp_db_outcome;

typedef void (*bp_db_done_fn)(void *ctx, const bp_db_outcome *outcome); /* [main] */

typedef struct bp_db_1 {
  uint32_t size;

  /* Queues a unit of steps (bp_array of bp_db_step). Inputs are copied. BP_E_BUSY when 8192 units wait, BP_E_FULL while the
   * store is read-only: then `done` does not run. [main] */
  bp_status (*write)(bp_plugin self, bp_array steps, bp_db_done_fn done, void *ctx);
  /* Runs queries (bp_array of bp_db_query) on one snapshot. `deadline_ms` 0: 5 s. [main] */
  bp_status (*read)(bp_plugin self, bp_array queries, uint32_t deadline_ms, bp_db_done_fn done, void *ctx);
  /* Full-text search: all words of `text` must occur (a trailing * matches a prefix). Rows of result 0 are
   * (rowid, rank, snippet), best first, at most `limit` (<= 1000) after skipping `offset`. Complete up to now. [main] */
  bp_status (*search)(bp_plugin self, bp_str index, bp_str text, uint32_t limit, uint32_t offset, bp_db_done_fn done, void *ctx);

  /* Reading a result inside `done`. `step` is the index of the step or query. Values are borrowed from the result. [main] */
  uint32_t (*rows)(bp_db_result result, uint32_t step);
  uint32_t (*columns)(bp_db_result result, uint32_t step);
  uint32_t (*more)(bp_db_result result, uint32_t step);   /* 1: max_rows cut the answer */
  int64_t (*changes)(bp_db_result result, uint32_t step); /* rows changed */
  int64_t (*rowid)(bp_db_result result, uint32_t step);   /* row id inserted, or 0 */
  bp_status (*value)(bp_db_result result, uint32_t step, uint32_t row, uint32_t column, bp_db_value *ret);
} bp_db_1;

#ifdef __cplusplus
}
#endif

#endif
