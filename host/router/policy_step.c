/* Facts and policy of a request; see policy_step.h. */
#include "router/policy_step.h"
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "policy/decision.h"
#include "policy/policy.h"
#include "router/errors.h"

#include <string.h>

/* The answer of a held request comes from the approval; this only ends what went wrong. */
#define HOLD_GRACE_MS 10000

static void end_and_reply(struct request *r, unsigned status, bp_str text) {
  struct http_exchange *x = r->x;
  const struct family *family = r->family;
  request_done(r);
  family_reply_text(x, family, status, text);
}

/* ---- What the request would do ---- */

/* False: answered. */
static bool state_facts(struct request *r, bp_str *ret) {
  const struct route *route = r->route;
  bp_request handle = r->handle;
  struct culprit frame;
  bp_error err = BP_ERROR_INIT;
  r->facts = doc_writer_new(route->owner->handle);
  culprit_enter(&frame, route->owner, "facts of route", route->facts.operation_id);
  bp_status status = route->facts.facts(route->state, handle, r->facts);
  culprit_leave(&frame);
  if (request_find(handle) != r)
    return false;
  if (status == BP_OK)
    status = doc_writer_text(r->facts, ret, &err) ? BP_OK : BP_E_STATE;
  if (status == BP_OK)
    return true;
  log_error(route->owner->id, "the facts of route \"%.*s\" failed, so the request is denied: %s", (int)route->facts.operation_id.len,
            route->facts.operation_id.ptr, err.message[0] ? err.message : "the plugin refused");
  end_and_reply(r, 403, BP_LIT("denied: what this request would do could not be established"));
  return false;
}

/* The tree, made from the writer's text on first use, as the module that wrote it wants to read it. */
static json_t *allowed_facts(struct request *r) {
  static const struct doc_limits limits = {.depth = 64, .keys = 65536};
  bp_str text;
  if (!r->facts_tree && r->facts && doc_writer_text(r->facts, &text, NULL))
    r->facts_tree = doc_parse(text, &limits, NULL);
  return r->facts_tree;
}

void policy_step_over(const struct request *r) {
  if (r->are_facts_rewritten && !r->facts_handle && !r->route->is_removed)
    log_warn(r->route->owner->id, "a rule rewrote the facts of route \"%.*s\", but the module did not act on them: deny instead",
             (int)r->route->facts.operation_id.len, r->route->facts.operation_id.ptr);
}

bp_status policy_step_facts(struct request *r, bp_json *ret) {
  if (!r->route || !r->route->facts.facts)
    return BP_E_NOT_FOUND;
  json_t *tree = allowed_facts(r);
  if (!tree)
    return BP_E_STATE;
  if (!r->facts_handle)
    r->facts_handle = doc_open(json_incref(tree));
  if (!r->facts_handle)
    return BP_E_NO_MEMORY;
  *ret = r->facts_handle;
  return BP_OK;
}

/* ---- Answers ---- */

/* The value of the body a denial points at, or NULL. */
static const json_t *pointed_at(const json_t *body, const char *pointer) {
  char part[128];
  while (body && *pointer == '/') {
    size_t len = strcspn(++pointer, "/");
    int64_t index;
    memcpy(part, pointer, len < sizeof(part) ? len : 0);
    part[len < sizeof(part) ? len : 0] = '\0';
    if (json_is_array(body))
      body = str_to_i64(str_from(part), &index) && index >= 0 ? json_array_get(body, (size_t)index) : NULL;
    else
      body = json_object_get(body, part);
    pointer += len;
  }
  return body;
}

