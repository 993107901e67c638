/* Descriptor and life cycle of the repositories module. */
#include "repositories.h"
#include "statements.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_LOG_1, bp_log_1),         KIT_NEED(BP_HTTP_1, bp_http_1),
    KIT_NEED(BP_DB_1, bp_db_1),         KIT_NEED(BP_PORT_1, bp_port_1), KIT_NEED(BP_SERVICE_1, bp_service_1),
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE_NAME)}};

#define PORT_OPTION(word, text, value)                                                                                                               \
  {                                                                                                                                                  \
    .size = sizeof(bp_option), .type = BP_OPTION_INTEGER, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value), .minimum = 1,             \
    .maximum = 65535                                                                                                                                 \
  }

static const bp_option options[] = {
    PORT_OPTION("first_port", "The lowest port given to a repository that asks for none.", "8100"),
    PORT_OPTION("last_port", "The highest such port.", "9999"),
};

#define TOPIC(word, text)                                                                                                                            \
  { sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("repositories." word), BP_STR(text) }

static const bp_topic topics[] = {
    TOPIC("created", "the repository"),
    TOPIC("deleted", "the repository as it was"),
    TOPIC("updated", "the repository"),
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct repositories *r = calloc(1, sizeof(*r));
  if (!r)
    return BP_E_NO_MEMORY;
  r->self = self;
  r->config = host->get(self, BP_LIT(BP_CONFIG_1));
  r->json = host->get(self, BP_LIT(BP_JSON_1));
  r->log = host->get(self, BP_LIT(BP_LOG_1));
  r->http = host->get(self, BP_LIT(BP_HTTP_1));
  r->db = host->get(self, BP_LIT(BP_DB_1));
  r->port = host->get(self, BP_LIT(BP_PORT_1));
  r->service = host->get(self, BP_LIT(BP_SERVICE_1));
  *ret_state = r;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  (void)err;
  create_recover(state);
  return service_start(state);
}

static void destroy(void *state) {
  free(state);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("repositories"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("The registry of repositories, each with a port of its own."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(repositories_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(repositories_migrations),
    .statements = BP_ARRAY(repositories_statements),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
