/* Plugins' migrations; see migrate.h. */
#include "store/migrate.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/backup.h"
#include "store/schema.h"
#include "store/search.h"
#include "store/sized.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define MIGRATIONS_LIMIT 10000u

static struct strmap objects, prefixes;

static void add_lower(struct strmap *map, const char *name) {
  char *lower = str_dupz(str_from(name));
  for (char *at = lower; *at; at++)
    *at = (char)tolower((unsigned char)*at);
  strmap_set(map, str_from(lower), map);
  free(lower);
}

static void add_each(struct database *d, const char *sql, void (*add)(const char *name)) {
  sqlite3_stmt *stmt = database_prepare(d, sql);
  while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stmt, 0);
    if (name)
      add(name);
  }
  sqlite3_finalize(stmt);
}

static void add_object(const char *name) {
  add_lower(&objects, name);
}

/* `name` is "plugin:<id>". */
static void add_prefix(const char *name) {
  char prefix[FENCE_PREFIX_BYTES];
  if (fence_prefix(str_from(name + strlen("plugin:")), prefix))
    strmap_set(&prefixes, str_from(prefix), &prefixes);
}

void catalog_load(struct database *d) {
  catalog_release(d);
  add_each(d, "SELECT name FROM sqlite_schema", add_object);
  add_each(d, "SELECT name FROM pragma_module_list", add_object);
  add_each(d, "SELECT name FROM bp_meta WHERE name LIKE 'plugin:%'", add_prefix);
  /* Table-valued functions come to be on first use, which the fence would refuse. */
  database_run(d, "SELECT 1 FROM json_each('[]'), json_tree('[]')");
  d->fence.objects = &objects;
  d->fence.prefixes = &prefixes;
}

void catalog_release(struct database *d) {
  strmap_release(&objects);
  strmap_release(&prefixes);
  d->fence.objects = NULL;
  d->fence.prefixes = NULL;
}

/* Declared versions are 1, 2, 3 … */
static bp_status check_versions(const struct program *p, const bp_array *migrations, bp_error *err) {
  if (migrations->count > MIGRATIONS_LIMIT)
    return fail(err, BP_E_LIMIT, "plugin \"%s\" declares %u migrations", p->id, migrations->count);
  for (uint32_t i = 0; i < migrations->count; i++) {
    bp_migration declared;
    if (!sized_read(migrations, i, &declared, sizeof(declared)))
      return fail(err, BP_E_INVALID, "migration %u of plugin \"%s\" has a wrong size", i + 1, p->id);
    if (declared.version != i + 1)
      return fail(err, BP_E_INVALID, "migration %u of plugin \"%s\" has version %u: versions are 1, 2, 3 without gaps", i + 1, p->id,
                  declared.version);
  }
  return BP_OK;
}

/* Runs each statement of the text; the fence is up only while one is compiled. */
static bp_status run_statements(struct database *d, const struct program *p, const char *name, const char *sql, bp_error *err) {
  while (*sql) {
    sqlite3_stmt *stmt = NULL;
    fence_up(&d->fence, p->prefix, true);
    int rc = sqlite3_prepare_v2(d->db, sql, -1, &stmt, &sql);
    fence_down(&d->fence);
    if (rc != SQLITE_OK)
      return fence_fail(d, rc, "migration", name, p, err);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    }
    bp_status status = stmt && rc != SQLITE_DONE ? sql_fail(d->db, rc, "migration", name, err) : BP_OK;
    sqlite3_finalize(stmt);
    if (status != BP_OK)
      return status;
  }
  return BP_OK;
}

/* SQLite does not tell the authorizer the new name of a RENAME: what is new must be the plugin's own. */
static bp_status check_new_names(struct database *d, const struct program *p, const char *migration, bp_error *err) {
  bp_status status = BP_OK;
  sqlite3_stmt *stmt = database_prepare(d, "SELECT name, lower(name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
  while (stmt && status == BP_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stmt, 0), *lower = (const char *)sqlite3_column_text(stmt, 1);
    if (!strmap_get(&objects, str_from(lower)) && !fence_owns(&d->fence, p->prefix, name))
      status = fail(err, BP_E_DENIED, "migration \"%s\" of plugin \"%s\" is refused: it makes \"%s\"", migration, p->id, name);
  }
  sqlite3_finalize(stmt);
  return status;
}

