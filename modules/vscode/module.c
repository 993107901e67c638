/* Descriptor and life cycle of the vscode module. */
#include "vscode.h"

#include <stdio.h>
#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1),       KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1),
    KIT_NEED(BP_LOG_1, bp_log_1),         KIT_NEED(BP_HTTP_1, bp_http_1),     KIT_NEED(BP_LIVE_1, bp_live_1),
    KIT_NEED(BP_LOOP_1, bp_loop_1),       KIT_NEED(BP_PROC_1, bp_proc_1),     KIT_NEED(BP_POLICY_1, bp_policy_1),
    KIT_NEED(BP_SERVICE_1, bp_service_1), KIT_NEED(BP_CLIENT_1, bp_client_1), {sizeof(bp_need), 0, BP_STR("repositories/1"), 0, 0},
};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING_LIST,
     .name = BP_STR("command"),
     .doc = BP_STR("The program code-server, with arguments before ours if it needs any."),
     .def = BP_STR("[\"code-server\"]")},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("ready_timeout_s"),
     .doc = BP_STR("How long code-server may take to become ready."),
     .def = BP_STR("60"),
     .minimum = 1,
     .maximum = 120},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("idle_stop_s"),
     .doc = BP_STR("An editor without a browser for so long is stopped; 0: never."),
     .def = BP_STR("0"),
     .minimum = 0,
     .maximum = 31536000},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("vscode.socket"), BP_STR("what Socket.IO clients are told: family, event, room, args")},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct vscode *v = calloc(1, sizeof(*v));
  if (!v)
    return BP_E_NO_MEMORY;
  v->self = self;
  v->core = host->get(self, BP_LIT(BP_CORE_1));
  v->config = host->get(self, BP_LIT(BP_CONFIG_1));
  v->json = host->get(self, BP_LIT(BP_JSON_1));
  v->log = host->get(self, BP_LIT(BP_LOG_1));
  v->http = host->get(self, BP_LIT(BP_HTTP_1));
  v->live = host->get(self, BP_LIT(BP_LIVE_1));
  v->loop = host->get(self, BP_LIT(BP_LOOP_1));
  v->proc = host->get(self, BP_LIT(BP_PROC_1));
  v->policy = host->get(self, BP_LIT(BP_POLICY_1));
  v->service = host->get(self, BP_LIT(BP_SERVICE_1));
  v->client = host->get(self, BP_LIT(BP_CLIENT_1));
  *ret_state = v;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  struct vscode *v = state;
  if (v->core->folder(v->self).len == 0) { /* made on first use; output files lie in it */
    snprintf(err->message, sizeof(err->message), "the module's folder cannot be made");
    return BP_E_IO;
  }
  recover_begin(v);
  idle_start(v);
  return BP_OK;
}

static bp_status drain(void *state) {
  struct vscode *v = state;
  v->is_draining = true; /* editors go on running */
  return BP_OK;
}

static void destroy(void *state) {
  editors_release(state);
  free(state);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("vscode"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("An editor in the browser for each registered repository: code-server."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(vscode_routes),
    .topics = BP_ARRAY(topics),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
