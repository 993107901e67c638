/* bp.db/1: the table plugins see. Checks the caller, then hands over to units, reads and searches. */
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "store/delivery.h"
#include "store/reads.h"
#include "store/search.h"
#include "store/writer.h"

/* The caller's program, or NULL with *ret_status. */
static struct program *caller(bp_plugin self, const char *function, bp_db_done_fn done, bp_status *ret_status) {
  *ret_status = BP_OK;
  if (!plugin_on_main(self, function)) {
    *ret_status = BP_E_THREAD;
    return NULL;
  }
  struct plugin *plugin = plugin_get(self);
  struct program *p = plugin ? plugin->store_data : NULL;
  if (!plugin)
    *ret_status = BP_E_STALE;
  else if (!p)
    *ret_status = BP_E_STATE;
  else if (!done)
    *ret_status = BP_E_INVALID;
  return *ret_status == BP_OK ? p : NULL;
}

/* The call's status has no room for a sentence: a mistake of the plugin's author goes to the log. */
static bp_status refused(const struct program *p, const char *call, bp_status status, const bp_error *err) {
  if (status == BP_E_INVALID || status == BP_E_DENIED || status == BP_E_LIMIT)
    log_warn(p->id, "db.%s: %s", call, err->message);
  return status;
}

static bp_status db_write(bp_plugin self, bp_array steps, bp_db_done_fn done, void *ctx) {
  bp_status status;
  bp_error err = BP_ERROR_INIT;
  struct unit *unit;
  struct program *p = caller(self, "db.write", done, &status);
  if (!p)
    return status;
  status = unit_create(p, &steps, done, ctx, &unit, &err);
  if (status != BP_OK)
    return refused(p, "write", status, &err);
  status = writer_submit(unit);
  if (status != BP_OK) {
    unit_free(unit);
    return status;
  }
  program_began(p);
  return BP_OK;
}

static bp_status db_read(bp_plugin self, bp_array queries, uint32_t deadline_ms, bp_db_done_fn done, void *ctx) {
  bp_status status;
  bp_error err = BP_ERROR_INIT;
  struct program *p = caller(self, "db.read", done, &status);
  if (!p)
    return status;
  status = reads_submit(p, &queries, deadline_ms, done, ctx, &err);
  return status == BP_OK ? BP_OK : refused(p, "read", status, &err);
}

static bp_status db_search(bp_plugin self, bp_str index, bp_str text, uint32_t limit, uint32_t offset, bp_db_done_fn done, void *ctx) {
  bp_status status;
  struct program *p = caller(self, "db.search", done, &status);
  return p ? search_submit(p, index, text, limit, offset, done, ctx) : status;
}

static const struct result_step *result_step(bp_db_result handle, uint32_t step) {
  const struct result *r = result_of(handle);
  return r && step < r->count ? &r->steps[step] : NULL;
}

static uint32_t db_rows(bp_db_result result, uint32_t step) {
  const struct result_step *s = result_step(result, step);
  return s ? s->rows : 0;
}

static uint32_t db_columns(bp_db_result result, uint32_t step) {
  const struct result_step *s = result_step(result, step);
  return s ? s->columns : 0;
}

static uint32_t db_more(bp_db_result result, uint32_t step) {
  const struct result_step *s = result_step(result, step);
  return s && s->more;
}

static int64_t db_changes(bp_db_result result, uint32_t step) {
  const struct result_step *s = result_step(result, step);
  return s ? s->changes : 0;
}

static int64_t db_rowid(bp_db_result result, uint32_t step) {
  const struct result_step *s = result_step(result, step);
  return s ? s->rowid : 0;
}

static void fill_value(const struct result *r, const struct cell *cell, bp_db_value *value) {
  value->type = cell->type;
  if (cell->type == BP_DB_INTEGER)
    value->integer = cell->integer;
  else if (cell->type == BP_DB_REAL)
    value->real = cell->real;
  value->text = result_text(r, cell);
}

static bp_status db_value(bp_db_result result, uint32_t step, uint32_t row, uint32_t column, bp_db_value *ret) {
  const struct result *r = result_of(result);
  if (!r)
    return BP_E_STALE;
  const struct cell *cell = result_cell(r, step, row, column);
  if (!cell)
    return BP_E_NOT_FOUND;
  if (!ret || ret->size < sizeof(*ret))
    return BP_E_INVALID;
  *ret = (bp_db_value){.size = ret->size};
  fill_value(r, cell, ret);
  return BP_OK;
}

const bp_db_1 db_table = {
    .size = sizeof(bp_db_1),
    .write = db_write,
    .read = db_read,
    .search = db_search,
    .rows = db_rows,
    .columns = db_columns,
    .more = db_more,
    .changes = db_changes,
    .rowid = db_rowid,
    .value = db_value,
};
