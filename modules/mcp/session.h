/* A client of the aggregated MCP server: its session, the event streams it reads, and the calls it waits for.
 *
 * A feed is one stream of the Streamable HTTP transport: a POST's, which ends with the answer, or the session's own (number 0),
 * which GET opens. Events are kept for replay after a connection broke, within limits. A feed outlives its connection; a
 * session outlives all of them, until DELETE or session_idle_s. */
#ifndef MCP_SESSION_H
#define MCP_SESSION_H

#include "instance.h"

#define SESSION_ID_BYTES 33u
#define CALLS_MOST 64u                 /* at a time in one session */
#define FEED_BYTES_MOST (1u << 20)     /* beyond it, messages that may be lost are */
#define SESSION_BYTES_MOST (32u << 20) /* of all feeds; the oldest finished feeds go first */
#define FEEDS_MOST 128u                /* kept by one session, finished ones included */
#define FEED_KEPT_MS 120000            /* after its end, for who lost the connection */
#define RETRY_MS 500                   /* what clients are told to wait before they come again */
#define SUBSCRIPTIONS_MOST 256u
#define TOLD_KINDS 3 /* tools, resources, prompts */

/* Which servers a client sees: all, one, or a group. */
enum scope_kind { SCOPE_ALL, SCOPE_SERVER, SCOPE_GROUP };
struct scope {
  enum scope_kind kind;
  char *name;
};

struct event {
  struct event *next;
  uint32_t number;
  size_t len;
  char data[]; /* a whole SSE event */
};

struct feed {
  struct feed *next;
  struct session *session;
  uint32_t number;
  bp_stream out; /* 0 while nobody reads */
  struct event *first, *last;
  struct event *unsent; /* the next to be sent */
  size_t unsent_offset;
  uint32_t next_event;
  size_t bytes;
  bool is_ended;
  int64_t ended_ms;
};

struct subscription {
  struct subscription *next;
  char *server, *uri;
};

struct session {
  struct session *next;
  struct mcp *m;
  char id[SESSION_ID_BYTES];
  char *principal;
  char *capabilities; /* JSON, as the client said them */
  const char *version;
  bool has_roots, has_sampling, has_elicitation, has_level, has_primer;
  unsigned level; /* of messages, 0 debug ... 7 emergency */
  struct scope scope;
  struct feed *feeds; /* newest first */
  unsigned feed_count;
  uint32_t next_feed;
  uint32_t told[TOLD_KINDS]; /* after its last event in the own feed that said the list has changed; 0: none has */
  size_t bytes;
  struct call *calls; /* newest first */
  unsigned call_count;
  struct subscription *subscriptions;
  unsigned subscription_count;
  int64_t next_ask;
  int64_t used_ms;
};

/* session.c */
struct session *session_new(struct mcp *m, bp_str principal, const struct scope *scope, bp_json params);
void session_end(struct session *session);
struct session *session_find(const struct mcp *m, bp_str id, bp_str principal);
/* Whether it gets processes of its own: its client can be asked, or has chosen a level of messages. */
bool session_is_private(const struct session *session);
bool session_can_answer(const struct session *session, bp_str method);
void session_instance_ready(struct session *session, struct instance *instance);
void session_instance_ended(struct session *session, struct instance *instance);
void sessions_tick(struct mcp *m, int64_t now);
/* Tells every session that sees the server. */
void sessions_lists_changed(struct mcp *m, const struct server *server);
void session_tell_lists(struct session *session, unsigned changed);
bool scope_has(const struct mcp *m, const struct scope *scope, const struct server *server);
bool session_knows_version(bp_str version);
/* The instance is the one that was subscribed on. False: too many. */
bool session_subscribe(struct session *session, const char *server, const char *uri, struct instance *instance);
void session_unsubscribe(struct session *session, const char *server, const char *uri);
/* Whether another session that shares the server's process wants the resource. */
bool sessions_subscribed(const struct mcp *m, const char *server, const char *uri, const struct session *but);
void sessions_shared_ready(struct instance *instance);
void ignore_outcome(void *ctx, const struct outcome *outcome);
/* level_of: 0 to 7, or -1. */
int level_of(bp_str name);

/* feed.c */
struct feed *feed_new(struct session *session, bool is_own);
struct feed *feed_own(struct session *session);
/* Answers the request with the stream, from after event `after` on (UINT32_MAX: what has not been sent). */
bool feed_attach(struct feed *feed, bp_request request, uint32_t after);
/* Ends the connection; the feed stays, for who comes again. */
void feed_detach(struct feed *feed);
/* Whether the event before number `after` is still to be sent, all of it. */
bool feed_has_unsent(const struct feed *feed, uint32_t after);
/* Adds a message; takes it over. With `may_drop` it is lost where the feed is full. False: it is not taken. */
bool feed_put(struct feed *feed, struct text *message, bool may_drop);
/* Nothing more will come. */
void feed_end(struct feed *feed);
void feed_free(struct feed *feed);
struct feed *feed_find(const struct session *session, bp_str event_id, uint32_t *ret_event);
void feeds_expire(struct session *session, int64_t now);

/* ---- Calls ---- */

/* A request that a server answers: a client's, or POST /api/mcp/{id}/execute. */
struct call {
  struct call *next; /* of the session */
  struct mcp *m;
  struct session *session; /* NULL for execute, and once the session has ended */
  struct feed *feed;
  bp_request request; /* of execute; 0 otherwise */
  char *id;           /* the client's, JSON text */
  char *token;        /* the client's progress token, JSON text, or NULL */
  char *method;
  char *server_id;
  char *name;      /* tool or prompt as the server knows it, or NULL */
  char *arguments; /* JSON text that takes the place of params.arguments, or NULL */
  bp_json params;  /* own copy, or 0 */
  struct instance *instance;
  int64_t pending;
  bool is_waking, is_deciding, is_cancelled;
};

/* call.c */
struct call *call_new(struct mcp *m, struct session *session, bp_str id, bp_str method, bp_json params);
void call_free(struct call *call);
/* Starts it: wakes the server, sends, and answers on the feed or the request. */
void call_start(struct call *call, struct server *server);
/* The same for a tool, which the policy decides on first. */
void call_tool(struct call *call, struct server *server);
/* The facts of a tool call for the set "mcp"; `arguments` is JSON text or NULL. */
struct text call_facts(const struct mcp *m, const struct session *session, const char *server, const char *tool, const char *arguments);
/* The arguments in facts as JSON text; NULL where they are no object. */
char *facts_arguments(const struct mcp *m, bp_str facts_text);
void call_fail(struct call *call, int32_t code, const char *message);
/* Answers those the policy has not decided on; what it says later is of no interest. */
void session_fail_undecided(struct session *session, const char *why);
/* The client does not want it any more. */
void call_cancel(struct call *call);

#endif
