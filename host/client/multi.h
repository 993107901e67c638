/* curl's transfers on the host's loop: its sockets and its timer as events. Main thread. */
#ifndef HOST_CLIENT_MULTI_H
#define HOST_CLIENT_MULTI_H

#include "client/curl_api.h"
#include <stdbool.h>

/* Called when a transfer is over, with what was set as CURLOPT_PRIVATE; never from inside multi_add. */
typedef void (*multi_ended_fn)(void *private_data, CURLcode code);

bool multi_init(multi_ended_fn ended);
bool multi_add(CURL *easy);
/* Not from inside a callback of curl's. */
void multi_remove(CURL *easy);
/* After a transfer was let go on. */
void multi_kick(void);
/* True while curl is calling, when transfers cannot be removed. */
bool multi_is_calling(void);
void multi_release(void);

#endif
