/* The rows of approvals, with their events on the live log. Private to host/policy; the life cycle is approvals.c. */
#ifndef HOST_POLICY_APPROVAL_ROWS_H
#define HOST_POLICY_APPROVAL_ROWS_H

#include "policy/approvals.h"

bp_status approval_rows_open(bp_error *err);
void approval_rows_close(void);

/* Each writes row and event in one transaction; `done` runs after it. On failure `done` does not run. */
bp_status approval_row_add(const char *id, const struct approval_question *question, approval_decided_fn done, void *ctx, bp_error *err);
/* Also one row of the audit: who decided what. */
bp_status approval_row_decide(const char *id, bool approves, bp_str decider, bp_str note, approval_decided_fn done, void *ctx, bp_error *err);
/* "used" or "expired". A failure is logged: memory has moved on, and a restart ends the row. */
void approval_row_end(const char *id, const char *state);
/* Removes rows of ended approvals that are older than the audit keeps. */
void approval_rows_trim(int64_t days);

#endif
