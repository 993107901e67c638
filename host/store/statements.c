/* Declared statements; see statements.h. */
#include "store/statements.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/loop.h"
#include "store/sized.h"

#include <stdlib.h>

#define STATEMENTS_LIMIT 1024

static bp_status copy_statements(struct program *p, const bp_array *statements, bp_error *err) {
  if (statements->count > STATEMENTS_LIMIT)
    return fail(err, BP_E_LIMIT, "plugin \"%s\" declares %u statements; the limit is %d", p->id, statements->count, STATEMENTS_LIMIT);
  p->statements = mem_array(statements->count, sizeof(*p->statements));
  p->statement_count = statements->count;
  for (uint32_t i = 0; i < statements->count; i++) {
    bp_statement declared;
    if (!sized_read(statements, i, &declared, sizeof(declared)))
      return fail(err, BP_E_INVALID, "statement %u of plugin \"%s\" has a wrong size", i, p->id);
    p->statements[i].name = str_dupz(declared.name);
    p->statements[i].sql = str_dupz(declared.sql);
  }
  return BP_OK;
}

bp_status program_create(bp_str id, const bp_array *statements, struct program **ret, bp_error *err) {
  struct program *p = mem_alloc(sizeof(*p));
  atomic_init(&p->references, 1);
  p->id = str_dupz(id);
  bp_status status = BP_OK;
  if (!fence_prefix(id, p->prefix))
    status = fail(err, BP_E_INVALID, "plugin id \"%s\" cannot own tables: it is reserved or too long", p->id);
  if (status == BP_OK && statements)
    status = copy_statements(p, statements, err);
  if (status != BP_OK) {
    program_unref(p);
    return status;
  }
  for (int role = 0; role < DATABASE_ROLES; role++)
    p->compiled[role] = mem_array(p->statement_count, sizeof(sqlite3_stmt *));
  *ret = p;
  return BP_OK;
}

struct program *program_ref(struct program *p) {
  atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
  return p;
}

void program_unref(struct program *p) {
  if (!p || atomic_fetch_sub_explicit(&p->references, 1, memory_order_acq_rel) != 1)
    return;
  for (uint32_t i = 0; i < p->statement_count; i++) {
    free(p->statements[i].name);
    free(p->statements[i].sql);
  }
  for (uint32_t i = 0; i < p->search_count; i++)
    free(p->searches[i].name);
  for (int role = 0; role < DATABASE_ROLES; role++)
    free(p->compiled[role]);
  free(p->statements);
  free(p->searches);
  free(p->id);
  free(p);
}

void program_began(struct program *p) {
  p->pending++;
}

void program_ended(struct program *p) {
  if (--p->pending == 0 && p->idle)
    loop_tick_end(p->idle);
}

bp_status fence_fail(struct database *d, int rc, const char *what, const char *name, const struct program *p, bp_error *err) {
  if (d->fence.refusal[0] == '\0')
    return sql_fail(d->db, rc, what, name, err);
  fail(err, BP_E_DENIED, "%s \"%s\" of plugin \"%s\" is refused: it %s", what, name, p->id, d->fence.refusal);
  fail_hint(err, "a plugin reaches only tables, indexes, triggers and views whose names begin with \"%s\"", p->prefix);
  return BP_E_DENIED;
}

static bool is_blank(const char *sql) {
  return sql[strspn(sql, " \t\r\n;")] == '\0';
}

static bp_status check_one(struct program *p, struct database *d, struct statement *s, bp_error *err) {
  sqlite3_stmt *stmt = NULL;
  const char *tail = "";
  fence_up(&d->fence, p->prefix, false);
  int rc = sqlite3_prepare_v2(d->db, s->sql, -1, &stmt, &tail);
  fence_down(&d->fence);
  if (rc != SQLITE_OK)
    return fence_fail(d, rc, "statement", s->name, p, err);
  bp_status status = BP_OK;
  if (!stmt)
    status = fail(err, BP_E_INVALID, "statement \"%s\" of plugin \"%s\" is empty", s->name, p->id);
  else if (!is_blank(tail))
    status = fail(err, BP_E_INVALID, "statement \"%s\" of plugin \"%s\" holds more than one statement", s->name, p->id);
  else if (!d->fence.was_asked)
    status = fail(err, BP_E_DENIED, "statement \"%s\" of plugin \"%s\" is refused: it is no query and no change of rows", s->name, p->id);
  else if (sqlite3_stmt_isexplain(stmt))
    status = fail(err, BP_E_INVALID, "statement \"%s\" of plugin \"%s\" is an EXPLAIN", s->name, p->id);
  s->params = (uint32_t)sqlite3_bind_parameter_count(stmt);
  s->columns = (uint32_t)sqlite3_column_count(stmt);
  s->is_read_only = sqlite3_stmt_readonly(stmt) != 0;
  sqlite3_finalize(stmt);
  return status;
}

bp_status program_check(struct program *p, struct database *d, bp_error *err) {
  bp_status status = BP_OK;
  for (uint32_t i = 0; i < p->statement_count && status == BP_OK; i++)
    status = check_one(p, d, &p->statements[i], err);
  return status;
}

static sqlite3_stmt *compile(struct program *p, struct database *d, uint32_t index, bp_error *err) {
  sqlite3_stmt *stmt = NULL;
  const struct statement *s = &p->statements[index];
  int rc = sqlite3_prepare_v3(d->db, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
  if (rc != SQLITE_OK) {
    sql_fail(d->db, rc, "statement", s->name, err);
    return NULL;
  }
  bool is_listed = false;
  for (struct program *other = d->programs; other && !is_listed; other = other->next[d->role])
    is_listed = other == p;
  if (!is_listed) {
    p->next[d->role] = d->programs;
    d->programs = program_ref(p);
  }
  p->compiled[d->role][index] = stmt;
  return stmt;
}

sqlite3_stmt *program_statement(struct program *p, struct database *d, uint32_t index, bp_error *err) {
  sqlite3_stmt *stmt = p->compiled[d->role][index];
  return stmt ? stmt : compile(p, d, index, err);
}

static void drop_one(struct program *p, enum database_role role) {
  for (uint32_t i = 0; i < p->statement_count; i++) {
    sqlite3_finalize(p->compiled[role][i]);
    p->compiled[role][i] = NULL;
  }
}

void programs_drop(struct database *d, bool all) {
  for (struct program **at = &d->programs; *at;) {
    struct program *p = *at;
    if (!all && !atomic_load(&p->is_removed)) {
      at = &p->next[d->role];
      continue;
    }
    *at = p->next[d->role];
    drop_one(p, d->role);
    program_unref(p);
  }
}
