/* Every message of the log, in the store, in order and each once: also across rotation, restarts and kill -9.
 *
 * The messages of a batch and the position behind them are one transaction. A batch is read on a worker, written, and only then
 * the next one is read, so that memory stays small however long the log is. */
#include "monitor.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_LINES 200u
#define BATCH_BYTES (1024u * 1024)

struct waiter {
  struct waiter *next;
  scanned_fn fn;
  void *ctx;
};

struct history {
  struct monitor *module;
  struct log_position at; /* stored */
  int64_t rows_most;
  bool is_ready, is_running, is_asked; /* asked: look once more when done */
  struct waiter *running, *waiting;
  /* the batch under way */
  struct log_position next;
  struct kit_text lines[BATCH_LINES];
  uint32_t count, line_total;
  size_t bytes;
  bool has_more;
};

static void take_batch(struct history *h);

static void tell_all(struct waiter *waiter, bp_status status) {
  while (waiter) {
    struct waiter *next = waiter->next;
    waiter->fn(waiter->ctx, status);
    free(waiter);
    waiter = next;
  }
}

static void drop_batch(struct history *h) {
  for (uint32_t i = 0; i < h->count; i++)
    kit_text_free(&h->lines[i]);
  h->count = h->line_total = 0;
  h->bytes = 0;
  h->has_more = false;
}

/* ---- Reading, on a worker ---- */

static bool take_line(void *ctx, const char *line, size_t len) {
  struct history *h = ctx;
  struct message message = {0};
  if (line)
    message_parse(h->module->json, h->module->self, bp_str_make(line, len), &message);
  if (message.json.ptr) {
    h->lines[h->count++] = message.json;
    h->bytes += message.json.len;
    message.json = (struct kit_text){NULL, 0};
  }
  message_free(&message);
  h->has_more = h->count == BATCH_LINES || h->bytes > BATCH_BYTES || ++h->line_total == BATCH_LINES * 100;
  return !h->has_more;
}

/* The log this position is of: the present one, the one it was rotated to, or the present one from its beginning. `ret_is_old`: the
 * present one comes after it. */
static int open_log(struct history *h, bool *ret_is_old) {
  const char *root = h->module->root;
  int fd = monitor_open_plain(root, LOG_FILE);
  *ret_is_old = false;
  if (fd >= 0 && log_continues(fd, &h->next))
    return fd;
  int old = monitor_open_plain(root, OLD_LOG_FILE);
  if (old >= 0 && log_continues(old, &h->next)) {
    if (fd >= 0)
      close(fd);
    *ret_is_old = true;
    return old;
  }
  if (old >= 0)
    close(old);
  if (fd >= 0)
    log_begin(fd, UINT64_MAX, &h->next);
  return fd;
}

static void read_batch(void *ctx) {
  struct history *h = ctx;
  const struct log_reading reading = {.line = take_line, .ctx = h};
  bool is_old;
  h->next = h->at;
  int fd = open_log(h, &is_old);
  if (fd < 0)
    return;
  log_read(fd, &h->next, &reading);
  close(fd);
  if (!is_old || h->has_more)
    return;
  fd = monitor_open_plain(h->module->root, LOG_FILE);
  if (fd < 0)
    return;
  log_begin(fd, UINT64_MAX, &h->next);
  h->has_more = true;
  close(fd);
}

/* ---- Writing ---- */

/* Everything is in, or it could not be: then the next change or question tries again. */
static void rest(struct history *h, bp_status status) {
  struct waiter *waiters = h->running;
  h->running = NULL;
  h->is_running = false;
  drop_batch(h);
  tell_all(waiters, status);
  if (!h->is_running && (h->waiting || h->is_asked))
    take_batch(h);
}

static void written(void *ctx, const bp_db_outcome *outcome) {
  struct history *h = ctx;
  bool has_more = h->has_more;
  if (outcome->status != BP_OK) {
    h->is_asked = false;
    rest(h, outcome->status);
    return;
  }
  h->at = h->next;
  drop_batch(h);
  if (has_more)
    take_batch(h);
  else
    rest(h, BP_OK);
}

static bool is_same_place(const struct log_position *a, const struct log_position *b) {
  return a->device == b->device && a->inode == b->inode && a->offset == b->offset && a->is_skipping == b->is_skipping;
}

