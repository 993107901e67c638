/* Target of the attack corpora: one route that gives a JSON body back, one that takes an agent, both in a family of their own. */
#include <backplane/backplane.h>

struct echo {
  const bp_http_1 *http;
  const bp_json_1 *json;
  bp_plugin self;
};
static struct echo echo;

static void reply_body(void *state, bp_request request) {
  const struct echo *e = state;
  bp_json body = 0;
  bp_json_writer out = 0;
  e->json->writer_new(e->self, &out);
  if (e->http->body(request, &body) == BP_OK) {
    e->json->put_value(out, body);
  } else {
    e->json->object_begin(out);
    e->json->object_end(out);
  }
  e->http->reply_json(request, 200, out);
  e->json->writer_free(out);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  echo = (struct echo){.http = host->get(self, BP_LIT(BP_HTTP_1)), .json = host->get(self, BP_LIT(BP_JSON_1)), .self = self};
  *ret_state = &echo;
  return BP_OK;
}

static const char any_schema[] = "{}";
static const char agent_schema[] =
    "{\"type\":\"object\",\"required\":[\"name\",\"description\",\"system_prompt\"],\"properties\":{\"name\":{\"type\":\"string\",\"pattern\":"
    "\"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$\"},\"description\":{\"type\":\"string\",\"minLength\":1},\"system_prompt\":{\"type\":"
    "\"string\",\"minLength\":1},\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000},\"args\":{\"type\":\"array\"},\"env\":{\"type\":"
    "\"object\"}}}";

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
};
static const bp_family families[] = {{.size = sizeof(bp_family),
                                      .error_shape = BP_ERRORS_DETAIL,
                                      .validation_status = 422,
                                      .name = BP_STR("echo"),
                                      .title = BP_STR("Echo"),
                                      .not_found_text = BP_STR("Not Found"),
                                      .not_allowed_text = BP_STR("Method Not Allowed")}};

#define ROUTE(verb, template, id)                                                                                                                    \
  .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(template), .operation_id = BP_STR(id), .summary = BP_STR("Gives the body back"),  \
  .handle = reply_body
static const bp_route routes[] = {
    {ROUTE("GET", "/health", "get_health"), .scope = BP_STR("public")},
    {ROUTE("GET", "/api/echo", "get_echo")},
    {ROUTE("POST", "/api/echo", "post_echo"), .body_schema = BP_STR(any_schema), .policy = BP_STR("none")},
    {ROUTE("POST", "/agents", "post_agent"), .body_schema = BP_STR(agent_schema), .policy = BP_STR("none")},
};
static const bp_plugin_descriptor descriptor = {.size = sizeof(descriptor),
                                                .abi_major = BP_ABI_MAJOR,
                                                .abi_minor = BP_ABI_MINOR,
                                                .id = BP_STR("echo"),
                                                .version = BP_STR("1.0.0"),
                                                .summary = BP_STR("Gives bodies back."),
                                                .family = BP_STR("echo"),
                                                .needs = BP_ARRAY(needs),
                                                .families = BP_ARRAY(families),
                                                .routes = BP_ARRAY(routes),
                                                .create = create};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
