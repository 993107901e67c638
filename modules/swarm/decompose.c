/* A prompt into todos: with the Messages API where there is a key, else by the rules of scripts/swarm/. */
#include "swarm.h"

#include <stdlib.h>

void decompose_done(struct decomposition *d, struct kit_text *descriptions, uint32_t count) {
  struct session *s = d->session;
  free(d);
  if (s) {
    s->decomposition = NULL;
    if (count == 0 || !session_begin(s, descriptions, count))
      session_fail(s);
  }
  for (uint32_t i = 0; i < count; i++)
    kit_text_free(&descriptions[i]);
}

/* ---- By rule ---- */

static void decided(void *ctx, const bp_verdict *verdict) {
  struct decomposition *d = ctx;
  const struct swarm *w = d->module;
  struct kit_text descriptions[TODOS_MOST];
  uint32_t count = 0;
  bp_json facts = 0;
  if (verdict->verdict == BP_VERDICT_ALLOW && w->json->parse(w->self, verdict->facts, &facts, NULL) == BP_OK) {
    count = todos_read(w, facts, descriptions);
    w->json->release(w->self, facts);
  }
  if (count == 0 && d->session) {
    struct kit_text reason = kit_text_copy(verdict->reason.len ? verdict->reason : BP_LIT("no rule of the set swarm gave todos"));
    swarm_note(w, BP_LOG_WARN, reason.ptr ? reason.ptr : "no todos", d->session->id);
    kit_text_free(&reason);
  }
  decompose_done(d, descriptions, count);
}

static bp_status ask_rules(struct decomposition *d) {
  const struct swarm *w = d->module;
  const struct session *s = d->session;
  bp_json_writer facts = 0;
  bp_str text = {NULL, 0};
  bp_status status = w->json->writer_new(w->self, &facts);
  if (status != BP_OK)
    return status;
  w->json->object_begin(facts);
  json_text_member(w->json, facts, BP_LIT("module"), BP_LIT("swarm"));
  json_text_member(w->json, facts, BP_LIT("action"), BP_LIT("decompose"));
  json_text_member(w->json, facts, BP_LIT("session_id"), str_z(s->id));
  json_text_member(w->json, facts, BP_LIT("prompt"), kit_text_str(&s->prompt));
  w->json->key(facts, BP_LIT("agent_count"));
  w->json->put_integer(facts, s->agent_count);
  w->json->object_end(facts);
  status = w->json->writer_text(facts, &text, NULL);
  if (status == BP_OK)
    status = w->policy->decide(w->self, BP_LIT("swarm"), bp_str_make(NULL, 0), text, 0, decided, d);
  w->json->writer_free(facts);
  return status;
}

/* ---- Beginning and cancelling ---- */

void decompose_start(struct session *s) {
  struct decomposition *d = calloc(1, sizeof(*d));
  if (!d) {
    session_fail(s);
    return;
  }
  d->session = s;
  d->module = s->module;
  s->decomposition = d;
  if (option_text(s->module, BP_LIT("anthropic_api_key")).len > 0)
    claude_ask(d);
  else if (ask_rules(d) != BP_OK)
    decompose_done(d, NULL, 0);
}

void decompose_cancel(struct session *s) {
  struct decomposition *d = s->decomposition;
  if (!d)
    return;
  s->decomposition = NULL;
  d->session = NULL;
  if (d->has_exchange)
    d->module->client->cancel(d->exchange); /* its end frees it */
  if (d->has_timer)
    d->module->loop->timer_cancel(d->timer);
  if (d->has_timer || (d->module->is_draining && !d->has_exchange)) /* no callback is left that would do it */
    free(d);
}
