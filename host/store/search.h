/* Full-text indexes over plugins' tables: FTS5 with external content, filled lazily.
 *
 * The watermark, bp_search.upto, divides the table's rows. Above it nothing is indexed; a new row costs its insert one
 * comparison in a trigger. At or below it the index holds a row's present content, except for rows listed in
 * bp_search_N_stale: triggers note there, once, what the index holds of a row that is changed or deleted. The writer follows
 * both when it is idle, or before a search answers. (Triggers cannot write to FTS5 itself under trusted_schema=OFF.) */
#ifndef HOST_STORE_SEARCH_H
#define HOST_STORE_SEARCH_H

#include "base/buf.h"
#include "store/batch.h"
#include "store/reader.h"

#define SEARCH_LIMIT_ROWS 1000u
#define SEARCH_LIMIT_TEXT_BYTES 1024u
#define SEARCH_LIMIT_WORDS 32u

struct search_job {
  struct read_job job; /* first */
  struct search_job *next;
  bp_db_done_fn done;
  void *ctx;
  int64_t index_id;
  uint64_t after_units; /* the writer's: units queued before this search are part of "up to now" */
  int64_t target;       /* the index must reach this rowid; known once is_aimed */
  bool is_aimed;
  uint32_t limit, offset;
  uint64_t sequence;
  struct buf query; /* the FTS5 expression */
  struct result result;
  struct result_step step;
};

/* Makes the declared indexes of the program and drops what is no longer declared. After its migrations, on their connection. */
bp_status search_declare(struct database *d, struct program *p, const bp_array *searches, bp_error *err);
/* Drops the plugin's indexes that the program has not declared (yet): before a migration changes their tables. On their connection. */
bp_status search_drop(struct database *d, const struct program *p, bp_error *err);

/* The user's words as an FTS5 expression that cannot be a syntax error: each word quoted, a trailing * kept as a prefix. */
void search_expression(bp_str text, struct buf *ret);

/* Checks, copies and queues; `done` will run only on BP_OK. Main. */
bp_status search_submit(struct program *p, bp_str index, bp_str text, uint32_t limit, uint32_t offset, bp_db_done_fn done, void *ctx);

/* Writer thread: brings the job's index one piece nearer to the rows that existed when it was first called. True: it is there,
 * or cannot get there (then the job has failed). */
bool search_catch_up(struct batch_writer *w, struct search_job *job, int *ret_rc);
/* Passes a caught-up job to the readers. */
void search_hand_over(struct search_job *job);
/* Writer thread, idle: one piece for any index that lags. True: there is more. */
bool search_index_some(struct batch_writer *w, int *ret_rc);

#endif
