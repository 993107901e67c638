/* Routes called as tools, by a request over a real socket: scope, schema, facts and policy are those of the wire, for the identity of
 * whoever asked, and what the wire refuses does not come in this way either. */
#include "auth/tokens.h"
#include "policy/policy_fixture.h"
#include "serve.h"

#define CALLS_MOST 512 /* of the host */

static struct http_listener *listener;
static struct plugin *plugin;
static unsigned handled, answered;
static char read_token[65];

static bp_str text_of(bp_request request, const char *name) {
  bp_str text = {NULL, 0};
  (void)http_table.param(request, str_from(name), &text);
  return text;
}

static void reply(bp_request request, bp_str text) {
  assert_int_equal(http_table.reply_text(request, 200, BP_LIT("text/plain"), text), BP_OK);
}

/* ---- The tools ---- */

static void say_id(void *state, bp_request request) {
  (void)state;
  handled++;
  reply(request, text_of(request, "id"));
}

static void say_body(void *state, bp_request request) {
  bp_str text;
  (void)state;
  handled++;
  assert_int_equal(http_table.body_text(request, &text), BP_OK);
  reply(request, text);
}

static bp_status state_word(void *state, bp_request request, bp_json_writer facts) {
  bp_json body, word;
  bp_str text;
  (void)state;
  assert_int_equal(http_table.body(request, &body), BP_OK);
  assert_int_equal(json_table.get(body, BP_LIT("word"), &word), BP_OK);
  assert_int_equal(json_table.string(word, &text), BP_OK);
  json_table.object_begin(facts);
  json_table.key(facts, BP_LIT("word"));
  json_table.put_string(facts, text);
  json_table.object_end(facts);
  return BP_OK;
}

static bp_request waiting[CALLS_MOST];
static unsigned waiting_count;

static void wait_for_ever(void *state, bp_request request) {
  (void)state;
  assert_int_equal(http_table.defer(request, NULL, NULL), BP_OK);
  waiting[waiting_count++] = request;
}

/* ---- The caller: ?tool=...&arguments=..., answers "HTTP status body" or "status message" ---- */

static void on_answer(void *ctx, bp_status status, uint32_t http_status, bp_str content_type, bp_str body) {
  bp_request request = (bp_request)(uintptr_t)ctx;
  struct buf text = {0};
  (void)content_type;
  answered++;
  buf_printf(&text, "%u ", status == BP_OK ? http_status : 0);
  buf_append_str(&text, body);
  reply(request, buf_str(&text));
  buf_release(&text);
}

static void call(void *state, bp_request request) {
  bp_error err = BP_ERROR_INIT;
  (void)state;
  bp_status status = http_table.tool_call(plugin->handle, request, BP_LIT("tools"), text_of(request, "tool"), text_of(request, "arguments"),
                                          on_answer, (void *)(uintptr_t)request, &err);
  if (status == BP_OK)
    assert_int_equal(http_table.defer(request, NULL, NULL), BP_OK);
  else
    reply(request, str_from(err.message));
}

static void ignore(void *ctx, bp_status status, uint32_t http_status, bp_str content_type, bp_str body) {
  (void)ctx;
  (void)status;
  (void)http_status;
  (void)content_type;
  (void)body;
  answered++;
}

static void call_too_often(void *state, bp_request request) {
  bp_error err = BP_ERROR_INIT;
  bp_status status = BP_OK;
  unsigned count = 0;
  (void)state;
  for (; status == BP_OK && count <= CALLS_MOST; count++)
    status = http_table.tool_call(plugin->handle, request, BP_LIT("tools"), BP_LIT("wait"), BP_LIT("{}"), ignore, NULL, &err);
  assert_int_equal(status, BP_E_LIMIT);
  assert_int_equal(count, CALLS_MOST + 1);
  for (unsigned i = 0; i < waiting_count; i++)
    reply(waiting[i], BP_LIT("done"));
  reply(request, str_from(err.message));
}

#define R(verb, at, id, run) .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(at), .operation_id = BP_STR(id), .handle = (run)
#define TOOL .flags = BP_ROUTE_MCP_TOOL
#define WORD_SCHEMA BP_STR("{\"type\":\"object\",\"required\":[\"word\"],\"properties\":{\"word\":{\"type\":\"string\"}}}")
static const bp_param call_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("tool")},
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("arguments")},
};
static const bp_route routes[] = {
    {R("GET", "/call", "call", call), .params = BP_ARRAY(call_params)},
    {R("GET", "/call-too-often", "call_too_often", call_too_often)},
    {R("GET", "/items/{id}", "get", say_id), TOOL},
    {R("GET", "/not-a-tool", "not_a_tool", say_id)},
    {R("GET", "/wait", "wait", wait_for_ever), TOOL},
    {R("GET", "/admin/{id}", "admin_only", say_id), TOOL, .scope = BP_STR("admin")},
    {R("POST", "/words", "store", say_body), TOOL, .body_schema = WORD_SCHEMA, .body_limit_bytes = 64, .facts = state_word,
     .policy = BP_STR("guard")},
};

