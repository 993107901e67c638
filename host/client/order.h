/* What a plugin asks for, checked and copied: URL, method, headers, body. Redirects change it. Main thread. */
#ifndef HOST_CLIENT_ORDER_H
#define HOST_CLIENT_ORDER_H

#include "base/buf.h"
#include "client/curl_api.h"
#include <backplane/client.h>
#include <stdbool.h>

#define CLIENT_BODY_MAX ((uint64_t)64 * 1024 * 1024)

struct order_header {
  char *line; /* as curl takes it */
  size_t name_len;
  bool is_secret;
};

struct order {
  char *method;
  char *url;
  char *unix_socket; /* or NULL */
  struct order_header *headers;
  unsigned header_count;
  struct buf body;
  bool has_body;
};

/* Nothing of curl's is needed for checking but its URL parser. BP_E_INVALID and BP_E_DENIED say which part is wrong. */
bp_status order_make(const bp_client_request *request, struct order *ret, bp_error *err);
void order_release(struct order *order);

/* Points the order at where a redirect with this status leads. Credentials stay behind when the origin changes. */
bp_status order_follow(struct order *order, long status, const char *url, bp_error *err);
/* The headers as curl's list, owned by the caller; NULL without memory. */
struct curl_slist *order_headers(const struct order *order);
/* "host:port" for messages: never the path or query, which may hold secrets. */
void order_host(const struct order *order, char *ret, size_t size);

#endif
