/* Descriptor and life cycle of the monitor module. */
#include "monitor.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1), KIT_NEED(BP_LIVE_1, bp_live_1),     KIT_NEED(BP_DB_1, bp_db_1),     KIT_NEED(BP_LOOP_1, bp_loop_1),
    KIT_NEED(BP_FS_1, bp_fs_1),     KIT_NEED(BP_WATCH_1, bp_watch_1),
};

#define TEXT_OPTION(word, text, most)                                                                                                                \
  .size = sizeof(bp_option), .type = BP_OPTION_STRING, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR("\"\""), .maximum = (most)

static const bp_option options[] = {
    {TEXT_OPTION("root", "The folder the agents write into; empty: where the host was started.", 4000)},
    {TEXT_OPTION("static_dir", "An absolute folder with the dashboard's index.html and files; empty: a plain page.", 4000)},
    {TEXT_OPTION("dashboard_username", "With dashboard_password: everything but /health needs them (HTTP Basic).", 200)},
    {TEXT_OPTION("dashboard_password", "See dashboard_username.", 500), .is_secret = 1},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("history_rows"),
     .doc = BP_STR("Messages kept in the store."),
     .def = BP_STR("100000"),
     .minimum = 1000,
     .maximum = 10000000},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_DETAIL,
     .flags = BP_FAMILY_HEAD_405 | BP_FAMILY_DOCS | BP_FAMILY_CORS_CREDENTIALS,
     .validation_status = 422,
     .name = BP_STR("monitor"),
     .title = BP_STR("Claude Swarm Dashboard"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("monitor.stream"), BP_STR("what the event stream tells; key: the event's name")},
};

static const bp_str search_columns[] = {BP_STR("sender"), BP_STR("msg_type"), BP_STR("content")};
static const bp_search_index searches[] = {
    {sizeof(bp_search_index), 0, BP_STR("messages"), BP_STR("monitor_messages"), BP_ARRAY(search_columns)},
};

static void fetch_tables(struct monitor *m, const bp_host *host) {
  m->core = host->get(m->self, BP_LIT(BP_CORE_1));
  m->config = host->get(m->self, BP_LIT(BP_CONFIG_1));
  m->json = host->get(m->self, BP_LIT(BP_JSON_1));
  m->log = host->get(m->self, BP_LIT(BP_LOG_1));
  m->http = host->get(m->self, BP_LIT(BP_HTTP_1));
  m->live = host->get(m->self, BP_LIT(BP_LIVE_1));
  m->db = host->get(m->self, BP_LIT(BP_DB_1));
  m->loop = host->get(m->self, BP_LIT(BP_LOOP_1));
  m->fs = host->get(m->self, BP_LIT(BP_FS_1));
  m->watch = host->get(m->self, BP_LIT(BP_WATCH_1));
}

static void read_options(struct monitor *m) {
  bp_str root = {NULL, 0}, start = m->core->start_folder(m->self);
  m->config->string(m->self, BP_LIT("root"), &root);
  bool is_absolute = root.len > 0 && root.ptr[0] == '/';
  snprintf(m->root, sizeof(m->root), "%.*s%s%.*s", is_absolute ? 0 : (int)start.len, start.ptr, is_absolute || root.len == 0 ? "" : "/",
           (int)root.len, root.len ? root.ptr : "");
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct monitor *m = calloc(1, sizeof(*m));
  if (!m)
    return BP_E_NO_MEMORY;
  m->self = self;
  m->lines = calloc(LINES_MOST, sizeof(*m->lines));
  if (!m->lines) {
    free(m);
    return BP_E_NO_MEMORY;
  }
  fetch_tables(m, host);
  read_options(m);
  stream_init(m);
  *ret_state = m;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  bp_status status = history_start(state, err);
  if (status != BP_OK)
    return status;
  page_open(state);
  state_watch(state);
  return BP_OK;
}

static void destroy(void *state) {
  struct monitor *m = state;
  history_free(m);
  state_free(m);
  free(m);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("monitor"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("A live view of a swarm's files: agents, locks, messages."),
    .family = BP_STR("monitor"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(monitor_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(monitor_migrations),
    .statements = BP_ARRAY(monitor_statements),
    .searches = BP_ARRAY(searches),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
