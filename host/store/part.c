/* Host parts; see part.h. To the rest of the store a part is a plugin that stands in no registry. */
#include "store/part.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "live/live.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "store/reads.h"
#include "store/writer.h"

#include <stdlib.h>

struct store_part {
  struct plugin owner;
};

/* No slot is ever numbered this high: what a plugin holds can never be one of these. */
static bp_plugin next_handle = UINT64_MAX;

struct part_added {
  bp_status status;
  bp_error *err;
};

static void part_added(void *ctx, bp_status status, const bp_error *err) {
  struct part_added *added = ctx;
  added->status = status;
  if (status != BP_OK && added->err)
    *added->err = *err;
}

bp_status store_part_add(const struct store_part_plan *plan, struct store_part **ret, bp_error *err) {
  static const bp_array none;
  LOOP_MAIN();
  struct store_part *part = mem_alloc(sizeof(*part));
  part->owner.id = str_dupz(str_from(plan->id));
  part->owner.handle = next_handle--;
  part->owner.phase = PLUGIN_STARTED;
  struct part_added added = {.status = BP_E_STATE, .err = err};
  store_add(&part->owner, &plan->migrations, &plan->statements, &none, part_added, &added); /* over when it returns: the host starts */
  bp_status status = added.status == BP_OK ? live_add(&part->owner, &plan->topics, err) : added.status;
  if (status != BP_OK) {
    store_part_remove(part);
    return status;
  }
  *ret = part;
  return BP_OK;
}

void store_part_remove(struct store_part *part) {
  if (!part)
    return;
  live_remove(&part->owner);
  store_remove(&part->owner);
  free(part->owner.id);
  free(part);
}

/* A mistake in the host's own statements: said, because the status alone would not tell. */
static bp_status refused(const struct store_part *part, const char *call, bp_status status, const bp_error *err) {
  if (status == BP_E_INVALID || status == BP_E_DENIED)
    log_error(part->owner.id, "%s: %s", call, err->message);
  return status;
}

bp_status store_part_write(struct store_part *part, const bp_db_step *steps, uint32_t count, bp_db_done_fn done, void *ctx, bp_error *err) {
  LOOP_MAIN();
  bp_error local = BP_ERROR_INIT;
  struct program *p = part->owner.store_data;
  struct unit *unit;
  const bp_array array = {steps, count, (uint32_t)sizeof(*steps)};
  err = err ? err : &local;
  bp_status status = unit_create(p, &array, done, ctx, &unit, err);
  if (status != BP_OK)
    return refused(part, "write", status, err);
  status = writer_submit(unit);
  if (status != BP_OK) {
    unit_free(unit);
    return fail(err, status, "the store takes no write: %s", status_name(status));
  }
  program_began(p);
  return BP_OK;
}

bp_status store_part_read(struct store_part *part, const bp_db_query *queries, uint32_t count, bp_db_done_fn done, void *ctx, bp_error *err) {
  LOOP_MAIN();
  bp_error local = BP_ERROR_INIT;
  const bp_array array = {queries, count, (uint32_t)sizeof(*queries)};
  err = err ? err : &local;
  bp_status status = reads_submit(part->owner.store_data, &array, 0, done, ctx, err);
  return status == BP_OK ? BP_OK : refused(part, "read", status, err);
}

bp_plugin store_part_handle(const struct store_part *part) {
  return part->owner.handle;
}

bp_db_value part_text(bp_str text) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = text};
}

bp_db_value part_blob(bp_str bytes) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_BLOB, .text = bytes};
}

bp_db_value part_integer(int64_t value) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_INTEGER, .integer = value};
}

bp_str part_text_at(const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  return db_table.value(outcome->result, step, row, column, &value) == BP_OK ? value.text : bp_str_make(NULL, 0);
}

int64_t part_integer_at(const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  return db_table.value(outcome->result, step, row, column, &value) == BP_OK ? value.integer : 0;
}
