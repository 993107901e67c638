/* The SQL of a full-text index; see search_index.h and the invariant in search.h. */
#include "store/search_index.h"

#include <stdlib.h>
#include <string.h>

/* One piece: small enough that units do not wait long behind it. */
#define PIECE_ROWS 200
#define PIECE_BYTES (1024 * 1024)

/* Formats with SQLite's %w and %d and runs it. */
static int run_format(struct database *d, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *sql = sqlite3_vmprintf(format, args);
  va_end(args);
  int rc = sql ? database_run(d, sql) : SQLITE_NOMEM;
  sqlite3_free(sql);
  return rc;
}

static sqlite3_stmt *prepare_format(struct database *d, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *sql = sqlite3_vmprintf(format, args);
  va_end(args);
  sqlite3_stmt *stmt = sql ? database_prepare(d, sql) : NULL;
  sqlite3_free(sql);
  return stmt;
}

static const char create_table[] = "CREATE VIRTUAL TABLE bp_search_%lld USING fts5(%s, content=\"%w\", content_rowid='rowid', "
                                   "tokenize='unicode61 remove_diacritics 2')";

static const char create_stale[] = "CREATE TABLE bp_search_%lld_stale (id INTEGER PRIMARY KEY, was_indexed INTEGER NOT NULL, %s)";

/* NOT EXISTS rather than OR IGNORE: the conflict clause of the statement that fires a trigger overrides those inside it. */
static const char create_insert[] = "CREATE TRIGGER bp_search_%lld_insert AFTER INSERT ON \"%w\" "
                                    "WHEN new.rowid <= (SELECT upto FROM bp_search WHERE id = %lld) "
                                    "BEGIN INSERT INTO bp_search_%lld_stale (id, was_indexed) SELECT new.rowid, 0 "
                                    "WHERE NOT EXISTS (SELECT 1 FROM bp_search_%lld_stale WHERE id = new.rowid); END";

static const char create_delete[] = "CREATE TRIGGER bp_search_%lld_delete AFTER DELETE ON \"%w\" "
                                    "WHEN old.rowid <= (SELECT upto FROM bp_search WHERE id = %lld) "
                                    "BEGIN INSERT INTO bp_search_%lld_stale (id, was_indexed, %s) SELECT old.rowid, 1, %s "
                                    "WHERE NOT EXISTS (SELECT 1 FROM bp_search_%lld_stale WHERE id = old.rowid); END";

static const char create_update[] = "CREATE TRIGGER bp_search_%lld_update AFTER UPDATE ON \"%w\" "
                                    "WHEN (old.rowid <> new.rowid OR (%s) IS NOT (%s)) "
                                    "AND min(old.rowid, new.rowid) <= (SELECT upto FROM bp_search WHERE id = %lld) "
                                    "BEGIN INSERT INTO bp_search_%lld_stale (id, was_indexed, %s) SELECT old.rowid, 1, %s "
                                    "WHERE old.rowid <= (SELECT upto FROM bp_search WHERE id = %lld) "
                                    "AND NOT EXISTS (SELECT 1 FROM bp_search_%lld_stale WHERE id = old.rowid); "
                                    "INSERT INTO bp_search_%lld_stale (id, was_indexed) SELECT new.rowid, 0 "
                                    "WHERE new.rowid <= (SELECT upto FROM bp_search WHERE id = %lld) "
                                    "AND NOT EXISTS (SELECT 1 FROM bp_search_%lld_stale WHERE id = new.rowid); END";

/* "a", "b" becomes old."a", old."b". */
static char *qualified(const char *columns, const char *row) {
  char *ret = NULL;
  bool in_name = false;
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (const char *at = columns; *at; at++) {
    if (*at == '"' && !in_name)
      sqlite3_str_appendf(out, "%s.", row);
    if (*at == '"')
      in_name = !in_name;
    sqlite3_str_appendchar(out, 1, *at);
  }
  ret = sqlite3_str_finish(out);
  return ret;
}

