/* The store's seam: opening and closing in order, adding and removing plugins, and the host's own jobs on the read pool. */
#include "store/store.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "live/live.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "store/add.h"
#include "store/backup.h"
#include "store/completion.h"
#include "store/part.h"
#include "store/reader.h"
#include "store/retention.h"
#include "store/schema.h"
#include "store/writer.h"

#include <stdlib.h>

static struct {
  char *path;
  struct database schema; /* main's, open until store_ready */
  struct migrate_run run;
  bool was_unclean;
} store;

static bp_status prepare_tables(bp_error *err) {
  bp_status status = database_open(&store.schema, store.path, DATABASE_SCHEMA, err);
  if (status == BP_OK)
    status = schema_migrate(&store.schema, store.path, err);
  if (status != BP_OK)
    return status;
  store.was_unclean = meta_integer(&store.schema, "open", 0) != 0;
  int rc = meta_set_integer(&store.schema, "open", 1);
  if (rc != SQLITE_OK)
    return sql_fail(store.schema.db, rc, "writing to the store", store.path, err);
  live_sequence_start((uint64_t)database_integer(&store.schema, "SELECT max(seq) FROM live_log", 0));
  return BP_OK;
}

bp_status store_open(const struct store_options *options, bp_error *err) {
  LOOP_MAIN();
  bool is_new = false;
  bp_status status = schema_prepare_file(options->path, options->create, &is_new, err);
  if (status != BP_OK)
    return status;
  store.path = str_dupz(str_from(options->path));
  store.run = (struct migrate_run){.path = store.path, .is_new = is_new};
  retention_set(options->live_retention_days, options->live_retention_bytes);
  status = prepare_tables(err);
  if (status == BP_OK)
    status = writer_start(store.path, err);
  if (status == BP_OK) {
    readers_open(store.path);
    return BP_OK;
  }
  store_close();
  return status;
}

void store_close(void) {
  LOOP_MAIN();
  readers_close();
  writer_stop();
  completions_deliver();
  catalog_release(&store.schema);
  database_close(&store.schema);
  free(store.path);
  store.path = NULL;
}

/* ---- The check after an unclean stop ---- */

static void run_check(struct read_job *job, struct reader *r) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(r->db.db, "PRAGMA quick_check(5)", -1, &stmt, NULL);
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(stmt);
    const char *line = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (!line || str_eq(str_from(line), BP_LIT("ok")))
      continue;
    log_error("store", "quick check: %s", line);
    job->status = BP_E_IO;
    if (rc == SQLITE_DONE)
      break;
  }
  if (rc != SQLITE_DONE)
    read_job_fail(job, r, rc, "the quick check of", "state.db");
  sqlite3_finalize(stmt);
}

static void check_over(struct completion *c) {
  struct read_job *job = (struct read_job *)c;
  if (job->status == BP_OK)
    log_info("store", "quick check after an unclean stop: ok");
  else if (job->status != BP_E_CANCELLED)
    log_error("store", "quick check after an unclean stop: %s; put a backup in place with: backplane restore FILE",
              job->error.message[0] ? job->error.message : "the store is damaged");
  free(job);
}

void store_ready(void) {
  LOOP_MAIN();
  store.run.is_ready = true;
  database_close(&store.schema);
  writer_ready();
  if (!store.was_unclean)
    return;
  struct read_job *job = mem_alloc(sizeof(*job));
  *job = (struct read_job){.completion.deliver = check_over, .run = run_check, .error = BP_ERROR_INIT};
  if (reader_submit(job) != BP_OK)
    free(job);
}

/* ---- Plugins ---- */

struct adding {
  struct plugin *owner;
  struct program *program;
  store_added_fn done;
  void *ctx;
};

static void added(void *ctx, bp_status status, const bp_error *err) {
  struct adding *adding = ctx;
  struct plugin *owner = adding->owner;
  if (status != BP_OK && adding->program && owner->store_data == adding->program) {
    owner->store_data = NULL;
    program_unref(adding->program);
  }
  adding->done(adding->ctx, status, err);
  free(adding);
}

