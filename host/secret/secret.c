/* Operations on secrets; see secret.h. */
#include "secret/secret.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "host.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "secret/box.h"
#include "secret/internal.h"
#include "secret/statements.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct operation {
  struct owned owned; /* first; until `done` has run */
  struct operation *next, *previous;
  enum secret_kind kind;
  bool is_running;
  bp_secret_fn done; /* NULL: its plugin has been told already */
  void *ctx;
  char *plugin, *user, *name;
  struct buf value; /* put: what to store; get: what was found */
  int64_t expires_s;
  bp_error error;
};

static struct {
  struct store_part *part;
  struct operation *first, *last;
  unsigned count, running;
  bool is_loading;
  bool is_rotating;
  bool wants_rotation; /* asked for, waiting for the operations that run */
  secret_rotated_fn rotated;
  void *rotated_arg;
} secrets;

struct store_part *secrets_part(void) {
  return secrets.part;
}

static int64_t now_s(void) {
  return (int64_t)time(NULL);
}

/* ---- Ending ---- */

static void operation_free(struct operation *op) {
  owned_remove(&op->owned);
  secret_wipe(&op->value);
  free(op->plugin);
  free(op->user);
  free(op->name);
  free(op);
}

static void take_out(struct operation *op) {
  *(op->previous ? &op->previous->next : &secrets.first) = op->next;
  *(op->next ? &op->next->previous : &secrets.last) = op->previous;
  secrets.count--;
  secrets.running -= op->is_running;
}

static void tell(struct operation *op, bp_status status) {
  bp_secret_fn done = op->done;
  struct plugin *owner = op->owned.owner;
  struct culprit frame;
  if (!done)
    return;
  op->done = NULL;
  owned_remove(&op->owned);
  bool has_value = status == BP_OK && op->kind == SECRET_GET;
  culprit_enter(&frame, owner, "secret", str_from(op->name));
  done(op->ctx, status, has_value ? buf_str(&op->value) : bp_str_make(NULL, 0), &op->error);
  culprit_leave(&frame);
}

/* op->error is filled for a failure. */
static void finish(struct operation *op, bp_status status) {
  take_out(op);
  tell(op, status);
  operation_free(op);
  secrets_pump();
}

static void revoke(struct owned *self) {
  struct operation *op = (struct operation *)self;
  fail(&op->error, BP_E_CANCELLED, "the module is draining");
  tell(op, BP_E_CANCELLED);
  if (op->is_running)
    return; /* it ends by itself, unheard */
  take_out(op);
  operation_free(op);
}

/* ---- Running ---- */

static struct secret_label label_of(const struct operation *op) {
  return (struct secret_label){str_from(op->plugin), str_from(op->user), str_from(op->name), op->expires_s};
}

static void on_put(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  op->error = *outcome->error;
  bp_status status = outcome->status;
  if (status == BP_E_CONFLICT)
    status = fail(&op->error, BP_E_LIMIT, "%d secrets are stored already", SECRET_LIMIT_SECRETS);
  finish(op, status);
}

static bp_status put(struct operation *op) {
  struct buf box = {0};
  const struct secret_label label = label_of(op);
  if (!secret_seal(keyring_current(), &label, buf_str(&op->value), &box)) {
    buf_release(&box);
    return fail(&op->error, BP_E_NO_MEMORY, "no memory to store the secret");
  }
  secret_wipe(&op->value);
  const bp_db_value now[] = {part_integer(now_s())};
  const bp_db_value row[] = {part_text(label.plugin),
                             part_text(label.user),
                             part_text(label.name),
                             part_text(str_from(keyring_current()->id)),
                             part_text(buf_str(&box)),
                             part_integer(op->expires_s),
                             part_integer(SECRET_LIMIT_SECRETS)};
  const bp_db_step steps[] = {{PART_EXEC(SECRET_FORGET_EXPIRED, now)}, {PART_EXEC(SECRET_UPSERT, row), .expect = BP_DB_ONE}};
  bp_status status = store_part_write(secrets.part, steps, 2, on_put, op, &op->error);
  buf_release(&box);
  return status;
}

static bp_status unseal_row(struct operation *op, const bp_db_outcome *outcome) {
  if (db_table.rows(outcome->result, 0) == 0)
    return fail(&op->error, BP_E_NOT_FOUND, "there is no secret \"%s\"", op->name);
  const struct secret_key *key = keyring_find(part_text_at(outcome, 0, 0, 0), &op->error);
  if (!key)
    return op->error.code;
  op->expires_s = part_integer_at(outcome, 0, 0, 2);
  const struct secret_label label = label_of(op);
  if (secret_unseal(key, &label, part_text_at(outcome, 0, 0, 1), &op->value))
    return BP_OK;
  fail(&op->error, BP_E_DENIED, "the secret \"%s\" does not open: what is stored has been changed", op->name);
  fail_hint(&op->error, "restore a backup of the store, or store the secret again");
  return BP_E_DENIED;
}

static void on_got(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  op->error = *outcome->error;
  finish(op, outcome->status == BP_OK ? unseal_row(op, outcome) : outcome->status);
}

static bp_status get(struct operation *op) {
  const bp_db_value which[] = {part_text(str_from(op->plugin)), part_text(str_from(op->user)), part_text(str_from(op->name)), part_integer(now_s())};
  const bp_db_query query = {PART_QUERY(SECRET_SELECT, which), .max_rows = 1};
  return store_part_read(secrets.part, &query, 1, on_got, op, &op->error);
}

