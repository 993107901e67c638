/* Descriptor and life cycle of the observability module. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1),   KIT_NEED(BP_JSON_1, bp_json_1),
    KIT_NEED(BP_LOG_1, bp_log_1),   KIT_NEED(BP_METRICS_1, bp_metrics_1), KIT_NEED(BP_HTTP_1, bp_http_1),
    KIT_NEED(BP_LIVE_1, bp_live_1), KIT_NEED(BP_DB_1, bp_db_1),           KIT_NEED(BP_LOOP_1, bp_loop_1),
    KIT_NEED(BP_PROC_1, bp_proc_1), KIT_NEED(BP_POLICY_1, bp_policy_1),   KIT_NEED(BP_SERVICE_1, bp_service_1),
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR("timeline/1")}, {sizeof(bp_provide), 0, BP_STR("observability/1")}};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("retention_days"),
     .doc = BP_STR("Events older than this are deleted; 0 keeps them for ever."),
     .def = BP_STR("0"),
     .minimum = 0,
     .maximum = 36500},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("stop_grace_ms"),
     .doc = BP_STR("How long the process of a stopped session may take to end before it is killed."),
     .def = BP_STR("5000"),
     .minimum = 100,
     .maximum = 20000},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_DETAIL,
     .flags = BP_FAMILY_HEAD_405 | BP_FAMILY_DOCS,
     .validation_status = 422,
     .name = BP_STR("observability"),
     .title = BP_STR("Agent observability"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

#define TOPIC(word, text)                                                                                                                            \
  { sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("observability." word), BP_STR(text) }

static const bp_topic topics[] = {
    TOPIC("budget", "what a rule of the set budget said about a session: session_id, verdict (warn, ask, deny), reason, usage"),
    TOPIC("event", "the event as posted, every optional member present"),
    TOPIC("session_created", "the session"),
    TOPIC("session_deleted", "{session_id}"),
    TOPIC("session_updated", "the session"),
    TOPIC("timeline", "a node of the timeline as it is now, with its own usage; the key is its session"),
};

static const bp_str search_columns[] = {BP_STR("tool_name"), BP_STR("tool_input"), BP_STR("tool_output"),
                                        BP_STR("error"),     BP_STR("reason"),     BP_STR("content")};
static const bp_search_index searches[] = {
    {sizeof(bp_search_index), 0, BP_STR("events"), BP_STR("observability_events"), BP_ARRAY(search_columns)},
};

static void fetch_tables(struct observability *o) {
  bp_plugin self = o->self;
  o->core = o->host->get(self, BP_LIT(BP_CORE_1));
  o->config = o->host->get(self, BP_LIT(BP_CONFIG_1));
  o->json = o->host->get(self, BP_LIT(BP_JSON_1));
  o->log = o->host->get(self, BP_LIT(BP_LOG_1));
  o->metrics = o->host->get(self, BP_LIT(BP_METRICS_1));
  o->http = o->host->get(self, BP_LIT(BP_HTTP_1));
  o->live = o->host->get(self, BP_LIT(BP_LIVE_1));
  o->db = o->host->get(self, BP_LIT(BP_DB_1));
  o->loop = o->host->get(self, BP_LIT(BP_LOOP_1));
  o->proc = o->host->get(self, BP_LIT(BP_PROC_1));
  o->policy = o->host->get(self, BP_LIT(BP_POLICY_1));
  o->service = o->host->get(self, BP_LIT(BP_SERVICE_1));
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct observability *o = calloc(1, sizeof(*o));
  if (!o)
    return BP_E_NO_MEMORY;
  o->self = self;
  o->host = host;
  fetch_tables(o);
  view_init(o);
  o->config->integer(self, BP_LIT("retention_days"), &o->retention_days);
  o->config->integer(self, BP_LIT("stop_grace_ms"), &o->stop_grace_ms);
  o->metrics->declare(self, BP_METRIC_COUNTER, BP_LIT("events_total"), BP_LIT("Events stored."), bp_str_make(NULL, 0), &o->events_total);
  *ret_state = o;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  (void)err;
  retention_start(state);
  bp_status status = timeline_start(state);
  if (status == BP_OK)
    status = budget_start(state);
  return status == BP_OK ? observability_service_start(state) : status;
}

static bp_status drain(void *state) {
  struct observability *o = state;
  o->is_draining = true; /* what the host answers open questions with from here on is no rule's word */
  return BP_OK;
}

static void destroy(void *state) {
  budget_release(state);
  free(state);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("observability"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Live view of what coding agents do: sessions, events, stop."),
    .family = BP_STR("observability"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(observability_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(observability_migrations),
    .statements = BP_ARRAY(observability_statements),
    .searches = BP_ARRAY(searches),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
