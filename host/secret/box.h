/* One value as it is stored: XChaCha20-Poly1305 with a random nonce, as base64 text. Whose it is is authenticated with it. */
#ifndef HOST_SECRET_BOX_H
#define HOST_SECRET_BOX_H

#include "base/buf.h"
#include "secret/key.h"

/* What a value is bound to: a box moved to another row does not open. */
struct secret_label {
  bp_str plugin, user, name;
  int64_t expires_s;
};

/* Appends the text to `out`; false without memory. */
bool secret_seal(const struct secret_key *key, const struct secret_label *label, bp_str value, struct buf *out);
/* Appends the value to `out`, which the caller wipes; false if the box is not what was sealed under this key and label. */
bool secret_unseal(const struct secret_key *key, const struct secret_label *label, bp_str box, struct buf *out);
/* Overwrites the buffer's memory and frees it. */
void secret_wipe(struct buf *b);

#endif
