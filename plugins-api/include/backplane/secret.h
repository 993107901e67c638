/* bp.secret/1: small values encrypted at rest (libsodium XChaCha20-Poly1305; plugin, user and name are authenticated with it).
 * The key comes from ENCRYPTION_KEY or from a 0600 key file in the state folder. Values never reach a log or an answer. */
#ifndef BACKPLANE_SECRET_H
#define BACKPLANE_SECRET_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_SECRET_1 "bp.secret/1"

/* `value` is borrowed and wiped afterwards. BP_E_NOT_FOUND; BP_E_DENIED: the key does not open it (the error says what to do). [main] */
typedef void (*bp_secret_fn)(void *ctx, bp_status status, bp_str value, const bp_error *err);

typedef struct bp_secret_1 {
  uint32_t size;
  /* Stores or replaces the value (at most 64 KiB) of (user, name) in the plugin's own space; durable when `done` says BP_OK.
   * `expires_s`: seconds since 1970, 0 for none; afterwards `get` gives BP_E_NOT_FOUND. Inputs are copied and wiped. [main] */
  bp_status (*put)(bp_plugin self, bp_str user, bp_str name, bp_str value, int64_t expires_s, bp_secret_fn done, void *ctx);
  bp_status (*get)(bp_plugin self, bp_str user, bp_str name, bp_secret_fn done, void *ctx);
  bp_status (*remove)(bp_plugin self, bp_str user, bp_str name, bp_secret_fn done, void *ctx);
} bp_secret_1;

#ifdef __cplusplus
}
#endif

#endif
