/* The declared statements of one plugin generation: checked once at load under the fence, compiled lazily per connection.
 *
 * A program is shared by main, the jobs that use it and the connections that compiled something of it; the last one frees it.
 * Each compiled statement is touched by its connection's thread only. */
#ifndef HOST_STORE_STATEMENTS_H
#define HOST_STORE_STATEMENTS_H

#include "store/database.h"
#include <backplane/db.h>
#include <stdatomic.h>

struct plugin;

struct statement {
  char *name;
  char *sql;
  uint32_t params;  /* the highest ?N */
  uint32_t columns; /* 0: returns no rows */
  bool is_read_only;
};

struct search_index {
  int64_t id; /* row of bp_search */
  char *name;
};

struct program {
  atomic_uint references;
  atomic_bool is_removed;   /* its plugin is gone: connections drop what they compiled */
  atomic_uint cancel_epoch; /* jobs submitted under an older epoch are cancelled */
  struct plugin *owner;     /* main only */
  uint32_t pending;         /* main only: jobs whose `done` has not run; see program_began */
  struct loop_hook *idle;   /* main only: queued when nothing is pending any more; NULL: nobody asked */
  char *id;
  char prefix[FENCE_PREFIX_BYTES];
  uint32_t statement_count, search_count;
  struct statement *statements;
  struct search_index *searches;
  sqlite3_stmt **compiled[DATABASE_ROLES];
  struct program *next[DATABASE_ROLES]; /* lists of database.programs */
};

/* A program with its statements copied, not yet checked. One reference. BP_E_INVALID for a reserved id or malformed arrays. */
bp_status program_create(bp_str id, const bp_array *statements, struct program **ret, bp_error *err);
struct program *program_ref(struct program *p);
void program_unref(struct program *p); /* NULL is fine */
/* A job whose `done` will run on main; and right before it runs. Main. */
void program_began(struct program *p);
void program_ended(struct program *p);

/* Compiles every statement on `d` under the fence and notes its shape; the first bad one is refused with its name. */
bp_status program_check(struct program *p, struct database *d, bp_error *err);
/* The compiled statement for this connection's thread, or NULL with `err`. */
sqlite3_stmt *program_statement(struct program *p, struct database *d, uint32_t index, bp_error *err);
/* Finalizes what removed programs (or all) have compiled on this connection. On its thread. */
void programs_drop(struct database *d, bool all);

/* Turns an error of compiling into a sentence that names statement and table. */
bp_status fence_fail(struct database *d, int rc, const char *what, const char *name, const struct program *p, bp_error *err);

#endif
