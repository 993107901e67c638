/* tokens.json; see token_store.h. */
#include "auth/token_store.h"
#include "auth/token_file.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/workers.h"
#include "json/json.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Somebody who waits for a change to be on disk. */
struct waiter {
  token_saved_fn done;
  void *ctx;
  struct waiter *next;
};

/* One write of the file: the text is a snapshot, so the table may change meanwhile. */
struct save {
  struct work work;
  uint64_t number; /* a later snapshot has a higher one */
  struct waiter *waiters;
  char *path;
  struct buf text;
  bp_status status;
  bp_error error;
};

static struct {
  char *path;
  const struct token_row *(*next)(const struct token_row *after);
  bool is_dirty;
  bool is_saving;
  uint64_t snapshots;
  struct waiter *waiters; /* for the next snapshot */
} store;

/* Which snapshot the file holds: an older one never overwrites a newer, whichever thread comes late. */
static struct {
  pthread_mutex_t lock;
  uint64_t number;
} written = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- Reading ---- */

static bool row_from(const json_t *value, struct token_row *ret) {
  const char *id = json_string_value(json_object_get(value, "id"));
  const char *name = json_string_value(json_object_get(value, "name"));
  const char *hash = json_string_value(json_object_get(value, "sha256"));
  size_t bytes = 0;
  if (id == NULL || strlen(id) != sizeof(ret->id) - 1 || name == NULL || hash == NULL)
    return false;
  if (sodium_hex2bin(ret->hash, sizeof(ret->hash), hash, strlen(hash), NULL, &bytes, NULL) != 0 || bytes != sizeof(ret->hash))
    return false;
  memcpy(ret->id, id, sizeof(ret->id));
  ret->name = (char *)(uintptr_t)name;
  ret->scopes = (uint32_t)json_integer_value(json_object_get(value, "scopes"));
  ret->created_s = json_integer_value(json_object_get(value, "created_s"));
  ret->expires_s = json_integer_value(json_object_get(value, "expires_s"));
  return true;
}

static bp_status read_rows(bp_str text, void (*each)(const struct token_row *row), bp_error *err) {
  json_t *root = doc_parse(text, &doc_default_limits, err);
  if (root == NULL)
    return BP_E_PARSE;
  bp_status status = BP_OK;
  const json_t *rows = json_object_get(root, "tokens");
  for (size_t i = 0; i < json_array_size(rows) && status == BP_OK; i++) {
    struct token_row row = {0};
    if (row_from(json_array_get(rows, i), &row))
      each(&row);
    else
      status = fail(err, BP_E_PARSE, "entry %zu of the token file is not a token", i);
  }
  json_decref(root);
  return status;
}

bp_status token_store_open(const char *path, void (*each)(const struct token_row *row), bp_error *err) {
  char *text = NULL;
  size_t len = 0;
  bp_status status = token_file_read(path, &text, &len, err);
  if (status == BP_OK) {
    status = read_rows(bp_str_make(text, len), each, err);
    free(text);
    if (status != BP_OK)
      fail_hint(err, "repair or remove '%s'; tokens in it are lost then and can be made again", path);
  } else if (status == BP_E_NOT_FOUND) {
    status = BP_OK;
  }
  if (status == BP_OK)
    store.path = str_dupz(str_from(path));
  return status;
}

/* ---- Writing ---- */

static void append_row(json_t *rows, const struct token_row *row) {
  char hash[2 * TOKEN_HASH_BYTES + 1];
  sodium_bin2hex(hash, sizeof(hash), row->hash, sizeof(row->hash));
  json_t *value = json_object();
  json_object_set_new(value, "id", json_string(row->id));
  json_object_set_new(value, "name", json_string(row->name));
  json_object_set_new(value, "scopes", json_integer(row->scopes));
  json_object_set_new(value, "created_s", json_integer(row->created_s));
  json_object_set_new(value, "expires_s", json_integer(row->expires_s));
  json_object_set_new(value, "sha256", json_string(hash));
  json_array_append_new(rows, value);
}

static struct save *snapshot(void) {
  struct save *save = mem_alloc(sizeof(*save));
  save->error.size = sizeof(save->error);
  save->path = str_dupz(str_from(store.path));
  json_t *root = json_object(), *rows = json_array();
  for (const struct token_row *row = store.next(NULL); row != NULL; row = store.next(row))
    append_row(rows, row);
  json_object_set_new(root, "tokens", rows);
  doc_write(&save->text, root);
  json_decref(root);
  store.is_dirty = false;
  save->number = ++store.snapshots;
  save->waiters = store.waiters;
  store.waiters = NULL;
  return save;
}

static void save_run(struct work *work) {
  struct save *save = (struct save *)work;
  pthread_mutex_lock(&written.lock);
  if (save->number > written.number) {
    save->status = save->text.failed ? BP_E_NO_MEMORY : token_file_write(save->path, buf_str(&save->text), &save->error);
    if (save->status == BP_OK)
      written.number = save->number;
  }
  pthread_mutex_unlock(&written.lock);
}

static void tell(struct waiter *waiters, bp_status status, const bp_error *err) {
  while (waiters) {
    struct waiter *waiter = waiters;
    waiters = waiter->next;
    waiter->done(waiter->ctx, status, err);
    free(waiter);
  }
}

static void save_free(struct save *save) {
  if (save->status != BP_OK)
    log_error("auth", "tokens made or revoked now are lost at the next start: %s", save->error.message);
  tell(save->waiters, save->status, &save->error);
  buf_release(&save->text);
  free(save->path);
  free(save);
}

static void save_start(void);

static void save_done(struct work *work, bool cancelled) {
  struct save *save = (struct save *)work;
  store.is_saving = false;
  if (cancelled) {
    store.is_dirty = true;
    save->status = fail(&save->error, BP_E_CANCELLED, "the host is stopping");
  }
  save_free(save);
  if (store.is_dirty && !cancelled)
    save_start();
}

static void save_start(void) {
  if (store.is_saving || store.path == NULL)
    return;
  struct save *save = snapshot();
  save->work.run = save_run;
  save->work.done = save_done;
  store.is_saving = true;
  workers_submit(&save->work);
}

void token_store_changed(const struct token_row *(*next)(const struct token_row *after)) {
  store.next = next;
  store.is_dirty = true;
  save_start();
}

void token_store_when_saved(token_saved_fn done, void *ctx) {
  bp_error none = BP_ERROR_INIT;
  if (store.path == NULL || !(store.is_dirty || store.is_saving)) {
    done(ctx, BP_OK, &none);
    return;
  }
  struct waiter *waiter = mem_alloc(sizeof(*waiter));
  *waiter = (struct waiter){.done = done, .ctx = ctx, .next = store.waiters};
  store.waiters = waiter;
  store.is_dirty = true; /* a snapshot that was taken before is not what it waits for */
  save_start();
}

void token_store_close(void) {
  if (store.path != NULL && (store.is_dirty || store.is_saving)) {
    struct save *save = snapshot();
    save_run(&save->work);
    save_free(save);
  }
  free(store.path);
  store.path = NULL;
  store.is_dirty = false;
}