static void on_removed(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  op->error = *outcome->error;
  bp_status status = outcome->status;
  if (status == BP_E_CONFLICT)
    status = fail(&op->error, BP_E_NOT_FOUND, "there is no secret \"%s\"", op->name);
  finish(op, status);
}

static bp_status remove_row(struct operation *op) {
  const bp_db_value which[] = {part_text(str_from(op->plugin)), part_text(str_from(op->user)), part_text(str_from(op->name))};
  const bp_db_step step = {PART_EXEC(SECRET_DELETE, which), .expect = BP_DB_ONE};
  return store_part_write(secrets.part, &step, 1, on_removed, op, &op->error);
}

static bp_status (*const runs[])(struct operation *op) = {[SECRET_PUT] = put, [SECRET_GET] = get, [SECRET_REMOVE] = remove_row};

/* ---- The gate ---- */

static struct operation *next_waiting(void) {
  struct operation *op = secrets.first;
  while (op && op->is_running)
    op = op->next;
  return op;
}

static void fail_waiting(bp_status status, const bp_error *err) {
  for (struct operation *op = secrets.first, *next; op; op = next) {
    next = op->next;
    if (op->is_running)
      continue;
    op->error = *err;
    take_out(op);
    tell(op, status);
    operation_free(op);
  }
}

static void rotation_over(void *arg, bp_status status, const struct secret_rotated *ret, const bp_error *err) {
  (void)arg;
  secrets.is_rotating = false;
  secrets.rotated(secrets.rotated_arg, status, ret, err);
  secrets_pump();
}

static void on_loaded(void *arg, bp_status status, const bp_error *err) {
  (void)arg;
  secrets.is_loading = false;
  if (status != BP_OK) {
    fail_waiting(status, err);
    if (secrets.wants_rotation) {
      secrets.wants_rotation = false;
      secrets.is_rotating = true;
      rotation_over(NULL, status, NULL, err);
    }
    return;
  }
  secrets_pump();
}

static void run_waiting(void) {
  for (struct operation *op; (op = next_waiting());) {
    op->is_running = true;
    secrets.running++;
    bp_status status = runs[op->kind](op);
    if (status == BP_OK)
      continue;
    take_out(op);
    tell(op, status);
    operation_free(op);
  }
}

void secrets_pump(void) {
  LOOP_MAIN();
  if (secrets.is_loading || secrets.is_rotating || (!secrets.wants_rotation && !next_waiting()))
    return;
  if (!keyring_is_loaded()) {
    secrets.is_loading = true;
    keyring_load(on_loaded, NULL);
  } else if (!secrets.wants_rotation) {
    run_waiting();
  } else if (secrets.running == 0) {
    secrets.wants_rotation = false;
    secrets.is_rotating = true;
    rotate_start(rotation_over, NULL);
  }
}

static void pump_later(void *arg) {
  (void)arg;
  if (secrets.part)
    secrets_pump();
}

/* ---- Beginning ---- */

bp_status secret_begin(struct plugin *owner, enum secret_kind kind, bp_str user, bp_str name, bp_str value, int64_t expires_s, bp_secret_fn done,
                       void *ctx) {
  LOOP_MAIN();
  if (!secrets.part)
    return BP_E_STATE;
  if (secrets.count >= SECRET_LIMIT_OPERATIONS)
    return BP_E_BUSY;
  struct operation *op = mem_alloc(sizeof(*op));
  *op = (struct operation){.kind = kind, .done = done, .ctx = ctx, .expires_s = expires_s, .error = BP_ERROR_INIT, .previous = secrets.last};
  buf_append_str(&op->value, value);
  if (op->value.failed) {
    free(op);
    return BP_E_NO_MEMORY;
  }
  op->plugin = str_dupz(str_from(owner->id));
  op->user = str_dupz(user);
  op->name = str_dupz(name);
  owned_add(owner, &op->owned, revoke);
  *(secrets.last ? &secrets.last->next : &secrets.first) = op;
  secrets.last = op;
  secrets.count++;
  loop_post(pump_later, NULL);
  return BP_OK;
}

bp_status secret_rotate(secret_rotated_fn done, void *arg) {
  LOOP_MAIN();
  if (!secrets.part)
    return BP_E_STATE;
  if (secrets.is_rotating || secrets.wants_rotation)
    return BP_E_BUSY;
  secrets.wants_rotation = true;
  secrets.rotated = done;
  secrets.rotated_arg = arg;
  loop_post(pump_later, NULL);
  return BP_OK;
}

/* ---- The host's side ---- */

bp_status secrets_open(bp_error *err) {
  LOOP_MAIN();
  if (sodium_init() < 0)
    return fail(err, BP_E_IO, "cannot set up libsodium");
  bp_status status = store_part_add(&secret_plan, &secrets.part, err);
  if (status == BP_OK)
    keyring_open(secrets.part, host_run.state_dir);
  return status;
}

void secrets_release(void) {
  if (!secrets.part)
    return;
  while (secrets.first) {
    struct operation *op = secrets.first;
    take_out(op);
    operation_free(op);
  }
  keyring_release();
  store_part_remove(secrets.part);
  memset(&secrets, 0, sizeof(secrets));
}