int search_index_create(struct database *d, int64_t id, const char *base, const char *columns) {
  long long n = id;
  char *before = qualified(columns, "old"), *after = qualified(columns, "new");
  int rc = before && after ? run_format(d, create_table, n, columns, base) : SQLITE_NOMEM;
  if (rc == SQLITE_OK)
    rc = run_format(d, create_stale, n, columns);
  if (rc == SQLITE_OK)
    rc = run_format(d, create_insert, n, base, n, n, n);
  if (rc == SQLITE_OK)
    rc = run_format(d, create_delete, n, base, n, n, columns, before, n);
  if (rc == SQLITE_OK)
    rc = run_format(d, create_update, n, base, before, after, n, n, columns, before, n, n, n, n, n);
  sqlite3_free(before);
  sqlite3_free(after);
  return rc;
}

int search_index_drop(struct database *d, int64_t id) {
  static const char *const drops[] = {"DROP TRIGGER IF EXISTS bp_search_%lld_insert", "DROP TRIGGER IF EXISTS bp_search_%lld_delete",
                                      "DROP TRIGGER IF EXISTS bp_search_%lld_update", "DROP TABLE IF EXISTS bp_search_%lld_stale",
                                      "DROP TABLE IF EXISTS bp_search_%lld",          "DELETE FROM bp_search WHERE id = %lld"};
  int rc = SQLITE_OK;
  for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]) && rc == SQLITE_OK; i++)
    rc = run_format(d, drops[i], (long long)id);
  return rc;
}

bool search_row_read(struct database *d, int64_t id, struct search_row *ret) {
  sqlite3_stmt *stmt = prepare_format(d, "SELECT base, columns, upto FROM bp_search WHERE id = %lld", (long long)id);
  bool is_found = stmt && sqlite3_step(stmt) == SQLITE_ROW;
  if (is_found)
    *ret = (struct search_row){id, sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0)), sqlite3_mprintf("%s", sqlite3_column_text(stmt, 1)),
                               sqlite3_column_int64(stmt, 2)};
  sqlite3_finalize(stmt);
  return is_found;
}

void search_row_release(struct search_row *row) {
  sqlite3_free(row->base);
  sqlite3_free(row->columns);
}

int64_t search_row_newest(struct database *d, const struct search_row *row) {
  char *sql = sqlite3_mprintf("SELECT max(rowid) FROM \"%w\"", row->base);
  int64_t newest = sql ? database_integer(d, sql, INT64_MIN) : INT64_MIN;
  sqlite3_free(sql);
  return newest;
}

bool search_row_has_stale(struct database *d, const struct search_row *row) {
  char *sql = sqlite3_mprintf("SELECT EXISTS (SELECT 1 FROM bp_search_%lld_stale)", (long long)row->id);
  int64_t has_stale = sql ? database_integer(d, sql, 0) : 0;
  sqlite3_free(sql);
  return has_stale != 0;
}

/* The statements of one piece of indexing. */
struct pump {
  sqlite3_stmt *stale, *forget, *base, *next, *remove, *add;
};

static void pump_release(struct pump *p) {
  sqlite3_stmt *all[] = {p->stale, p->forget, p->base, p->next, p->remove, p->add};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
    sqlite3_finalize(all[i]);
}

/* "INSERT INTO fts (<first>rowid, columns) VALUES (<first value>?1, ?2 …)" for so many values. */
static sqlite3_stmt *prepare_insert(struct database *d, const struct search_row *row, bool removes, int columns) {
  long long n = row->id;
  sqlite3_str *text = sqlite3_str_new(d->db);
  if (removes)
    sqlite3_str_appendf(text, "INSERT INTO bp_search_%lld (bp_search_%lld, rowid, %s) VALUES ('delete', ?1", n, n, row->columns);
  else
    sqlite3_str_appendf(text, "INSERT INTO bp_search_%lld (rowid, %s) VALUES (?1", n, row->columns);
  for (int i = 2; i <= columns; i++)
    sqlite3_str_appendf(text, ", ?%d", i);
  sqlite3_str_appendall(text, ")");
  char *sql = sqlite3_str_finish(text);
  sqlite3_stmt *stmt = sql ? database_prepare(d, sql) : NULL;
  sqlite3_free(sql);
  return stmt;
}

