/* Compact results; see result.h. */
#include "store/result.h"

#include <stdlib.h>
#include <string.h>

static size_t result_bytes(const struct result *r) {
  return r->bytes.len + r->cell_count * sizeof(struct cell);
}

static struct cell *grow_cells(struct result *r, uint32_t columns) {
  if (r->cell_count + columns > r->cell_cap) {
    size_t cap = r->cell_cap ? r->cell_cap * 2 : 16;
    while (cap < r->cell_count + columns)
      cap *= 2;
    struct cell *cells = realloc(r->cells, cap * sizeof(*cells));
    if (!cells)
      return NULL;
    r->cells = cells;
    r->cell_cap = cap;
  }
  return r->cells + r->cell_count;
}

static void copy_bytes(struct result *r, struct cell *cell, uint32_t type, const void *data, int len) {
  cell->type = type;
  cell->len = (uint32_t)len;
  cell->offset = r->bytes.len;
  buf_append(&r->bytes, data, (size_t)len);
}

static void copy_column(struct result *r, struct cell *cell, sqlite3_stmt *stmt, int column) {
  *cell = (struct cell){.type = BP_DB_NULL};
  switch (sqlite3_column_type(stmt, column)) {
  case SQLITE_INTEGER:
    cell->type = BP_DB_INTEGER;
    cell->integer = sqlite3_column_int64(stmt, column);
    return;
  case SQLITE_FLOAT:
    cell->type = BP_DB_REAL;
    cell->real = sqlite3_column_double(stmt, column);
    return;
  case SQLITE_TEXT: {
    const void *text = sqlite3_column_text(stmt, column);
    copy_bytes(r, cell, BP_DB_TEXT, text, sqlite3_column_bytes(stmt, column));
    return;
  }
  case SQLITE_BLOB: {
    const void *blob = sqlite3_column_blob(stmt, column);
    copy_bytes(r, cell, BP_DB_BLOB, blob, sqlite3_column_bytes(stmt, column));
    return;
  }
  default:
    return;
  }
}

bp_status result_add_row(struct result *r, struct result_step *step, sqlite3_stmt *stmt) {
  uint32_t columns = (uint32_t)sqlite3_column_count(stmt);
  struct cell *cells = grow_cells(r, columns);
  if (!cells)
    return BP_E_NO_MEMORY;
  if (step->rows == 0) {
    step->columns = columns;
    step->first_cell = r->cell_count;
  }
  for (uint32_t i = 0; i < columns; i++)
    copy_column(r, &cells[i], stmt, (int)i);
  if (r->bytes.failed)
    return BP_E_NO_MEMORY;
  r->cell_count += columns;
  step->rows++;
  return result_bytes(r) > RESULT_LIMIT_BYTES ? BP_E_LIMIT : BP_OK;
}

const struct cell *result_cell(const struct result *r, uint32_t step, uint32_t row, uint32_t column) {
  if (step >= r->count || row >= r->steps[step].rows || column >= r->steps[step].columns)
    return NULL;
  const struct result_step *s = &r->steps[step];
  return &r->cells[s->first_cell + (size_t)row * s->columns + column];
}

bp_str result_text(const struct result *r, const struct cell *cell) {
  if ((cell->type != BP_DB_TEXT && cell->type != BP_DB_BLOB) || cell->len == 0)
    return bp_str_make("", 0);
  return bp_str_make(r->bytes.data + cell->offset, cell->len);
}

void result_clear(struct result *r) {
  r->cell_count = 0;
  buf_clear(&r->bytes);
  memset(r->steps, 0, r->count * sizeof(*r->steps));
}

void result_release(struct result *r) {
  free(r->cells);
  buf_release(&r->bytes);
  r->cells = NULL;
  r->cell_count = r->cell_cap = 0;
}
