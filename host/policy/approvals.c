/* Approvals in memory: asking, waiting, deciding, passing once, expiring; see approvals.h. Their rows are approval_rows.c. */
#include "policy/approvals.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/loop.h"
#include "policy/approval_rows.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_SECONDS 1
#define TRIM_SWEEPS 3600

struct approval_waiter {
  struct approval_waiter *next, **link; /* of the approval; link NULL: has ended, and is told in a later tick */
  struct approval *approval;
  struct event *timer;
  approval_fn done; /* NULL: has left */
  void *ctx;
  enum approval_end end;
  char id[APPROVAL_ID_BYTES];
  char reason[257];
};

struct approval {
  struct approval *next;
  char id[APPROVAL_ID_BYTES];
  uint8_t hash[APPROVAL_HASH_BYTES];
  char *principal;
  bool is_approved; /* else pending */
  bool is_deciding; /* an answer is being written */
  int64_t expires_ms;
  struct approval_waiter *waiters;
  unsigned waiter_count;
};

static struct {
  struct approval *first;
  unsigned count;
  int64_t kept_days;
  unsigned sweeps;
  struct event *timer;
} approvals;

int64_t (*approvals_now_ms)(void) = loop_now_ms;

/* ---- What is asked ---- */

static void hash_text(crypto_hash_sha256_state *state, bp_str text) {
  uint64_t len = text.len; /* so that no two lists of texts have the same bytes */
  crypto_hash_sha256_update(state, (const unsigned char *)&len, sizeof(len));
  crypto_hash_sha256_update(state, (const unsigned char *)text.ptr, text.len);
}

bool approval_hash(const struct approval_question *question, uint8_t ret[APPROVAL_HASH_BYTES]) {
  crypto_hash_sha256_state state;
  char *facts = json_dumps(question->facts, JSON_COMPACT | JSON_SORT_KEYS);
  if (!facts)
    return false;
  crypto_hash_sha256_init(&state);
  hash_text(&state, question->set);
  hash_text(&state, question->principal);
  hash_text(&state, str_from(facts));
  crypto_hash_sha256_final(&state, ret);
  free(facts);
  return true;
}

static struct approval *find_hash(const struct approval_question *question) {
  uint8_t hash[APPROVAL_HASH_BYTES];
  if (!approvals.first || !approval_hash(question, hash))
    return NULL;
  for (struct approval *a = approvals.first; a; a = a->next)
    if (memcmp(a->hash, hash, sizeof(hash)) == 0)
      return a;
  return NULL;
}

static struct approval *find_id(bp_str id) {
  struct approval *a = approvals.first;
  while (a && !str_eq(str_from(a->id), id))
    a = a->next;
  return a;
}

/* ---- Waiters ---- */

static void waiter_free(struct approval_waiter *waiter) {
  event_free(waiter->timer);
  free(waiter);
}

static void waiter_tell(evutil_socket_t fd, short what, void *arg);

/* Takes the waiter off its approval; it is told in a later tick. */
static void waiter_end(struct approval_waiter *waiter, enum approval_end end, const char *reason) {
  const struct timeval now = {0};
  *waiter->link = waiter->next;
  if (waiter->next)
    waiter->next->link = waiter->link;
  waiter->link = NULL;
  waiter->approval->waiter_count--;
  waiter->approval = NULL;
  waiter->end = end;
  snprintf(waiter->reason, sizeof(waiter->reason), "%s", reason);
  event_add(waiter->timer, &now);
}

/* The timer: the hold is over, or there is an answer to tell. */
static void waiter_tell(evutil_socket_t fd, short what, void *arg) {
  struct approval_waiter *waiter = arg;
  (void)fd;
  (void)what;
  if (waiter->link) {
    waiter_end(waiter, APPROVAL_UNDECIDED, "");
    return;
  }
  waiter->done(waiter->ctx, waiter->end, waiter->id, waiter->reason);
  waiter_free(waiter);
}

