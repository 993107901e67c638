/* Bearer tokens: the admin token, tokens made with `backplane token`, tokens of children, dashboard sessions.
 *
 * Only SHA-256 hashes are kept in memory and on disk (STATE/tokens.json, 0600, atomic replace); compares are constant-time;
 * failures are limited to 10 a minute, a right token passes always. admin.token holds the admin token itself (0600), because the
 * commands read it there. Main thread. */
#ifndef HOST_AUTH_TOKENS_H
#define HOST_AUTH_TOKENS_H

#include "auth/identity.h"
#include <backplane/base.h>
#include <stdbool.h>

/* Opens or creates STATE/admin.token and STATE/tokens.json. Blocks: at start only. Refuses files that others can read. */
bp_status tokens_open(const char *state_dir, bp_error *err);
/* Writes what is not yet on disk and forgets all tokens. */
void tokens_close(void);

/* Fills `ret` for a valid token. False: unknown, expired, or too many failures (then *ret_limited). */
bool token_check(bp_str token, struct auth_identity *ret, bool *ret_limited);
/* Makes a token: `ret_text` gets the 64 hex digits (shown once), `ret_id` its id. `lifetime_s` 0: for ever. */
bp_status token_create(bp_str name, uint32_t scopes, int64_t lifetime_s, char ret_text[65], char ret_id[17], bp_error *err);
bp_status token_revoke(bp_str id, bp_error *err);
/* Calls `done` on main when all tokens made and revoked so far are on disk (or could not be written): only then may the change
 * be acknowledged. */
void token_when_saved(void (*done)(void *ctx, bp_status status, const bp_error *err), void *ctx);
/* A token that lives in memory only, for a child the host starts. */
bp_status token_create_transient(bp_str name, uint32_t scopes, char ret_text[65], char ret_id[17]);
/* Calls `each` for every stored token. */
void token_list(void (*each)(void *ctx, bp_str id, bp_str name, uint32_t scopes, int64_t created_s, int64_t expires_s), void *ctx);

/* The one-time link printed at start: a code exchanged once, within 10 minutes, for a dashboard session (an admin bearer token). */
bp_status session_open_code(char ret_code[65]);
bool session_exchange(bp_str code, char ret_token[65], char ret_id[17]);

#endif
