/* Flows under way; see oauth.h. State and code_verifier are bound to each other, to the agent, and used once. */
#include "oauth.h"

#include <stdlib.h>
#include <string.h>

#define GRANTS_MOST 32
#define RANDOM_BYTES 32

void base64url(const uint8_t bytes[32], char out[OAUTH_RANDOM_TEXT]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t at = 0;
  for (size_t i = 0; i < 33; i += 3) {
    uint32_t group = (uint32_t)bytes[i] << 16 | (i + 1 < 32 ? (uint32_t)bytes[i + 1] << 8 : 0) | (i + 2 < 32 ? (uint32_t)bytes[i + 2] : 0);
    for (int k = 0; k < 4 && at < OAUTH_RANDOM_TEXT - 1; k++)
      out[at++] = letters[(group >> (18 - 6 * k)) & 63];
  }
  out[OAUTH_RANDOM_TEXT - 1] = '\0';
}

static void random_text(const struct acp *m, char out[OAUTH_RANDOM_TEXT]) {
  uint8_t bytes[RANDOM_BYTES];
  m->core->random_bytes(bytes, sizeof(bytes));
  base64url(bytes, out);
}

void grant_free(struct grant *g) {
  if (g->timer)
    g->m->loop->timer_cancel(g->timer);
  kit_text_free(&g->device_code);
  explicit_bzero(g->verifier, sizeof(g->verifier));
  free(g->url);
  free(g);
}

void grant_unlink(struct grant *g) {
  for (struct grant **link = &g->m->grants; *link; link = &(*link)->next)
    if (*link == g) {
      *link = g->next;
      return;
    }
}

struct grant *grant_new(struct call *call) {
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
  *g = (struct grant){.m = m, .ends_s = now_s(m) + OAUTH_GRANT_S, .next = m->grants};
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

struct grant *grant_take(struct acp *m, bp_str state) {
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

/* ---- The end that was hoped for ---- */

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

static void on_stored(void *ctx, bp_status status) {
  struct grant *g = ctx;
  if (g->call && status == BP_OK)
    call_data_text(g->call, BP_LIT("{\"authenticated\":true}"));
  else if (g->call)
    call_problem(g->call, 500, "", "Failed to save auth token");
  g->call = NULL;
  grant_free(g);
}

void grant_succeed(struct grant *g, const struct new_token *token) {
  tell_gateway(g, token);
  token_store(g->m, str_z(g->agent), token, on_stored, g);
}
