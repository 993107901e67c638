/* Refreshing tokens: one request for all who wait. */
#include "oauth.h"

#include <stdlib.h>
#include <string.h>

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
  if (provider_token(m, status, body, &root, &token, &error)) {
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
  if (!r || !provider_find(m, agent, &p)) {
    free(r);
    return NULL;
  }
  *r = (struct refreshing){.m = m, .next = m->refreshing, .refresh_token = kit_text_copy(refresh_token), .waits = wait};
  copy_name(r->agent, NAME_BYTES, agent);
  form_add(&form, "grant_type", BP_LIT("refresh_token"));
  form_add(&form, "refresh_token", refresh_token);
  provider_form(&form, &p);
  bool is_sent = provider_post(m, &p.token, &form, on_refreshed, r);
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
