/* OAuth 2.1 for agents: the authorization code with PKCE (RFC 7636) and the device code (RFC 8628) in one flow, and refreshing, once at a
 * time for each agent. State and code_verifier are bound to each other, to the agent, and used once. */
#include "acp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRANTS_MOST 32
#define GRANT_S 900
#define ANSWER_MOST (256u << 10)
#define REDIRECT "http://localhost:3001/api/acp/oauth/callback"
#define RANDOM_BYTES 32
#define RANDOM_TEXT 44 /* base64url of 32 bytes, NUL */

/* What is known of providers; who the client is must be configured. */
static const struct {
  const char *agent, *authorize, *token, *device, *scopes;
} known[] = {
    {"claude-code", "https://claude.ai/oauth/authorize", "https://console.anthropic.com/v1/oauth/token", "",
     "org:create_api_key user:profile user:inference"},
    {"gemini-cli", "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token", "https://oauth2.googleapis.com/device/code",
     "https://www.googleapis.com/auth/cloud-platform openid email"},
};

struct provider {
  struct kit_text client_id, client_secret, authorize, token, device, scopes, redirect;
};

/* A flow under way. */
struct grant {
  struct grant *next;
  struct acp *m;
  char agent[NAME_BYTES];
  char state[RANDOM_TEXT], verifier[RANDOM_TEXT];
  struct kit_text device_code;
  char *url; /* of the project's gateway, NULL: none */
  int64_t ends_s, interval_s;
  bp_timer timer;
  struct call *call; /* waits for the token */
};

/* ---- Providers ---- */

static void provider_free(struct provider *p) {
  kit_text_free(&p->client_id);
  kit_text_free(&p->client_secret);
  kit_text_free(&p->authorize);
  kit_text_free(&p->token);
  kit_text_free(&p->device);
  kit_text_free(&p->scopes);
  kit_text_free(&p->redirect);
}

static struct kit_text member(const struct acp *m, bp_json object, const char *name, const char *fallback) {
  bp_str text = str_z(fallback);
  get_text(m, object, name, &text);
  return text_copy(text);
}

static bool provider_of(const struct acp *m, bp_str agent, struct provider *ret) {
  bp_str text = {NULL, 0}, id = {NULL, 0};
  bp_json list = 0, item = 0;
  bool is_found = false;
  m->config->json_text(m->self, BP_LIT("oauth"), &text);
  if (m->json->parse(m->self, text, &list, NULL) != BP_OK)
    return false;
  for (uint32_t i = 0; !is_found && m->json->at(list, i, &item) == BP_OK; i++)
    is_found = get_text(m, item, "agentId", &id) && id.len == agent.len && memcmp(id.ptr, agent.ptr, id.len) == 0;
  if (is_found) {
    size_t k = 0, count = sizeof(known) / sizeof(known[0]);
    while (k < count && !kit_same(agent, known[k].agent))
      k++;
    bool is_known = k < count;
    *ret = (struct provider){.client_id = member(m, item, "clientId", ""),
                             .client_secret = member(m, item, "clientSecret", ""),
                             .authorize = member(m, item, "authorizationEndpoint", is_known ? known[k].authorize : ""),
                             .token = member(m, item, "tokenEndpoint", is_known ? known[k].token : ""),
                             .device = member(m, item, "deviceAuthorizationEndpoint", is_known ? known[k].device : ""),
                             .scopes = member(m, item, "scopes", is_known ? known[k].scopes : ""),
                             .redirect = member(m, item, "redirectUri", REDIRECT)};
    is_found = ret->client_id.len && ret->token.len && (ret->authorize.len || ret->device.len);
    if (!is_found)
      provider_free(ret);
  }
  m->json->release(m->self, list);
  return is_found;
}

bool oauth_knows(const struct acp *m, bp_str agent) {
  struct provider p = {0};
  bool is_known = provider_of(m, agent, &p);
  if (is_known)
    provider_free(&p);
  return is_known;
}

/* ---- Small things ---- */

static void base64url(const uint8_t bytes[32], char out[RANDOM_TEXT]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t at = 0;
  for (size_t i = 0; i < 33; i += 3) {
    uint32_t group = (uint32_t)bytes[i] << 16 | (i + 1 < 32 ? (uint32_t)bytes[i + 1] << 8 : 0) | (i + 2 < 32 ? (uint32_t)bytes[i + 2] : 0);
    for (int k = 0; k < 4 && at < RANDOM_TEXT - 1; k++)
      out[at++] = letters[(group >> (18 - 6 * k)) & 63];
  }
  out[RANDOM_TEXT - 1] = '\0';
}