/* On BP_OK `added` runs later; otherwise the caller runs it. */
static bp_status add_later(struct adding *adding, const bp_array *migrations, const bp_array *searches, bp_error *err) {
  bp_status status = add_on_writer(&store.run, adding->program, migrations, searches, added, adding);
  return status == BP_OK ? BP_OK : fail(err, status, "the store is closing");
}

void store_add(struct plugin *owner, const bp_array *migrations, const bp_array *statements, const bp_array *searches, store_added_fn done,
               void *ctx) {
  LOOP_MAIN();
  bp_error err = BP_ERROR_INIT;
  struct adding *adding = mem_alloc(sizeof(*adding));
  *adding = (struct adding){.owner = owner, .done = done, .ctx = ctx};
  bp_status status =
      store.path ? program_create(str_from(owner->id), statements, &adding->program, &err) : fail(&err, BP_E_STATE, "the store is not open");
  if (status == BP_OK && adding->program) {
    adding->program->owner = owner;
    owner->store_data = adding->program;
    if (!store.run.is_ready)
      status = add_program(&store.schema, &store.run, adding->program, migrations, searches, &err);
    else if ((status = add_later(adding, migrations, searches, &err)) == BP_OK)
      return;
  }
  added(adding, status, &err);
}

void store_remove(struct plugin *owner) {
  LOOP_MAIN();
  struct program *p = owner->store_data;
  if (!p)
    return;
  if (p->pending > 0)
    log_warn("store", "plugin %s is removed with %u operations unfinished", p->id, p->pending);
  store_cancel(owner);
  owner->store_data = NULL;
  atomic_store(&p->is_removed, true);
  if (store.path) {
    writer_wake();
    readers_wake();
  }
  program_unref(p);
}

unsigned store_pending(const struct plugin *owner) {
  const struct program *p = owner->store_data;
  return p ? p->pending : 0;
}

void store_when_idle(const struct plugin *owner, struct loop_hook *hook) {
  struct program *p = owner->store_data;
  LOOP_MAIN();
  if (p)
    p->idle = hook;
}

void store_cancel(struct plugin *owner) {
  LOOP_MAIN();
  struct program *p = owner->store_data;
  if (p)
    atomic_fetch_add(&p->cancel_epoch, 1);
}

int64_t store_part_integer(const char *sql, int64_t fallback) {
  LOOP_MAIN();
  return store.schema.db ? database_integer(&store.schema, sql, fallback) : fallback;
}

/* ---- Backup of the running store ---- */

struct backup_job {
  struct read_job job; /* first */
  store_backup_fn done;
  void *ctx;
  char *path;
};

static void run_backup(struct read_job *job, struct reader *r) {
  const struct backup_job *b = (const struct backup_job *)job;
  job->status = backup_copy(r->db.db, b->path, readers_are_stopping, &job->error);
}

static void backup_over(struct completion *c) {
  struct backup_job *b = (struct backup_job *)c;
  b->done(b->ctx, b->job.status, &b->job.error);
  free(b->path);
  free(b);
}

void store_backup(const char *path, store_backup_fn done, void *ctx) {
  LOOP_MAIN();
  struct backup_job *b = mem_alloc(sizeof(*b));
  *b = (struct backup_job){.job = {.completion.deliver = backup_over, .run = run_backup, .error = BP_ERROR_INIT}, .done = done, .ctx = ctx};
  b->path = str_dupz(str_from(path));
  if (reader_submit(&b->job) == BP_OK)
    return;
  b->job.status = fail(&b->job.error, BP_E_BUSY, "making the backup failed: the store is busy or closed");
  completion_post(&b->job.completion);
}

bool store_is_readonly(void) {
  return writer_is_readonly();
}

void store_set_retention(int64_t days, int64_t bytes) {
  retention_set(days, bytes);
  writer_wake();
}
