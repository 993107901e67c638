/* Example: options, the log, a counter and the host's clock (bp.config/1, log/1, metrics/1, core/1).
 *
 *   GET /greeting   ->   {"greeting": "hello", "time_ms": 1767225600000}
 *
 * module "org.example.greeting" { greeting = "good morning" } changes the word; /metrics counts the answers. */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_log_1 *log;
  const bp_metrics_1 *metrics;
  const bp_http_1 *http;
  const bp_json_1 *json;
  bp_metric greetings_total;
} example;

static void get_greeting(void *state, bp_request request) {
  bp_str word = {NULL, 0};
  bp_json_writer out = 0;
  (void)state;
  if (example.json->writer_new(example.self, &out) != BP_OK) {
    example.http->reply_failure(request, BP_E_LIMIT, NULL);
    return;
  }
  example.config->string(example.self, BP_LIT("greeting"), &word); /* borrowed until the next change: read it each time */
  example.json->object_begin(out);
  example.json->key(out, BP_LIT("greeting"));
  example.json->put_string(out, word);
  example.json->key(out, BP_LIT("time_ms"));
  example.json->put_integer(out, example.core->now_wall_ns() / 1000000);
  example.json->object_end(out);
  example.http->reply_json(request, 200, out);
  example.json->writer_free(out);
  example.metrics->add(example.greetings_total, 1);
  if (example.log->enabled(example.self, BP_LOG_DEBUG)) {
    const bp_log_field fields[] = {{sizeof(bp_log_field), 0, BP_STR("word"), word}};
    const bp_array all = BP_ARRAY(fields);
    example.log->write(example.self, BP_LOG_DEBUG, BP_LIT("greeted"), all);
  }
}

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("greeting"),
     .doc = BP_STR("What to say."),
     .def = BP_STR("\"hello\""),
     .maximum = 100},
};

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/greeting"),
     .operation_id = BP_STR("get_greeting"),
     .summary = BP_STR("Says hello"),
     .handle = get_greeting},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("greeting"),
     .title = BP_STR("Example of options"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_CORE_1), sizeof(bp_core_1), 0}, {sizeof(bp_need), 0, BP_STR(BP_CONFIG_1), sizeof(bp_config_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_LOG_1), sizeof(bp_log_1), 0},   {sizeof(bp_need), 0, BP_STR(BP_METRICS_1), sizeof(bp_metrics_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0}, {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.core = host->get(self, BP_LIT(BP_CORE_1));
  example.config = host->get(self, BP_LIT(BP_CONFIG_1));
  example.log = host->get(self, BP_LIT(BP_LOG_1));
  example.metrics = host->get(self, BP_LIT(BP_METRICS_1));
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  example.json = host->get(self, BP_LIT(BP_JSON_1));
  example.core->status_text(self, BP_LIT("ready to greet"));
  example.metrics->declare(self, BP_METRIC_COUNTER, BP_LIT("greetings_total"), BP_LIT("Greetings given."), bp_str_make(NULL, 0),
                           &example.greetings_total);
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.greeting"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Greets with a word of the configuration."),
    .family = BP_STR("greeting"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .options = BP_ARRAY(options),
    .create = create,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
