/* Searching: jobs from a plugin's words to rows; see search.h. Declaring indexes is search_declare.c. */
#include "store/search.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/str.h"
#include "store/delivery.h"
#include "store/search_index.h"
#include "store/writer.h"

#include <stdlib.h>
#include <string.h>

#define SEARCH_DEADLINE_MS 10000

/* ---- The expression ---- */

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static void append_word(struct buf *ret, bp_str word) {
  size_t len = word.len;
  while (len > 0 && word.ptr[len - 1] == '*')
    len--;
  if (len == 0)
    return;
  buf_append_z(ret, ret->len ? " \"" : "\"");
  for (size_t i = 0; i < len; i++) {
    if (word.ptr[i] == '"')
      buf_append_char(ret, '"');
    buf_append_char(ret, word.ptr[i]);
  }
  buf_append_z(ret, len < word.len ? "\"*" : "\"");
}

void search_expression(bp_str text, struct buf *ret) {
  uint32_t words = 0;
  for (size_t at = 0; at < text.len && words < SEARCH_LIMIT_WORDS; words++) {
    while (at < text.len && is_space(text.ptr[at]))
      at++;
    size_t start = at;
    while (at < text.len && !is_space(text.ptr[at]))
      at++;
    append_word(ret, bp_str_make(text.ptr + start, at - start));
  }
}

/* ---- On a reader ---- */

static int search_rows(struct search_job *s, sqlite3_stmt *stmt) {
  sqlite3_bind_text(stmt, 1, s->query.data, (int)s->query.len, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 2, (int64_t)s->limit + 1);
  sqlite3_bind_int64(stmt, 3, s->offset);
  int rc;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    if (s->step.rows == s->limit) {
      s->step.more = true;
      return SQLITE_DONE;
    }
    if (result_add_row(&s->result, &s->step, stmt) != BP_OK)
      return SQLITE_NOMEM;
  }
  return rc;
}

static void run(struct read_job *job, struct reader *r) {
  struct search_job *s = (struct search_job *)job;
  if (!reader_begin(r, job, &s->sequence))
    return;
  long long n = s->index_id;
  /* A row that has changed since the index was completed is left out: its text may be gone. */
  char *sql = sqlite3_mprintf("SELECT rowid, rank, snippet(bp_search_%lld, -1, '', '', '…', 24) FROM bp_search_%lld WHERE bp_search_%lld MATCH ?1 "
                              "AND rowid NOT IN (SELECT id FROM bp_search_%lld_stale) ORDER BY rank LIMIT ?2 OFFSET ?3",
                              n, n, n, n);
  sqlite3_stmt *stmt = NULL;
  int rc = sql ? sqlite3_prepare_v2(r->db.db, sql, -1, &stmt, NULL) : SQLITE_NOMEM;
  sqlite3_free(sql);
  s->step.columns = 3;
  if (rc == SQLITE_OK)
    rc = s->query.len ? search_rows(s, stmt) : SQLITE_DONE;
  if (rc != SQLITE_DONE)
    read_job_fail(job, r, rc, "search", s->query.len ? s->query.data : "");
  sqlite3_finalize(stmt);
  reader_end(r);
}

/* ---- On the writer ---- */

static bool is_over(struct search_job *job) {
  if (job->job.program && atomic_load(&job->job.program->cancel_epoch) != job->job.cancel_epoch)
    job->job.status = fail(&job->job.error, BP_E_CANCELLED, "the search was cancelled before it began");
  else if (clock_monotonic_ns() > job->job.deadline_ns) {
    job->job.status = fail(&job->job.error, BP_E_TIMEOUT, "the search index is still being built");
    fail_hint(&job->job.error, "try again later");
  } else if (writer_is_stopping())
    job->job.status = fail(&job->job.error, BP_E_CANCELLED, "the search was cancelled: the store is closing");
  return job->job.status != BP_OK;
}

static int index_piece(struct batch_writer *w, struct search_row *row) {
  int rc = batch_begin(w);
  if (rc == SQLITE_OK)
    rc = batch_end(w, search_row_index_some(&w->db, row));
  return rc;
}

static bool is_complete(struct database *d, const struct search_row *row, const struct search_job *job) {
  return row->upto >= job->target && !search_row_has_stale(d, row);
}

