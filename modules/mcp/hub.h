/* The aggregated MCP server: what its clients see of all servers, and how their messages are answered. */
#ifndef MCP_HUB_H
#define MCP_HUB_H

#include "session.h"

#define HOLD_MS 25000 /* an asked tool call waits for a person so long */

/* A message of a client, while it is answered. */
struct incoming {
  struct mcp *m;
  struct session *session;
  bp_request request;
  bp_str id; /* JSON text, empty for a notification */
  bp_str method;
  bp_json params; /* 0: none */
};

/* endpoint.c */
void hub_post(void *state, bp_request request);
void hub_get(void *state, bp_request request);
void hub_delete(void *state, bp_request request);
void reply_result(const struct incoming *in, bp_str result);
void reply_error(const struct incoming *in, int32_t code, const char *message);
/* Takes a text over. */
void reply_rpc(const struct mcp *m, bp_request request, const struct session *session, uint32_t status, struct text *text);

/* dispatch.c */
void dispatch_request(const struct incoming *in);
void dispatch_notification(const struct incoming *in);
bool dispatch_answer(struct session *session, bp_json message);

/* aggregate.c */
const struct manifest *manifest_for(const struct server *server, const struct session *session);
/* Writes the array of one kind. */
void aggregate_list(struct session *session, enum list_kind kind, bp_json_writer out);
/* The server behind an exposed name, and the name it knows (owned by the caller); NULL: nobody's. */
struct server *aggregate_find(struct session *session, enum list_kind kind, bp_str exposed, char **ret_name);
struct server *aggregate_find_resource(struct session *session, bp_str uri);
/* Default arguments of a group's tool put below the given ones: JSON text, or NULL where there are none. */
char *aggregate_defaults(const struct session *session, const struct server *server, const char *tool, bp_json arguments);
/* The name a server's tool is exposed under, owned by the caller; NULL: it is not. */
char *aggregate_shown(struct session *session, const struct server *server, bp_str name);
unsigned aggregate_count(struct session *session, enum list_kind kind);

/* listing.c: the lists, after servers nobody knows yet have been started once. */
void listing_begin(const struct incoming *in, enum list_kind kind);

/* search.c */
bool search_is_offered(struct session *session);
void search_put_tool(const struct mcp *m, bp_json_writer out);
void search_call(const struct incoming *in);

#endif
