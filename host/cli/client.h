/* A small blocking HTTP client for the running host's control socket (STATE/control.sock). For commands only. */
#ifndef HOST_CLI_CLIENT_H
#define HOST_CLI_CLIENT_H

#include "cli/command.h"
#include <jansson.h>

/* True if a host answers on the state folder's control socket. */
bool client_is_running(const struct cli_call *call);

/* One request with an optional JSON body. Returns the answer's JSON (json_null() for an empty one), to be released by the
 * caller, or NULL with the reason said on stderr: no host, no answer within 120 s, or the host's own refusal. Sends the admin token. */
json_t *client_request(const struct cli_call *call, const char *method, const char *target, const json_t *body);
json_t *client_get(const struct cli_call *call, const char *target);

#endif
