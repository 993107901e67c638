/* Descriptor and life cycle of the acp module. */
#include "acp.h"
#include "statements.h"

#include <stdlib.h>

#define SWEEP_MS 60000

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1),       KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1), KIT_NEED(BP_STREAM_1, bp_stream_1), KIT_NEED(BP_DB_1, bp_db_1),           KIT_NEED(BP_LIVE_1, bp_live_1),
    KIT_NEED(BP_LOOP_1, bp_loop_1), KIT_NEED(BP_CLIENT_1, bp_client_1), KIT_NEED(BP_SERVICE_1, bp_service_1), KIT_NEED(BP_SECRET_1, bp_secret_1),
};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("api_token"),
     .doc = BP_STR("The token clients must send as Authorization: Bearer; empty: the same user needs none."),
     .def = BP_STR("\"\""),
     .maximum = 1024,
     .is_secret = 1},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("user_id"),
     .doc = BP_STR("Whose tokens of agents are stored and used."),
     .def = BP_STR("\"default-user\""),
     .maximum = 100},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_BOOLEAN,
     .name = BP_STR("builtin"),
     .doc = BP_STR("Projects without fqdnUrl and containerPort use the gateway of this host."),
     .def = BP_STR("true")},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_JSON,
     .name = BP_STR("oauth"),
     .doc = BP_STR("OAuth clients of agents: a list of {agentId, clientId, clientSecret, authorizationEndpoint, tokenEndpoint, "
                   "deviceAuthorizationEndpoint, scopes, redirectUri}."),
     .def = BP_STR("[]"),
     .is_secret = 1},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_SUCCESS,
     .flags = BP_FAMILY_OWN_AUTHORIZATION,
     .validation_status = 400,
     .name = BP_STR("acp"),
     .title = BP_STR("ACP management API"),
     .not_found_text = BP_STR("Not found"),
     .not_allowed_text = BP_STR("Method not allowed"),
     .body_limit_bytes = 1u << 20,
     .admit = acp_admit,
     .challenge = BP_STR("Bearer realm=\"\"")},
};

#define TOPIC(word, text)                                                                                                                            \
  { sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("acp." word), BP_STR(text) }

static const bp_topic topics[] = {
    TOPIC("message", "{id, session_id, role} of a new message"),
    TOPIC("project", "the project"),
    TOPIC("session", "{id, status} of a session that has changed"),
};

static void destroy(void *state) {
  struct acp *m = state;
  m->is_draining = true;
  watches_free(m);
  calls_free(m);
  oauth_free(m);
  views_free(m);
  kit_text_free(&m->api_token);
  kit_text_free(&m->user);
  free(m);
}

static void read_options(struct acp *m) {
  bp_str text = {NULL, 0};
  uint32_t has_builtin = 1;
  m->config->string(m->self, BP_LIT("api_token"), &text);
  m->api_token = text_copy(text);
  if (kit_same(text, PUBLISHED_TOKEN))
    note(m, BP_LOG_ERROR, "API_TOKEN is the published default: it is refused; set another, or none");
  m->config->string(m->self, BP_LIT("user_id"), &text);
  m->user = text_copy(text.len ? text : BP_LIT("default-user"));
  m->config->boolean(m->self, BP_LIT("builtin"), &has_builtin);
  m->has_builtin = has_builtin;
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  struct acp *m = calloc(1, sizeof(*m));
  (void)err;
  if (!m)
    return BP_E_NO_MEMORY;
  m->self = self;
  m->core = host->get(self, BP_LIT(BP_CORE_1));
  m->config = host->get(self, BP_LIT(BP_CONFIG_1));
  m->json = host->get(self, BP_LIT(BP_JSON_1));
  m->log = host->get(self, BP_LIT(BP_LOG_1));
  m->http = host->get(self, BP_LIT(BP_HTTP_1));
  m->stream = host->get(self, BP_LIT(BP_STREAM_1));
  m->db = host->get(self, BP_LIT(BP_DB_1));
  m->live = host->get(self, BP_LIT(BP_LIVE_1));
  m->loop = host->get(self, BP_LIT(BP_LOOP_1));
  m->client = host->get(self, BP_LIT(BP_CLIENT_1));
  m->service = host->get(self, BP_LIT(BP_SERVICE_1));
  m->secret = host->get(self, BP_LIT(BP_SECRET_1));
  read_options(m);
  *ret_state = m;
  return BP_OK;
}

static void on_sweep(void *ctx, bp_timer timer) {
  (void)timer;
  watches_sweep(ctx);
}

static bp_status start(void *state, bp_error *err) {
  struct acp *m = state;
  bp_timer timer;
  (void)err;
  m->loop->timer(m->self, SWEEP_MS, SWEEP_MS, on_sweep, m, &timer);
  return watches_restore(m);
}

static bp_status drain(void *state) {
  struct acp *m = state;
  m->is_draining = true;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("acp"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Projects, sessions, messages and tokens of ACP agents, in a gateway of this host or another."),
    .family = BP_STR("acp"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(acp_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(acp_migrations),
    .statements = BP_ARRAY(acp_statements),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
