/* Descriptor and life cycle of the swarm module. */
#include "statements.h"
#include "swarm.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1),     KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1),       KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1),     KIT_NEED(BP_LIVE_1, bp_live_1),     KIT_NEED(BP_DB_1, bp_db_1),           KIT_NEED(BP_LOOP_1, bp_loop_1),
    KIT_NEED(BP_PROC_1, bp_proc_1),     KIT_NEED(BP_CLIENT_1, bp_client_1), KIT_NEED(BP_SERVICE_1, bp_service_1), KIT_NEED(BP_POLICY_1, bp_policy_1),
    KIT_NEED(BP_EVENTS_1, bp_events_1),
};

#define OPTION(kind, word, value, text) .size = sizeof(bp_option), .type = (kind), .name = BP_STR(word), .def = BP_STR(value), .doc = BP_STR(text)
#define TEXT_OPTION(word, value, text) OPTION(BP_OPTION_STRING, word, "\"" value "\"", text), .maximum = 4000

static const bp_option options[] = {
    {OPTION(BP_OPTION_STRING_LIST, "worker", "[]",
            "The command of a worker; empty: python and workers/worker.py of project_root, if that is there.")},
    {OPTION(BP_OPTION_STRING_MAP, "worker_env", "{}", "What workers get in their environment besides the known variables.")},
    {TEXT_OPTION("python", "python3", "The interpreter of workers/worker.py.")},
    {TEXT_OPTION("project_root", "", "The folder workers run in; empty: where the host was started.")},
    {TEXT_OPTION("socket_url", "http://localhost:3000", "SOCKET_URL of workers.")},
    {TEXT_OPTION("e2b_api_key", "", "E2B_API_KEY of workers."), .is_secret = 1},
    {TEXT_OPTION("dedalus_api_key", "", "DEDALUS_API_KEY of workers."), .is_secret = 1},
    {OPTION(BP_OPTION_INTEGER, "worker_idle_timeout_s", "3600",
            "A worker command that has a task and writes nothing for so long is stopped; its task goes back. 0: never."),
     .minimum = 0, .maximum = 604800},
    {TEXT_OPTION("acp_agent", "", "Without a worker command: the ACP agent of module acp-gateway that does the tasks.")},
    {OPTION(BP_OPTION_INTEGER, "acp_timeout_s", "3600", "How long an ACP agent may take for a task."), .minimum = 1, .maximum = 86400},
    {TEXT_OPTION("anthropic_api_key", "", "With it, prompts are decomposed by the Messages API; without, by the rules in scripts/swarm/."),
     .is_secret = 1},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("anthropic_base_url"),
     .def = BP_STR("\"https://api.anthropic.com\""),
     .doc = BP_STR("Where the Messages API is."),
     .maximum = 1000},
    {TEXT_OPTION("model", "claude-sonnet-4-5-20250929", "The model that decomposes.")},
    {OPTION(BP_OPTION_INTEGER, "retention_days", "0", "Ended sessions older than this are deleted; 0 keeps them for ever."), .minimum = 0,
     .maximum = 36500},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .validation_status = 400,
     .name = BP_STR("swarm"),
     .title = BP_STR("Swarm sessions"),
     .not_found_text = BP_STR("Not found"),
     .not_allowed_text = BP_STR("Method not allowed")},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("swarm.event"), BP_STR("{sessionId, event, data}: changes of sessions, todos and agents")},
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("swarm.socket"), BP_STR("{family, event, room, args}: what Socket.IO clients get")},
};

bp_str option_text(const struct swarm *w, bp_str name) {
  bp_str value = {NULL, 0};
  w->config->string(w->self, name, &value);
  return value;
}

int64_t now_ms(const struct swarm *w) {
  return w->core->now_wall_ns() / 1000000;
}

void swarm_note(const struct swarm *w, uint32_t level, const char *what, const char *id) {
  const bp_log_field field = {.size = sizeof(field), .key = BP_LIT("id"), .value = str_z(id)};
  w->log->write(w->self, level, str_z(what), (bp_array){&field, 1, sizeof(field)});
}

static void fetch_tables(struct swarm *w, const bp_host *host) {
  w->core = host->get(w->self, BP_LIT(BP_CORE_1));
  w->config = host->get(w->self, BP_LIT(BP_CONFIG_1));
  w->json = host->get(w->self, BP_LIT(BP_JSON_1));
  w->log = host->get(w->self, BP_LIT(BP_LOG_1));
  w->http = host->get(w->self, BP_LIT(BP_HTTP_1));
  w->live = host->get(w->self, BP_LIT(BP_LIVE_1));
  w->db = host->get(w->self, BP_LIT(BP_DB_1));
  w->loop = host->get(w->self, BP_LIT(BP_LOOP_1));
  w->proc = host->get(w->self, BP_LIT(BP_PROC_1));
  w->client = host->get(w->self, BP_LIT(BP_CLIENT_1));
  w->service = host->get(w->self, BP_LIT(BP_SERVICE_1));
  w->policy = host->get(w->self, BP_LIT(BP_POLICY_1));
  w->events = host->get(w->self, BP_LIT(BP_EVENTS_1));
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct swarm *w = calloc(1, sizeof(*w));
  if (!w)
    return BP_E_NO_MEMORY;
  w->self = self;
  fetch_tables(w, host);
  *ret_state = w;
  return BP_OK;
}

static void stopping_long(void *ctx, bp_timer timer) {
  (void)timer;
  create_answer_stopping(ctx);
}

static void stopping(void *ctx, bp_str name, bp_str payload) {
  struct swarm *w = ctx;
  (void)name, (void)payload;
  w->loop->timer(w->self, STOPPING_MS, 0, stopping_long, w, NULL);
}

static bp_status start(void *state, bp_error *err) {
  struct swarm *w = state;
  bp_subscription subscription;
  (void)err;
  bp_status status = w->events->subscribe(w->self, BP_LIT("bp.stopping"), stopping, w, &subscription);
  return status == BP_OK ? resume_start(w) : status;
}

/* Workers end with us; what they were at stands in the store. */
static bp_status drain(void *state) {
  struct swarm *w = state;
  w->is_draining = true;
  create_answer_stopping(w);
  return BP_OK;
}

static void destroy(void *state) {
  struct swarm *w = state;
  w->is_draining = true;
  while (w->sessions)
    session_free(w->sessions);
  free(w);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("swarm"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("A prompt decomposed into tasks that workers finish."),
    .family = BP_STR("swarm"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(swarm_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(swarm_migrations),
    .statements = BP_ARRAY(swarm_statements),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
