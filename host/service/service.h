/* Messages between plugins by service name: who serves which name, and the calls that are open. bp.service/1 is
 * service_table.c.
 *
 * A call is delivered in a later tick and answered from any thread; the answer reaches the caller in a later tick again, so
 * no plugin ever runs inside another's callback. */
#ifndef HOST_SERVICE_SERVICE_H
#define HOST_SERVICE_SERVICE_H

#include <backplane/service.h>

struct plugin;

#define SERVICE_LIMIT_CALLS 1024u                        /* open ones of one plugin */
#define SERVICE_LIMIT_PAYLOAD_BYTES (16u * 1024 * 1024)  /* of one call or answer */
#define SERVICE_LIMIT_WAITING_BYTES (256u * 1024 * 1024) /* of all of them together */
#define SERVICE_DEFAULT_TIMEOUT_MS 30000u

/* Main thread, but for service_answer. */
bp_status service_serve(struct plugin *owner, bp_str name, bp_service_fn fn, void *ctx);
bp_status service_call(struct plugin *caller, bp_str name, bp_str method, bp_str payload, uint32_t timeout_ms, bp_service_done_fn done, void *ctx);
bp_status service_answer(bp_service_call call, bp_status status, bp_str payload);
/* After all plugins are gone. */
void services_release(void);

#endif
