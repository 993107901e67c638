/* Is anything bound to a TCP port of this machine's loopback? A look, not a reservation. */
#ifndef HOST_PORT_PROBE_H
#define HOST_PORT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* True if both 127.0.0.1 and ::1 could be bound. Otherwise *ret_errno says why not. Two or three system calls an address;
 * never blocks. */
bool port_is_free(uint16_t port, int *ret_errno);

#endif
