/* Providers of tokens; see oauth.h. */
#include "oauth.h"

#include <string.h>

#define REDIRECT "http://localhost:3001/api/acp/oauth/callback"

/* What is known of providers; who the client is must be configured. */
static const struct {
  const char *agent, *authorize, *token, *device, *scopes;
} known[] = {
    {"claude-code", "https://claude.ai/oauth/authorize", "https://console.anthropic.com/v1/oauth/token", "",
     "org:create_api_key user:profile user:inference"},
    {"gemini-cli", "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token", "https://oauth2.googleapis.com/device/code",
     "https://www.googleapis.com/auth/cloud-platform openid email"},
};

void provider_free(struct provider *p) {
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

bool provider_find(const struct acp *m, bp_str agent, struct provider *ret) {
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
  bool is_known = provider_find(m, agent, &p);
  if (is_known)
    provider_free(&p);
  return is_known;
}

/* ---- Asking one ---- */

void form_add(struct kit_buf *form, const char *name, bp_str value) {
  if (form->len)
    kit_buf_add(form, BP_LIT("&"), OAUTH_ANSWER_MOST);
  kit_buf_add(form, str_z(name), OAUTH_ANSWER_MOST);
  kit_buf_add(form, BP_LIT("="), OAUTH_ANSWER_MOST);
  percent_add(form, value);
}

void provider_form(struct kit_buf *form, const struct provider *p) {
  form_add(form, "client_id", kit_text_str(&p->client_id));
  if (p->client_secret.len)
    form_add(form, "client_secret", kit_text_str(&p->client_secret));
}

bool provider_post(struct acp *m, const struct kit_text *url, struct kit_buf *form,
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
                                     .response_limit_bytes = OAUTH_ANSWER_MOST};
  const bp_client_events events = {.size = sizeof(events), .done = done};
  bp_exchange exchange;
  bool is_sent = m->client->send(m->self, &request, &events, ctx, &exchange, NULL) == BP_OK;
  if (form->ptr)
    explicit_bzero(form->ptr, form->len);
  kit_buf_free(form);
  return is_sent;
}

bool provider_token(const struct acp *m, bp_status status, bp_str body, bp_json *ret_root, struct new_token *ret, bp_str *ret_error) {
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
