/* Leases of TCP ports on loopback, stored. bp.port/1 is port_table.c; main thread, all of it.
 *
 * One lease is worked on at a time, so that what was found free is still free when its row is written. */
#ifndef HOST_PORT_PORT_H
#define HOST_PORT_PORT_H

#include <backplane/port.h>
#include <stdbool.h>

struct plugin;
struct config;

#define PORT_LIMIT_WAITING 1024u /* operations */
#define PORT_LIMIT_LEASES 4096   /* in all */

/* After store_open. */
bp_status ports_open(bp_error *err);
/* After store_close. */
void ports_release(void);
/* The configured listeners: nobody leases their ports, whether they are open or not. At start and at every reload. */
void ports_know_listeners(const struct config *config, int port_offset);

/* As bp.port/1; arguments are checked by the caller. */
bp_status port_lease(struct plugin *owner, bp_str name, uint16_t wanted, uint16_t first, uint16_t last, bp_port_fn done, void *ctx);
bp_status port_release(struct plugin *owner, bp_str name, bp_port_fn done, void *ctx);

#endif