/* A reference to another plugin's table would make SQLite read the one whenever the other is changed: neither plugin's statements may. */
static bp_status check_references(struct database *d, const struct program *p, const char *migration, bp_error *err) {
  bp_status status = BP_OK;
  sqlite3_stmt *stmt =
      database_prepare(d, "SELECT t.name, k.\"table\" FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS k WHERE t.type = 'table'");
  while (stmt && status == BP_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    const char *table = (const char *)sqlite3_column_text(stmt, 0), *target = (const char *)sqlite3_column_text(stmt, 1);
    if (fence_owns(&d->fence, p->prefix, table) && !fence_owns(&d->fence, p->prefix, target)) {
      status = fail(err, BP_E_DENIED, "migration \"%s\" of plugin \"%s\" is refused: table \"%s\" refers to \"%s\", which is not its own", migration,
                    p->id, table, target);
      fail_hint(err, "keep the other's id as a plain column");
    }
  }
  sqlite3_finalize(stmt);
  return status;
}

static bp_status run_one(struct database *d, const struct program *p, const bp_migration *declared, const char *meta_name, bp_error *err) {
  char name[32];
  snprintf(name, sizeof(name), "%u", declared->version);
  char *sql = str_dupz(declared->sql);
  int rc = database_run(d, "BEGIN IMMEDIATE");
  bp_status status = rc == SQLITE_OK ? run_statements(d, p, name, sql, err) : sql_fail(d->db, rc, "migration", name, err);
  free(sql);
  if (status == BP_OK)
    status = check_new_names(d, p, name, err);
  if (status == BP_OK)
    status = check_references(d, p, name, err);
  if (status == BP_OK && (rc = meta_set_integer(d, meta_name, declared->version)) != SQLITE_OK)
    status = sql_fail(d->db, rc, "migration", name, err);
  if (status == BP_OK && (rc = database_run(d, "COMMIT")) == SQLITE_OK)
    return BP_OK;
  if (status == BP_OK)
    status = sql_fail(d->db, rc, "migration", name, err);
  if (!sqlite3_get_autocommit(d->db))
    database_run(d, "ROLLBACK");
  return status;
}

static bp_status back_up_once(struct database *d, struct migrate_run *run, bp_error *err) {
  if (run->is_new || run->is_backed_up)
    return BP_OK;
  bp_status status = backup_before_migration(d, run->path, run->stop, err);
  run->is_backed_up = status == BP_OK;
  return status;
}

static bp_status refuse_newer(const struct program *p, int64_t recorded, uint32_t declared, bp_error *err) {
  fail(err, BP_E_UNSUPPORTED, "the tables of plugin \"%s\" are at version %lld; this build of it knows %u", p->id, (long long)recorded, declared);
  fail_hint(err, "install the newer plugin again, or restore a backup of before it: backplane restore <state>/backups/before-....db");
  return BP_E_UNSUPPORTED;
}

bp_status migrate_plugin(struct database *d, struct migrate_run *run, struct program *p, const bp_array *migrations, bp_error *err) {
  char meta_name[FENCE_PREFIX_BYTES + 8];
  snprintf(meta_name, sizeof(meta_name), "plugin:%s", p->id);
  bp_status status = check_versions(p, migrations, err);
  if (status != BP_OK)
    return status;
  int64_t recorded = meta_integer(d, meta_name, 0);
  if (recorded > migrations->count)
    return refuse_newer(p, recorded, migrations->count, err);
  if (recorded == migrations->count)
    return BP_OK;
  if (run->is_ready && recorded > 0)
    return fail(err, BP_E_STATE, "plugin \"%s\" has a pending migration, which needs a restart of the host", p->id);
  status = back_up_once(d, run, err);
  if (status == BP_OK)
    status = search_drop(d, p, err);
  for (uint32_t i = (uint32_t)recorded; i < migrations->count && status == BP_OK; i++) {
    bp_migration declared;
    sized_read(migrations, i, &declared, sizeof(declared));
    catalog_load(d);
    status = run_one(d, p, &declared, meta_name, err);
  }
  if (status == BP_OK)
    log_info("store", "plugin %s: tables brought from version %lld to %u", p->id, (long long)recorded, migrations->count);
  return status;
}