static bool pump_prepare(struct pump *p, struct database *d, const struct search_row *row) {
  long long n = row->id;
  p->stale = prepare_format(d, "SELECT id, %s, was_indexed FROM bp_search_%lld_stale ORDER BY id LIMIT %d", row->columns, n, PIECE_ROWS);
  p->forget = prepare_format(d, "DELETE FROM bp_search_%lld_stale WHERE id = ?1", n);
  p->base = prepare_format(d, "SELECT rowid, %s FROM \"%w\" WHERE rowid = ?1", row->columns, row->base);
  p->next = prepare_format(d, "SELECT rowid, %s FROM \"%w\" WHERE rowid > %lld ORDER BY rowid LIMIT %d", row->columns, row->base,
                           (long long)row->upto, PIECE_ROWS);
  int columns = p->base ? sqlite3_column_count(p->base) : 0;
  p->remove = prepare_insert(d, row, true, columns);
  p->add = prepare_insert(d, row, false, columns);
  return p->stale && p->forget && p->base && p->next && p->remove && p->add;
}

static int run_once(sqlite3_stmt *stmt) {
  int rc = sqlite3_step(stmt);
  sqlite3_reset(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Hands the columns of `from`'s row to the index through `to`. */
static int copy_row(sqlite3_stmt *from, sqlite3_stmt *to, int *bytes) {
  for (int i = 0; i < sqlite3_bind_parameter_count(to); i++) {
    sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
    *bytes += sqlite3_column_bytes(from, i);
  }
  return run_once(to);
}

/* One changed row: what the index holds of it goes, what the table holds of it now comes. */
static int refresh_row(struct pump *p, int *bytes) {
  int64_t id = sqlite3_column_int64(p->stale, 0);
  bool was_indexed = sqlite3_column_int(p->stale, sqlite3_column_count(p->stale) - 1) != 0;
  int rc = was_indexed ? copy_row(p->stale, p->remove, bytes) : SQLITE_OK;
  sqlite3_bind_int64(p->base, 1, id);
  if (rc == SQLITE_OK && sqlite3_step(p->base) == SQLITE_ROW)
    rc = copy_row(p->base, p->add, bytes);
  sqlite3_reset(p->base);
  sqlite3_bind_int64(p->forget, 1, id);
  return rc == SQLITE_OK ? run_once(p->forget) : rc;
}

static int refresh_rows(struct pump *p, int *bytes) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && *bytes < PIECE_BYTES && sqlite3_step(p->stale) == SQLITE_ROW)
    rc = refresh_row(p, bytes);
  sqlite3_reset(p->stale);
  return rc;
}

static int add_rows(struct pump *p, struct search_row *row, int *bytes) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && *bytes < PIECE_BYTES && sqlite3_step(p->next) == SQLITE_ROW) {
    rc = copy_row(p->next, p->add, bytes);
    row->upto = sqlite3_column_int64(p->next, 0);
  }
  sqlite3_reset(p->next);
  return rc;
}

int search_row_index_some(struct database *d, struct search_row *row) {
  struct pump p = {0};
  int64_t before = row->upto;
  int bytes = 0;
  int rc = pump_prepare(&p, d, row) ? refresh_rows(&p, &bytes) : SQLITE_ERROR;
  if (rc == SQLITE_OK)
    rc = add_rows(&p, row, &bytes);
  pump_release(&p);
  if (rc == SQLITE_OK && row->upto != before)
    rc = run_format(d, "UPDATE bp_search SET upto = %lld WHERE id = %lld", (long long)row->upto, (long long)row->id);
  return rc;
}