static void random_text(const struct acp *m, char out[RANDOM_TEXT]) {
  uint8_t bytes[RANDOM_BYTES];
  m->core->random_bytes(bytes, sizeof(bytes));
  base64url(bytes, out);
}

static void form_add(struct kit_buf *form, const char *name, bp_str value) {
  if (form->len)
    kit_buf_add(form, BP_LIT("&"), ANSWER_MOST);
  kit_buf_add(form, str_z(name), ANSWER_MOST);
  kit_buf_add(form, BP_LIT("="), ANSWER_MOST);
  percent_add(form, value);
}

static void form_client(struct kit_buf *form, const struct provider *p) {
  form_add(form, "client_id", kit_text_str(&p->client_id));
  if (p->client_secret.len)
    form_add(form, "client_secret", kit_text_str(&p->client_secret));
}

static bool post(struct acp *m, const struct kit_text *url, struct kit_buf *form,
                 void (*done)(void *, bp_exchange, bp_status, uint32_t, bp_str, const bp_error *), void *ctx) {
  const bp_client_header headers[] = {
      {.size = sizeof(bp_client_header), .name = BP_STR("Accept"), .value = BP_STR("application/json")},
      {.size = sizeof(bp_client_header), .name = BP_STR("Content-Type"), .value = BP_STR("application/x-www-form-urlencoded")},
  };
  const bp_client_request request = {.size = sizeof(request),
                                     .method = BP_STR("POST"),
                                     .url = kit_text_str(url),
                                     .headers = BP_ARRAY(headers),
                                     .body = kit_buf_str(form),
                                     .connect_timeout_ms = 10000,
                                     .total_timeout_ms = 25000,
                                     .response_limit_bytes = ANSWER_MOST};
  const bp_client_events events = {.size = sizeof(events), .done = done};
  bp_exchange exchange;
  bool is_sent = m->client->send(m->self, &request, &events, ctx, &exchange, NULL) == BP_OK;
  if (form->ptr)
    explicit_bzero(form->ptr, form->len);
  kit_buf_free(form);
  return is_sent;
}

/* Reads {access_token, refresh_token, expires_in, scope}; *ret_error is the error's code otherwise. The document must be released. */
static bool read_token(const struct acp *m, bp_status status, bp_str body, bp_json *ret_root, struct new_token *ret, bp_str *ret_error) {
  *ret_error = BP_LIT("the provider did not answer");
  if (status != BP_OK || m->json->parse(m->self, body, ret_root, NULL) != BP_OK)
    return false;
  *ret_error = BP_LIT("the provider's answer has no token");
  get_text(m, *ret_root, "error", ret_error);
  *ret = (struct new_token){0};
  get_text(m, *ret_root, "refresh_token", &ret->refresh);
  get_text(m, *ret_root, "scope", &ret->scopes);
  get_integer(m, *ret_root, "expires_in", &ret->expires_in_s);
  return get_text(m, *ret_root, "access_token", &ret->access) && ret->access.len > 0;
}

/* ---- Flows under way ---- */

static void grant_free(struct grant *g) {
  if (g->timer)
    g->m->loop->timer_cancel(g->timer);
  kit_text_free(&g->device_code);
  explicit_bzero(g->verifier, sizeof(g->verifier));
  free(g->url);
  free(g);
}

static void grant_unlink(struct grant *g) {
  for (struct grant **link = &g->m->grants; *link; link = &(*link)->next)
    if (*link == g) {
      *link = g->next;
      return;
    }
}

static struct grant *grant_new(struct call *call) {
  struct acp *m = call->m;
  char url[URL_BYTES];
  const char *fault;
  unsigned count = 0;
  struct grant **last = &m->grants;
  for (struct grant **link = &m->grants; *link; link = &(*link)->next) {
    count++;
    last = link;
  }
  if (count >= GRANTS_MOST && !(*last)->call) { /* the oldest makes room */
    struct grant *old = *last;
    *last = NULL;
    grant_free(old);
  }
  struct grant *g = calloc(1, sizeof(*g));
  if (!g)
    return NULL;
  *g = (struct grant){.m = m, .ends_s = now_s(m) + GRANT_S, .next = m->grants};
  copy_name(g->agent, NAME_BYTES, str_z(call->agent));
  if (upstream_of(m, &call->project, url, &fault))
    g->url = strdup(url);
  random_text(m, g->state);
  random_text(m, g->verifier);
  m->grants = g;
  return g;
}

void oauth_free(struct acp *m) {
  while (m->grants) {
    struct grant *g = m->grants;
    m->grants = g->next;
    grant_free(g);
  }
}

