/* One run of an agent, shared by run.c (its life) and command.c (what is started). */
#ifndef AGENTS_RUN_H
#define AGENTS_RUN_H

#include "agents.h"

#define RUNS_MOST 64u
#define RUN_OUTPUT_BYTES ((size_t)256 * 1024)

enum run_statement { INSERT_RUN, DELETE_RUN, ALL_RUNS, STATEMENT_COUNT };

struct run {
  struct run *next;
  struct agents *module;
  struct job *job; /* the request, the agent's name and its prompt */
  char session_id[64];
  struct bytes session_name;
  bp_proc proc;
  int64_t pid;
  char token_id[17];
  struct bytes output, reason;
  int64_t exit_code;
  bool is_started; /* session_start has been told */
  bool is_over;
};

/* command.c */
/* From the request's body; takes the job over. NULL without memory. */
struct run *run_new(struct job *job);
bp_status run_spawn(struct run *run, bp_str token, const bp_proc_events *events, bp_error *err);
/* Tells the timeline. */
void run_timeline(const struct run *run, const char *status);
/* run.c */
void run_row_forgotten(void *ctx, const bp_db_outcome *outcome);

#endif
