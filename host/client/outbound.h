/* One outbound request from `send` to `done`, over its redirects. Main thread. */
#ifndef HOST_CLIENT_OUTBOUND_H
#define HOST_CLIENT_OUTBOUND_H

#include "loader/plugin.h"
#include <backplane/client.h>
#include <stdbool.h>

#define OUTBOUND_MAX 256 /* open ones of a plugin */
/* Held by all together: bodies that go out and responses that are collected. */
#define OUTBOUND_BYTES_MAX ((uint64_t)256 * 1024 * 1024)

/* `done` is never called from inside it. */
bp_status outbound_send(struct plugin *plugin, const bp_client_request *request, const bp_client_events *events, void *ctx, bp_exchange *ret,
                        bp_error *err);
bp_status outbound_pause(bp_exchange handle, bool pauses);
bp_status outbound_cancel(bp_exchange handle);

#endif
