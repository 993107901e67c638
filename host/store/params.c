/* Parameters; see params.h. */
#include "store/params.h"
#include "base/fail.h"
#include "store/sized.h"

#define ARENA_ALIGN 16u

static size_t aligned(size_t bytes) {
  return (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

size_t arena_bytes(size_t count, size_t each) {
  return aligned(count * each);
}

void *arena_take(struct arena *a, size_t bytes) {
  void *ptr = a->at;
  a->at += aligned(bytes);
  return ptr;
}

bp_str arena_copy(struct arena *a, bp_str text) {
  if (text.len == 0)
    return bp_str_make("", 0);
  char *ptr = a->at;
  memcpy(ptr, text.ptr, text.len);
  a->at += text.len;
  return bp_str_make(ptr, text.len);
}

static bp_status check_value(const bp_db_value *value, uint32_t step_count) {
  if (value->type > BP_DB_ROWID)
    return BP_E_INVALID;
  bool is_reference = value->type == BP_DB_RESULT || value->type == BP_DB_ROWID;
  if (is_reference && (value->step >= step_count || value->integer < 0 || value->integer > UINT32_MAX))
    return BP_E_INVALID;
  bool is_bytes = value->type == BP_DB_TEXT || value->type == BP_DB_BLOB;
  if (is_bytes && value->text.len > 0 && !value->text.ptr)
    return BP_E_INVALID;
  return is_bytes && value->text.len > DATABASE_VALUE_LIMIT_BYTES ? BP_E_LIMIT : BP_OK;
}

bp_status params_measure(const bp_array *params, const struct statement *s, uint32_t step_count, size_t *ret_text_bytes, bp_error *err) {
  if (params->count != s->params)
    return fail(err, BP_E_INVALID, "statement \"%s\" takes %u parameters and got %u", s->name, s->params, params->count);
  for (uint32_t i = 0; i < params->count; i++) {
    bp_db_value value;
    if (!sized_read(params, i, &value, sizeof(value)))
      return fail(err, BP_E_INVALID, "parameter %u of statement \"%s\" has a wrong size", i + 1, s->name);
    bp_status status = check_value(&value, step_count);
    if (status != BP_OK)
      return fail(err, status, "parameter %u of statement \"%s\" is not a value of type %u", i + 1, s->name, value.type);
    if (value.type == BP_DB_TEXT || value.type == BP_DB_BLOB)
      *ret_text_bytes += value.text.len;
  }
  return BP_OK;
}

void params_copy(struct arena *a, const bp_array *params, struct unit_param *ret) {
  for (uint32_t i = 0; i < params->count; i++) {
    bp_db_value value;
    sized_read(params, i, &value, sizeof(value));
    ret[i] = (struct unit_param){.type = value.type, .step = value.step, .integer = value.integer, .real = value.real};
    if (value.type == BP_DB_TEXT || value.type == BP_DB_BLOB)
      ret[i].text = arena_copy(a, value.text);
  }
}

static int bind_cell(sqlite3_stmt *stmt, int position, const struct result *r, const struct cell *cell) {
  if (!cell)
    return sqlite3_bind_null(stmt, position);
  bp_str text = result_text(r, cell);
  switch (cell->type) {
  case BP_DB_INTEGER:
    return sqlite3_bind_int64(stmt, position, cell->integer);
  case BP_DB_REAL:
    return sqlite3_bind_double(stmt, position, cell->real);
  case BP_DB_TEXT: /* the result may move while this step adds rows to it */
    return sqlite3_bind_text(stmt, position, text.ptr, (int)text.len, SQLITE_TRANSIENT);
  case BP_DB_BLOB:
    return sqlite3_bind_blob(stmt, position, text.ptr, (int)text.len, SQLITE_TRANSIENT);
  default:
    return sqlite3_bind_null(stmt, position);
  }
}

static int bind_param(sqlite3_stmt *stmt, int position, const struct unit_param *p, const struct result *r) {
  switch (p->type) {
  case BP_DB_INTEGER:
    return sqlite3_bind_int64(stmt, position, p->integer);
  case BP_DB_REAL:
    return sqlite3_bind_double(stmt, position, p->real);
  case BP_DB_TEXT:
    return sqlite3_bind_text(stmt, position, p->text.ptr, (int)p->text.len, SQLITE_STATIC);
  case BP_DB_BLOB:
    return sqlite3_bind_blob(stmt, position, p->text.ptr, (int)p->text.len, SQLITE_STATIC);
  case BP_DB_RESULT:
    return bind_cell(stmt, position, r, result_cell(r, p->step, 0, (uint32_t)p->integer));
  case BP_DB_ROWID:
    return r->steps[p->step].rowid ? sqlite3_bind_int64(stmt, position, r->steps[p->step].rowid) : sqlite3_bind_null(stmt, position);
  default:
    return sqlite3_bind_null(stmt, position);
  }
}

int params_bind(sqlite3_stmt *stmt, const struct unit_param *params, uint32_t count, const struct result *r) {
  int rc = SQLITE_OK;
  for (uint32_t i = 0; i < count && rc == SQLITE_OK; i++)
    rc = bind_param(stmt, (int)i + 1, &params[i], r);
  return rc;
}
