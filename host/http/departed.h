/* Whether a client that stopped sending is still there to read. */
#ifndef HOST_HTTP_DEPARTED_H
#define HOST_HTTP_DEPARTED_H

#include <stdbool.h>

/* True if the other end has closed its socket altogether. A closed sending side alone does not tell: a client may shut it
 * down and wait for its answer (nc does). On loopback the kernel is asked whether any process still holds the other end;
 * from elsewhere only a reset tells. */
bool peer_has_departed(int fd);

#endif