/* The family's validation error: `pointer` is "/body/tags/0" or the like. */
static void reply_invalid(struct request *r, const struct decision *d) {
  static struct error_list list; /* main thread only, and too large for the stack of every denial */
  struct http_exchange *x = r->x;
  const struct family *family = r->family;
  const char *part = d->pointer[0] == '/' ? d->pointer + 1 : "body";
  size_t len = strcspn(part, "/");
  char name[32] = {0};
  memcpy(name, part, len < sizeof(name) ? len : sizeof(name) - 1);
  list.count = 0;
  struct error_item *item = error_add(&list, name, str_from(part + len), "value_error", str_from(d->reason));
  item->value = strcmp(name, "body") == 0 && part[len] ? pointed_at(r->body, part + len) : NULL;
  if (item->value)
    item->input = ERROR_INPUT_VALUE;
  request_done(r);
  family_reply_invalid(x, family, &list);
}

static void reply_asked(struct request *r, const struct decision *d) {
  struct buf text = {0};
  buf_append_z(&text, "this needs a person's approval: ");
  buf_append_z(&text, d->reason);
  buf_append_z(&text, " (approval ");
  buf_append_z(&text, d->approval_id);
  buf_append_z(&text, " is pending; once approved, send the same request again)");
  exchange_header_add(r->x, BP_LIT("Backplane-Approval"), str_from(d->approval_id));
  end_and_reply(r, 403, buf_str(&text));
  buf_release(&text);
}

static void reply_denied(struct request *r, const struct decision *d) {
  if (d->kind == VERDICT_ASK)
    reply_asked(r, d);
  else if (str_eq(r->route->facts.policy, BP_LIT(POLICY_VALIDATION)))
    reply_invalid(r, d);
  else
    end_and_reply(r, 403, d->reason[0] ? str_from(d->reason) : BP_LIT("denied"));
}

/* ---- Deciding ---- */

/* True: go on. */
static bool take_decision(struct request *r, const struct decision *d) {
  if (d->kind == VERDICT_DENY || d->kind == VERDICT_ASK) {
    reply_denied(r, d);
    return false;
  }
  if (d->facts) {
    json_decref(r->facts_tree);
    r->facts_tree = json_incref(d->facts);
    r->are_facts_rewritten = true;
  }
  return true;
}

static void answered(void *ctx, const struct decision *d) {
  struct request *r = ctx;
  void (*go_on)(struct request *) = r->go_on;
  r->hold = NULL;
  if (r->phase != REQUEST_DEFERRED || request_is_claimed(r))
    return;
  request_resume(r);
  if (r->route->is_removed || take_decision(r, d))
    go_on(r);
}

/* A streamed body cannot wait: its sender is told at once and comes again. */
static uint32_t hold_ms_of(const struct request *r) {
  return r->route->facts.flags & BP_ROUTE_STREAM ? 0 : policy_hold_ms();
}

static struct hold *ask_policy(struct request *r, bp_str text, struct decision *ret) {
  struct facts facts;
  facts_of_text(&facts, text);
  const struct question question = {.set = r->route->facts.policy,
                                    .principal = str_from(r->x->who.principal),
                                    .module = str_from(r->route->owner->id),
                                    .operation = r->route->facts.operation_id,
                                    .facts = &facts,
                                    .hold_ms = hold_ms_of(r)};
  struct hold *hold = decide(&question, ret, answered, r);
  facts_release(&facts);
  return hold;
}

void policy_step(struct request *r, void (*go_on)(struct request *r)) {
  bp_str text;
  struct decision decision;
  if (!state_facts(r, &text))
    return;
  if (!policy_find_set(r->route->facts.policy)) {
    go_on(r);
    return;
  }
  struct hold *hold = ask_policy(r, text, &decision);
  if (hold && request_suspend(r, (int64_t)policy_hold_ms() + HOLD_GRACE_MS)) {
    r->go_on = go_on;
    r->hold = hold;
  } else if (hold) {
    hold_leave(hold);
    end_and_reply(r, 503, BP_LIT("no memory for this request; try again later"));
  } else {
    bool is_allowed = take_decision(r, &decision);
    decision_release(&decision);
    if (is_allowed)
      go_on(r);
  }
}
