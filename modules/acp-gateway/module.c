/* Descriptor and life cycle of the acp-gateway module. */
#include "gateway.h"
#include "statements.h"

#include <stdlib.h>

#define PING_MS 30000

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1),       KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1), KIT_NEED(BP_DB_1, bp_db_1),         KIT_NEED(BP_LIVE_1, bp_live_1),       KIT_NEED(BP_LOOP_1, bp_loop_1),
    KIT_NEED(BP_PROC_1, bp_proc_1), KIT_NEED(BP_FS_1, bp_fs_1),         KIT_NEED(BP_SERVICE_1, bp_service_1), KIT_NEED(BP_POLICY_1, bp_policy_1),
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE_NAME)}};

#define MS_OPTION(word, text, value, low, high)                                                                                                      \
  {                                                                                                                                                  \
    .size = sizeof(bp_option), .type = BP_OPTION_INTEGER, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value), .minimum = (low),         \
    .maximum = (high)                                                                                                                                \
  }

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_JSON,
     .name = BP_STR("agents"),
     .doc = BP_STR("Agents to add or change: a list of {id, name, description, command, env, requiresAuth, authEnv, authMethod, clientFiles}."),
     .def = BP_STR("[]"),
     .is_secret = 1},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("working_directory"),
     .doc = BP_STR("Where sessions without a folder of their own work; empty: the folder the host was started in."),
     .def = BP_STR("\"\""),
     .maximum = 4095},
    MS_OPTION("permission_timeout_ms", "How long a permission waits for a person before it is denied.", "300000", 100, 86400000),
    MS_OPTION("turn_limit_ms", "How long a turn may take before it is cancelled.", "3600000", 1000, 86400000),
    MS_OPTION("start_timeout_ms", "How long an agent may take to answer initialize.", "60000", 1000, 600000),
    MS_OPTION("session_idle_ms", "A session without a prompt for this long is ended.", "3600000", 1000, 2592000000),
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_SUCCESS,
     .flags = BP_FAMILY_NOT_BARE | BP_FAMILY_OPTIONS_204,
     .validation_status = 400,
     .name = BP_STR("acp-gateway"),
     .title = BP_STR("ACP Gateway"),
     .not_found_text = BP_STR("Not found"),
     .not_allowed_text = BP_STR("Method not allowed"),
     .body_limit_bytes = 4u << 20},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR(EVENT_TOPIC), BP_STR("{type, sessionId?, agentId?, data, timestamp}")},
    {sizeof(bp_topic), BP_TOPIC_TICK, BP_STR(PING_TOPIC), BP_STR("a sign of life for streams of everything")},
    {sizeof(bp_topic), BP_TOPIC_TICK, BP_STR(SESSION_PING_TOPIC), BP_STR("the same for streams of one session")},
};

static void destroy(void *state) {
  struct gateway *gw = state;
  gw->is_draining = true;
  sessions_free(gw);
  calls_free(gw);
  agents_free(gw);
  free(gw->folder);
  free(gw);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  struct gateway *gw = calloc(1, sizeof(*gw));
  if (!gw)
    return BP_E_NO_MEMORY;
  gw->self = self;
  gw->core = host->get(self, BP_LIT(BP_CORE_1));
  gw->config = host->get(self, BP_LIT(BP_CONFIG_1));
  gw->json = host->get(self, BP_LIT(BP_JSON_1));
  gw->log = host->get(self, BP_LIT(BP_LOG_1));
  gw->http = host->get(self, BP_LIT(BP_HTTP_1));
  gw->db = host->get(self, BP_LIT(BP_DB_1));
  gw->live = host->get(self, BP_LIT(BP_LIVE_1));
  gw->loop = host->get(self, BP_LIT(BP_LOOP_1));
  gw->proc = host->get(self, BP_LIT(BP_PROC_1));
  gw->fs = host->get(self, BP_LIT(BP_FS_1));
  gw->service = host->get(self, BP_LIT(BP_SERVICE_1));
  gw->policy = host->get(self, BP_LIT(BP_POLICY_1));
  bp_status status = options_read(gw, err);
  if (status != BP_OK) {
    destroy(gw);
    return status;
  }
  views_init(gw);
  *ret_state = gw;
  return BP_OK;
}

static void on_sweep(void *ctx, bp_timer timer) {
  (void)timer;
  sessions_sweep(ctx);
}

static void on_ping(void *ctx, bp_timer timer) {
  const struct gateway *gw = ctx;
  (void)timer;
  if (gw->live->listeners(BP_LIT(PING_TOPIC)))
    gw->live->publish(gw->self, BP_LIT(PING_TOPIC), bp_str_make(NULL, 0), BP_LIT("{}"));
  if (!gw->live->listeners(BP_LIT(SESSION_PING_TOPIC)))
    return;
  for (const struct session *session = gw->sessions; session; session = session->next)
    gw->live->publish(gw->self, BP_LIT(SESSION_PING_TOPIC), str_z(session->id), BP_LIT("{}"));
}

static bp_status start(void *state, bp_error *err) {
  static const bp_str approvals[] = {BP_STR("bp.approval")}, budgets[] = {BP_STR("observability.budget")};
  struct gateway *gw = state;
  bp_subscription subscription;
  bp_timer timer;
  (void)err;
  int64_t sweep_ms = gw->idle_ms / 4 < 30000 ? gw->idle_ms / 4 : 30000;
  gw->loop->timer(gw->self, sweep_ms, sweep_ms, on_sweep, gw, &timer);
  gw->loop->timer(gw->self, PING_MS, PING_MS, on_ping, gw, &timer);
  gw->live->subscribe(gw->self, (bp_array)BP_ARRAY(approvals), bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, permission_approval, gw, &subscription);
  gw->live->subscribe(gw->self, (bp_array)BP_ARRAY(budgets), bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, timeline_budget, gw, &subscription);
  sessions_restore(gw);
  return service_start(gw);
}

/* The host ends the children, waits for them, and answers what is open. */
static bp_status drain(void *state) {
  struct gateway *gw = state;
  gw->is_draining = true;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("acp-gateway"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Runs coding agents that speak the Agent Client Protocol."),
    .family = BP_STR("acp-gateway"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(gateway_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(gateway_migrations),
    .statements = BP_ARRAY(gateway_statements),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