bool search_catch_up(struct batch_writer *w, struct search_job *job, int *ret_rc) {
  struct search_row row;
  if (is_over(job))
    return true;
  if (!search_row_read(&w->db, job->index_id, &row)) {
    job->job.status = fail(&job->job.error, BP_E_NOT_FOUND, "the search index is gone");
    return true;
  }
  if (!job->is_aimed)
    job->target = search_row_newest(&w->db, &row);
  job->is_aimed = true;
  bool is_there = is_complete(&w->db, &row, job);
  if (!is_there) {
    *ret_rc = index_piece(w, &row);
    if (*ret_rc != SQLITE_OK)
      job->job.status = sql_fail(w->db.db, *ret_rc, "completing", "the search index", &job->job.error);
    is_there = *ret_rc != SQLITE_OK || is_complete(&w->db, &row, job);
  }
  search_row_release(&row);
  return is_there;
}

static int64_t next_index(struct database *d, int64_t after) {
  sqlite3_stmt *stmt = database_prepare(d, "SELECT id FROM bp_search WHERE id > ?1 ORDER BY id LIMIT 1");
  if (!stmt)
    return 0;
  sqlite3_bind_int64(stmt, 1, after);
  int64_t id = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
  sqlite3_finalize(stmt);
  return id;
}

/* The first index that lags, or 0. */
static int64_t lagging(struct database *d, struct search_row *ret) {
  int64_t id = 0;
  while ((id = next_index(d, id)) > 0) {
    if (!search_row_read(d, id, ret))
      continue;
    if (search_row_newest(d, ret) > ret->upto || search_row_has_stale(d, ret))
      return id;
    search_row_release(ret);
  }
  return 0;
}

bool search_index_some(struct batch_writer *w, int *ret_rc) {
  struct search_row row;
  if (lagging(&w->db, &row) == 0)
    return false;
  *ret_rc = index_piece(w, &row);
  search_row_release(&row);
  return *ret_rc == SQLITE_OK;
}

void search_hand_over(struct search_job *job) {
  reader_pass_on(&job->job);
}

/* ---- On main ---- */

static void deliver(struct completion *c) {
  struct search_job *s = (struct search_job *)c;
  bp_db_outcome outcome = {.status = s->job.status, .sequence = s->sequence, .error = &s->job.error};
  deliver_outcome(s->job.program, "db search", s->done, s->ctx, &s->result, &outcome);
  program_unref(s->job.program);
  result_release(&s->result);
  buf_release(&s->query);
  free(s);
}

static int64_t find_index(const struct program *p, bp_str name) {
  for (uint32_t i = 0; i < p->search_count; i++) {
    if (str_eq(name, str_from(p->searches[i].name)))
      return p->searches[i].id;
  }
  return 0;
}

bp_status search_submit(struct program *p, bp_str index, bp_str text, uint32_t limit, uint32_t offset, bp_db_done_fn done, void *ctx) {
  int64_t id = find_index(p, index);
  if (id == 0)
    return BP_E_NOT_FOUND;
  if (limit == 0 || limit > SEARCH_LIMIT_ROWS || text.len > SEARCH_LIMIT_TEXT_BYTES)
    return BP_E_INVALID;
  if (readers_busy() >= READER_LIMIT_JOBS || p->pending >= READER_LIMIT_JOBS)
    return BP_E_BUSY;
  struct search_job *s = calloc(1, sizeof(*s));
  if (!s)
    return BP_E_NO_MEMORY;
  search_expression(text, &s->query);
  buf_append_char(&s->query, '\0');
  if (s->query.failed) {
    free(s);
    return BP_E_NO_MEMORY;
  }
  s->query.len--;
  s->done = done;
  s->ctx = ctx;
  s->index_id = id;
  s->limit = limit;
  s->offset = offset;
  s->result.steps = &s->step;
  s->result.count = 1;
  s->job.completion.deliver = deliver;
  s->job.run = run;
  s->job.deadline_ns = clock_monotonic_ns() + (int64_t)SEARCH_DEADLINE_MS * 1000000;
  s->job.error = (bp_error)BP_ERROR_INIT;
  s->job.cancel_epoch = atomic_load(&p->cancel_epoch);
  s->job.program = program_ref(p);
  program_began(p);
  writer_search(s);
  return BP_OK;
}
