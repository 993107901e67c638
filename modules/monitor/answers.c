/* The plain answers: each looks at the files first, then writes what was seen. */
#include "monitor.h"

#include <stdlib.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MOST 1000

struct question {
  struct monitor *module;
  bp_request request;
  uint32_t limit;
  bp_json_writer (*render)(const struct question *question);
};

static void answer(void *ctx, bp_status status) {
  struct question *q = ctx;
  const struct monitor *m = q->module;
  bp_json_writer out = status == BP_OK ? q->render(q) : 0;
  if (out) {
    m->http->reply_json(q->request, 200, out);
    m->json->writer_free(out);
  } else {
    m->http->reply_failure(q->request, status == BP_OK ? BP_E_NO_MEMORY : status, NULL);
  }
  free(q);
}

static void ask(struct monitor *m, bp_request request, uint32_t limit, bp_json_writer (*render)(const struct question *)) {
  struct question *q = calloc(1, sizeof(*q));
  if (!q) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  *q = (struct question){.module = m, .request = request, .limit = limit, .render = render};
  m->http->defer(request, NULL, NULL);
  state_refresh(m, answer, q);
}

static bp_json_writer agents(const struct question *q) {
  return render_agents(q->module);
}

void answer_agents(void *state, bp_request request) {
  if (guard_pass(state, request))
    ask(state, request, 0, agents);
}

static bp_json_writer locks(const struct question *q) {
  return render_locks(q->module);
}

void answer_locks(void *state, bp_request request) {
  if (guard_pass(state, request))
    ask(state, request, 0, locks);
}

static bp_json_writer messages(const struct question *q) {
  return render_messages(q->module, q->limit);
}

void answer_messages(void *state, bp_request request) {
  struct monitor *m = state;
  int64_t limit = LIMIT_DEFAULT;
  if (!guard_pass(m, request))
    return;
  m->http->param_integer(request, BP_LIT("limit"), &limit);
  if (limit < 1)
    limit = LIMIT_DEFAULT;
  ask(m, request, (uint32_t)(limit > LIMIT_MOST ? LIMIT_MOST : limit), messages);
}

static bp_json_writer stats(const struct question *q) {
  return render_stats(q->module);
}

void answer_stats(void *state, bp_request request) {
  if (guard_pass(state, request))
    ask(state, request, 0, stats);
}

static bp_json_writer health(const struct question *q) {
  return render_health(q->module);
}

void answer_health(void *state, bp_request request) {
  guard_headers(state, request);
  ask(state, request, 0, health);
}
