/* The audit: one row for each decision, only added to. Never makes a decision wait: rows are queued to the store, and where too
 * many wait they are counted as lost and that is logged. Main thread. */
#ifndef HOST_POLICY_AUDIT_H
#define HOST_POLICY_AUDIT_H

#include <backplane/base.h>
#include <jansson.h>
#include <stdint.h>

/* Rows that wait for the store at one time. */
#define AUDIT_LIMIT_QUEUED 2048u

struct audit_entry {
  bp_str principal;
  bp_str module;    /* whose request it was */
  bp_str operation; /* of its route, or empty */
  bp_str set;
  const char *verdict; /* "allow", "deny", "ask", "rewrite"; "approve" and "refuse" for a person's answer */
  const char *rule;
  const char *reason;
  const char *approval_id; /* or "" */
  const json_t *facts;     /* or NULL */
};

/* While the host starts, after store_open; `audit_release` after store_close. */
bp_status audit_open(bp_error *err);
void audit_release(void);
void audit_set_retention(int64_t days, int64_t rows);

/* Queues the row and returns its id; 0 where it is lost. Copies. */
uint64_t audit_add(const struct audit_entry *entry);

struct audit_filter {
  int64_t after; /* rows with a higher id */
  bp_str set, verdict, principal;
  uint32_t limit;
};
/* `rows`: {"entries": [...], "next": id or null}, or NULL with `err`; borrowed. In a later tick, once. */
typedef void (*audit_fn)(void *ctx, json_t *answer, bp_status status, const bp_error *err);
bp_status audit_list(const struct audit_filter *filter, audit_fn done, void *ctx, bp_error *err);
/* The answer is one entry; BP_E_NOT_FOUND. */
bp_status audit_get(int64_t id, audit_fn done, void *ctx, bp_error *err);

struct audit_counters {
  uint64_t rows, lost;
};
const struct audit_counters *audit_counters(void);

#endif
