/* A plugin's queries; see reads.h. */
#include "store/reads.h"
#include "base/clock.h"
#include "base/fail.h"
#include "store/delivery.h"
#include "store/params.h"
#include "store/reader.h"
#include "store/sized.h"

#include <stdlib.h>

struct query {
  uint32_t statement, max_rows, first_param, param_count;
};

struct read {
  struct read_job job; /* first: completions and jobs are cast back */
  bp_db_done_fn done;
  void *ctx;
  uint32_t query_count, failed_query;
  struct query *queries;
  struct unit_param *params;
  uint64_t sequence;
  struct result result;
};

struct measure {
  size_t params, text_bytes;
};

static bp_status check_query(const struct program *p, const bp_db_query *query, uint32_t index, struct measure *m, bp_error *err) {
  if (query->statement >= p->statement_count)
    return fail(err, BP_E_INVALID, "query %u names statement %u; plugin \"%s\" declares %u", index, query->statement, p->id, p->statement_count);
  const struct statement *s = &p->statements[query->statement];
  if (!s->is_read_only)
    return fail(err, BP_E_INVALID, "statement \"%s\" writes and cannot be read", s->name);
  if (query->max_rows > RESULT_LIMIT_ROWS)
    return fail(err, BP_E_INVALID, "query %u asks for %u rows; the limit is %u", index, query->max_rows, RESULT_LIMIT_ROWS);
  m->params += query->params.count;
  return params_measure(&query->params, s, 0, &m->text_bytes, err);
}

static bp_status measure_queries(const struct program *p, const bp_array *queries, struct measure *m, bp_error *err) {
  if (queries->count == 0 || queries->count > READ_LIMIT_QUERIES)
    return fail(err, BP_E_INVALID, "a read has 1 to %u queries, not %u", READ_LIMIT_QUERIES, queries->count);
  for (uint32_t i = 0; i < queries->count; i++) {
    bp_db_query query;
    if (!sized_read(queries, i, &query, sizeof(query)))
      return fail(err, BP_E_INVALID, "query %u has a wrong size", i);
    bp_status status = check_query(p, &query, i, m, err);
    if (status != BP_OK)
      return status;
  }
  if (m->text_bytes > UNIT_LIMIT_BYTES)
    return fail(err, BP_E_LIMIT, "a read takes at most %u bytes of parameters", UNIT_LIMIT_BYTES);
  return BP_OK;
}

static struct read *allocate(uint32_t count, const struct measure *m, struct arena *ret) {
  size_t head = arena_bytes(1, sizeof(struct read)) + arena_bytes(count, sizeof(struct query)) + arena_bytes(count, sizeof(struct result_step)) +
                arena_bytes(m->params, sizeof(struct unit_param));
  struct read *r = malloc(head + m->text_bytes);
  if (!r)
    return NULL;
  memset(r, 0, head);
  *ret = (struct arena){(char *)r + arena_bytes(1, sizeof(struct read))};
  r->query_count = r->result.count = count;
  r->queries = arena_take(ret, count * sizeof(struct query));
  r->result.steps = arena_take(ret, count * sizeof(struct result_step));
  r->params = arena_take(ret, m->params * sizeof(struct unit_param));
  return r;
}

static void copy_queries(struct read *r, struct arena *a, const bp_array *queries) {
  uint32_t next_param = 0;
  for (uint32_t i = 0; i < queries->count; i++) {
    bp_db_query query;
    sized_read(queries, i, &query, sizeof(query));
    r->queries[i] = (struct query){query.statement, query.max_rows ? query.max_rows : READ_DEFAULT_ROWS, next_param, query.params.count};
    params_copy(a, &query.params, r->params + next_param);
    next_param += query.params.count;
  }
}

static bp_status collect(struct read *r, struct result_step *out, uint32_t max_rows, sqlite3_stmt *stmt, int *ret_rc) {
  while ((*ret_rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    if (out->rows == max_rows) {
      out->more = true;
      return BP_OK;
    }
    bp_status status = result_add_row(&r->result, out, stmt);
    if (status != BP_OK)
      return status;
  }
  return *ret_rc == SQLITE_DONE ? BP_OK : sql_status(*ret_rc);
}

static bool run_query(struct read *r, struct reader *reader, uint32_t index) {
  const struct query *query = &r->queries[index];
  const struct statement *s = &r->job.program->statements[query->statement];
  sqlite3_stmt *stmt = program_statement(r->job.program, &reader->db, query->statement, &r->job.error);
  if (!stmt) {
    r->job.status = r->job.error.code;
    return false;
  }
  r->result.steps[index].columns = s->columns;
  int rc = params_bind(stmt, r->params + query->first_param, query->param_count, &r->result);
  bp_status status = rc == SQLITE_OK ? collect(r, &r->result.steps[index], query->max_rows, stmt, &rc) : sql_status(rc);
  if (status == BP_E_LIMIT && rc == SQLITE_ROW)
    r->job.status = fail(&r->job.error, status, "query \"%s\" answered more than %u bytes: page it", s->name, RESULT_LIMIT_BYTES);
  else if (status == BP_E_NO_MEMORY && rc == SQLITE_ROW)
    r->job.status = fail(&r->job.error, status, "query \"%s\" failed: out of memory", s->name);
  else if (status != BP_OK)
    read_job_fail(&r->job, reader, rc, "query", s->name);
  sqlite3_reset(stmt);
  return status == BP_OK;
}

static void run(struct read_job *job, struct reader *reader) {
  struct read *r = (struct read *)job;
  if (!reader_begin(reader, job, &r->sequence))
    return;
  for (uint32_t i = 0; i < r->query_count && job->status == BP_OK; i++) {
    if (!run_query(r, reader, i))
      r->failed_query = i;
  }
  reader_end(reader);
}

static void deliver(struct completion *c) {
  struct read *r = (struct read *)c;
  bp_db_outcome outcome = {.status = r->job.status, .failed_step = r->failed_query, .sequence = r->sequence, .error = &r->job.error};
  deliver_outcome(r->job.program, "db read", r->done, r->ctx, &r->result, &outcome);
  program_unref(r->job.program);
  result_release(&r->result);
  free(r);
}

bp_status reads_submit(struct program *p, const bp_array *queries, uint32_t deadline_ms, bp_db_done_fn done, void *ctx, bp_error *err) {
  struct measure m = {0};
  bp_status status = measure_queries(p, queries, &m, err);
  if (status != BP_OK)
    return status;
  struct arena a;
  struct read *r = allocate(queries->count, &m, &a);
  if (!r)
    return fail(err, BP_E_NO_MEMORY, "the read failed: out of memory");
  copy_queries(r, &a, queries);
  uint32_t wait_ms = deadline_ms ? deadline_ms : READER_DEADLINE_MS;
  wait_ms = wait_ms > READ_LIMIT_DEADLINE_MS ? READ_LIMIT_DEADLINE_MS : wait_ms;
  r->done = done;
  r->ctx = ctx;
  r->job.completion.deliver = deliver;
  r->job.run = run;
  r->job.deadline_ns = clock_monotonic_ns() + (int64_t)wait_ms * 1000000;
  r->job.error = (bp_error)BP_ERROR_INIT;
  r->job.cancel_epoch = atomic_load(&p->cancel_epoch);
  r->job.program = program_ref(p);
  status = reader_submit(&r->job);
  if (status == BP_OK) {
    program_began(p);
    return BP_OK;
  }
  program_unref(p);
  free(r);
  return fail(err, status, "the read failed: %u reads wait already", READER_LIMIT_JOBS);
}
