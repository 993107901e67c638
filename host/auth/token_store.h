/* Keeps the stored tokens in STATE/tokens.json: read at start, written by a worker after each change. Used by tokens.c only. */
#ifndef HOST_AUTH_TOKEN_STORE_H
#define HOST_AUTH_TOKEN_STORE_H

#include <backplane/base.h>
#include <stdint.h>

#define TOKEN_HASH_BYTES 32

/* A token as it is stored: never the token itself. */
struct token_row {
  char id[17];
  char *name;
  uint32_t scopes;
  int64_t created_s;
  int64_t expires_s; /* 0: never */
  uint8_t hash[TOKEN_HASH_BYTES];
};

/* Reads the file and hands up each row (name borrowed). A missing file is an empty table. Blocks. */
bp_status token_store_open(const char *path, void (*each)(const struct token_row *row), bp_error *err);
/* The table has changed: it is written soon, several changes at once. `next` walks the rows to write, from NULL. Main. */
void token_store_changed(const struct token_row *(*next)(const struct token_row *after));
/* Calls `done` on main when everything changed so far is on disk, or could not be written. Main. */
typedef void (*token_saved_fn)(void *ctx, bp_status status, const bp_error *err);
void token_store_when_saved(token_saved_fn done, void *ctx);
/* Writes now if that is still due, tells whoever waits, and closes. Blocks. */
void token_store_close(void);

#endif
