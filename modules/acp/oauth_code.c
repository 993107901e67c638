/* The authorization code with PKCE (RFC 7636). */
#include "oauth.h"

#include <stdio.h>
#include <string.h>

void oauth_start_code(struct call *call, const struct provider *p) {
  const struct acp *m = call->m;
  uint8_t digest[32];
  char challenge[OAUTH_RANDOM_TEXT];
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
  kit_buf_add(&url, kit_text_str(&p->authorize), OAUTH_ANSWER_MOST);
  kit_buf_add(&url, memchr(p->authorize.ptr, '?', p->authorize.len) ? BP_LIT("&") : BP_LIT("?"), OAUTH_ANSWER_MOST);
  kit_buf_add(&url, kit_buf_str(&query), OAUTH_ANSWER_MOST);
  m->json->object_begin(w);
  put_text(m, w, "authUrl", kit_buf_str(&url));
  m->json->key(w, BP_LIT("expiresIn"));
  m->json->put_integer(w, OAUTH_GRANT_S);
  put_text(m, w, "message", BP_LIT("Open authUrl in a browser; if it does not come back by itself, send code and state to auth/callback"));
  m->json->object_end(w);
  kit_buf_free(&query);
  kit_buf_free(&url);
  call_data(call, w);
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
  if (provider_token(m, status, body, &root, &token, &error)) {
    grant_succeed(g, &token);
  } else {
    (void)snprintf(text, sizeof(text), "The provider refused: %.*s", (int)(error.len > 200 ? 200 : error.len), error.ptr);
    if (g->call)
      call_problem(g->call, 400, "", text);
    grant_free(g);
  }
  if (root)
    m->json->release(m->self, root);
}

void oauth_finish(struct call *call, bp_str code, bp_str state) {
  struct acp *m = call->m;
  struct provider p = {0};
  struct kit_buf form = {0};
  struct grant *g = grant_take(m, state);
  if (!g || (call->agent[0] && strcmp(call->agent, g->agent) != 0) || !provider_find(m, str_z(g->agent), &p)) {
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
  provider_form(&form, &p);
  if (!provider_post(m, &p.token, &form, on_token, g)) {
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
