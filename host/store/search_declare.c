/* Making the indexes a plugin declares; see search.h. On the schema connection, as migrations are. */
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/search.h"
#include "store/search_index.h"
#include "store/sized.h"

#include <stdlib.h>

#define INDEXES_LIMIT 32u
#define COLUMNS_LIMIT 16u

static const char find_sql[] = "SELECT id FROM bp_search WHERE plugin = ?1 AND name = ?2 AND base = ?3 AND columns = ?4";
static const char insert_sql[] = "INSERT INTO bp_search (plugin, name, base, columns, upto) VALUES (?1, ?2, ?3, ?4, -9223372036854775808)";
static const char others_sql[] = "SELECT id FROM bp_search WHERE plugin = ?1 ORDER BY id";

/* The columns as a quoted list, or NULL with `err`. */
static char *column_list(const struct program *p, const bp_search_index *declared, bp_error *err) {
  sqlite3_str *list = sqlite3_str_new(NULL);
  for (uint32_t i = 0; i < declared->columns.count && i < COLUMNS_LIMIT; i++) {
    bp_str column;
    memcpy(&column, (const char *)declared->columns.ptr + (size_t)i * declared->columns.stride, sizeof(column));
    sqlite3_str_appendf(list, "%s\"%.*w\"", i ? ", " : "", (int)column.len, column.ptr);
  }
  char *text = sqlite3_str_finish(list);
  if (!text || declared->columns.count == 0 || declared->columns.count > COLUMNS_LIMIT) {
    fail(err, BP_E_INVALID, "search index \"%.*s\" of plugin \"%s\" needs 1 to %u columns", (int)declared->name.len, declared->name.ptr, p->id,
         COLUMNS_LIMIT);
    sqlite3_free(text);
    return NULL;
  }
  return text;
}

/* SQLite takes an unknown name in double quotes for a text: the index would be made, and the plugin's inserts fail. */
static bool has_column(struct database *d, bp_str table, bp_str column) {
  sqlite3_stmt *stmt = database_prepare(d, "SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE");
  if (!stmt)
    return false;
  sqlite3_bind_text(stmt, 1, table.ptr, (int)table.len, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, column.ptr, (int)column.len, SQLITE_STATIC);
  bool is_there = sqlite3_step(stmt) == SQLITE_ROW;
  sqlite3_finalize(stmt);
  return is_there;
}

static bp_status check_columns(struct database *d, const struct program *p, const bp_search_index *declared, bp_error *err) {
  for (uint32_t i = 0; i < declared->columns.count; i++) {
    bp_str column;
    memcpy(&column, (const char *)declared->columns.ptr + (size_t)i * declared->columns.stride, sizeof(column));
    if (!has_column(d, declared->table, column))
      return fail(err, BP_E_INVALID, "search index \"%.*s\" of plugin \"%s\": table \"%.*s\" has no column \"%.*s\"", (int)declared->name.len,
                  declared->name.ptr, p->id, (int)declared->table.len, declared->table.ptr, (int)column.len, column.ptr);
  }
  return BP_OK;
}

static int step_with(struct database *d, const char *sql, const struct program *p, bp_str name, bp_str base, const char *columns, int64_t *ret_id) {
  sqlite3_stmt *stmt = database_prepare(d, sql);
  if (!stmt)
    return SQLITE_ERROR;
  sqlite3_bind_text(stmt, 1, p->id, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, name.ptr, (int)name.len, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 3, base.ptr, (int)base.len, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 4, columns, -1, SQLITE_STATIC);
  int rc = sqlite3_step(stmt);
  *ret_id = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : sqlite3_last_insert_rowid(d->db);
  sqlite3_finalize(stmt);
  return rc;
}

