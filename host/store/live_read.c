/* store_live_read: durable events from the log, for replay to subscribers. Runs on the read pool. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/live_rows.h"
#include "store/reader.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define LIVE_READ_LIMIT_ROWS 10000u
/* A page of history stops here; `more` says so. */
#define LIVE_READ_LIMIT_BYTES (8u * 1024 * 1024)
#define LIVE_READ_DEADLINE_MS 15000

static const char oldest_sql[] = "SELECT min(seq) FROM live_log";

struct live_read {
  struct read_job job; /* first */
  store_live_fn done;
  void *ctx;
  uint64_t from, oldest;
  uint32_t limit, count, cap, topic_count;
  bool more;
  bp_str *topics; /* one block with key and their bytes */
  bp_str key;
  struct live_row *rows; /* strings hold offsets into bytes until delivery */
  struct buf bytes;
};

static bool is_wanted(const void *ctx, bp_str topic) {
  const struct live_read *r = ctx;
  for (uint32_t i = 0; i < r->topic_count; i++) {
    bp_str wanted = r->topics[i];
    if (str_eq(wanted, topic))
      return true;
    if (str_ends(wanted, BP_LIT(".*")) && str_starts(topic, bp_str_make(wanted.ptr, wanted.len - 1)))
      return true;
  }
  return false;
}

static bp_str column(sqlite3_stmt *stmt, int index) {
  const char *text = (const char *)sqlite3_column_text(stmt, index);
  return bp_str_make(text ? text : "", (size_t)sqlite3_column_bytes(stmt, index));
}

static bool grow(struct live_read *r) {
  if (r->count < r->cap)
    return true;
  uint32_t cap = r->cap ? r->cap * 2 : 64;
  struct live_row *rows = realloc(r->rows, cap * sizeof(*rows));
  if (!rows)
    return false;
  r->rows = rows;
  r->cap = cap;
  return true;
}

/* The bytes may move while they grow: keep the lengths, place the pointers at the end. */
static bool add_row(struct live_read *r, sqlite3_stmt *stmt, bp_str topic, bp_str key) {
  if (!grow(r))
    return false;
  bp_str payload = column(stmt, LIVE_ROW_PAYLOAD);
  r->rows[r->count++] = (struct live_row){
      .sequence = (uint64_t)sqlite3_column_int64(stmt, LIVE_ROW_SEQ),
      .time_ns = sqlite3_column_int64(stmt, LIVE_ROW_TIME),
      .topic.len = topic.len,
      .key.len = key.len,
      .payload.len = payload.len,
  };
  buf_append_str(&r->bytes, topic);
  buf_append_str(&r->bytes, key);
  buf_append_str(&r->bytes, payload);
  return !r->bytes.failed;
}

static void place_strings(struct live_read *r) {
  const char *at = r->bytes.data;
  for (uint32_t i = 0; i < r->count; i++) {
    struct live_row *row = &r->rows[i];
    row->topic.ptr = at;
    row->key.ptr = at + row->topic.len;
    row->payload.ptr = row->key.ptr + row->key.len;
    at = row->payload.ptr + row->payload.len;
  }
}

/* A scan gives rows of all topics. */
static int collect(struct live_read *r, struct live_rows *rows) {
  sqlite3_stmt *stmt;
  int rc;
  while ((rc = live_rows_next(rows, &stmt)) == SQLITE_ROW) {
    bp_str topic = column(stmt, LIVE_ROW_TOPIC), key = column(stmt, LIVE_ROW_KEY);
    if ((r->topic_count && !is_wanted(r, topic)) || (r->key.len > 0 && !str_eq(r->key, key)))
      continue;
    if (r->count == r->limit || r->bytes.len > LIVE_READ_LIMIT_BYTES) {
      r->more = true;
      return SQLITE_DONE;
    }
    if (!add_row(r, stmt, topic, key))
      return SQLITE_NOMEM;
  }
  return rc;
}

static void run(struct read_job *job, struct reader *reader) {
  struct live_read *r = (struct live_read *)job;
  uint64_t sequence;
  if (!reader_begin(reader, job, &sequence))
    return;
  r->oldest = (uint64_t)database_integer(&reader->db, oldest_sql, 0);
  struct live_rows rows;
  int rc = live_rows_open(&rows, reader->db.db, r->from, r->topic_count ? is_wanted : NULL, r);
  if (rc == SQLITE_OK)
    rc = collect(r, &rows);
  if (rc == SQLITE_DONE)
    place_strings(r);
  else
    read_job_fail(job, reader, rc, "reading", "live_log");
  live_rows_release(&rows);
  reader_end(reader);
}

static void release(struct live_read *r) {
  free(r->topics);
  free(r->rows);
  buf_release(&r->bytes);
  free(r);
}

static void deliver(struct completion *c) {
  struct live_read *r = (struct live_read *)c;
  bool is_ok = r->job.status == BP_OK;
  r->done(r->ctx, r->job.status, r->rows, is_ok ? r->count : 0, is_ok && r->more, r->oldest);
  release(r);
}

static void copy_filter(struct live_read *r, const bp_str *topics, uint32_t count, bp_str key) {
  size_t bytes = key.len;
  for (uint32_t i = 0; i < count; i++)
    bytes += topics[i].len;
  r->topics = mem_alloc(count * sizeof(*topics) + bytes);
  char *at = (char *)(r->topics + count);
  for (uint32_t i = 0; i <= count; i++) {
    bp_str text = i < count ? topics[i] : key;
    *(i < count ? &r->topics[i] : &r->key) = bp_str_make(at, text.len);
    if (text.len > 0)
      memcpy(at, text.ptr, text.len);
    at += text.len;
  }
  r->topic_count = count;
}

void store_live_read(const bp_str *topics, uint32_t topic_count, bp_str key, uint64_t from, uint32_t limit, store_live_fn done, void *ctx) {
  struct live_read *r = mem_alloc(sizeof(*r));
  copy_filter(r, topics, topic_count, key);
  r->done = done;
  r->ctx = ctx;
  r->from = from;
  r->limit = limit == 0 || limit > LIVE_READ_LIMIT_ROWS ? LIVE_READ_LIMIT_ROWS : limit;
  r->job = (struct read_job){.completion.deliver = deliver, .run = run, .error = BP_ERROR_INIT};
  r->job.deadline_ns = clock_monotonic_ns() + (int64_t)LIVE_READ_DEADLINE_MS * 1000000;
  if (reader_submit(&r->job) == BP_OK)
    return;
  r->job.status = BP_E_BUSY;
  completion_post(&r->job.completion);
}
