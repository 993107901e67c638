/* Descriptor and life cycle of the services module. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1),     KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1),     KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1),     KIT_NEED(BP_DB_1, bp_db_1),         KIT_NEED(BP_LIVE_1, bp_live_1),     KIT_NEED(BP_LOOP_1, bp_loop_1),
    KIT_NEED(BP_CLIENT_1, bp_client_1), KIT_NEED(BP_JOB_1, bp_job_1),       KIT_NEED(BP_SECRET_1, bp_secret_1), KIT_NEED(BP_SERVICE_1, bp_service_1),
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE_NAME)}};

#define TEXT_OPTION(word, text, value)                                                                                                               \
  { .size = sizeof(bp_option), .type = BP_OPTION_STRING, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value), .maximum = 4000 }

static const bp_option options[] = {
    TEXT_OPTION("docker_socket", "The Unix socket of the Docker engine.", "\"/var/run/docker.sock\""),
    TEXT_OPTION("state_file", "Where what is installed is kept; without it services.json in the module's folder.", "\"\""),
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("services.updated"), BP_STR("serviceId, action, status")},
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("services.socket"), BP_STR("what Socket.IO clients are told: family, event, room, args")},
};

static void get_tables(struct services *s, const bp_host *host) {
  s->core = host->get(s->self, BP_LIT(BP_CORE_1));
  s->config = host->get(s->self, BP_LIT(BP_CONFIG_1));
  s->json = host->get(s->self, BP_LIT(BP_JSON_1));
  s->log = host->get(s->self, BP_LIT(BP_LOG_1));
  s->http = host->get(s->self, BP_LIT(BP_HTTP_1));
  s->db = host->get(s->self, BP_LIT(BP_DB_1));
  s->live = host->get(s->self, BP_LIT(BP_LIVE_1));
  s->loop = host->get(s->self, BP_LIT(BP_LOOP_1));
  s->client = host->get(s->self, BP_LIT(BP_CLIENT_1));
  s->job = host->get(s->self, BP_LIT(BP_JOB_1));
  s->secret = host->get(s->self, BP_LIT(BP_SECRET_1));
  s->service_table = host->get(s->self, BP_LIT(BP_SERVICE_1));
}

static bp_status read_options(struct services *s) {
  bp_str path = bp_str_make(NULL, 0), folder = s->core->folder(s->self);
  char own[4096];
  s->config->string(s->self, BP_LIT("docker_socket"), &path);
  s->socket = str_dup(path);
  path.len = 0;
  s->config->string(s->self, BP_LIT("state_file"), &path);
  if (path.len == 0) {
    snprintf(own, sizeof(own), "%.*s/services.json", (int)folder.len, folder.ptr);
    path = str_z(own);
  }
  s->state_file = str_dup(path);
  return s->socket && s->state_file ? BP_OK : BP_E_NO_MEMORY;
}

static void destroy(void *state) {
  struct services *s = state;
  state_free(s);
  free(s->socket);
  free(s->state_file);
  free(s);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct services *s = calloc(1, sizeof(*s));
  if (!s)
    return BP_E_NO_MEMORY;
  s->self = self;
  get_tables(s, host);
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++) {
    s->all[i] = (struct service){.module = s, .entry = &catalogue[i], .port = catalogue[i].port};
    snprintf(s->all[i].container, sizeof(s->all[i].container), "ai-desktop-%s", catalogue[i].id);
  }
  bp_status status = read_options(s);
  if (status == BP_OK)
    *ret_state = s;
  else
    destroy(s);
  return status;
}

static bp_status start(void *state, bp_error *err) {
  struct services *s = state;
  bp_status status = state_start(s, err);
  if (status == BP_OK)
    status = discovered_start(s);
  if (status == BP_OK)
    follow_start(s);
  return status;
}

static bp_status drain(void *state) {
  struct services *s = state;
  s->is_draining = true;
  follow_stop(s);
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("services"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Databases in containers: installed, started, stopped, watched."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(services_routes),
    .topics = BP_ARRAY(topics),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
