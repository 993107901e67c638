/* Output of deployments: the last lines for GET /api/deployments/{id}/logs, and messages for whoever watches. Lines are gathered for a
 * moment, so that a program that writes without pause sends a bounded number of bounded messages. */
#include "deployments.h"
#include "statements.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_MS 100
#define STATUS_COLUMN 5 /* of DEPLOYMENT_COLUMNS */
#define NO_LOGS "No logs available - deployment not running"

/* ---- Gathering ---- */

static void keep_last_words(struct running *running, bp_str line) {
  size_t len = line.len > LAST_WORDS_BYTES / 4 ? LAST_WORDS_BYTES / 4 : line.len;
  kit_keep_tail(running->last_words, &running->last_words_len, LAST_WORDS_BYTES, bp_str_make(line.ptr, len));
  kit_keep_tail(running->last_words, &running->last_words_len, LAST_WORDS_BYTES, BP_LIT("\n"));
}

void logs_add(struct running *running, unsigned stream, bp_str line) {
  struct batch *batch = &running->batches[stream];
  if (line.len)
    keep_last_words(running, line);
  if (!batch->text)
    batch->text = malloc(BATCH_BYTES);
  if (!batch->text || batch->len + 1 >= BATCH_BYTES)
    return; /* the rest is in the log file */
  size_t len = kit_cut(line, BATCH_BYTES - batch->len - 1).len;
  if (len)
    memcpy(batch->text + batch->len, line.ptr, len);
  batch->len += len;
  batch->text[batch->len++] = '\n';
}

void logs_flush(struct running *running) {
  for (unsigned i = 0; i < STREAM_COUNT; i++) {
    struct batch *batch = &running->batches[i];
    if (batch->len)
      event_output(running->module, running->id, i, bp_str_make(batch->text, batch->len));
    batch->len = 0;
  }
}

static void on_flush(void *ctx, bp_timer timer) {
  const struct deployments *d = ctx;
  (void)timer;
  for (struct running *running = d->running; running; running = running->next)
    logs_flush(running);
}

void logs_start(struct deployments *d) {
  d->loop->timer(d->self, FLUSH_MS, FLUSH_MS, on_flush, d, &d->flushes);
}

/* ---- The route ---- */

struct reading {
  struct kit_call call;
  struct deployments *module;
  int64_t id;
  uint32_t lines;
};

static void answer(struct reading *reading, bp_str text) {
  const struct deployments *d = reading->module;
  bp_json_writer out = 0;
  bp_status status = d->json->writer_new(d->self, &out);
  if (status != BP_OK) {
    kit_call_refuse(reading, status, NULL);
    return;
  }
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("success"));
  d->json->put_boolean(out, 1);
  json_text_member(d->json, out, BP_LIT("logs"), text);
  d->json->object_end(out);
  kit_call_json(reading, 200, d->json, out);
}

/* ---- Where a supervisor keeps output in files: both are read on a worker ---- */

#define FILE_BYTES_MOST (256 * 1024)

struct files {
  struct reading *reading;
  char paths[STREAM_COUNT][LOG_PATH_BYTES];
  char *text;
  size_t len;
};

/* The last `lines` lines of what one file ends with, appended. */
static void read_end(struct files *files, const char *path) {
  char *text = files->text + files->len;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
  off_t from = end > FILE_BYTES_MOST ? end - FILE_BYTES_MOST : 0;
  ssize_t got = fd >= 0 ? pread(fd, text, FILE_BYTES_MOST, from) : 0;
  if (fd >= 0)
    close(fd);
  if (got <= 0)
    return;
  size_t at = (size_t)got;
  uint32_t lines = 0;
  while (at > 0 && !(text[at - 1] == '\n' && at < (size_t)got && ++lines == files->reading->lines))
    at--;
  memmove(text, text + at, (size_t)got - at);
  files->len += (size_t)got - at;
}

static void read_files(void *ctx) {
  struct files *files = ctx;
  files->text = malloc((size_t)STREAM_COUNT * FILE_BYTES_MOST);
  for (unsigned i = 0; files->text && i < STREAM_COUNT; i++)
    read_end(files, files->paths[i]);
}

static void on_files(void *ctx, bp_status status) {
  struct files *files = ctx;
  kit_mark_bad(files->text, files->len); /* a file may begin within a character, or hold what is none */
  if (status == BP_OK)
    answer(files->reading, files->len ? bp_str_make(files->text, files->len) : BP_LIT(""));
  else
    kit_call_refuse(files->reading, status, NULL);
  free(files->text);
  free(files);
}

static void answer_from_files(struct reading *reading, const bp_db_outcome *outcome) {
  const struct deployments *d = reading->module;
  struct files *files = calloc(1, sizeof(*files));
  struct row row;
  bool is_named = files && row_read(d, outcome, 0, 0, &row);
  if (is_named) {
    files->reading = reading;
    is_named = d->supervisor->log_files(d, &row, files->paths);
    row_release(&row);
  }
  if (is_named && d->loop->work(d->self, read_files, on_files, files) == BP_OK)
    return;
  free(files);
  kit_call_refuse(reading, BP_E_BUSY, NULL);
}

static void on_row(void *ctx, const bp_db_outcome *outcome) {
  struct reading *reading = ctx;
  const struct deployments *d = reading->module;
  struct running *running = running_find(d, reading->id);
  bp_str text = {NULL, 0};
  if (kit_call_failed(reading, outcome))
    return;
  bool has_failed = kit_same(db_column(d->db, outcome, 0, 0, STATUS_COLUMN), "error");
  if (d->db->rows(outcome->result, 0) == 0)
    kit_call_problem(reading, 404, BP_LIT("Deployment not found"));
  else if (running && !running->is_dead && d->supervisor->log_files)
    answer_from_files(reading, outcome);
  else if (running && !running->is_dead && d->supervisor->tail(running, reading->lines, &text))
    answer(reading, text.ptr ? text : BP_LIT(""));
  else if (running && running->is_dead && has_failed && running->last_words_len)
    answer(reading, bp_str_make(running->last_words, running->last_words_len));
  else
    answer(reading, BP_LIT(NO_LOGS));
}

void deployments_logs(void *state, bp_request request) {
  struct deployments *d = state;
  int64_t id = 0, lines = 0;
  struct reading *reading = kit_call_new(d->self, d->http, d->db, request, sizeof(*reading));
  if (!reading)
    return;
  d->http->param_integer(request, BP_LIT("id"), &id);
  if (d->http->param_integer(request, BP_LIT("lines"), &lines) != BP_OK || lines < 1)
    lines = 100;
  reading->module = d;
  reading->id = id;
  reading->lines = lines > LIMIT_LINES ? LIMIT_LINES : (uint32_t)lines;
  const bp_db_value values[] = {db_integer(id)};
  const bp_db_query query = {.size = sizeof(query), .statement = ENTRY_BY_ID, .max_rows = 1, .params = BP_ARRAY(values)};
  kit_call_read(reading, &query, 1, on_row);
}
