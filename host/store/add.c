/* Adding one plugin, on this thread or on the writer's; see add.h. */
#include "store/add.h"
#include "base/fail.h"
#include "base/mem.h"
#include "store/search.h"
#include "store/writer.h"

#include <stdlib.h>

/* How many steps of SQLite's machine pass between two looks at whether the work is still wanted. */
#define LOOK_STEPS 10000

struct add_job {
  struct writer_task task; /* first */
  struct migrate_run *run;
  struct program *program;
  bp_array migrations, searches; /* copies: what they point to stays with the plugin's image, which outlives what is pending */
  unsigned cancel_epoch;
  store_added_fn done;
  void *ctx;
  bp_status status;
  bp_error error;
};

/* Of the writer thread, while it runs one. */
static const struct add_job *running;

bp_status add_program(struct database *d, struct migrate_run *run, struct program *p, const bp_array *migrations, const bp_array *searches,
                      bp_error *err) {
  static const bp_array none;
  bp_status status = migrate_plugin(d, run, p, migrations ? migrations : &none, err);
  if (status == BP_OK)
    status = search_declare(d, p, searches, err);
  if (status == BP_OK) {
    catalog_load(d);
    status = program_check(p, d, err);
  }
  catalog_release(d);
  return status;
}

static bool is_given_up(void) {
  return running && (writer_is_stopping() || atomic_load(&running->program->cancel_epoch) != running->cancel_epoch);
}

static int look(void *ctx) {
  (void)ctx;
  return is_given_up();
}

static bp_status give_up(bp_error *err) {
  *err = (bp_error)BP_ERROR_INIT;
  return fail(err, BP_E_CANCELLED, "making its tables was given up half-way; what one migration had begun is undone");
}

static void run_job(struct writer_task *task) {
  struct add_job *job = (struct add_job *)task;
  struct migrate_run run = *job->run;
  struct database schema = {0};
  running = job;
  run.stop = is_given_up;
  job->status = is_given_up() ? BP_E_CANCELLED : database_open(&schema, run.path, DATABASE_SCHEMA, &job->error);
  if (job->status == BP_OK) {
    sqlite3_progress_handler(schema.db, LOOK_STEPS, look, NULL);
    job->status = add_program(&schema, &run, job->program, &job->migrations, &job->searches, &job->error);
  }
  if (job->status != BP_OK && is_given_up())
    job->status = give_up(&job->error);
  database_close(&schema);
  running = NULL;
  job->run->is_backed_up = run.is_backed_up;
}

static void job_over(struct completion *c) {
  struct add_job *job = (struct add_job *)c;
  program_ended(job->program);
  job->done(job->ctx, job->status, &job->error);
  program_unref(job->program);
  free(job);
}

bp_status add_on_writer(struct migrate_run *run, struct program *p, const bp_array *migrations, const bp_array *searches, store_added_fn done,
                        void *ctx) {
  struct add_job *job = mem_alloc(sizeof(*job));
  *job = (struct add_job){
      .task = {.completion.deliver = job_over, .run = run_job},
      .run = run,
      .program = program_ref(p),
      .cancel_epoch = atomic_load(&p->cancel_epoch),
      .done = done,
      .ctx = ctx,
      .error = BP_ERROR_INIT,
  };
  if (migrations)
    job->migrations = *migrations;
  if (searches)
    job->searches = *searches;
  bp_status status = writer_run(&job->task);
  if (status == BP_OK) {
    program_began(p);
    return BP_OK;
  }
  program_unref(p);
  free(job);
  return status;
}
