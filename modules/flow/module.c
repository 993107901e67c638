/* Descriptor and life cycle of the flow module. */
#include "flow.h"
#include "statements.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1), KIT_NEED(BP_LIVE_1, bp_live_1),     KIT_NEED(BP_DB_1, bp_db_1),     KIT_NEED(BP_SERVICE_1, bp_service_1),
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE_NAME)}};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("agent"),
     .def = BP_STR("\"\""),
     .maximum = 100,
     .doc = BP_STR("The ACP agent of module acp-gateway that answers users' messages; empty: messages are only stored.")},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("working_directory"),
     .def = BP_STR("\"\""),
     .maximum = 4000,
     .doc = BP_STR("The absolute folder the agent works in; empty: where the host was started.")},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("agent_timeout_s"),
     .def = BP_STR("3600"),
     .minimum = 1,
     .maximum = 86400,
     .doc = BP_STR("How long the agent may take for an answer.")},
};

#define TOPIC(word, kind, text)                                                                                                                      \
  { sizeof(bp_topic), (kind), BP_STR("flow." word), BP_STR(text) }

static const bp_topic topics[] = {
    TOPIC("created", BP_TOPIC_DURABLE, "the session"), TOPIC("deleted", BP_TOPIC_DURABLE, "the session as it was"),
    TOPIC("message", BP_TOPIC_DURABLE, "the message"), TOPIC("socket", BP_TOPIC_EPHEMERAL, "{family, event, room, args}: what Socket.IO clients get"),
    TOPIC("updated", BP_TOPIC_DURABLE, "the session"),
};

static const bp_str search_columns[] = {BP_STR("content"), BP_STR("tool_results")};
static const bp_search_index searches[] = {
    {sizeof(bp_search_index), 0, BP_STR("messages"), BP_STR("flow_messages"), BP_ARRAY(search_columns)},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct flow *f = calloc(1, sizeof(*f));
  if (!f)
    return BP_E_NO_MEMORY;
  f->self = self;
  f->core = host->get(self, BP_LIT(BP_CORE_1));
  f->config = host->get(self, BP_LIT(BP_CONFIG_1));
  f->json = host->get(self, BP_LIT(BP_JSON_1));
  f->log = host->get(self, BP_LIT(BP_LOG_1));
  f->http = host->get(self, BP_LIT(BP_HTTP_1));
  f->live = host->get(self, BP_LIT(BP_LIVE_1));
  f->db = host->get(self, BP_LIT(BP_DB_1));
  f->service = host->get(self, BP_LIT(BP_SERVICE_1));
  *ret_state = f;
  return BP_OK;
}

static void reset(void *ctx, const bp_db_outcome *outcome) {
  const struct flow *f = ctx;
  if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
    f->log->write(f->self, BP_LOG_WARN, str_z(outcome->error->message), (bp_array){NULL, 0, 0});
}

/* A turn that was under way ended with the host. */
static bp_status start(void *state, bp_error *err) {
  struct flow *f = state;
  (void)err;
  const bp_db_step step = db_exec(RESET_RUNNING, NULL, 0);
  bp_status status = f->db->write(f->self, (bp_array){&step, 1, sizeof(step)}, reset, f);
  return status == BP_OK ? service_start(f) : status;
}

static bp_status drain(void *state) {
  struct flow *f = state;
  f->is_draining = true;
  return BP_OK;
}

static void destroy(void *state) {
  turn_free(state);
  free(state);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("flow"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("The flow builder: sessions, messages, settings."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(flow_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(flow_migrations),
    .statements = BP_ARRAY(flow_statements),
    .searches = BP_ARRAY(searches),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
