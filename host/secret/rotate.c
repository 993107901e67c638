/* Changing the key of all secrets: read page by page, seal again, write all in one unit. The old key stays until that is
 * committed. */
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/tables.h"
#include "secret/box.h"
#include "secret/internal.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS 64
#define CHUNK_BYTES (1u << 20)        /* of one statement's JSON text, more or less */
#define ALL_BYTES (60u * 1024 * 1024) /* what fits into one unit */
#define CHUNKS_MOST (ALL_BYTES / CHUNK_BYTES + 1)

static struct {
  secret_rotated_fn done;
  void *arg;
  struct buf chunks[CHUNKS_MOST]; /* JSON lists of {id, box}; the last is still open */
  uint32_t chunk_count;
  size_t bytes;
  int64_t last_id;
  struct secret_rotated result;
  char key_id[SECRET_KEY_ID_BYTES];
} rotation;

static void finish(bp_status status, const bp_error *err) {
  for (uint32_t i = 0; i < rotation.chunk_count; i++)
    buf_release(&rotation.chunks[i]);
  rotation.chunk_count = 0;
  rotation.result.key_id = rotation.key_id;
  rotation.done(rotation.arg, status, status == BP_OK ? &rotation.result : NULL, err);
}

static void give_up(bp_status status, const bp_error *err) {
  keyring_abandon();
  finish(status, err);
}

/* ---- Writing ---- */

static void on_in_force(void *arg, bp_status status, const bp_error *err) {
  (void)arg;
  if (status == BP_OK)
    log_info("bp.secret", "%u secrets are stored under key %s now, %u stay under keys that are lost", rotation.result.rotated, rotation.key_id,
             rotation.result.left);
  finish(status, err);
}

static void on_written(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  if (outcome->status == BP_OK)
    keyring_commit(on_in_force, NULL);
  else
    give_up(outcome->status, outcome->error);
}

static void write_all(void) {
  bp_db_step steps[CHUNKS_MOST + 1];
  bp_db_value values[CHUNKS_MOST][2];
  bp_error err = BP_ERROR_INIT;
  const bp_db_value fact[] = {part_text(BP_LIT("key_id")), part_text(str_from(rotation.key_id))};
  const bp_db_step note = {PART_EXEC(KEYRING_SET_FACT, fact)};
  for (uint32_t i = 0; i < rotation.chunk_count; i++) {
    buf_append_char(&rotation.chunks[i], ']');
    values[i][0] = part_text(buf_str(&rotation.chunks[i]));
    values[i][1] = part_text(str_from(rotation.key_id));
    steps[i] = (bp_db_step){PART_EXEC(SECRET_RESEAL, values[i])};
  }
  steps[rotation.chunk_count] = note;
  bp_status status = store_part_write(secrets_part(), steps, rotation.chunk_count + 1, on_written, NULL, &err);
  if (status != BP_OK)
    give_up(status, &err);
}

/* ---- Reading and sealing ---- */

/* Appends {"id", "box"} to the chunk that is open, or to a new one. */
static bp_status add_box(int64_t id, bp_str box, bp_error *err) {
  struct buf *chunk = rotation.chunk_count ? &rotation.chunks[rotation.chunk_count - 1] : NULL;
  if (rotation.bytes + box.len > ALL_BYTES)
    return fail(err, BP_E_LIMIT, "the secrets are more than one change of keys can hold (%u bytes)", ALL_BYTES);
  if (!chunk || chunk->len > CHUNK_BYTES) {
    chunk = &rotation.chunks[rotation.chunk_count++];
    *chunk = (struct buf){0};
  }
  json_t *item = json_pack("{s:I, s:s%}", "id", (json_int_t)id, "box", box.ptr, box.len);
  buf_append_char(chunk, chunk->len ? ',' : '[');
  if (item)
    doc_write(chunk, item);
  rotation.bytes += box.len;
  bool is_added = item && !chunk->failed;
  json_decref(item);
  return is_added ? BP_OK : fail(err, BP_E_NO_MEMORY, "no memory to change the key");
}

static bp_status reseal(const bp_db_outcome *outcome, uint32_t row, bp_error *err) {
  const struct secret_label label = {part_text_at(outcome, 0, row, 1), part_text_at(outcome, 0, row, 2), part_text_at(outcome, 0, row, 3),
                                     part_integer_at(outcome, 0, row, 6)};
  bp_error lost = BP_ERROR_INIT;
  struct buf value = {0}, box = {0};
  bp_status status = BP_OK;
  bp_str key_id = part_text_at(outcome, 0, row, 4);
  const struct secret_key *key = keyring_find(key_id, &lost);
  if (str_eq(key_id, str_from(rotation.key_id)))
    return BP_OK;
  if (!key || !secret_unseal(key, &label, part_text_at(outcome, 0, row, 5), &value)) {
    rotation.result.left++;
  } else {
    status = secret_seal(keyring_next(), &label, buf_str(&value), &box) ? add_box(part_integer_at(outcome, 0, row, 0), buf_str(&box), err)
                                                                        : fail(err, BP_E_NO_MEMORY, "no memory to change the key");
    rotation.result.rotated++;
  }
  secret_wipe(&value);
  buf_release(&box);
  return status;
}

static void read_page(void);

static void on_page(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  bp_error err = BP_ERROR_INIT;
  bp_status status = BP_OK;
  if (outcome->status != BP_OK) {
    give_up(outcome->status, outcome->error);
    return;
  }
  uint32_t rows = db_table.rows(outcome->result, 0);
  for (uint32_t row = 0; row < rows && status == BP_OK; row++) {
    rotation.last_id = part_integer_at(outcome, 0, row, 0);
    status = reseal(outcome, row, &err);
  }
  if (status != BP_OK)
    give_up(status, &err);
  else if (rows == PAGE_ROWS)
    read_page();
  else
    write_all();
}

static void read_page(void) {
  bp_error err = BP_ERROR_INIT;
  const bp_db_value values[] = {part_integer(rotation.last_id), part_integer(PAGE_ROWS)};
  const bp_db_query query = {PART_QUERY(SECRET_PAGE, values), .max_rows = PAGE_ROWS};
  bp_status status = store_part_read(secrets_part(), &query, 1, on_page, NULL, &err);
  if (status != BP_OK)
    give_up(status, &err);
}

static void on_new_key(void *arg, bp_status status, const bp_error *err) {
  (void)arg;
  if (status != BP_OK) {
    give_up(status, err);
    return;
  }
  memcpy(rotation.key_id, keyring_next()->id, sizeof(rotation.key_id));
  read_page();
}

void rotate_start(secret_rotated_fn done, void *arg) {
  memset(&rotation, 0, sizeof(rotation));
  rotation.done = done;
  rotation.arg = arg;
  keyring_begin(on_new_key, NULL);
}
