/* bp.events/1: small notices between host and plugins, delivered on main in a later tick, never inline.
 *
 * Not the live log (live.h): nothing here is stored, numbered or shown to clients. Names under "bp." are the host's:
 *   bp.ready            listeners are open                          payload {}
 *   bp.config.changed   this plugin's options changed: read them again; payload {}. Whoever does not
 *                       subscribe to it is drained and created anew with the new options instead
 *   bp.store.readonly   the store turned read-only or writable      payload {"readonly":true|false}
 *   bp.stopping         graceful stop has begun                     payload {} */
#ifndef BACKPLANE_EVENTS_H
#define BACKPLANE_EVENTS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_EVENTS_1 "bp.events/1"

/* `payload` is JSON text, borrowed for the call. [main] */
typedef void (*bp_event_fn)(void *ctx, bp_str name, bp_str payload);

typedef struct bp_events_1 {
  uint32_t size;
  /* Subscribes to one name, or to a prefix ending in ".*". Revoked on drain. [main] */
  bp_status (*subscribe)(bp_plugin self, bp_str name, bp_event_fn fn, void *ctx, bp_subscription *ret);
  bp_status (*unsubscribe)(bp_subscription subscription);
  /* Sends to all subscribers. `name` must begin with the plugin's id and a dot. Copies its inputs. BP_E_BUSY when the
   * bounded queue (1024 notices) is full: nothing was sent. [any] */
  bp_status (*emit)(bp_plugin self, bp_str name, bp_str payload);
} bp_events_1;

#ifdef __cplusplus
}
#endif

#endif