static int setup(void **state) {
  static const bp_array declared = BP_ARRAY(routes);
  char id[17];
  int failed = fixture_make(state);
  fixture_rule("guard/a.lua", "if request.word == 'no' then return deny('not this word') end return true");
  fixture_open();
  router_init();
  plugin = serve_plugin("tools", declared, true);
  listener = serve_listen("detail");
  handled = answered = waiting_count = 0;
  return failed || token_create_transient(BP_LIT("reader"), SCOPE_READ, read_token, id) != BP_OK;
}

static int teardown(void **state) {
  http_stop(1000, serve_stopped, NULL);
  loop_run();
  workers_stop();
  store_close();
  policy_release();
  router_release();
  tokens_close();
  return fixture_remove(state);
}

static void append_encoded(struct buf *out, const char *text) {
  for (; *text; text++)
    buf_printf(out, "%%%02X", (unsigned char)*text);
}

/* The wire's own word about the same request is beside each expectation that has one. */
static void expect_call(const char *tool, const char *arguments, const char *headers, const char *answer) {
  struct buf target = {0};
  buf_printf(&target, "/call?tool=%s&arguments=", tool);
  append_encoded(&target, arguments);
  buf_append_char(&target, '\0');
  expect_with(listener, "GET", target.data, headers, "", 200, answer);
  buf_release(&target);
}

static void calls_are_answered_as_over_the_wire(void **state) {
  (void)state;
  expect_call("get", "{\"id\":\"a b%2F?\"}", "", "200 a b%2F?");
  expect_call("get", "{\"id\":7}", "", "200 7");
  expect_call("store", "{\"body\":{\"word\":\"yes\"}}", "", "200 {\"word\":\"yes\"}");
  assert_int_equal(handled, 3);
  expect_call("store", "{\"body\":{\"word\":\"no\"}}", "", "403 {\"detail\":\"not this word\"}");
  expect_with(listener, "POST", "/words", JSON_TYPE, "{\"word\":\"no\"}", 403, "{\"detail\":\"not this word\"}");
  expect_call("store", "{\"body\":{\"word\":1}}", "", NULL);
  expect_call("store", "{}", "", NULL);
  assert_int_equal(handled, 3);
  assert_int_equal(answered, 6);
}

static void what_the_wire_refuses_does_not_come_in(void **state) {
  (void)state;
  static const char refused[] = "argument \"id\" must be a text that is not empty, without control characters and \"/\"";
  expect(listener, "GET", "/items/a%0Ab", 400, NULL);
  expect_call("get", "{\"id\":\"a\\nb\"}", "", refused);
  expect_call("get", "{\"id\":\"a\\u0001b\"}", "", refused);
  expect_call("get", "{\"id\":\"a\\u007fb\"}", "", refused);
  expect_call("get", "{\"id\":\"../b\"}", "", refused);
  expect_call("get", "{\"id\":\"\"}", "", refused);
  expect_call("get", "{\"id\":[\"a\"]}", "", refused);
  expect_call("get", "{}", "", refused);
  expect_call("get", "[]", "", "the arguments are no JSON object");
  expect_call("get", "{\"id\":\"a\",\"id\":\"b\"}", "", "the arguments are no JSON object");
  expect_call("not_a_tool", "{}", "", "no route of plugin \"tools\" is offered as a tool \"not_a_tool\"");
  expect_call("store", "{\"body\":{\"word\":\"0123456789012345678901234567890123456789012345678901234567890123\"}}", "",
              "the body is larger than this route allows (the limit is body_limit_bytes = 64)");
  assert_int_equal(handled, 0);
  assert_int_equal(answered, 0);
}

static void a_call_may_do_what_its_asker_may(void **state) {
  char header[128];
  (void)state;
  snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", read_token);
  expect_call("get", "{\"id\":\"a\"}", header, "200 a");
  handled = 0;
  static const char denied[] = "403 {\"detail\":\"this needs the scope \\\"write\\\", which the credential used does not have\"}";
  expect_call("store", "{\"body\":{\"word\":\"yes\"}}", header, denied);
  expect_call("admin_only", "{\"id\":\"a\"}", "", "403 {\"detail\":\"this needs the scope \\\"admin\\\", which the credential used does not have\"}");
  assert_int_equal(handled, 0);
}

static void calls_are_bounded(void **state) {
  (void)state;
  expect(listener, "GET", "/call-too-often", 200, "512 calls of tools are running already: try again later");
  for (unsigned i = 0; i < 3; i++)
    expect_call("get", "{\"id\":\"a\"}", "", "200 a");
  assert_int_equal(answered, CALLS_MOST + 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(calls_are_answered_as_over_the_wire, setup, teardown),
      cmocka_unit_test_setup_teardown(what_the_wire_refuses_does_not_come_in, setup, teardown),
      cmocka_unit_test_setup_teardown(a_call_may_do_what_its_asker_may, setup, teardown),
      cmocka_unit_test_setup_teardown(calls_are_bounded, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
