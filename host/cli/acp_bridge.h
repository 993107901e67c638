/* What the two files of `backplane acp` share: acp.c speaks with the editor, acp_events.c follows the gateway. */
#ifndef HOST_CLI_ACP_BRIDGE_H
#define HOST_CLI_ACP_BRIDGE_H

#include "cli/wire.h"

#include <pthread.h>

struct acp_bridge {
  pthread_mutex_t lock;   /* guards the two tables */
  pthread_cond_t changed; /* a turn has ended */
  json_t *sessions;       /* by id, that the editor has opened: the number of turns that have ended */
  json_t *questions;      /* by id, that the editor was asked: their options */
  const char *state_dir, *agent, *session;
};
extern struct acp_bridge acp_bridge;

/* acp.c. Takes the message. */
void acp_put(json_t *message);
/* Asks PATH ID REST of the gateway; the answer's JSON or NULL, and its status, 0 for none. */
json_t *acp_ask(const char *method, const char *path, const char *id, const char *rest, const json_t *body, int64_t *ret_status);

/* acp_events.c */
bool acp_is_name(const char *id); /* can stand in a URL as it is */
bool acp_listen(void);            /* false: there is no gateway */
unsigned acp_attach(const char *session);
/* Waits until more turns than `before` have ended, or some seconds. */
void acp_await_end(const char *session, unsigned before);
/* The transcript, as updates. */
void acp_replay(const char *session);
/* Asks the editor what the session's agent has asked before. */
void acp_forward_open(const char *session);
/* The editor's answer to a question; NULL for an error. */
void acp_take_answer(const char *id, const json_t *result);

#endif
