/* Which process listens on a TCP port, for the message about a taken one. */
#ifndef HOST_HTTP_HOLDER_H
#define HOST_HTTP_HOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Fills pid and name where /proc tells (own processes; others only for root). Blocks on /proc: not for the running loop's
 * busy paths. */
bool port_holder(uint16_t port, pid_t *ret_pid, char ret_name[32]);

#endif
