/* A deployment as it is stored; the order of columns is that of DEPLOYMENT_COLUMNS in statements.c. */
#include "deployments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
  const bp_db_1 *db;
  bp_db_result result;
  uint32_t step, row, column;
  bool failed;
};

static bp_db_value next(struct reader *reader) {
  bp_db_value value = {.size = sizeof(value)};
  reader->db->value(reader->result, reader->step, reader->row, reader->column++, &value);
  return value;
}

static int64_t next_number(struct reader *reader) {
  bp_db_value value = next(reader);
  return value.type == BP_DB_INTEGER ? value.integer : 0;
}

static void next_fixed(struct reader *reader, char *text, size_t bytes) {
  bp_db_value value = next(reader);
  snprintf(text, bytes, "%.*s", value.type == BP_DB_TEXT ? (int)value.text.len : 0, value.type == BP_DB_TEXT ? value.text.ptr : "");
}

static char *next_owned(struct reader *reader) {
  bp_db_value value = next(reader);
  if (value.type != BP_DB_TEXT)
    return NULL;
  char *copy = str_dup(value.text);
  reader->failed = reader->failed || !copy;
  return copy;
}

bool row_read(const struct deployments *module, const bp_db_outcome *outcome, uint32_t step, uint32_t index, struct row *row) {
  struct reader reader = {.db = module->db, .result = outcome->result, .step = step, .row = index};
  *row = (struct row){0};
  row->id = next_number(&reader);
  row->repository_id = next_number(&reader);
  next_fixed(&reader, row->name, sizeof(row->name));
  row->domain = next_owned(&reader);
  row->port = next_number(&reader);
  next_fixed(&reader, row->status, sizeof(row->status));
  next_fixed(&reader, row->mode, sizeof(row->mode));
  row->instances = next_number(&reader);
  row->pid = next_number(&reader);
  row->restarts = next_number(&reader);
  row->started_ms = next_number(&reader);
  row->wants_running = next_number(&reader) != 0;
  next_fixed(&reader, row->env_key, sizeof(row->env_key));
  row->env_names = next_owned(&reader);
  row->services = next_owned(&reader);
  row->dependencies = next_owned(&reader);
  next_fixed(&reader, row->created_at, sizeof(row->created_at));
  next_fixed(&reader, row->updated_at, sizeof(row->updated_at));
  row->health_path = next_owned(&reader);
  if (reader.failed)
    row_release(row);
  return !reader.failed;
}

void row_release(struct row *row) {
  free(row->domain);
  free(row->health_path);
  free(row->env_names);
  free(row->services);
  free(row->dependencies);
  *row = (struct row){0};
}

bp_str row_process_name(const struct row *row, char text[NAME_BYTES + 32]) {
  int start = snprintf(text, NAME_BYTES + 32, "deploy-%" PRId64 "-", row->id);
  size_t len = (size_t)start;
  for (const char *c = row->name; *c; c++) {
    bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
    text[len++] = is_plain ? *c : '-';
  }
  text[len] = '\0';
  return bp_str_make(text, len);
}
