/* Descriptor and life cycle of the MCP hub. */
#include "builtin.h"
#include "routes.h"
#include "statements.h"

#include <stdlib.h>

#define TICK_MS 500
#define STOP_CALLS_MS 2000 /* what a call that runs when the host begins to stop still gets */

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1),     KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1),     KIT_NEED(BP_STREAM_1, bp_stream_1), KIT_NEED(BP_LIVE_1, bp_live_1), KIT_NEED(BP_DB_1, bp_db_1),
    KIT_NEED(BP_POLICY_1, bp_policy_1), KIT_NEED(BP_PROC_1, bp_proc_1),     KIT_NEED(BP_LOOP_1, bp_loop_1), KIT_NEED(BP_SECRET_1, bp_secret_1),
    KIT_NEED(BP_CLIENT_1, bp_client_1), KIT_NEED(BP_EVENTS_1, bp_events_1),
};

#define NUMBER(word, text, value, least, most)                                                                                                       \
  {                                                                                                                                                  \
    .size = sizeof(bp_option), .type = BP_OPTION_INTEGER, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value), .minimum = (least),       \
    .maximum = (most)                                                                                                                                \
  }
#define SWITCH(word, text)                                                                                                                           \
  { .size = sizeof(bp_option), .type = BP_OPTION_BOOLEAN, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR("false") }

static const bp_option options[] = {
    NUMBER("start_timeout_ms", "How long a server may take to answer initialize and each of its lists.", "30000", 100, 600000),
    NUMBER("call_timeout_ms", "How long a call may take; progress starts the time anew.", "300000", 100, 86400000),
    NUMBER("list_wait_ms", "How long a list waits for servers nobody knows yet; afterwards it is answered without them.", "15000", 100, 100000),
    NUMBER("idle_ms", "A server without a call for so long is stopped; 0 never stops one.", "300000", 0, 86400000),
    NUMBER("session_idle_s", "A session nobody uses for so long ends.", "3600", 1, 604800),
    NUMBER("starts_at_once", "Servers that may start at the same time.", "4", 1, 64),
    NUMBER("processes_max", "Server processes at the same time.", "64", 1, 400),
    NUMBER("sessions_max", "Sessions of /mcp at the same time.", "256", 1, 10000),
    NUMBER("message_limit_bytes", "The largest message of a server.", "8388608", 1024, 16777216),
    NUMBER("search_from", "From how many tools on search_tools is offered; 0: never, 1: always.", "100", 0, 1000000),
    {.size = sizeof(bp_option),
     .type = BP_OPTION_BOOLEAN,
     .name = BP_STR("builtin"),
     .doc = BP_STR("Routes of modules that are flagged as tools are offered, as the server backplane."),
     .def = BP_STR("true")},
    SWITCH("prefix_names", "Tools and prompts are named SERVER__NAME; else only where a name is taken."),
    SWITCH("private_processes", "Every session gets its own process of each server it calls, also where nothing demands it."),
    {.size = sizeof(bp_option),
     .type = BP_OPTION_JSON,
     .name = BP_STR("groups"),
     .doc = BP_STR("By name: { servers = {ids}, allow = {tools}, rename = {tool = name}, defaults = {tool = {argument = value}} }."),
     .def = BP_STR("{}")},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("mcp.updated"), BP_STR("id, action, status and pid of a server")},
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("mcp.deleted"), BP_STR("id of a server")},
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("mcp.log"), BP_STR("a line a server wrote outside the protocol: id, data, stream, timestamp")},
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("mcp.socket"), BP_STR("events for Socket.IO: family, event, room, args")},
};