static void ignore(void *ctx, bp_json data, bp_str whole, const char *error) {
  (void)ctx;
  (void)data;
  (void)whole;
  (void)error;
}

static void tell_gateway(struct grant *g, const struct new_token *token) {
  const struct acp *m = g->m;
  bp_json_writer w = g->url ? writer(m) : 0;
  bp_str text = {NULL, 0};
  if (!w)
    return;
  m->json->object_begin(w);
  put_text(m, w, "token", token->access);
  if (token->expires_in_s > 0) {
    m->json->key(w, BP_LIT("expiresIn"));
    m->json->put_integer(w, token->expires_in_s);
  }
  m->json->object_end(w);
  if (m->json->writer_text(w, &text, NULL) == BP_OK)
    upstream_call(g->m, g->url, UP_AUTH_TOKEN, str_z(g->agent), text, ignore, NULL);
  m->json->writer_free(w);
}

/* ---- The authorization code ---- */

static void start_code(struct call *call, const struct provider *p) {
  const struct acp *m = call->m;
  uint8_t digest[32];
  char challenge[RANDOM_TEXT];
  struct kit_buf query = {0}, url = {0};
  struct grant *g = grant_new(call);
  bp_json_writer w = g ? writer(m) : 0;
  if (!w) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->core->sha256(str_z(g->verifier), digest);
  base64url(digest, challenge);
  form_add(&query, "response_type", BP_LIT("code"));
  form_add(&query, "client_id", kit_text_str(&p->client_id));
  form_add(&query, "redirect_uri", kit_text_str(&p->redirect));
  if (p->scopes.len)
    form_add(&query, "scope", kit_text_str(&p->scopes));
  form_add(&query, "state", str_z(g->state));
  form_add(&query, "code_challenge", str_z(challenge));
  form_add(&query, "code_challenge_method", BP_LIT("S256"));
  kit_buf_add(&url, kit_text_str(&p->authorize), ANSWER_MOST);
  kit_buf_add(&url, memchr(p->authorize.ptr, '?', p->authorize.len) ? BP_LIT("&") : BP_LIT("?"), ANSWER_MOST);
  kit_buf_add(&url, kit_buf_str(&query), ANSWER_MOST);
  m->json->object_begin(w);
  put_text(m, w, "authUrl", kit_buf_str(&url));
  m->json->key(w, BP_LIT("expiresIn"));
  m->json->put_integer(w, GRANT_S);
  put_text(m, w, "message", BP_LIT("Open authUrl in a browser; if it does not come back by itself, send code and state to auth/callback"));
  m->json->object_end(w);
  kit_buf_free(&query);
  kit_buf_free(&url);
  call_data(call, w);
}

static void on_stored(void *ctx, bp_status status) {
  struct grant *g = ctx;
  if (g->call && status == BP_OK)
    call_data_text(g->call, BP_LIT("{\"authenticated\":true}"));
  else if (g->call)
    call_problem(g->call, 500, "", "Failed to save auth token");
  g->call = NULL;
  grant_free(g);
}

/* The grant is off the list: its state has been used. */
static void on_token(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct grant *g = ctx;
  struct acp *m = g->m;
  bp_json root = 0;
  struct new_token token;
  bp_str error;
  char text[300];
  (void)exchange;
  (void)http_status;
  (void)err;
  if (read_token(m, status, body, &root, &token, &error)) {
    tell_gateway(g, &token);
    token_store(m, str_z(g->agent), &token, on_stored, g);
  } else {
    (void)snprintf(text, sizeof(text), "The provider refused: %.*s", (int)(error.len > 200 ? 200 : error.len), error.ptr);
    if (g->call)
      call_problem(g->call, 400, "", text);
    grant_free(g);
  }
  if (root)
    m->json->release(m->self, root);
}

static struct grant *take_grant(struct acp *m, bp_str state) {
  for (struct grant *g = m->grants; g; g = g->next)
    if (kit_same(state, g->state)) {
      grant_unlink(g);
      g->next = NULL;
      if (now_s(m) <= g->ends_s)
        return g;
      grant_free(g);
      return NULL;
    }
  return NULL;
}

