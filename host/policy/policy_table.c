/* bp.policy/1: a plugin's own questions to the rules. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "policy/decision.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define HOLD_MOST_MS 25000u
#define FACTS_MOST_BYTES ((size_t)1 << 20)
#define ASKED_MOST 1024u /* by one plugin at one time */

/* One question of a plugin until it is told. */
struct asked {
  struct owned owned; /* first */
  bp_verdict_fn done;
  void *ctx;
  struct hold *hold;   /* NULL: decided, and told in the next tick by ... */
  struct event *timer; /* ... this */
  struct decision decision;
  json_t *facts; /* as given */
};

static void asked_free(struct asked *asked) {
  if (asked->hold)
    hold_leave(asked->hold);
  event_free(asked->timer);
  owned_remove(&asked->owned);
  decision_release(&asked->decision);
  json_decref(asked->facts);
  free(asked);
}

static uint32_t verdict_of(enum verdict_kind kind) {
  return kind == VERDICT_DENY ? BP_VERDICT_DENY : kind == VERDICT_ASK ? BP_VERDICT_ASK : BP_VERDICT_ALLOW;
}

static void call_plugin(struct plugin *owner, bp_verdict_fn done, void *ctx, const struct decision *d, const json_t *facts) {
  struct buf text = {0};
  struct culprit frame;
  uint32_t kind = verdict_of(d->kind);
  if (kind == BP_VERDICT_ALLOW)
    doc_write(&text, d->facts ? d->facts : facts);
  const bp_verdict verdict = {.size = sizeof(verdict),
                              .verdict = kind,
                              .reason = str_from(d->reason),
                              .rule = str_from(d->rule),
                              .approval_id = str_from(d->approval_id),
                              .facts = buf_str(&text),
                              .audit_id = d->audit_id};
  culprit_enter(&frame, owner, "verdict", bp_str_make(NULL, 0));
  done(ctx, &verdict);
  culprit_leave(&frame);
  buf_release(&text);
}

/* The question is gone before its plugin hears: it may ask again, or drain, from within. */
static void tell(struct asked *asked, const struct decision *decision) {
  struct plugin *owner = asked->owned.owner;
  bp_verdict_fn done = asked->done;
  void *ctx = asked->ctx;
  struct decision d = *decision;
  json_t *facts = json_incref(asked->facts);
  d.facts = json_incref(d.facts);
  asked_free(asked);
  call_plugin(owner, done, ctx, &d, facts);
  decision_release(&d);
  json_decref(facts);
}

static void answered(void *ctx, const struct decision *decision) {
  struct asked *asked = ctx;
  asked->hold = NULL;
  tell(asked, decision);
}

static void tell_later(evutil_socket_t fd, short what, void *arg) {
  struct asked *asked = arg;
  (void)fd;
  (void)what;
  tell(asked, &asked->decision);
}

/* The plugin drains: its own answer is that it is being stopped. */
static void revoke(struct owned *owned) {
  static const struct decision stopped = {.kind = VERDICT_DENY, .reason = "the plugin is being stopped"};
  tell((struct asked *)owned, &stopped);
}

/* Takes the reference to `facts`; NULL without memory. */
static struct asked *asked_new(struct plugin *owner, json_t *facts, bp_verdict_fn done, void *ctx) {
  struct asked *asked = mem_alloc(sizeof(*asked));
  *asked = (struct asked){.done = done, .ctx = ctx, .facts = facts};
  asked->timer = evtimer_new(loop_base(), tell_later, asked);
  if (!asked->timer) {
    json_decref(facts);
    free(asked);
    return NULL;
  }
  owned_add(owner, &asked->owned, revoke);
  return asked;
}

static bool has_room(const struct plugin *owner) {
  unsigned count = 0;
  for (const struct owned *item = owner->registrations; item && count < ASKED_MOST; item = item->next)
    count += item->revoke == revoke;
  return count < ASKED_MOST;
}

static void start(struct asked *asked, bp_str set, bp_str principal, uint32_t hold_ms) {
  const struct timeval at_once = {0};
  struct facts facts;
  facts_of_tree(&facts, asked->facts);
  const struct question question = {.set = set,
                                    .principal = principal,
                                    .module = str_from(asked->owned.owner->id),
                                    .facts = &facts,
                                    .hold_ms = hold_ms < HOLD_MOST_MS ? hold_ms : HOLD_MOST_MS};
  asked->hold = decide(&question, &asked->decision, answered, asked);
  if (asked->hold)
    asked->decision = (struct decision){.facts = NULL}; /* the hold has it */
  else
    event_add(asked->timer, &at_once);
  facts_release(&facts);
}

static bp_status policy_decide(bp_plugin self, bp_str set, bp_str principal, bp_str facts, uint32_t hold_ms, bp_verdict_fn done, void *ctx) {
  if (!plugin_on_main(self, "policy.decide"))
    return BP_E_THREAD;
  struct plugin *owner = plugin_get(self);
  if (!owner)
    return BP_E_STALE;
  if (!done || set.len == 0)
    return BP_E_INVALID;
  if (facts.len > FACTS_MOST_BYTES)
    return BP_E_LIMIT;
  if (!has_room(owner))
    return BP_E_BUSY;
  json_t *tree = doc_parse(facts, &doc_default_limits, NULL);
  if (!json_is_object(tree)) {
    json_decref(tree);
    return BP_E_PARSE;
  }
  struct asked *asked = asked_new(owner, tree, done, ctx);
  if (!asked)
    return BP_E_NO_MEMORY;
  struct buf own = {0};
  buf_append_z(&own, "plugin:");
  buf_append_z(&own, owner->id);
  start(asked, set, principal.len ? principal : buf_str(&own), hold_ms);
  buf_release(&own);
  return BP_OK;
}

const bp_policy_1 policy_table = {.size = sizeof(bp_policy_1), .decide = policy_decide};