/* Fills the program's entry; makes the index unless it exists as declared. */
static bp_status declare_one(struct database *d, struct program *p, const bp_search_index *declared, bp_error *err) {
  if (!str_starts(declared->table, str_from(p->prefix)))
    return fail(err, BP_E_DENIED, "search index \"%.*s\" of plugin \"%s\" is over table \"%.*s\", which is not its own", (int)declared->name.len,
                declared->name.ptr, p->id, (int)declared->table.len, declared->table.ptr);
  char *columns = column_list(p, declared, err);
  if (!columns)
    return err ? err->code : BP_E_INVALID;
  bp_status known = check_columns(d, p, declared, err);
  if (known != BP_OK) {
    sqlite3_free(columns);
    return known;
  }
  char *base = str_dupz(declared->table);
  struct search_index *entry = &p->searches[p->search_count++];
  entry->name = str_dupz(declared->name);
  int rc = step_with(d, find_sql, p, declared->name, declared->table, columns, &entry->id);
  if (rc == SQLITE_DONE) {
    rc = step_with(d, insert_sql, p, declared->name, declared->table, columns, &entry->id);
    rc = rc == SQLITE_DONE ? search_index_create(d, entry->id, base, columns) : rc;
  }
  bp_status status = rc == SQLITE_OK || rc == SQLITE_ROW ? BP_OK : sql_fail(d->db, rc, "search index", entry->name, err);
  free(base);
  sqlite3_free(columns);
  return status;
}

static bool is_declared(const struct program *p, int64_t id) {
  for (uint32_t i = 0; i < p->search_count; i++) {
    if (p->searches[i].id == id)
      return true;
  }
  return false;
}

static bool has_indexes(struct database *d, const struct program *p) {
  int64_t id;
  return step_with(d, others_sql, p, BP_LIT(""), BP_LIT(""), "", &id) == SQLITE_ROW;
}

/* Drops the plugin's indexes that the program does not list. */
static int drop_others(struct database *d, const struct program *p) {
  int64_t ids[INDEXES_LIMIT * 2];
  uint32_t count = 0;
  sqlite3_stmt *stmt = database_prepare(d, others_sql);
  if (!stmt)
    return SQLITE_ERROR;
  sqlite3_bind_text(stmt, 1, p->id, -1, SQLITE_STATIC);
  while (sqlite3_step(stmt) == SQLITE_ROW && count < INDEXES_LIMIT * 2)
    ids[count++] = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  int rc = SQLITE_OK;
  for (uint32_t i = 0; i < count && rc == SQLITE_OK; i++) {
    if (!is_declared(p, ids[i]))
      rc = search_index_drop(d, ids[i]);
  }
  return rc;
}

bp_status search_drop(struct database *d, const struct program *p, bp_error *err) {
  int rc = drop_others(d, p);
  return rc == SQLITE_OK ? BP_OK : sql_fail(d->db, rc, "dropping the search indexes of", p->id, err);
}

static bp_status declare_all(struct database *d, struct program *p, const bp_array *searches, bp_error *err) {
  for (uint32_t i = 0; i < searches->count; i++) {
    bp_search_index declared;
    if (!sized_read(searches, i, &declared, sizeof(declared)))
      return fail(err, BP_E_INVALID, "search index %u of plugin \"%s\" has a wrong size", i, p->id);
    bp_status status = declare_one(d, p, &declared, err);
    if (status != BP_OK)
      return status;
  }
  return search_drop(d, p, err);
}

bp_status search_declare(struct database *d, struct program *p, const bp_array *searches, bp_error *err) {
  uint32_t count = searches ? searches->count : 0;
  if (count > INDEXES_LIMIT)
    return fail(err, BP_E_LIMIT, "plugin \"%s\" declares %u search indexes; the limit is %u", p->id, count, INDEXES_LIMIT);
  if (count == 0 && !has_indexes(d, p))
    return BP_OK;
  p->searches = mem_array(count, sizeof(*p->searches));
  int rc = database_run(d, "BEGIN IMMEDIATE");
  if (rc != SQLITE_OK)
    return sql_fail(d->db, rc, "declaring the search indexes of", p->id, err);
  static const bp_array none;
  bp_status status = declare_all(d, p, searches ? searches : &none, err);
  rc = database_run(d, status == BP_OK ? "COMMIT" : "ROLLBACK");
  if (status == BP_OK && rc != SQLITE_OK)
    status = sql_fail(d->db, rc, "declaring the search indexes of", p->id, err);
  return status;
}