void oauth_finish(struct call *call, bp_str code, bp_str state) {
  struct acp *m = call->m;
  struct provider p = {0};
  struct kit_buf form = {0};
  struct grant *g = take_grant(m, state);
  if (!g || (call->agent[0] && strcmp(call->agent, g->agent) != 0) || !provider_of(m, str_z(g->agent), &p)) {
    if (g)
      grant_free(g);
    call_problem(call, 400, "", "Unknown or expired state: start the authentication again");
    return;
  }
  g->call = call;
  form_add(&form, "grant_type", BP_LIT("authorization_code"));
  form_add(&form, "code", code);
  form_add(&form, "redirect_uri", kit_text_str(&p.redirect));
  form_add(&form, "code_verifier", str_z(g->verifier));
  form_client(&form, &p);
  if (!post(m, &p.token, &form, on_token, g)) {
    g->call = NULL;
    grant_free(g);
    call_problem(call, 503, "", "too many requests are under way");
  }
  provider_free(&p);
}

void run_oauth_callback(struct call *call) {
  const bp_http_1 *http = call->m->http;
  bp_str code = {NULL, 0}, state = {NULL, 0}, error = {NULL, 0};
  char text[300];
  if (http->param(call->request, BP_LIT("error"), &error) == BP_OK) {
    (void)snprintf(text, sizeof(text), "The provider refused: %.*s", (int)(error.len > 200 ? 200 : error.len), error.ptr);
    call_problem(call, 400, "", text);
  } else if (http->param(call->request, BP_LIT("code"), &code) == BP_OK && http->param(call->request, BP_LIT("state"), &state) == BP_OK) {
    oauth_finish(call, code, state);
  } else {
    call_problem(call, 400, "", "code and state are required");
  }
}

/* ---- The device code ---- */

static void on_poll_timer(void *ctx, bp_timer timer);

static void poll_later(struct grant *g) {
  if (now_s(g->m) > g->ends_s || g->m->is_draining || g->m->loop->timer(g->m->self, g->interval_s * 1000, 0, on_poll_timer, g, &g->timer) != BP_OK) {
    grant_unlink(g);
    grant_free(g);
  }
}

static void on_polled(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct grant *g = ctx;
  struct acp *m = g->m;
  bp_json root = 0;
  struct new_token token;
  bp_str error;
  (void)exchange;
  (void)http_status;
  (void)err;
  if (read_token(m, status, body, &root, &token, &error)) {
    grant_unlink(g);
    g->next = NULL;
    tell_gateway(g, &token);
    token_store(m, str_z(g->agent), &token, on_stored, g);
  } else if (status != BP_OK || kit_same(error, "authorization_pending") || kit_same(error, "slow_down")) {
    g->interval_s += kit_same(error, "slow_down") ? 5 : 0;
    poll_later(g);
  } else {
    grant_unlink(g);
    grant_free(g);
  }
  if (root)
    m->json->release(m->self, root);
}

static void on_poll_timer(void *ctx, bp_timer timer) {
  struct grant *g = ctx;
  struct provider p = {0};
  struct kit_buf form = {0};
  (void)timer;
  g->timer = 0;
  if (!provider_of(g->m, str_z(g->agent), &p)) {
    grant_unlink(g);
    grant_free(g);
    return;
  }
  form_add(&form, "grant_type", BP_LIT("urn:ietf:params:oauth:grant-type:device_code"));
  form_add(&form, "device_code", kit_text_str(&g->device_code));
  form_client(&form, &p);
  if (!post(g->m, &p.token, &form, on_polled, g))
    poll_later(g);
  provider_free(&p);
}

static void on_device(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct call *call = ctx;
  struct acp *m = call->m;
  bp_json root = 0;
  bp_str device = {NULL, 0}, user_code = {NULL, 0}, uri = {NULL, 0};
  int64_t expires_s = GRANT_S;
  (void)exchange;
  (void)http_status;
  (void)err;
  bool is_good = status == BP_OK && m->json->parse(m->self, body, &root, NULL) == BP_OK && get_text(m, root, "device_code", &device) &&
                 get_text(m, root, "user_code", &user_code) && get_text(m, root, "verification_uri", &uri);
  struct grant *g = is_good ? grant_new(call) : NULL;
  bp_json_writer w = g ? writer(m) : 0;
  if (!w) {
    if (root)
      m->json->release(m->self, root);
    call_problem(call, 500, "", "The provider gave no device code");
    return;
  }
  get_text(m, root, "verification_uri_complete", &uri);
  get_integer(m, root, "expires_in", &expires_s);
  g->interval_s = 5;
  get_integer(m, root, "interval", &g->interval_s);
  g->interval_s = g->interval_s < 1 ? 1 : g->interval_s > 60 ? 60 : g->interval_s;
  g->ends_s = now_s(m) + (expires_s > 0 && expires_s < GRANT_S * 4 ? expires_s : GRANT_S);
  g->device_code = kit_text_copy(device);
  m->json->object_begin(w);
  put_text(m, w, "authUrl", uri);
  put_text(m, w, "userCode", user_code);
  m->json->key(w, BP_LIT("expiresIn"));
  m->json->put_integer(w, expires_s);
  put_text(m, w, "message", BP_LIT("Open authUrl and enter userCode; auth/status tells when it is done"));
  m->json->object_end(w);
  m->json->release(m->self, root);
  poll_later(g);
  call_data(call, w);
}