struct approval_waiter *approvals_wait(const char *id, uint32_t hold_ms, approval_fn done, void *ctx) {
  LOOP_MAIN();
  const struct timeval wait = {.tv_sec = hold_ms / 1000, .tv_usec = (suseconds_t)(hold_ms % 1000 * 1000)};
  struct approval *a = find_id(str_from(id));
  if (!a || a->is_approved || a->waiter_count >= APPROVAL_WAITERS_MOST)
    return NULL;
  struct approval_waiter *waiter = mem_alloc(sizeof(*waiter));
  *waiter = (struct approval_waiter){.approval = a, .done = done, .ctx = ctx};
  memcpy(waiter->id, a->id, sizeof(waiter->id));
  waiter->timer = evtimer_new(loop_base(), waiter_tell, waiter);
  if (!waiter->timer || event_add(waiter->timer, &wait) != 0) {
    if (waiter->timer)
      event_free(waiter->timer);
    free(waiter);
    return NULL;
  }
  struct approval_waiter **end = &a->waiters; /* the first who asked is the first to pass */
  while (*end)
    end = &(*end)->next;
  waiter->link = end;
  *end = waiter;
  a->waiter_count++;
  return waiter;
}

void approvals_leave(struct approval_waiter *waiter) {
  LOOP_MAIN();
  if (waiter->link)
    waiter_end(waiter, APPROVAL_UNDECIDED, "");
  waiter_free(waiter);
}

/* ---- Life ---- */

static void end_waiters(struct approval *a, enum approval_end end, const char *reason) {
  while (a->waiters)
    waiter_end(a->waiters, end, reason);
}

static void approval_free(struct approval *a) {
  struct approval **at = &approvals.first;
  while (*at != a)
    at = &(*at)->next;
  *at = a->next;
  approvals.count--;
  free(a->principal);
  free(a);
}

/* The question could not be stored: nobody would ever answer it. */
static void stored(void *ctx, bp_status status, const bp_error *err) {
  char *id = ctx;
  struct approval *a = find_id(str_from(id));
  free(id);
  if (status == BP_OK || !a || a->is_approved)
    return;
  log_error("policy", "approval %s could not be stored and is dropped: %s", a->id, err->message);
  end_waiters(a, APPROVAL_DENIED, "the question to a person could not be stored");
  approval_free(a);
}

static struct approval *approval_new(const struct approval_question *question) {
  uint8_t random[(APPROVAL_ID_BYTES - 1) / 2];
  struct approval *a = mem_alloc(sizeof(*a));
  if (!approval_hash(question, a->hash)) {
    free(a);
    return NULL;
  }
  randombytes_buf(random, sizeof(random));
  sodium_bin2hex(a->id, sizeof(a->id), random, sizeof(random));
  a->principal = str_dupz(question->principal);
  a->expires_ms = approvals_now_ms() + APPROVAL_PENDING_MS;
  a->next = approvals.first;
  approvals.first = a;
  approvals.count++;
  return a;
}

bp_status approvals_ask(const struct approval_question *question, char ret_id[APPROVAL_ID_BYTES], bp_error *err) {
  LOOP_MAIN();
  struct approval *a = find_hash(question);
  if (a) {
    memcpy(ret_id, a->id, sizeof(a->id));
    return BP_OK;
  }
  if (approvals.count >= APPROVALS_MOST)
    return fail(err, BP_E_LIMIT, "%u approvals are pending already", APPROVALS_MOST);
  a = approval_new(question);
  if (!a)
    return fail(err, BP_E_NO_MEMORY, "no memory for an approval");
  char *id = str_dupz(str_from(a->id));
  bp_status status = approval_row_add(a->id, question, stored, id, err);
  if (status != BP_OK) {
    free(id);
    approval_free(a);
    return status;
  }
  log_info("policy", "approval %s is pending: %.*s asks for %.*s (%s)", a->id, (int)question->principal.len, question->principal.ptr,
           (int)question->operation.len, question->operation.ptr ? question->operation.ptr : "", question->reason);
  memcpy(ret_id, a->id, sizeof(a->id));
  return BP_OK;
}

bool approvals_take(const struct approval_question *question, char ret_id[APPROVAL_ID_BYTES]) {
  LOOP_MAIN();
  struct approval *a = find_hash(question);
  if (!a || !a->is_approved || approvals_now_ms() >= a->expires_ms)
    return false;
  memcpy(ret_id, a->id, sizeof(a->id));
  approval_row_end(a->id, "used");
  approval_free(a);
  return true;
}

/* ---- A person's answer ---- */

