/* bp.port/1: leases of TCP ports on loopback, stored, so that a name keeps its port over restarts. */
#ifndef BACKPLANE_PORT_H
#define BACKPLANE_PORT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_PORT_1 "bp.port/1"

typedef void (*bp_port_fn)(void *ctx, bp_status status, uint32_t port, const bp_error *err); /* [main] */

typedef struct bp_port_1 {
  uint32_t size;
  /* Leases for `name` (unique in the plugin) the port it had, else `wanted` (0: any), else the lowest free one in [first, last].
   * A port is free when no lease of any plugin has it, no listener of the configuration, and nothing is bound to it.
   * BP_E_EXISTS: `wanted` is taken (the error says by whom); BP_E_LIMIT: the range is full. [main] */
  bp_status (*lease)(bp_plugin self, bp_str name, uint32_t wanted, uint32_t first, uint32_t last, bp_port_fn done, void *ctx);
  bp_status (*release)(bp_plugin self, bp_str name, bp_port_fn done, void *ctx);
} bp_port_1;

#ifdef __cplusplus
}
#endif

#endif
