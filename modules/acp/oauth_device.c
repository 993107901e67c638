/* The device code (RFC 8628): the provider is asked from time to time whether the user has agreed. */
#include "oauth.h"

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
  if (provider_token(m, status, body, &root, &token, &error)) {
    grant_unlink(g);
    g->next = NULL;
    grant_succeed(g, &token);
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
  if (!provider_find(g->m, str_z(g->agent), &p)) {
    grant_unlink(g);
    grant_free(g);
    return;
  }
  form_add(&form, "grant_type", BP_LIT("urn:ietf:params:oauth:grant-type:device_code"));
  form_add(&form, "device_code", kit_text_str(&g->device_code));
  provider_form(&form, &p);
  if (!provider_post(g->m, &p.token, &form, on_polled, g))
    poll_later(g);
  provider_free(&p);
}

static void on_device(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct call *call = ctx;
  struct acp *m = call->m;
  bp_json root = 0;
  bp_str device = {NULL, 0}, user_code = {NULL, 0}, uri = {NULL, 0};
  int64_t expires_s = OAUTH_GRANT_S;
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
  g->ends_s = now_s(m) + (expires_s > 0 && expires_s < OAUTH_GRANT_S * 4 ? expires_s : OAUTH_GRANT_S);
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

void oauth_start_device(struct call *call, const struct provider *p) {
  struct kit_buf form = {0};
  provider_form(&form, p);
  if (p->scopes.len)
    form_add(&form, "scope", kit_text_str(&p->scopes));
  if (!provider_post(call->m, &p->device, &form, on_device, call))
    call_problem(call, 503, "", "too many requests are under way");
}
