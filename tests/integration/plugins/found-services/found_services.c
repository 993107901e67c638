/* Serves services/1 in place of the module services: `discovered` answers the option `found`, a list. */
#include <backplane/backplane.h>

struct source {
  bp_plugin self;
  const bp_config_1 *config;
  const bp_service_1 *service;
};
static struct source source;

static void on_call(void *ctx, bp_service_call call, bp_str method, bp_str payload) {
  const struct source *s = ctx;
  bp_str found = BP_LIT("[]");
  (void)method;
  (void)payload;
  s->config->json_text(s->self, BP_LIT("found"), &found);
  s->service->answer(call, BP_OK, found);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  source = (struct source){self, host->get(self, BP_LIT(BP_CONFIG_1)), host->get(self, BP_LIT(BP_SERVICE_1))};
  *ret_state = &source;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  const struct source *s = state;
  (void)err;
  return s->service->serve(s->self, BP_LIT("services/1"), on_call, state);
}

static void destroy(void *state) {
  (void)state;
}

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_CONFIG_1), sizeof(bp_config_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_SERVICE_1), sizeof(bp_service_1), 0},
};
static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR("services/1")}};
static const bp_option options[] = {
    {.size = sizeof(bp_option), .type = BP_OPTION_JSON, .name = BP_STR("found"), .doc = BP_STR("The answer."), .def = BP_STR("[]")}};

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.found-services"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Services for tests."),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
