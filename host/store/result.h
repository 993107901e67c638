/* Rows copied out of SQLite: the compact result of a unit or a read, built on a store thread, read on main. */
#ifndef HOST_STORE_RESULT_H
#define HOST_STORE_RESULT_H

#include "base/buf.h"
#include <backplane/db.h>
#include <sqlite3.h>

#define RESULT_LIMIT_BYTES (64u * 1024 * 1024)
#define RESULT_LIMIT_ROWS 10000u

struct cell {
  uint32_t type; /* BP_DB_* */
  uint32_t len;
  union {
    int64_t integer;
    double real;
    size_t offset; /* into result.bytes */
  };
};

struct result_step {
  uint32_t rows, columns;
  bool more;
  int64_t changes, rowid;
  size_t first_cell;
};

/* `steps` is memory of whoever embeds the result. Zeroed is empty. */
struct result {
  struct result_step *steps;
  uint32_t count;
  struct cell *cells;
  size_t cell_count, cell_cap;
  struct buf bytes;
};

/* Copies the statement's current row as the next row of `step`. BP_E_LIMIT over RESULT_LIMIT_BYTES, BP_E_NO_MEMORY. */
bp_status result_add_row(struct result *r, struct result_step *step, sqlite3_stmt *stmt);
/* The cell, or NULL outside the result. */
const struct cell *result_cell(const struct result *r, uint32_t step, uint32_t row, uint32_t column);
/* Text or blob of a cell; empty for other types. Borrowed until the result grows or is released. */
bp_str result_text(const struct result *r, const struct cell *cell);
/* Forgets all rows; steps stay, zeroed. */
void result_clear(struct result *r);
void result_release(struct result *r);

#endif