void oauth_start(struct call *call) {
  struct acp *m = call->m;
  struct provider p = {0};
  struct kit_buf form = {0};
  bp_str flow = {NULL, 0};
  if (!provider_of(m, str_z(call->agent), &p)) {
    call_problem(call, 500, "", "the provider is not configured any more");
    return;
  }
  get_text(m, call->body, "flow", &flow);
  if (p.authorize.len && !(kit_same(flow, "device") && p.device.len)) {
    start_code(call, &p);
  } else {
    form_client(&form, &p);
    if (p.scopes.len)
      form_add(&form, "scope", kit_text_str(&p.scopes));
    if (!post(m, &p.device, &form, on_device, call))
      call_problem(call, 503, "", "too many requests are under way");
  }
  provider_free(&p);
}

/* ---- Refreshing: one request for all who wait ---- */

struct refresh_wait {
  struct refresh_wait *next;
  token_fn done;
  void *ctx;
};

struct refreshing {
  struct refreshing *next;
  struct acp *m;
  char agent[NAME_BYTES];
  struct kit_text refresh_token;
  struct refresh_wait *waits;
};

static void refreshed(void *ctx, bp_status status) {
  struct refreshing *r = ctx;
  for (struct refreshing **link = &r->m->refreshing; *link; link = &(*link)->next)
    if (*link == r) {
      *link = r->next;
      break;
    }
  while (r->waits) {
    struct refresh_wait *wait = r->waits;
    r->waits = wait->next;
    wait->done(wait->ctx, status);
    free(wait);
  }
  if (r->refresh_token.ptr)
    explicit_bzero(r->refresh_token.ptr, r->refresh_token.len);
  kit_text_free(&r->refresh_token);
  free(r);
}

static void on_refreshed(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct refreshing *r = ctx;
  struct acp *m = r->m;
  bp_json root = 0;
  struct new_token token;
  bp_str error;
  (void)exchange;
  (void)http_status;
  (void)err;
  if (read_token(m, status, body, &root, &token, &error)) {
    if (!token.refresh.len) /* the old one stays good */
      token.refresh = kit_text_str(&r->refresh_token);
    token_store(m, str_z(r->agent), &token, refreshed, r);
  } else {
    note(m, BP_LOG_WARN, "the token of agent %s could not be refreshed: %.*s", r->agent, (int)(error.len > 100 ? 100 : error.len), error.ptr);
    refreshed(r, BP_E_DENIED);
  }
  if (root)
    m->json->release(m->self, root);
}

static struct refreshing *begin_refresh(struct acp *m, bp_str agent, bp_str refresh_token, struct refresh_wait *wait) {
  struct provider p = {0};
  struct kit_buf form = {0};
  struct refreshing *r = calloc(1, sizeof(*r));
  if (!r || !provider_of(m, agent, &p)) {
    free(r);
    return NULL;
  }
  *r = (struct refreshing){.m = m, .next = m->refreshing, .refresh_token = kit_text_copy(refresh_token), .waits = wait};
  copy_name(r->agent, NAME_BYTES, agent);
  form_add(&form, "grant_type", BP_LIT("refresh_token"));
  form_add(&form, "refresh_token", refresh_token);
  form_client(&form, &p);
  bool is_sent = post(m, &p.token, &form, on_refreshed, r);
  provider_free(&p);
  if (is_sent) {
    m->refreshing = r;
    return r;
  }
  kit_text_free(&r->refresh_token);
  free(r);
  return NULL;
}

void oauth_refresh(struct acp *m, bp_str agent, bp_str refresh_token, token_fn done, void *ctx) {
  struct refresh_wait *wait = calloc(1, sizeof(*wait));
  if (wait)
    *wait = (struct refresh_wait){.done = done, .ctx = ctx};
  for (struct refreshing *r = m->refreshing; wait && r; r = r->next)
    if (kit_same(agent, r->agent)) {
      wait->next = r->waits;
      r->waits = wait;
      return;
    }
  if (wait && begin_refresh(m, agent, refresh_token, wait))
    return;
  free(wait);
  done(ctx, BP_E_BUSY);
}
