/* Whether a client that is not being read from is still there. */
#ifndef HOST_HTTP_DEPARTED_H
#define HOST_HTTP_DEPARTED_H

#include <stdbool.h>

/* True if the connection has failed: reset, or closed by both sides. */
bool peer_has_reset(int fd);
/* True if, beyond that, the other end has closed its socket altogether. A closed sending side alone does not tell: a client
 * may shut it down and wait for its answer (nc does); and behind bytes we do not read its end cannot even arrive. On loopback
 * the kernel is asked whether any process still holds the other end; from elsewhere only a reset tells. */
bool peer_has_departed(int fd);

#endif
