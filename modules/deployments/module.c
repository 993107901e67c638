/* Descriptor and life cycle of the deployments module. */
#include "deployments.h"
#include "pm2.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1),
    KIT_NEED(BP_CONFIG_1, bp_config_1),
    KIT_NEED(BP_JSON_1, bp_json_1),
    KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1),
    KIT_NEED(BP_DB_1, bp_db_1),
    KIT_NEED(BP_LIVE_1, bp_live_1),
    KIT_NEED(BP_LOOP_1, bp_loop_1),
    KIT_NEED(BP_PROC_1, bp_proc_1),
    KIT_NEED(BP_POLICY_1, bp_policy_1),
    KIT_NEED(BP_SECRET_1, bp_secret_1),
    KIT_NEED(BP_SERVICE_1, bp_service_1),
    {sizeof(bp_need), 0, BP_STR("repositories/1"), 0, 0},
};

#define TEXT_OPTION(word, text, value)                                                                                                               \
  { .size = sizeof(bp_option), .type = BP_OPTION_STRING, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value), .maximum = 4000 }

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE_NAME)}};

static const bp_option options[] = {
    TEXT_OPTION("restart", "When a program that has ended is started again: \"always\", \"on-failure\" or \"never\".", "\"always\""),
    TEXT_OPTION("node", "The program for \"node\"; without it the one on the path.", "\"\""),
    TEXT_OPTION("supervisor", "What runs the programs: \"native\" (the host itself) or \"pm2\".", "\"native\""),
    TEXT_OPTION("pm2", "The program pm2 of an installed PM2.", "\"pm2\""),
    TEXT_OPTION("pm2_home", "PM2's folder; without it ~/.pm2.", "\"\""),
    TEXT_OPTION("npm", "The program for \"npm\"; without it the one on the path.", "\"\""),
};

#define TOPIC(word, kind, text)                                                                                                                      \
  { sizeof(bp_topic), kind, BP_STR("deployments." word), BP_STR(text) }

static const bp_topic topics[] = {
    TOPIC("created", BP_TOPIC_DURABLE, "the deployment"),
    TOPIC("deleted", BP_TOPIC_DURABLE, "the deployment as it was"),
    TOPIC("updated", BP_TOPIC_DURABLE, "the deployment"),
    TOPIC("socket", BP_TOPIC_EPHEMERAL, "what Socket.IO clients are told: family, event, room, args"),
};

static void choose_supervisor(struct deployments *d) {
  bp_str word = BP_LIT("");
  const char *why_not = NULL;
  d->supervisor = &native_supervisor;
  d->config->string(d->self, BP_LIT("supervisor"), &word);
  if (!kit_same(word, "pm2"))
    return;
  d->pm2 = pm2_new(d, &why_not);
  if (d->pm2)
    d->supervisor = &pm2_supervisor;
  else
    d->log->write(d->self, BP_LOG_WARN, str_z(why_not), (bp_array){NULL, 0, 0});
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct deployments *d = calloc(1, sizeof(*d));
  if (!d)
    return BP_E_NO_MEMORY;
  d->self = self;
  d->core = host->get(self, BP_LIT(BP_CORE_1));
  d->config = host->get(self, BP_LIT(BP_CONFIG_1));
  d->json = host->get(self, BP_LIT(BP_JSON_1));
  d->log = host->get(self, BP_LIT(BP_LOG_1));
  d->http = host->get(self, BP_LIT(BP_HTTP_1));
  d->db = host->get(self, BP_LIT(BP_DB_1));
  d->live = host->get(self, BP_LIT(BP_LIVE_1));
  d->loop = host->get(self, BP_LIT(BP_LOOP_1));
  d->proc = host->get(self, BP_LIT(BP_PROC_1));
  d->policy = host->get(self, BP_LIT(BP_POLICY_1));
  d->secret = host->get(self, BP_LIT(BP_SECRET_1));
  d->service = host->get(self, BP_LIT(BP_SERVICE_1));
  choose_supervisor(d);
  *ret_state = d;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  const struct deployments *d = state;
  if (d->core->folder(d->self).len == 0) { /* made on first use; output files lie in it */
    snprintf(err->message, sizeof(err->message), "the module's folder cannot be made");
    return BP_E_IO;
  }
  logs_start(state);
  metrics_start(state);
  if (d->pm2)
    pm2_start(d->pm2); /* it recovers when it is connected */
  else
    recover_begin(state);
  return queries_serve(state);
}

static bp_status drain(void *state) {
  struct deployments *d = state;
  d->is_draining = true; /* what runs goes on running */
  return BP_OK;
}

static void destroy(void *state) {
  struct deployments *d = state;
  operations_release(d);
  retry_release(d);
  running_release(d);
  pm2_free(d->pm2);
  free(d);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("deployments"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Programs of the registered repositories, run under supervision."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(deployments_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(deployments_migrations),
    .statements = BP_ARRAY(deployments_statements),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
