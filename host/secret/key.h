/* Keys of the secrets: derived from a passphrase, or kept in a 0600 file. All of it blocks: for workers only. */
#ifndef HOST_SECRET_KEY_H
#define HOST_SECRET_KEY_H

#include <backplane/base.h>
#include <sodium.h>
#include <stdbool.h>

#define SECRET_KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define SECRET_SALT_BYTES crypto_pwhash_SALTBYTES
#define SECRET_KEY_ID_BYTES 17 /* 16 hex digits and a NUL */

struct secret_key {
  unsigned char bytes[SECRET_KEY_BYTES];
  char id[SECRET_KEY_ID_BYTES]; /* tells keys apart and gives nothing away; empty: no key */
};

/* Argon2id; takes a moment and 64 MiB by design. */
bp_status secret_key_derive(bp_str passphrase, const unsigned char salt[SECRET_SALT_BYTES], struct secret_key *ret, bp_error *err);
/* A new key in a new file, on disk when this returns. BP_E_EXISTS: there is a file. */
bp_status secret_key_create(const char *path, struct secret_key *ret, bp_error *err);
/* BP_E_NOT_FOUND; BP_E_DENIED: others could read it, or it is not ours; BP_E_INVALID: it holds no key. */
bp_status secret_key_read(const char *path, struct secret_key *ret, bp_error *err);
/* Puts the file in the place of another, for good. */
bp_status secret_key_replace(const char *from, const char *to, bp_error *err);

#endif
