/* The keys in force; see keyring.h.
 *
 * A rotation writes STATE/secret.key.new, commits the rows together with the new key's id, and renames the file. After a crash
 * in between, the id in the store tells which file is right. */
#include "secret/keyring.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "store/part.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SALT_TEXT_BYTES (SECRET_SALT_BYTES * 2 + 1)
#define PASSPHRASE_SHORT 16

static struct {
  struct store_part *part;
  char *file, *new_file;
  char *passphrase, *old_passphrase; /* NULL: not given */
  struct secret_key current, previous, next;
  bool is_loaded;
} ring;

/* Work of one kind at a time: what goes in is set by main before, what comes out is read by main after. */
static struct {
  struct work work;
  unsigned char salt[SECRET_SALT_BYTES];
  char recorded_id[SECRET_KEY_ID_BYTES];
  struct secret_key current, previous;
  bp_status status;
  bp_error error;
  keyring_fn done;
  void *arg;
} job;

/* ---- Opening ---- */

/* Moves a variable out of the environment into locked memory. */
static char *take_variable(const char *name) {
  char *value = getenv(name);
  char *copy = NULL;
  if (value && value[0]) {
    size_t bytes = strlen(value) + 1;
    copy = mem_alloc(bytes);
    (void)sodium_mlock(copy, bytes); /* may be over the limit for locked memory: then it is only wiped */
    memcpy(copy, value, bytes);
    sodium_memzero(value, bytes - 1);
  }
  unsetenv(name);
  return copy;
}

static void drop_variable(char **copy) {
  if (!*copy)
    return;
  sodium_munlock(*copy, strlen(*copy) + 1); /* wipes */
  free(*copy);
  *copy = NULL;
}

static char *file_path(const char *state_dir, const char *name) {
  struct buf path = {0};
  buf_printf(&path, "%s/%s", state_dir, name);
  char *copy = str_dupz(buf_str(&path));
  buf_release(&path);
  return copy;
}

void keyring_open(struct store_part *part, const char *state_dir) {
  LOOP_MAIN();
  (void)sodium_mlock(&ring, sizeof(ring));
  (void)sodium_mlock(&job, sizeof(job));
  ring.part = part;
  ring.file = file_path(state_dir, "secret.key");
  ring.new_file = file_path(state_dir, "secret.key.new");
  ring.passphrase = take_variable("ENCRYPTION_KEY");
  ring.old_passphrase = take_variable("ENCRYPTION_KEY_PREVIOUS");
  if (ring.passphrase && strlen(ring.passphrase) < PASSPHRASE_SHORT)
    log_warn("bp.secret", "ENCRYPTION_KEY has fewer than %d characters: whoever has a copy of the store may guess it", PASSPHRASE_SHORT);
}

void keyring_release(void) {
  drop_variable(&ring.passphrase);
  drop_variable(&ring.old_passphrase);
  free(ring.file);
  free(ring.new_file);
  sodium_munlock(&ring, sizeof(ring)); /* wipes, and so zeroes */
  sodium_munlock(&job, sizeof(job));
}

/* ---- Work ---- */

static void tell(bool cancelled) {
  if (cancelled)
    job.status = fail(&job.error, BP_E_CANCELLED, "the host is stopping");
  job.done(job.arg, job.status, &job.error);
}

static void begin_work(void (*run)(struct work *work), void (*over)(struct work *work, bool cancelled), keyring_fn done, void *arg) {
  job.status = BP_OK;
  job.error = (bp_error)BP_ERROR_INIT;
  job.done = done;
  job.arg = arg;
  job.work = (struct work){.run = run, .done = over};
  workers_submit(&job.work);
}

/* The file of a rotation that was cut short: in force if its rows were committed, else nothing. */
static bp_status settle_new_file(bp_error *err) {
  struct secret_key key;
  bp_error none = BP_ERROR_INIT;
  if (access(ring.new_file, F_OK) != 0)
    return BP_OK;
  bp_status status = secret_key_read(ring.new_file, &key, &none);
  bool is_in_force = status == BP_OK && strcmp(key.id, job.recorded_id) == 0;
  sodium_memzero(&key, sizeof(key));
  if (is_in_force)
    return secret_key_replace(ring.new_file, ring.file, err);
  unlink(ring.new_file);
  return BP_OK;
}

static bp_status load_file(bp_error *err) {
  bp_status status = settle_new_file(err);
  if (status == BP_OK)
    status = secret_key_read(ring.file, &job.current, err);
  if (status != BP_E_NOT_FOUND)
    return status;
  status = secret_key_create(ring.file, &job.current, err);
  if (status == BP_OK)
    log_info("bp.secret", "made the key file \"%s\": without it no secret can be read, so keep a copy apart from backups of the store", ring.file);
  return status;
}

static bp_status load_passphrase(bp_error *err) {
  bp_error none = BP_ERROR_INIT;
  bp_status status = secret_key_derive(str_from(ring.passphrase), job.salt, &job.current, err);
  if (status == BP_OK && ring.old_passphrase)
    return secret_key_derive(str_from(ring.old_passphrase), job.salt, &job.previous, err);
  if (status == BP_OK && secret_key_read(ring.file, &job.previous, &none) != BP_OK)
    sodium_memzero(&job.previous, sizeof(job.previous));
  return status;
}

