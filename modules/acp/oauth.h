/* The insides of OAuth 2.1 for agents, shared by the files oauth*.c: providers, and the flows under way. What the rest of the module calls is
 * in acp.h. */
#ifndef ACP_OAUTH_H
#define ACP_OAUTH_H

#include "acp.h"

#define OAUTH_GRANT_S 900
#define OAUTH_ANSWER_MOST (256u << 10)
#define OAUTH_RANDOM_TEXT 44 /* base64url of 32 bytes, NUL */

/* ---- oauth_provider.c: what providers are, what they are asked, and what they answer ---- */

struct provider {
  struct kit_text client_id, client_secret, authorize, token, device, scopes, redirect;
};

/* True: `ret` is the caller's to free. */
bool provider_find(const struct acp *m, bp_str agent, struct provider *ret);
void provider_free(struct provider *p);
/* Adds name=value to a form or a query. */
void form_add(struct kit_buf *form, const char *name, bp_str value);
/* Adds who the client is. */
void provider_form(struct kit_buf *form, const struct provider *p);
/* Posts the form, which is used up. False: `done` is not called. */
bool provider_post(struct acp *m, const struct kit_text *url, struct kit_buf *form,
                   void (*done)(void *, bp_exchange, bp_status, uint32_t, bp_str, const bp_error *), void *ctx);
/* Reads {access_token, refresh_token, expires_in, scope}; *ret_error is the error's code otherwise. The document must be released. */
bool provider_token(const struct acp *m, bp_status status, bp_str body, bp_json *ret_root, struct new_token *ret, bp_str *ret_error);

/* ---- oauth_grants.c: flows under way ---- */

struct grant {
  struct grant *next;
  struct acp *m;
  char agent[NAME_BYTES];
  char state[OAUTH_RANDOM_TEXT], verifier[OAUTH_RANDOM_TEXT];
  struct kit_text device_code;
  char *url; /* of the project's gateway, NULL: none */
  int64_t ends_s, interval_s;
  bp_timer timer;
  struct call *call; /* waits for the token */
};

void base64url(const uint8_t bytes[32], char out[OAUTH_RANDOM_TEXT]);
/* On the list, with a state and a code_verifier of its own; NULL without memory. */
struct grant *grant_new(struct call *call);
/* Takes the one with that state off the list, for its state is used once; NULL if there is none, or it has ended. */
struct grant *grant_take(struct acp *m, bp_str state);
void grant_unlink(struct grant *g);
/* It is off the list. */
void grant_free(struct grant *g);
/* Off the list: stores the token, tells the gateway, answers who waits, and frees it. */
void grant_succeed(struct grant *g, const struct new_token *token);

/* ---- oauth_code.c and oauth_device.c: the two flows ---- */

void oauth_start_code(struct call *call, const struct provider *p);
void oauth_start_device(struct call *call, const struct provider *p);

#endif
