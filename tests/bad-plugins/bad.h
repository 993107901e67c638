/* What every plugin of this zoo starts from: a descriptor that is right in all but what the plugin sets itself.
 *
 * A plugin says DESCRIPTOR("id", .member = …): later initialisers override the good ones. */
#ifndef BAD_H
#define BAD_H

#include <backplane/backplane.h>

struct bad {
  bp_plugin self;
  const bp_host *host;
  const bp_core_1 *core;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_loop_1 *loop;
  const bp_events_1 *events;
};
static struct bad bad;

#define NEED(name, table)                                                                                                                            \
  { sizeof(bp_need), 0, BP_STR(name), sizeof(table), 0 }
static const bp_need good_needs[] = {
    NEED(BP_CORE_1, bp_core_1), NEED(BP_HTTP_1, bp_http_1), NEED(BP_JSON_1, bp_json_1),
    NEED(BP_LOG_1, bp_log_1),   NEED(BP_LOOP_1, bp_loop_1), NEED(BP_EVENTS_1, bp_events_1),
};

static inline bp_status good_create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  bad.self = self;
  bad.host = host;
  bad.core = host->get(self, BP_LIT(BP_CORE_1));
  bad.http = host->get(self, BP_LIT(BP_HTTP_1));
  bad.json = host->get(self, BP_LIT(BP_JSON_1));
  bad.log = host->get(self, BP_LIT(BP_LOG_1));
  bad.loop = host->get(self, BP_LIT(BP_LOOP_1));
  bad.events = host->get(self, BP_LIT(BP_EVENTS_1));
  *ret_state = &bad;
  return BP_OK;
}

/* One line in the log, for the tests to find. */
static inline void say(const char *text) {
  bp_array none = {0};
  size_t len = 0;
  while (text[len])
    len++;
  bad.log->write(bad.self, BP_LOG_INFO, bp_str_make(text, len), none);
}

static inline void reply_ok(void *state, bp_request request) {
  (void)state;
  bad.http->reply_text(request, 200, BP_LIT("text/plain"), BP_LIT("fine"));
}

#define ROUTE_WITH(method_, path_, operation_, ...)                                                                                                  \
  {                                                                                                                                                  \
    .size = sizeof(bp_route), .method = BP_STR(method_), .path = BP_STR(path_), .operation_id = BP_STR(operation_), .summary = BP_STR("A route."),   \
    .handle = reply_ok, .policy = BP_STR("none"), __VA_ARGS__                                                                                        \
  }
#define ROUTE(method, path, operation) ROUTE_WITH(method, path, operation, .reserved = 0)
#define FAMILY(name_)                                                                                                                                \
  {                                                                                                                                                  \
    .size = sizeof(bp_family), .error_shape = BP_ERRORS_ERROR, .validation_status = 400, .name = BP_STR(name_), .title = BP_STR("A family"),         \
    .not_found_text = BP_STR("not found"), .not_allowed_text = BP_STR("not allowed")                                                                 \
  }

#define DESCRIPTOR(id_, ...)                                                                                                                         \
  static const bp_plugin_descriptor descriptor = {.size = sizeof(bp_plugin_descriptor),                                                              \
                                                  .abi_major = BP_ABI_MAJOR,                                                                         \
                                                  .abi_minor = BP_ABI_MINOR,                                                                         \
                                                  .id = BP_STR(id_),                                                                                 \
                                                  .version = BP_STR("1.0.0"),                                                                        \
                                                  .summary = BP_STR("A plugin of the zoo."),                                                         \
                                                  .needs = BP_ARRAY(good_needs),                                                                     \
                                                  .create = good_create,                                                                             \
                                                  __VA_ARGS__};                                                                                      \
  const bp_plugin_descriptor *bp_plugin_query_1(void) {                                                                                              \
    return &descriptor;                                                                                                                              \
  }

#endif