static void run_load(struct work *work) {
  (void)work;
  memset(&job.previous, 0, sizeof(job.previous));
  job.status = ring.passphrase ? load_passphrase(&job.error) : load_file(&job.error);
}

static void load_over(struct work *work, bool cancelled) {
  (void)work;
  if (!cancelled && job.status == BP_OK) {
    ring.current = job.current;
    ring.previous = job.previous;
    ring.is_loaded = true;
  }
  sodium_memzero(&job.current, sizeof(job.current));
  sodium_memzero(&job.previous, sizeof(job.previous));
  tell(cancelled);
}

/* ---- Loading ---- */

static void read_fact(bp_str name, bp_str value) {
  if (str_eq(name, BP_LIT("salt")))
    sodium_hex2bin(job.salt, sizeof(job.salt), value.ptr, value.len, NULL, NULL, NULL);
  else if (str_eq(name, BP_LIT("key_id")) && value.len < sizeof(job.recorded_id))
    memcpy(job.recorded_id, value.ptr, value.len);
}

static void facts_read(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  if (outcome->status != BP_OK) {
    job.done(job.arg, outcome->status, outcome->error);
    return;
  }
  memset(job.recorded_id, 0, sizeof(job.recorded_id));
  for (uint32_t row = 0; row < db_table.rows(outcome->result, 1); row++)
    read_fact(part_text_at(outcome, 1, row, 0), part_text_at(outcome, 1, row, 1));
  begin_work(run_load, load_over, job.done, job.arg);
}

void keyring_load(keyring_fn done, void *arg) {
  LOOP_MAIN();
  unsigned char salt[SECRET_SALT_BYTES];
  char salt_text[SALT_TEXT_BYTES];
  bp_error err = BP_ERROR_INIT;
  randombytes_buf(salt, sizeof(salt));
  sodium_bin2hex(salt_text, sizeof(salt_text), salt, sizeof(salt));
  const bp_db_value fact[] = {part_text(BP_LIT("salt")), part_text(str_from(salt_text))};
  const bp_db_step steps[] = {
      {PART_EXEC(KEYRING_ADD_FACT, fact)},
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = KEYRING_FACTS},
  };
  job.done = done;
  job.arg = arg;
  bp_status status = store_part_write(ring.part, steps, 2, facts_read, NULL, &err);
  if (status == BP_OK)
    return;
  done(arg, status, &err);
}

bool keyring_is_loaded(void) {
  return ring.is_loaded;
}

const struct secret_key *keyring_current(void) {
  return &ring.current;
}

const struct secret_key *keyring_find(bp_str id, bp_error *err) {
  if (str_eq(id, str_from(ring.current.id)))
    return &ring.current;
  if (ring.previous.id[0] && str_eq(id, str_from(ring.previous.id)))
    return &ring.previous;
  fail(err, BP_E_DENIED, "the secret was stored under key %.*s, which is not here (the key in force is %s)", (int)(id.len > 32 ? 32 : id.len), id.ptr,
       ring.current.id);
  if (ring.passphrase)
    fail_hint(err, "start with the old value in ENCRYPTION_KEY_PREVIOUS and run: backplane secret rotate; or store the secret again");
  else
    fail_hint(err, "put the old secret.key back into the state folder (or set ENCRYPTION_KEY as before), or store the secret again");
  return NULL;
}

/* ---- Changing the key ---- */

static void run_create(struct work *work) {
  (void)work;
  job.status = secret_key_create(ring.new_file, &job.current, &job.error);
}

static void create_over(struct work *work, bool cancelled) {
  (void)work;
  ring.next = job.current;
  sodium_memzero(&job.current, sizeof(job.current));
  tell(cancelled);
}

static void run_replace(struct work *work) {
  (void)work;
  job.status = secret_key_replace(ring.new_file, ring.file, &job.error);
}

/* A file that could not be put in place is tried again when the keys are loaded next. */
static void replace_over(struct work *work, bool cancelled) {
  (void)work;
  ring.is_loaded = !cancelled && job.status == BP_OK;
  tell(cancelled);
}

void keyring_begin(keyring_fn done, void *arg) {
  LOOP_MAIN();
  const bp_error none = BP_ERROR_INIT;
  if (!ring.passphrase) {
    begin_work(run_create, create_over, done, arg);
    return;
  }
  ring.next = ring.current;
  done(arg, BP_OK, &none);
}

const struct secret_key *keyring_next(void) {
  return &ring.next;
}

void keyring_commit(keyring_fn done, void *arg) {
  LOOP_MAIN();
  const bp_error none = BP_ERROR_INIT;
  ring.current = ring.next;
  sodium_memzero(&ring.previous, sizeof(ring.previous));
  sodium_memzero(&ring.next, sizeof(ring.next));
  if (ring.passphrase)
    done(arg, BP_OK, &none);
  else
    begin_work(run_replace, replace_over, done, arg);
}

void keyring_abandon(void) {
  LOOP_MAIN();
  sodium_memzero(&ring.next, sizeof(ring.next));
  ring.is_loaded = false;
}