struct answer {
  char id[APPROVAL_ID_BYTES];
  bool approves;
  char note[257];
  approval_decided_fn done;
  void *ctx;
};

/* The first who waits passes; the others have to ask again. */
static void approve(struct approval *a) {
  a->is_approved = true;
  a->expires_ms = approvals_now_ms() + APPROVAL_PASS_MS;
  if (!a->waiters)
    return;
  approval_row_end(a->id, "used");
  waiter_end(a->waiters, APPROVAL_PASSES, "");
  end_waiters(a, APPROVAL_DENIED, "the approval was used by the same request sent before; send it again to ask anew");
  approval_free(a);
}

static void deny(struct approval *a, const char *note) {
  end_waiters(a, APPROVAL_DENIED, note[0] ? note : "a person has denied it");
  approval_free(a);
}

static void decided(void *ctx, bp_status status, const bp_error *err) {
  struct answer *d = ctx;
  struct approval *a = find_id(str_from(d->id));
  if (a)
    a->is_deciding = false;
  if (a && status == BP_OK && d->approves)
    approve(a);
  else if (a && status == BP_OK)
    deny(a, d->note);
  if (d->done)
    d->done(d->ctx, status, err);
  free(d);
}

static bp_status check_decidable(const struct approval *a, bp_str decider, bp_error *err) {
  if (!a || a->is_approved)
    return fail(err, BP_E_NOT_FOUND, "no approval of this id is pending");
  if (str_eq(str_from(a->principal), decider)) {
    fail(err, BP_E_DENIED, "nobody decides an approval of their own request");
    fail_hint(err, "decide with another credential than the one the request was sent with");
    return BP_E_DENIED;
  }
  return a->is_deciding ? fail(err, BP_E_BUSY, "somebody else is deciding this approval") : BP_OK;
}

bp_status approvals_decide(bp_str id, bool approves, bp_str decider, bp_str note, approval_decided_fn done, void *ctx, bp_error *err) {
  LOOP_MAIN();
  struct approval *a = find_id(id);
  bp_status status = check_decidable(a, decider, err);
  if (status != BP_OK || !a)
    return status;
  struct answer *d = mem_alloc(sizeof(*d));
  *d = (struct answer){.approves = approves, .done = done, .ctx = ctx};
  memcpy(d->id, a->id, sizeof(d->id));
  snprintf(d->note, sizeof(d->note), "%.*s", (int)str_cut(note, sizeof(d->note) - 1), note.ptr ? note.ptr : "");
  status = approval_row_decide(a->id, approves, decider, str_from(d->note), decided, d, err);
  if (status == BP_OK)
    a->is_deciding = true;
  else
    free(d);
  return status;
}

/* ---- Time ---- */

void approvals_expire(void) {
  LOOP_MAIN();
  int64_t now_ms = approvals_now_ms();
  for (struct approval *a = approvals.first, *next; a; a = next) {
    next = a->next;
    if (a->is_deciding || now_ms < a->expires_ms)
      continue;
    approval_row_end(a->id, "expired");
    end_waiters(a, APPROVAL_UNDECIDED, "");
    approval_free(a);
  }
}

static void sweep(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  if (approvals.first)
    approvals_expire();
  if (++approvals.sweeps % TRIM_SWEEPS == 0)
    approval_rows_trim(approvals.kept_days);
}

void approvals_set_retention(int64_t days) {
  approvals.kept_days = days;
}

unsigned approvals_pending(void) {
  unsigned count = 0;
  for (const struct approval *a = approvals.first; a; a = a->next)
    count += !a->is_approved;
  return count;
}

bp_status approvals_open(bp_error *err) {
  const struct timeval interval = {.tv_sec = SWEEP_SECONDS};
  bp_status status = approval_rows_open(err);
  if (status != BP_OK)
    return status;
  approvals.timer = event_new(loop_base(), -1, EV_PERSIST, sweep, NULL);
  if (approvals.timer)
    event_add(approvals.timer, &interval);
  return BP_OK;
}

void approvals_release(void) {
  if (approvals.timer)
    event_free(approvals.timer);
  approvals.timer = NULL;
  while (approvals.first) {
    end_waiters(approvals.first, APPROVAL_UNDECIDED, "");
    approval_free(approvals.first);
  }
  approval_rows_close();
}
