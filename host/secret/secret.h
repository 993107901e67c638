/* Small values encrypted at rest: the operations, and when they may run. bp.secret/1 is secret_table.c. Main thread.
 *
 * Operations wait while the keys are being loaded or changed; otherwise they run side by side. */
#ifndef HOST_SECRET_SECRET_H
#define HOST_SECRET_SECRET_H

#include <backplane/secret.h>

struct plugin;

#define SECRET_LIMIT_VALUE_BYTES (64u * 1024)
#define SECRET_LIMIT_OPERATIONS 1024u /* waiting and running */
#define SECRET_LIMIT_SECRETS 10000    /* stored in all */

enum secret_kind { SECRET_PUT, SECRET_GET, SECRET_REMOVE };

/* After store_open; takes the keys out of the environment. */
bp_status secrets_open(bp_error *err);
/* After store_close. */
void secrets_release(void);

/* Arguments are checked by the caller. */
bp_status secret_begin(struct plugin *owner, enum secret_kind kind, bp_str user, bp_str name, bp_str value, int64_t expires_s, bp_secret_fn done,
                       void *ctx);

/* A new key (or, with ENCRYPTION_KEY, the current one) for everything stored: all in one unit, or nothing. `left`: secrets
 * whose key is lost, which stay as they are. BP_E_BUSY: one is going on. */
struct secret_rotated {
  uint32_t rotated, left;
  const char *key_id;
};
typedef void (*secret_rotated_fn)(void *arg, bp_status status, const struct secret_rotated *ret, const bp_error *err);
bp_status secret_rotate(secret_rotated_fn done, void *arg);

#endif