static void read_options(struct mcp *m) {
  const struct {
    const char *name;
    int64_t *place;
  } numbers[] = {{"start_timeout_ms", &m->start_timeout_ms},
                 {"call_timeout_ms", &m->call_timeout_ms},
                 {"list_wait_ms", &m->list_wait_ms},
                 {"idle_ms", &m->idle_ms},
                 {"session_idle_s", &m->session_idle_ms},
                 {"starts_at_once", &m->starts_at_once},
                 {"processes_max", &m->instances_most},
                 {"sessions_max", &m->sessions_most},
                 {"message_limit_bytes", &m->message_bytes_most},
                 {"search_from", &m->search_from}};
  uint32_t flag = 0;
  bp_str groups;
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
    m->config->integer(m->self, str_z(numbers[i].name), numbers[i].place);
  m->session_idle_ms *= 1000;
  if (m->config->boolean(m->self, BP_LIT("prefix_names"), &flag) == BP_OK)
    m->has_prefix = flag != 0;
  if (m->config->boolean(m->self, BP_LIT("builtin"), &flag) == BP_OK)
    m->has_builtin = flag != 0;
  if (m->config->boolean(m->self, BP_LIT("private_processes"), &flag) == BP_OK)
    m->is_always_private = flag != 0;
  if (m->config->json_text(m->self, BP_LIT("groups"), &groups) == BP_OK)
    m->json->parse(m->self, groups, &m->groups, NULL);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct mcp *m = calloc(1, sizeof(*m));
  if (!m)
    return BP_E_NO_MEMORY;
  m->self = self;
  m->host = host;
  m->core = host->get(self, BP_LIT(BP_CORE_1));
  m->config = host->get(self, BP_LIT(BP_CONFIG_1));
  m->json = host->get(self, BP_LIT(BP_JSON_1));
  m->log = host->get(self, BP_LIT(BP_LOG_1));
  m->http = host->get(self, BP_LIT(BP_HTTP_1));
  m->stream = host->get(self, BP_LIT(BP_STREAM_1));
  m->live = host->get(self, BP_LIT(BP_LIVE_1));
  m->db = host->get(self, BP_LIT(BP_DB_1));
  m->policy = host->get(self, BP_LIT(BP_POLICY_1));
  m->proc = host->get(self, BP_LIT(BP_PROC_1));
  m->loop = host->get(self, BP_LIT(BP_LOOP_1));
  m->secret = host->get(self, BP_LIT(BP_SECRET_1));
  m->client = host->get(self, BP_LIT(BP_CLIENT_1));
  m->events = host->get(self, BP_LIT(BP_EVENTS_1));
  read_options(m);
  *ret_state = m;
  return BP_OK;
}

/* Whoever still waits is answered: calls, questions to the policy, lists, starts. Nothing is started any more. */
static void stop_calls(struct mcp *m) {
  static const char why[] = "the host is stopping";
  m->stop_calls_ms = 0;
  m->is_draining = true;
  for (struct session *session = m->sessions; session; session = session->next) {
    session_fail_undecided(session, why);
    feed_detach(feed_own(session));
  }
  for (struct instance *i = m->instances; i; i = i->next)
    instance_stop(i, why);
}

static void on_tick(void *ctx, bp_timer timer) {
  struct mcp *m = ctx;
  int64_t now = now_ms(m);
  (void)timer;
  for (struct instance *i = m->instances, *next; i; i = next) {
    next = i->next;
    instance_tick(i, now);
  }
  instance_begin_queued(m);
  sessions_tick(m, now);
  log_flush(m);
  if (m->stop_calls_ms && now >= m->stop_calls_ms)
    stop_calls(m);
}

/* The host waits for running requests before it stops. Streams on which nothing is due are none to wait for; calls have a moment. */
static void on_stopping(void *ctx, bp_str name, bp_str payload) {
  struct mcp *m = ctx;
  (void)name;
  (void)payload;
  m->is_stopping = true;
  m->stop_calls_ms = now_ms(m) + STOP_CALLS_MS;
  for (struct session *session = m->sessions; session; session = session->next)
    if (!session->calls)
      feed_detach(feed_own(session));
}

static bp_status start(void *state, bp_error *err) {
  struct mcp *m = state;
  bp_subscription stopping;
  (void)err;
  bp_status status = m->events->subscribe(m->self, BP_LIT("bp.stopping"), on_stopping, m, &stopping);
  if (status != BP_OK)
    return status;
  registry_load(m);
  return m->loop->timer(m->self, TICK_MS, TICK_MS, on_tick, m, &m->tick);
}

/* The host waits for the processes to end and for what the store still does. */
static bp_status drain(void *state) {
  struct mcp *m = state;
  m->is_draining = true;
  log_flush(m);
  while (m->sessions)
    session_end(m->sessions);
  for (struct instance *i = m->instances; i; i = i->next)
    instance_stop(i, "the host is stopping");
  return BP_OK;
}

static void destroy(void *state) {
  struct mcp *m = state;
  while (m->instances) {
    m->instances->is_fetching = false;
    instance_free(m->instances);
  }
  while (m->servers) {
    struct server *next = m->servers->next;
    server_free(m->servers);
    m->servers = next;
  }
  registry_drop_held(m);
  builtin_release(m);
  if (m->groups)
    m->json->release(m->self, m->groups);
  free(m);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("mcp"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("The MCP hub: a registry of servers, started on demand, and one MCP server over all of them."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(mcp_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(mcp_migrations),
    .statements = BP_ARRAY(mcp_statements),
    .searches = BP_ARRAY(mcp_searches),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
