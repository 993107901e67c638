/* The table of tokens, checking them, and the limit on failures; see tokens.h. Files are in token_file.c and token_store.c,
 * one-time codes and sessions in session.c. */
#include "auth/tokens.h"
#include "auth/session.h"
#include "auth/token_file.h"
#include "auth/token_store.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/loop.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOKENS_MAX 1024
#define NAME_BYTES_MAX 64
#define FAILURES_MAX 10
#define FAILURE_WINDOW_MS 60000

enum token_kind { TOKEN_ADMIN, TOKEN_STORED, TOKEN_TRANSIENT, TOKEN_SESSION };

/* `row` comes first: the store walks rows. */
struct token {
  struct token_row row;
  enum token_kind kind;
  struct token *next;
};

static struct {
  struct token *first;
  unsigned count;
  int64_t failed_at_ms[FAILURES_MAX]; /* a ring of the latest failures */
  unsigned failures;
} table;

static int64_t wall_s(void) {
  return (int64_t)time(NULL);
}

/* ---- The table ---- */

static void hash_of(bp_str text, uint8_t ret[TOKEN_HASH_BYTES]) {
  crypto_hash_sha256(ret, (const unsigned char *)text.ptr, text.len);
}

static struct token *add(const struct token_row *row, enum token_kind kind) {
  struct token *token = mem_alloc(sizeof(*token));
  token->row = *row;
  token->row.name = str_dupz(str_from(row->name));
  token->kind = kind;
  token->next = table.first;
  table.first = token;
  table.count++;
  return token;
}

static void add_stored(const struct token_row *row) {
  add(row, TOKEN_STORED);
}

static void remove_token(struct token *token) {
  struct token **link = &table.first;
  while (*link != token)
    link = &(*link)->next;
  *link = token->next;
  table.count--;
  free(token->row.name);
  free(token);
}

static const struct token_row *next_stored(const struct token_row *after) {
  const struct token *token = after == NULL ? table.first : ((const struct token *)after)->next;
  while (token != NULL && token->kind != TOKEN_STORED)
    token = token->next;
  return token == NULL ? NULL : &token->row;
}

static bool is_expired(const struct token *token) {
  return token->row.expires_s != 0 && token->row.expires_s <= wall_s();
}

/* Tokens nobody can use any more make room. */
static void drop_expired(void) {
  for (struct token *token = table.first, *next; token != NULL; token = next) {
    next = token->next;
    if (is_expired(token))
      remove_token(token);
  }
}

/* Fills `row` with a fresh id and hash; `ret_text` gets the token. */
static void make_secret(struct token_row *row, char ret_text[TOKEN_HEX_BYTES + 1]) {
  uint8_t secret[TOKEN_HEX_BYTES / 2], id[(sizeof(row->id) - 1) / 2];
  randombytes_buf(secret, sizeof(secret));
  randombytes_buf(id, sizeof(id));
  sodium_bin2hex(ret_text, TOKEN_HEX_BYTES + 1, secret, sizeof(secret));
  sodium_bin2hex(row->id, sizeof(row->id), id, sizeof(id));
  sodium_memzero(secret, sizeof(secret));
  hash_of(bp_str_make(ret_text, TOKEN_HEX_BYTES), row->hash);
}

static bp_status create(bp_str name, uint32_t scopes, int64_t lifetime_s, enum token_kind kind, char ret_text[65], char ret_id[17], bp_error *err) {
  if (scopes == 0 || (scopes & ~(SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN)) != 0 || lifetime_s < 0)
    return fail(err, BP_E_INVALID, "a token needs scopes out of read, write, admin and a lifetime that is not negative");
  if (name.len == 0 || name.len > NAME_BYTES_MAX || memchr(name.ptr, '\0', name.len) != NULL || !str_is_utf8(name))
    return fail(err, BP_E_INVALID, "a token needs a name of 1 to %d bytes of text", NAME_BYTES_MAX);
  if (table.count >= TOKENS_MAX)
    drop_expired();
  if (table.count >= TOKENS_MAX)
    return fail(err, BP_E_LIMIT, "there are %d tokens already; revoke some", TOKENS_MAX);
  struct token_row row = {.scopes = scopes, .created_s = wall_s()};
  row.expires_s = lifetime_s == 0 ? 0 : lifetime_s > INT64_MAX - row.created_s ? INT64_MAX : row.created_s + lifetime_s;
  row.name = str_dupz(name);
  make_secret(&row, ret_text);
  memcpy(ret_id, row.id, sizeof(row.id));
  add(&row, kind);
  free(row.name);
  return BP_OK;
}

/* ---- Checking ---- */

static bool failures_are_limited(void) {
  int64_t oldest_ms = table.failed_at_ms[table.failures % FAILURES_MAX];
  return table.failures >= FAILURES_MAX && loop_now_ms() - oldest_ms < FAILURE_WINDOW_MS;
}

bool token_failure(void) {
  if (failures_are_limited())
    return true;
  table.failed_at_ms[table.failures % FAILURES_MAX] = loop_now_ms();
  table.failures++;
  if (failures_are_limited())
    log_warn("auth", "%d wrong tokens within a minute; more are answered with 429", FAILURES_MAX);
  return false;
}

/* Every entry is compared, whether one matched already or not: time tells nothing. */
static const struct token *find_by_hash(const uint8_t hash[TOKEN_HASH_BYTES]) {
  const struct token *found = NULL;
  for (const struct token *token = table.first; token != NULL; token = token->next)
    if (sodium_memcmp(token->row.hash, hash, TOKEN_HASH_BYTES) == 0)
      found = token;
  return found;
}

