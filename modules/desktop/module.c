/* Descriptor and life cycle of the desktop module. */
#include "desktop.h"

#include <stdlib.h>

#define BODY_LIMIT_BYTES (50ull * 1024 * 1024)

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1),   KIT_NEED(BP_JSON_1, bp_json_1),
    KIT_NEED(BP_HTTP_1, bp_http_1), KIT_NEED(BP_SERVICE_1, bp_service_1),
};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("environment"),
     .doc = BP_STR("What GET /api/status says the environment is."),
     .def = BP_STR("\"development\""),
     .maximum = 100},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_SUCCESS,
     .flags = BP_FAMILY_NO_405 | BP_FAMILY_CORS_CREDENTIALS,
     .validation_status = 400,
     .name = BP_STR("desktop"),
     .title = BP_STR("AI desktop backend"),
     .not_found_text = BP_STR("Endpoint not found"),
     .not_allowed_text = BP_STR("Endpoint not found"),
     .json_content_type = BP_STR("application/json; charset=utf-8"),
     .body_limit_bytes = BODY_LIMIT_BYTES},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct desktop *d = calloc(1, sizeof(*d));
  if (!d)
    return BP_E_NO_MEMORY;
  d->self = self;
  d->core = host->get(self, BP_LIT(BP_CORE_1));
  d->config = host->get(self, BP_LIT(BP_CONFIG_1));
  d->json = host->get(self, BP_LIT(BP_JSON_1));
  d->http = host->get(self, BP_LIT(BP_HTTP_1));
  d->service = host->get(self, BP_LIT(BP_SERVICE_1));
  d->started_ns = d->core->now_monotonic_ns();
  *ret_state = d;
  return BP_OK;
}

static void destroy(void *state) {
  free(state);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("desktop"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Root of the desktop family: health, index, status."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(desktop_routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