static bp_status write_batch(struct history *h) {
  const struct monitor *m = h->module;
  bp_db_value texts[BATCH_LINES], most = db_integer(h->rows_most);
  bp_db_step steps[BATCH_LINES + 2];
  const bp_db_value place[] = {
      db_integer((int64_t)h->next.device),
      db_integer((int64_t)h->next.inode),
      db_integer((int64_t)h->next.offset),
      {.size = sizeof(bp_db_value), .type = BP_DB_BLOB, .text = bp_str_make((const char *)h->next.mark, h->next.mark_len)},
      db_integer(h->next.is_skipping),
  };
  for (uint32_t i = 0; i < h->count; i++) {
    texts[i] = db_text(kit_text_str(&h->lines[i]));
    steps[i] = db_exec(ADD_MESSAGE, &texts[i], 1);
  }
  steps[h->count] = db_exec(WRITE_CURSOR, place, 5);
  steps[h->count + 1] = db_exec(PRUNE_MESSAGES, &most, 1);
  return m->db->write(m->self, (bp_array){steps, h->count + 2, sizeof(steps[0])}, written, h);
}

static void batch_read(void *ctx, bp_status status) {
  struct history *h = ctx;
  bool is_nothing = status == BP_OK && h->count == 0 && is_same_place(&h->at, &h->next);
  if (status == BP_OK && !is_nothing)
    status = write_batch(h);
  if (status != BP_OK)
    h->is_asked = false;
  if (status != BP_OK || is_nothing)
    rest(h, status);
}

static void take_batch(struct history *h) {
  const struct monitor *m = h->module;
  if (!h->is_running) {
    h->running = h->waiting;
    h->waiting = NULL;
    h->is_asked = false;
    h->is_running = true;
  }
  bp_status status = m->loop->work(m->self, read_batch, batch_read, h);
  if (status != BP_OK)
    rest(h, status);
}

void history_catch_up(struct monitor *m, scanned_fn fn, void *ctx) {
  struct history *h = m->history;
  struct waiter *waiter = fn ? malloc(sizeof(*waiter)) : NULL;
  if (fn && !waiter) {
    fn(ctx, BP_E_NO_MEMORY);
    return;
  }
  if (waiter) {
    *waiter = (struct waiter){.next = h->waiting, .fn = fn, .ctx = ctx};
    h->waiting = waiter;
  }
  h->is_asked = true;
  if (h->is_ready && !h->is_running)
    take_batch(h);
}

/* ---- Beginning ---- */

static int64_t column(const struct monitor *m, const bp_db_outcome *outcome, uint32_t number, bp_db_value *value) {
  *value = (bp_db_value){.size = sizeof(*value)};
  m->db->value(outcome->result, 0, 0, number, value);
  return value->integer;
}

static void begin(void *ctx, const bp_db_outcome *outcome) {
  struct history *h = ctx;
  const struct monitor *m = h->module;
  bp_db_value value;
  if (outcome->status != BP_OK) {
    m->log->write(m->self, BP_LOG_WARN, BP_LIT("the history of messages could not be read; it is not kept in this run"), (bp_array){NULL, 0, 0});
    return;
  }
  if (m->db->rows(outcome->result, 0) > 0) {
    h->at.device = (uint64_t)column(m, outcome, 0, &value);
    h->at.inode = (uint64_t)column(m, outcome, 1, &value);
    h->at.offset = (uint64_t)column(m, outcome, 2, &value);
    h->at.is_skipping = column(m, outcome, 4, &value) != 0;
    column(m, outcome, 3, &value);
    h->at.mark_len = value.text.len <= MARK_BYTES ? (uint32_t)value.text.len : 0;
    if (h->at.mark_len)
      memcpy(h->at.mark, value.text.ptr, h->at.mark_len);
  }
  h->is_ready = true;
  take_batch(h);
}

bp_status history_start(struct monitor *m, bp_error *err) {
  (void)err;
  const bp_db_query query = {.size = sizeof(query), .statement = READ_CURSOR, .max_rows = 1};
  m->history = calloc(1, sizeof(*m->history));
  if (!m->history)
    return BP_E_NO_MEMORY;
  m->history->module = m;
  m->config->integer(m->self, BP_LIT("history_rows"), &m->history->rows_most);
  return m->db->read(m->self, (bp_array){&query, 1, sizeof(query)}, 0, begin, m->history);
}

void history_free(struct monitor *m) {
  struct history *h = m->history;
  if (!h)
    return;
  tell_all(h->waiting, BP_E_CANCELLED);
  drop_batch(h);
  free(h);
}