bool token_check(bp_str token, struct auth_identity *ret, bool *ret_limited) {
  LOOP_MAIN();
  uint8_t hash[TOKEN_HASH_BYTES];
  hash_of(token, hash);
  const struct token *found = find_by_hash(hash);
  *ret_limited = false;
  if (found == NULL || is_expired(found)) {
    *ret_limited = token_failure();
    return false;
  }
  ret->scopes = found->row.scopes;
  (void)snprintf(ret->principal, sizeof(ret->principal), "%s:%s", found->kind == TOKEN_SESSION ? "session" : "token", found->row.id);
  return true;
}

/* ---- Making, revoking, listing ---- */

bp_status token_create(bp_str name, uint32_t scopes, int64_t lifetime_s, char ret_text[65], char ret_id[17], bp_error *err) {
  LOOP_MAIN();
  bp_status status = create(name, scopes, lifetime_s, TOKEN_STORED, ret_text, ret_id, err);
  if (status == BP_OK)
    token_store_changed(next_stored);
  return status;
}

void token_when_saved(void (*done)(void *ctx, bp_status status, const bp_error *err), void *ctx) {
  LOOP_MAIN();
  token_store_when_saved(done, ctx);
}

bp_status token_create_transient(bp_str name, uint32_t scopes, char ret_text[65], char ret_id[17]) {
  LOOP_MAIN();
  return create(name, scopes, 0, TOKEN_TRANSIENT, ret_text, ret_id, NULL);
}

bp_status token_create_session(int64_t lifetime_s, char ret_text[65], char ret_id[17]) {
  return create(BP_LIT("dashboard session"), SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN, lifetime_s, TOKEN_SESSION, ret_text, ret_id, NULL);
}

bp_status token_revoke(bp_str id, bp_error *err) {
  LOOP_MAIN();
  for (struct token *token = table.first; token != NULL; token = token->next) {
    if (token->kind == TOKEN_ADMIN || !str_eq(id, str_from(token->row.id)))
      continue;
    bool is_stored = token->kind == TOKEN_STORED;
    remove_token(token);
    if (is_stored)
      token_store_changed(next_stored);
    return BP_OK;
  }
  return fail(err, BP_E_NOT_FOUND, "no token \"%.*s\"", (int)(id.len > 64 ? 64 : id.len), id.ptr);
}

void token_list(void (*each)(void *ctx, bp_str id, bp_str name, uint32_t scopes, int64_t created_s, int64_t expires_s), void *ctx) {
  LOOP_MAIN();
  for (const struct token_row *row = next_stored(NULL); row != NULL; row = next_stored(row))
    each(ctx, str_from(row->id), str_from(row->name), row->scopes, row->created_s, row->expires_s);
}

/* ---- Start and end ---- */

static bool is_token_text(bp_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
      return false;
  }
  return text.len == TOKEN_HEX_BYTES;
}

/* The admin token's file is made on the first start and left alone afterwards. */
static bp_status open_admin(const char *path, bp_error *err) {
  struct token_row row = {.id = "admin", .name = (char[]){"admin"}, .scopes = SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN, .created_s = wall_s()};
  char *text = NULL;
  size_t len = 0;
  bp_status status = token_file_read(path, &text, &len, err);
  if (status == BP_E_NOT_FOUND) {
    char fresh[TOKEN_HEX_BYTES + 2];
    make_secret(&row, fresh);
    memcpy(row.id, "admin", sizeof("admin"));
    memcpy(fresh + TOKEN_HEX_BYTES, "\n", 2);
    status = token_file_write(path, bp_str_make(fresh, TOKEN_HEX_BYTES + 1), err);
    sodium_memzero(fresh, sizeof(fresh));
  } else if (status == BP_OK) {
    bp_str token = bp_str_make(text, len > 0 && text[len - 1] == '\n' ? len - 1 : len);
    hash_of(token, row.hash);
    if (!is_token_text(token)) {
      status = fail(err, BP_E_INVALID, "cannot use \"%s\": not a token of 64 hexadecimal digits", path);
      fail_hint(err, "remove it; a new one is made at the next start");
    }
    sodium_memzero(text, len);
    free(text);
  }
  if (status == BP_OK)
    add(&row, TOKEN_ADMIN);
  return status;
}

bp_status tokens_open(const char *state_dir, bp_error *err) {
  char path[PATH_MAX];
  if (sodium_init() < 0)
    return fail(err, BP_E_IO, "cannot start libsodium");
  int len = snprintf(path, sizeof(path), "%s/tokens.json", state_dir);
  if (len < 0 || (size_t)len >= sizeof(path))
    return fail(err, BP_E_LIMIT, "the state folder's path is too long: \"%s\"", state_dir);
  bp_status status = token_store_open(path, add_stored, err);
  if (status == BP_OK) {
    (void)snprintf(path, sizeof(path), "%s/admin.token", state_dir);
    status = open_admin(path, err);
  }
  if (status != BP_OK)
    tokens_close();
  return status;
}

void tokens_close(void) {
  token_store_close();
  sessions_forget();
  while (table.first != NULL)
    remove_token(table.first);
  table.failures = 0;
  memset(table.failed_at_ms, 0, sizeof(table.failed_at_ms));
}
