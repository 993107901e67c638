/* The descriptor: everything the host must know about a plugin before any of its code runs.
 *
 * A plugin exports exactly one symbol, bp_plugin_query_1, which returns a pointer to a constant descriptor and does nothing
 * else. Each later ABI major gets a symbol of its own. */
#ifndef BACKPLANE_PLUGIN_H
#define BACKPLANE_PLUGIN_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_ABI_MAJOR 1u
#define BP_ABI_MINOR 0u

#define BP_NEED_OPTIONAL 1u /* the plugin works without it and asks for it with `get` */

/* An interface the plugin uses ("bp.http/1") or a service name of another plugin that must be up before this one. */
typedef struct bp_need {
  uint32_t size;
  uint32_t flags;    /* BP_NEED_* */
  bp_str interface;  /* name with revision */
  uint32_t min_size; /* bytes of the table the plugin was written against: sizeof its struct, or up to its last used member */
  uint32_t reserved;
} bp_need;

/* A service name this plugin brings, for other plugins' needs. `bp.` is reserved. */
typedef struct bp_provide {
  uint32_t size;
  uint32_t reserved;
  bp_str interface;
} bp_provide;

/* What the host hands to `create`. Valid for the life of the plugin. */
typedef struct bp_host {
  uint32_t size;
  uint32_t reserved;
  /* The table of a declared need, e.g. get(self, BP_LIT(BP_LOG_1)); NULL for an undeclared or absent optional one. [main] */
  const void *(*get)(bp_plugin self, bp_str interface);
  /* Ends an asynchronous drain, see below. [any] */
  void (*drained)(bp_plugin self);
} bp_host;

typedef struct bp_plugin_descriptor {
  uint32_t size;
  uint32_t abi_major; /* BP_ABI_MAJOR */
  uint32_t abi_minor; /* BP_ABI_MINOR the plugin was written against */
  uint32_t reserved;

  bp_str id;      /* [a-z][a-z0-9-]*(.[a-z][a-z0-9-]*)*: short for the host's own modules, reverse DNS for others */
  bp_str version; /* semantic version */
  bp_str summary; /* one sentence */
  bp_str family;  /* default family of its routes; declared here or by another plugin; empty if it has no routes */

  bp_array needs;      /* of bp_need */
  bp_array provides;   /* of bp_provide */
  bp_array options;    /* of bp_option (config.h) */
  bp_array families;   /* of bp_family (http.h) that this plugin declares */
  bp_array routes;     /* of bp_route (http.h) */
  bp_array topics;     /* of bp_topic (live.h) */
  bp_array migrations; /* of bp_migration (db.h) */
  bp_array statements; /* of bp_statement (db.h) */
  bp_array searches;   /* of bp_search_index (db.h) */

  /* Makes the plugin's state: read options, fetch tables, allocate. Nothing else is up yet. On failure fill `err` and leave
   * nothing behind. [main] */
  bp_status (*create)(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err);
  /* All migrations are done and every need is up; listeners open after all plugins started. May be NULL. [main] */
  bp_status (*start)(void *state, bp_error *err);
  /* No new requests come. BP_OK: nothing to wait for. BP_E_BUSY: the plugin calls host->drained(self) when it is done; after
   * 10 s the host goes on without it. Registrations are revoked by the host afterwards. May be NULL. [main] */
  bp_status (*drain)(void *state);
  /* Frees the state; no callback is pending. NULL only if create makes no state. [main] */
  void (*destroy)(void *state);
} bp_plugin_descriptor;

/* The one exported symbol. Returns the same pointer each time, no side effects. [any] */
BP_EXPORT const bp_plugin_descriptor *bp_plugin_query_1(void);

#ifdef __cplusplus
}
#endif

#endif
