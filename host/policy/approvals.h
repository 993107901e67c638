/* Approvals: questions to a person. Pending ones live here and in the store; what has ended is in the store only.
 *
 *   ask -> pending -> approved -> used      the same principal with the same facts passes once within 10 minutes
 *                  |          \-> expired
 *                  |-> denied               by a person, or because the host was restarted
 *                  \-> expired              nobody answered within a day
 *
 * Every change is written first, together with its event on the live log (durable topic "bp.approval"), and counts afterwards.
 * What a question is about is the SHA-256 of set, principal and facts as canonical JSON. Main thread. */
#ifndef HOST_POLICY_APPROVALS_H
#define HOST_POLICY_APPROVALS_H

#include <backplane/base.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define APPROVALS_MOST 1000u
#define APPROVAL_WAITERS_MOST 32u
#define APPROVAL_ID_BYTES 17 /* 16 hex digits, NUL */
#define APPROVAL_HASH_BYTES 32
#define APPROVAL_PENDING_MS (INT64_C(24) * 60 * 60 * 1000)
#define APPROVAL_PASS_MS (INT64_C(10) * 60 * 1000)

struct approval_question {
  bp_str set, principal;
  bp_str module, operation; /* for people */
  const char *rule, *reason;
  const json_t *facts;
};

/* While the host starts, after store_open: ends what the last run has left. approvals_release: after store_close. */
bp_status approvals_open(bp_error *err);
void approvals_release(void);

/* What makes two questions the same. False without memory. */
bool approval_hash(const struct approval_question *question, uint8_t ret[APPROVAL_HASH_BYTES]);
/* True, once, if a person has approved this question; it is used up then. */
bool approvals_take(const struct approval_question *question, char ret_id[APPROVAL_ID_BYTES]);
/* The pending approval of this question, joined or made. BP_E_LIMIT and BP_E_FULL … with `err`. */
bp_status approvals_ask(const struct approval_question *question, char ret_id[APPROVAL_ID_BYTES], bp_error *err);

/* How a wait ended. */
enum approval_end { APPROVAL_PASSES, APPROVAL_DENIED, APPROVAL_UNDECIDED };
typedef void (*approval_fn)(void *ctx, enum approval_end end, const char *id, const char *reason);
struct approval_waiter;
/* Waits for the answer, at most `hold_ms`; `done` runs once in a later tick. Of several who wait for the same approval one
 * passes. NULL: not pending, or too many wait. */
struct approval_waiter *approvals_wait(const char *id, uint32_t hold_ms, approval_fn done, void *ctx);
/* Whoever asked is gone: `done` will not run. */
void approvals_leave(struct approval_waiter *waiter);

/* A person's answer. BP_E_NOT_FOUND: not pending here; BP_E_DENIED: `decider` asked it himself; BP_E_BUSY: somebody is deciding.
 * `done` runs when it is written. */
typedef void (*approval_decided_fn)(void *ctx, bp_status status, const bp_error *err);
bp_status approvals_decide(bp_str id, bool approves, bp_str decider, bp_str note, approval_decided_fn done, void *ctx, bp_error *err);

/* From the store, oldest first: {"approvals": [...], "next": number or null}, or one approval; borrowed. In a later tick. */
typedef void (*approval_read_fn)(void *ctx, json_t *answer, bp_status status, const bp_error *err);
bp_status approvals_list(int64_t after, bp_str state, uint32_t limit, approval_read_fn done, void *ctx, bp_error *err);
bp_status approvals_get(bp_str id, approval_read_fn done, void *ctx, bp_error *err);

/* How long rows of ended approvals are kept. */
void approvals_set_retention(int64_t days);
unsigned approvals_pending(void);
/* Ends what is too old. Called by a timer. */
void approvals_expire(void);
/* The clock, for tests; milliseconds that only rise. */
extern int64_t (*approvals_now_ms)(void);

#endif
