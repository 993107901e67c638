/* SHA-1 (FIPS 180-4), for the WebSocket handshake only, which prescribes it (RFC 6455 section 4.2.2). Not for security. */
#ifndef HOST_LIVE_SHA1_H
#define HOST_LIVE_SHA1_H

#include <stddef.h>

#define SHA1_BYTES 20
#define SHA1_INPUT_MAX 119 /* two blocks are all the handshake needs */

/* `len` at most SHA1_INPUT_MAX. */
void sha1(const void *data, size_t len, unsigned char digest[SHA1_BYTES]);

#endif
