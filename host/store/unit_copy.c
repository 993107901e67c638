/* From a plugin's arrays to a unit: everything is checked and measured first, then copied into one block. */
#include "base/fail.h"
#include "live/live.h"
#include "store/params.h"
#include "store/sized.h"

#include <stdlib.h>

struct measure {
  size_t params, text_bytes;
};

static bool text_is_valid(bp_str text) {
  return text.len == 0 || text.ptr;
}

static bp_status check_exec(const struct program *p, const bp_db_step *step, uint32_t index, struct measure *m, bp_error *err) {
  if (step->statement >= p->statement_count)
    return fail(err, BP_E_INVALID, "step %u names statement %u; plugin \"%s\" declares %u", index, step->statement, p->id, p->statement_count);
  if (step->expect > BP_DB_NONE)
    return fail(err, BP_E_INVALID, "step %u has the unknown expectation %u", index, step->expect);
  m->params += step->params.count;
  return params_measure(&step->params, &p->statements[step->statement], index, &m->text_bytes, err);
}

static bp_status check_payload_source(const struct program *p, const bp_array *steps, const bp_db_step *step, uint32_t index, bp_error *err) {
  bp_db_step source;
  if (step->payload_step >= index || !sized_read(steps, step->payload_step, &source, sizeof(source)) || source.kind != BP_DB_EXEC)
    return fail(err, BP_E_INVALID, "step %u publishes rows of step %u, which is not an earlier statement", index, step->payload_step);
  if (step->payload_column >= p->statements[source.statement].columns)
    return fail(err, BP_E_INVALID, "step %u publishes column %u; statement \"%s\" returns %u", index, step->payload_column,
                p->statements[source.statement].name, p->statements[source.statement].columns);
  return BP_OK;
}

static bp_status check_publish(const struct program *p, const bp_array *steps, const bp_db_step *step, uint32_t index, struct measure *m,
                               bp_error *err) {
  if (!text_is_valid(step->topic) || !text_is_valid(step->key) || !text_is_valid(step->payload))
    return fail(err, BP_E_INVALID, "step %u publishes a string without bytes", index);
  bp_status status = live_topic_check(p->owner, step->topic, BP_TOPIC_DURABLE);
  if (status != BP_OK)
    return fail(err, status, "step %u publishes on \"%.*s\", which is no durable topic of plugin \"%s\"", index,
                (int)(step->topic.len < 80 ? step->topic.len : 80), step->topic.ptr ? step->topic.ptr : "", p->id);
  if (step->payload.len > UNIT_LIMIT_PAYLOAD_BYTES || step->key.len > UNIT_LIMIT_PAYLOAD_BYTES)
    return fail(err, BP_E_LIMIT, "step %u publishes more than %u bytes", index, UNIT_LIMIT_PAYLOAD_BYTES);
  if (step->payload.len == 0)
    status = check_payload_source(p, steps, step, index, err);
  m->text_bytes += step->topic.len + step->key.len + step->payload.len;
  return status;
}

static bp_status check_step(const struct program *p, const bp_array *steps, const bp_db_step *step, uint32_t index, struct measure *m,
                            bp_error *err) {
  if (step->kind != BP_DB_EXEC && step->kind != BP_DB_PUBLISH)
    return fail(err, BP_E_INVALID, "step %u is of the unknown kind %u", index, step->kind);
  if ((step->flags & BP_DB_IF_CHANGED) && step->when_step >= index)
    return fail(err, BP_E_INVALID, "step %u depends on step %u, which does not come before it", index, step->when_step);
  return step->kind == BP_DB_EXEC ? check_exec(p, step, index, m, err) : check_publish(p, steps, step, index, m, err);
}

static bp_status measure_steps(const struct program *p, const bp_array *steps, struct measure *m, bp_error *err) {
  if (steps->count == 0 || steps->count > UNIT_LIMIT_STEPS)
    return fail(err, BP_E_INVALID, "a unit has 1 to %u steps, not %u", UNIT_LIMIT_STEPS, steps->count);
  for (uint32_t i = 0; i < steps->count; i++) {
    bp_db_step step;
    if (!sized_read(steps, i, &step, sizeof(step)))
      return fail(err, BP_E_INVALID, "step %u has a wrong size", i);
    bp_status status = check_step(p, steps, &step, i, m, err);
    if (status != BP_OK)
      return status;
  }
  if (m->params > UNIT_LIMIT_PARAMS || m->text_bytes > UNIT_LIMIT_BYTES)
    return fail(err, BP_E_LIMIT, "a unit holds at most %u parameters and %u bytes", UNIT_LIMIT_PARAMS, UNIT_LIMIT_BYTES);
  return BP_OK;
}

static void copy_step(struct unit *u, struct arena *a, const bp_db_step *step, uint32_t index, uint32_t *next_param) {
  struct unit_step *copy = &u->steps[index];
  copy->kind = step->kind;
  copy->flags = step->flags;
  copy->when_step = step->when_step;
  copy->statement = step->statement;
  copy->expect = step->expect;
  copy->payload_step = step->payload_step;
  copy->payload_column = step->payload_column;
  if (step->kind == BP_DB_EXEC) {
    copy->first_param = *next_param;
    copy->param_count = step->params.count;
    params_copy(a, &step->params, u->params + *next_param);
    *next_param += step->params.count;
    return;
  }
  copy->topic = arena_copy(a, step->topic);
  copy->key = arena_copy(a, step->key);
  copy->payload = arena_copy(a, step->payload);
}

static struct unit *allocate(uint32_t step_count, const struct measure *m, struct arena *ret) {
  size_t head = arena_bytes(1, sizeof(struct unit)) + arena_bytes(step_count, sizeof(struct unit_step)) +
                arena_bytes(step_count, sizeof(struct result_step)) + arena_bytes(m->params, sizeof(struct unit_param));
  struct unit *u = malloc(head + m->text_bytes);
  if (!u)
    return NULL;
  memset(u, 0, head - arena_bytes(m->params, sizeof(struct unit_param)));
  *ret = (struct arena){(char *)u + arena_bytes(1, sizeof(struct unit))};
  u->bytes = head + m->text_bytes;
  u->step_count = step_count;
  u->steps = arena_take(ret, step_count * sizeof(struct unit_step));
  u->result.steps = arena_take(ret, step_count * sizeof(struct result_step));
  u->result.count = step_count;
  u->params = arena_take(ret, m->params * sizeof(struct unit_param));
  return u;
}

bp_status unit_create(struct program *p, const bp_array *steps, bp_db_done_fn done, void *ctx, struct unit **ret, bp_error *err) {
  struct measure m = {0};
  bp_status status = measure_steps(p, steps, &m, err);
  if (status != BP_OK)
    return status;
  struct arena a;
  struct unit *u = allocate(steps->count, &m, &a);
  if (!u)
    return fail(err, BP_E_NO_MEMORY, "the write failed: out of memory");
  u->program = program_ref(p);
  u->cancel_epoch = atomic_load(&p->cancel_epoch);
  u->done = done;
  u->ctx = ctx;
  uint32_t next_param = 0;
  for (uint32_t i = 0; i < steps->count; i++) {
    bp_db_step step;
    sized_read(steps, i, &step, sizeof(step));
    copy_step(u, &a, &step, i, &next_param);
  }
  *ret = u;
  return BP_OK;
}
