/* Which listening sockets are open: those the configuration names whose family has a module, and the control socket. */
#ifndef HOST_LISTENERS_H
#define HOST_LISTENERS_H

#include "config/config.h"
#include <backplane/base.h>

/* Takes note of sockets systemd handed over (LISTEN_FDS). Before any other descriptor is opened. */
void listeners_inherit(void);
/* Opens what should be open and is not, closes what should not. A taken port is one warning; it is tried again at the next
 * call. Returns how many TCP or configured Unix listeners are open. */
unsigned listeners_apply(const struct config *config, int port_offset);
/* STATE/control.sock, for the commands. */
bp_status listeners_open_control(const char *state_dir, bp_error *err);
/* Closes all. */
void listeners_close(void);

#endif
