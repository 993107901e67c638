/* The keys in force: where they come from, loading them once, and putting a new one in force. Main thread; slow parts run on
 * a worker.
 *
 * ENCRYPTION_KEY, if set, is the source (ENCRYPTION_KEY_PREVIOUS still opens what was stored under it, and so does the key
 * file of before); otherwise it is STATE/secret.key, made at first use. Both variables are taken out of the environment. */
#ifndef HOST_SECRET_KEYRING_H
#define HOST_SECRET_KEYRING_H

#include "secret/key.h"

struct store_part;

typedef void (*keyring_fn)(void *arg, bp_status status, const bp_error *err);

void keyring_open(struct store_part *part, const char *state_dir);
void keyring_release(void);

/* Calls `done` once, in a later tick or at once, when the keys are loaded. A failure is not remembered: the next call tries
 * again. One call at a time. */
void keyring_load(keyring_fn done, void *arg);
bool keyring_is_loaded(void);
/* The key that seals. After loading only. */
const struct secret_key *keyring_current(void);
/* A key that opens, or NULL with an error that says what to do. After loading only. */
const struct secret_key *keyring_find(bp_str id, bp_error *err);

/* Changing the key. `begin`: the key to seal with from now on is ready in keyring_next(), on disk but not in force (with
 * ENCRYPTION_KEY it is the current one). Then `commit` once everything is stored under it, or `abandon`: the keys are then
 * loaded again before their next use, and the id in the store says which file is right. */
void keyring_begin(keyring_fn done, void *arg);
const struct secret_key *keyring_next(void);
void keyring_commit(keyring_fn done, void *arg);
void keyring_abandon(void);

/* Of the part's tables: (name, value) pairs "salt" and "key_id", the second written with the rows of a rotation. */
enum keyring_statement { KEYRING_ADD_FACT, KEYRING_FACTS, KEYRING_SET_FACT, KEYRING_STATEMENTS };

#endif
