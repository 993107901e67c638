/* The pipeline through real sockets: what each family answers before, around and instead of a handler. */
#include "auth/gate.h"
#include "serve.h"

static struct http_listener *detail, *error, *success, *problem, *host;
static unsigned handled;

static void say(bp_request request, bp_str text) {
  handled++;
  assert_int_equal(http_table.reply_text(request, 200, BP_LIT("text/plain"), text), BP_OK);
  assert_int_equal(http_table.reply_text(request, 200, BP_LIT("text/plain"), text), BP_E_STALE);
}

static void hello(void *state, bp_request request) {
  (void)state;
  say(request, BP_LIT("hello"));
}

/* Answers with what was asked: method, path below the prefix, family, and every parameter. */
static void echo(void *state, bp_request request) {
  struct buf text = {0};
  int64_t number = 0;
  uint32_t truth = 9;
  bp_str value;
  (void)state;
  buf_append_str(&text, http_table.method(request));
  buf_append_char(&text, ' ');
  buf_append_str(&text, http_table.path(request));
  buf_append_char(&text, ' ');
  buf_append_str(&text, http_table.family(request));
  static const bp_str names[] = {BP_STR("id"), BP_STR("name"), BP_STR("limit"), BP_STR("x-tag")};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (http_table.param(request, names[i], &value) == BP_OK) {
      buf_append_char(&text, '|');
      buf_append_str(&text, value);
    }
  if (http_table.param_integer(request, BP_LIT("limit"), &number) == BP_OK)
    buf_printf(&text, "|%lld", (long long)number);
  if (http_table.param_boolean(request, BP_LIT("all"), &truth) == BP_OK)
    buf_printf(&text, "|%u", truth);
  say(request, buf_str(&text));
  buf_release(&text);
}

static void store(void *state, bp_request request) {
  bp_str text;
  bp_json body, title;
  (void)state;
  assert_int_equal(http_table.body_text(request, &text), BP_OK);
  assert_int_equal(http_table.body(request, &body), BP_OK);
  assert_int_equal(json_table.get(body, BP_LIT("title"), &title), BP_OK);
  assert_int_equal(json_table.string(title, &text), BP_OK);
  say(request, text);
}

static void optional(void *state, bp_request request) {
  bp_json body;
  (void)state;
  say(request, http_table.body(request, &body) == BP_OK ? BP_LIT("body") : BP_LIT("no body"));
}

static void forget(void *state, bp_request request) {
  (void)state;
  (void)request;
  handled++;
}

static bp_status state_facts(void *state, bp_request request, bp_json_writer facts) {
  (void)state;
  json_table.object_begin(facts);
  json_table.key(facts, BP_LIT("path"));
  json_table.put_string(facts, http_table.path(request));
  json_table.object_end(facts);
  return BP_OK;
}

static bp_status fail_facts(void *state, bp_request request, bp_json_writer facts) {
  (void)state;
  (void)request;
  (void)facts;
  return BP_E_INVALID;
}

static bp_status break_facts(void *state, bp_request request, bp_json_writer facts) {
  (void)state;
  (void)request;
  json_table.object_begin(facts);
  return BP_OK;
}

static void fail_failure(void *state, bp_request request) {
  (void)state;
  bp_error err = {.size = sizeof(err), .message = "the queue is full"};
  assert_int_equal(http_table.reply_failure(request, BP_E_BUSY, &err), BP_OK);
}

static void refuse_value(void *state, bp_request request) {
  (void)state;
  bp_problem what = {.size = sizeof(what),
                     .status = 409,
                     .message = BP_LIT("is \"taken\""),
                     .code = BP_LIT("TAKEN"),
                     .location = BP_LIT("/body/tags/0"),
                     .hint = BP_LIT("choose another")};
  assert_int_equal(http_table.reply_problem(request, &what), BP_OK);
}

static void add_headers(void *state, bp_request request) {
  (void)state;
  assert_int_equal(http_table.header_add(request, BP_LIT("X-Good"), BP_LIT("yes")), BP_OK);
  assert_int_equal(http_table.header_add(request, BP_LIT("content-length"), BP_LIT("5")), BP_E_DENIED);
  assert_int_equal(http_table.header_add(request, BP_LIT("Access-Control-Allow-Origin"), BP_LIT("*")), BP_E_DENIED);
  assert_int_equal(http_table.header_add(request, BP_LIT("X-Bad"), BP_LIT("a\r\nb: c")), BP_E_INVALID);
  assert_int_equal(http_table.header_add(request, BP_LIT("X Bad"), BP_LIT("a")), BP_E_INVALID);
  assert_int_equal(http_table.reply_text(request, 99, BP_LIT("text/plain"), BP_LIT("")), BP_E_INVALID);
  say(request, http_table.has_scope(request, BP_LIT("read")) ? BP_LIT("may read") : BP_LIT("may not"));
}

static const bp_param echo_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("name"), .minimum = 2, .maximum = 8},
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_INTEGER, .name = BP_STR("limit"), .def = BP_STR("5"), .minimum = 1, .maximum = 9},
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_BOOLEAN, .name = BP_STR("all")},
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_REAL, .name = BP_STR("ratio")},
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("word"), .pattern = BP_STR("^[a-z]+$")},
    {.size = sizeof(bp_param), .in = BP_IN_HEADER, .type = BP_PARAM_STRING, .name = BP_STR("x-tag")},
};
static const bp_param need_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_INTEGER, .required = 1, .name = BP_STR("n")},
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("q")},
};

#define ITEM_SCHEMA                                                                                                                                  \
  BP_STR("{\"type\":\"object\",\"required\":[\"title\",\"owner\"],\"properties\":{\"title\":{\"type\":\"string\"},\"owner\":{\"type\":\"string\"},"  \
         "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}")
#define R(verb, at, id, run) .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(at), .operation_id = BP_STR(id), .handle = (run)
#define NO_POLICY .policy = BP_STR("none")
#define IN(word) .family = BP_STR(word)
static const bp_route routes[] = {
    {R("GET", "/hello", "hello", hello)},
    {R("GET", "/echo/{id}", "echo", echo), .params = BP_ARRAY(echo_params)},
    {R("GET", "/need/{n}", "need", hello), .params = BP_ARRAY(need_params)},
    {R("POST", "/items", "store", store), .body_schema = ITEM_SCHEMA, .body_limit_bytes = 4096, NO_POLICY},
    {R("POST", "/big", "store_big", store), .body_schema = ITEM_SCHEMA, .body_limit_bytes = 2u << 20, NO_POLICY},
    {R("POST", "/few", "store_few", store), .body_schema = ITEM_SCHEMA, .key_limit = 2, NO_POLICY},
    {R("POST", "/optional", "optional", optional), .body_schema = ITEM_SCHEMA, .flags = BP_ROUTE_OPTIONAL_BODY, NO_POLICY},
    {R("POST", "/plain", "plain", hello), NO_POLICY},
    {R("POST", "/facts", "with_facts", hello), .facts = state_facts, .policy = BP_STR("validation")},
    {R("POST", "/facts/fail", "facts_fail", hello), .facts = fail_facts, .policy = BP_STR("validation")},
    {R("POST", "/facts/broken", "facts_broken", hello), .facts = break_facts, .policy = BP_STR("validation")},
    {R("GET", "/forgets", "forgets", forget)},
    {R("GET", "/admin", "admin_only", hello), .scope = BP_STR("admin")},
    {R("GET", "/busy", "busy", fail_failure)},
    {R("GET", "/taken", "taken", refuse_value)},
    {R("GET", "/headers", "headers", add_headers)},
    {R("GET", "/hello", "hello_error", hello), IN("error")},
    {R("POST", "/items", "store_error", store), .body_schema = ITEM_SCHEMA, NO_POLICY, IN("error")},
    {R("GET", "/taken", "taken_error", refuse_value), IN("error")},
    {R("GET", "/only-error", "only_error", echo), IN("error")},
    {R("GET", "/hidden", "hidden", hello), IN("success")},
    {R("POST", "/items", "store_success", store), .body_schema = ITEM_SCHEMA, NO_POLICY, IN("success")},
    {R("GET", "/taken", "taken_success", refuse_value), IN("success")},
    {R("GET", "/only-problem", "only_problem", hello), IN("problem")},
    {R("POST", "/items", "store_problem", store), .body_schema = ITEM_SCHEMA, NO_POLICY, IN("problem")},
    {R("GET", "/taken", "taken_problem", refuse_value), IN("problem")},
};

static void host_hello(struct http_exchange *x, bp_str body) {
  exchange_reply(x, 200, BP_LIT("text/plain"), body.len ? body : BP_LIT("host"));
}
static const struct host_route host_routes[] = {
    {"GET", "/hello", 0, host_hello, "host_hello", "Says hello"},
    {"POST", "/api/host/", SCOPE_WRITE, host_hello, "host_post", "Takes anything below"},
    {"GET", "/host/admin", SCOPE_ADMIN, host_hello, "host_admin", "Not for everybody"},
};

static int set_up(void **state) {
  (void)state;
  serve_start();
  router_add_host_routes(host_routes, 3);
  serve_plugin("tester", (bp_array)BP_ARRAY(routes), true);
  detail = serve_listen("detail");
  error = serve_listen("error");
  success = serve_listen("success");
  problem = serve_listen("problem");
  host = serve_listen(NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  serve_stop();
  return 0;
}

static void not_found_and_not_allowed(void **state) {
  (void)state;
  expect(detail, "GET", "/nowhere", 404, "{\"detail\":\"Not Found\"}");
  expect(detail, "POST", "/hello", 405, "{\"detail\":\"Method Not Allowed\"}");
  expect(detail, "HEAD", "/hello", 405, "");
  expect(detail, "OPTIONS", "/hello", 405, "{\"detail\":\"Method Not Allowed\"}");
  expect(detail, "OPTIONS", "/nowhere", 404, "{\"detail\":\"Not Found\"}");
  expect(detail, "GET", "/hello/", 404, NULL);
  expect(error, "POST", "/hello", 405, "{\"error\":\"Method Not Allowed\"}");
  expect(error, "HEAD", "/hello", 200, "");
  expect(success, "POST", "/hidden", 404, "{\"success\":false,\"error\":\"Not Found\"}");
  expect(problem, "GET", "/nowhere", 404, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"Not Found\"}");
}

static void the_allow_header_names_methods(void **state) {
  (void)state;
  struct ask ask = {0};
  ask_start(&ask, error, "DELETE", "/hello", "", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 405);
  assert_true(ask_has_header(&ask, "\r\nAllow: GET, HEAD"));
  ask_end(&ask);
  ask_start(&ask, detail, "DELETE", "/hello", "", BP_LIT(""));
  ask_wait(&ask);
  assert_true(ask_has_header(&ask, "\r\nAllow: GET"));
  assert_false(ask_has_header(&ask, "HEAD"));
  ask_end(&ask);
}

static void the_main_listener_serves_all(void **state) {
  (void)state;
  expect(host, "GET", "/hello", 200, "host");
  expect(host, "HEAD", "/hello", 200, "");
  expect(host, "GET", "/f/detail/hello", 200, "hello");
  expect(host, "GET", "/f/error/only-error", 200, "GET /only-error error");
  expect(host, "GET", "/only-error", 200, "GET /only-error error");
  expect(host, "POST", "/only-error", 405, "{\"error\":\"Method Not Allowed\"}");
  expect(host, "GET", "/hidden", 404, NULL);
  expect(host, "GET", "/f/success/hidden", 200, "hello");
  expect(host, "GET", "/taken", 404, NULL); /* several families have it */
  expect(host, "GET", "/f/detail/nowhere", 404, "{\"detail\":\"Not Found\"}");
  expect(host, "GET", "/f/nobody/hello", 404, NULL);
  expect(host, "GET", "/f/detail", 404, NULL);
  expect_with(host, "POST", "/api/host/x/y", JSON_TYPE, "{}", 200, "{}");
  expect(host, "GET", "/api/host/x", 405, NULL);
  expect_with(host, "POST", "/api/host/x", "Content-Type: text/plain\r\n", "{}", 415, NULL);
  expect(host, "GET", "/host/admin", 403, NULL);
  expect(host, "GET", "/f/detail/docs", 200, NULL);
}

static void parameters(void **state) {
  (void)state;
  expect(detail, "GET", "/echo/a%20b", 200, "GET /echo/a b detail|a b|5|5");
  expect(detail, "GET", "/echo/x?name=a%2Bb+c&limit=7&all=Yes&zzz=1&name=other", 200, "GET /echo/x detail|x|a+b c|7|7|1");
  expect(detail, "GET", "/echo/x?n%61me=ok", 200, "GET /echo/x detail|x|ok|5|5");
  expect_with(detail, "GET", "/echo/x", "X-Tag: t1\r\n", "", 200, "GET /echo/x detail|x|5|t1|5");
  expect(
      detail, "GET", "/echo/x?limit=seven", 422,
      "{\"detail\":[{\"type\":\"int_parsing\",\"loc\":[\"query\",\"limit\"],\"msg\":\"Input should be a valid integer, unable to parse string as an "
      "integer\",\"input\":\"seven\"}]}");
  expect(detail, "GET", "/echo/x?limit=10", 422,
         "{\"detail\":[{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"limit\"],\"msg\":\"Input should be less than or equal to "
         "9\",\"input\":\"10\"}]}");
  expect(detail, "GET", "/echo/x?limit=0", 422, NULL);
  expect(detail, "GET", "/echo/x?name=a", 422, NULL);
  expect(detail, "GET", "/echo/x?name=123456789", 422, NULL);
  expect(detail, "GET", "/echo/x?all=maybe", 422, NULL);
  expect(detail, "GET", "/echo/x?ratio=0x10", 422, NULL);
  expect(detail, "GET", "/echo/x?ratio=-1.5e3", 200, NULL);
  expect(detail, "GET", "/echo/x?word=abc%0A", 422, NULL);
  expect(detail, "GET", "/echo/x?word=%ff", 422, NULL);
  expect(detail, "GET", "/echo/x?word=a%00b", 422, NULL);
  expect(detail, "GET", "/need/x", 422,
         "{\"detail\":[{\"type\":\"int_parsing\",\"loc\":[\"path\",\"n\"],\"msg\":\"Input should be a valid integer, unable to parse string as an "
         "integer\",\"input\":\"x\"},{\"type\":\"missing\",\"loc\":[\"query\",\"q\"],\"msg\":\"Field required\",\"input\":null}]}");
}

static void media_types(void **state) {
  (void)state;
  static const char body[] = "{\"title\":\"t\",\"owner\":\"o\"}";
  expect_with(detail, "POST", "/items", "", body, 200, "t");
  expect_with(detail, "POST", "/items", JSON_TYPE, body, 200, "t");
  expect_with(detail, "POST", "/items", "Content-Type: application/vnd.x+json; charset=\"UTF-8\"\r\n", body, 200, "t");
  expect_with(detail, "POST", "/items", "Content-Type: application/json; charset=latin1\r\n", body, 415, NULL);
  expect_with(detail, "POST", "/items", "Content-Type: text/plain\r\n", body, 415, "{\"detail\":\"Content-Type must be application/json\"}");
  expect_with(detail, "POST", "/items", "Content-Type: application/x-www-form-urlencoded\r\n", body, 415, NULL);
  expect_with(detail, "POST", "/items", JSON_TYPE "Content-Encoding: gzip\r\n", body, 415, NULL);
  expect_with(detail, "POST", "/plain", "Content-Type: text/plain\r\n", "x", 415, NULL);
  expect(detail, "POST", "/plain", 200, "hello");
}

static void bodies(void **state) {
  (void)state;
  expect_with(detail, "POST", "/items", JSON_TYPE, "", 422,
              "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}]}");
  expect_with(detail, "POST", "/optional", JSON_TYPE, "", 200, "no body");
  expect_with(detail, "POST", "/items", JSON_TYPE, "{\"title\":1}", 422,
              "{\"detail\":[{\"type\":\"string_type\",\"loc\":[\"body\",\"title\"],\"msg\":\"Input should be a valid string\",\"input\":1},"
              "{\"type\":\"missing\",\"loc\":[\"body\",\"owner\"],\"msg\":\"Field required\",\"input\":{\"title\":1}}]}");
  expect_with(detail, "POST", "/items", JSON_TYPE, "{\"title\":\"t\",\"owner\":\"o\",\"tags\":[\"a\",7]}", 422,
              "{\"detail\":[{\"type\":\"string_type\",\"loc\":[\"body\",\"tags\",1],\"msg\":\"Input should be a valid string\",\"input\":7}]}");
  expect_with(error, "POST", "/items", JSON_TYPE, "{\"title\":\"t\",\"owner\":\"o\",\"tags\":[7]}", 400,
              "{\"error\":\"\\\"tags.0\\\" in body: Input should be a valid string\"}");
  expect_with(success, "POST", "/items", JSON_TYPE, "{\"title\":\"t\"}", 400,
              "{\"success\":false,\"error\":\"\\\"owner\\\" in body: Field required\"}");
  expect_with(problem, "POST", "/items", JSON_TYPE, "{\"title\":\"t\"}", 422,
              "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,\"detail\":\"\\\"owner\\\" in body: Field required\","
              "\"errors\":[{\"pointer\":\"/body/owner\",\"detail\":\"Field required\"}]}");
}

static void malformed_json(void **state) {
  (void)state;
  struct ask ask = {0};
  ask_start(&ask, detail, "POST", "/items", JSON_TYPE, BP_LIT("{\"title\": \"t\",}"));
  ask_wait(&ask);
  assert_int_equal(ask.status, 422);
  static const char start[] = "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",";
  assert_memory_equal(ask.body, start, sizeof(start) - 1);
  assert_non_null(strstr(ask.body, "],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":\""));
  ask_end(&ask);
  ask_start(&ask, error, "POST", "/items", JSON_TYPE, BP_LIT("{"));
  ask_wait(&ask);
  assert_int_equal(ask.status, 400);
  assert_non_null(strstr(ask.body, "{\"error\":\"the body is not valid JSON at byte "));
  ask_end(&ask);
}

static void too_many_keys(void **state) {
  (void)state;
  expect_with(detail, "POST", "/few", JSON_TYPE, "{\"title\":\"t\",\"owner\":\"o\"}", 200, "t");
  expect_with(detail, "POST", "/few", JSON_TYPE, "{\"title\":\"t\",\"owner\":\"o\",\"x\":1}", 413,
              "{\"detail\":\"too many keys: an object has more members than the limit; the limit is key_limit = 2 of route store_few\"}");
}

static void large_bodies(void **state) {
  (void)state;
  struct buf body = {0};
  struct ask ask = {0};
  buf_append_z(&body, "{\"title\":\"t\",\"owner\":\"");
  char *fill = buf_reserve(&body, 5000);
  memset(fill, 'a', 5000);
  body.len += 5000;
  buf_append_z(&body, "\"}");
  ask_start(&ask, detail, "POST", "/items", JSON_TYPE, buf_str(&body));
  ask_wait(&ask);
  assert_int_equal(ask.status, 413);
  assert_non_null(strstr(ask.body, "body_limit_bytes = 4096 of route store"));
  ask_end(&ask);
  buf_clear(&body);
  buf_append_z(&body, "{\"title\":\"parsed by a worker\",\"owner\":\"");
  fill = buf_reserve(&body, 600000);
  memset(fill, 'b', 600000);
  body.len += 600000;
  buf_append_z(&body, "\"}");
  ask_start(&ask, detail, "POST", "/big", JSON_TYPE, buf_str(&body));
  ask_wait(&ask);
  assert_int_equal(ask.status, 200);
  assert_string_equal(ask.body, "parsed by a worker");
  ask_end(&ask);
  body.data[2] = 'T'; /* now the title is missing: the value shown would be too large, so it is left out */
  ask_start(&ask, detail, "POST", "/big", JSON_TYPE, buf_str(&body));
  ask_wait(&ask);
  assert_int_equal(ask.status, 422);
  assert_string_equal(ask.body, "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"title\"],\"msg\":\"Field required\"}]}");
  ask_end(&ask);
  buf_release(&body);
}

static void facts_come_first(void **state) {
  (void)state;
  expect(detail, "POST", "/facts", 200, "hello");
  handled = 0;
  expect(detail, "POST", "/facts/fail", 403, NULL);
  expect(detail, "POST", "/facts/broken", 403, NULL);
  assert_int_equal(handled, 0);
}

static void a_handler_that_forgets(void **state) {
  (void)state;
  expect(detail, "GET", "/forgets", 500, "{\"detail\":\"the module that serves this path gave no answer; the log names it\"}");
}

static void scopes(void **state) {
  (void)state;
  handled = 0;
  expect(detail, "GET", "/admin", 403, "{\"detail\":\"this needs the scope \\\"admin\\\", which the credential used does not have\"}");
  assert_int_equal(handled, 0);
  struct ask ask = {0};
  detail->auth = LISTENER_AUTH_TOKEN;
  ask_start(&ask, detail, "GET", "/hello", "", BP_LIT(""));
  ask_wait(&ask);
  detail->auth = LISTENER_AUTH_PEER;
  assert_int_equal(ask.status, 401);
  assert_true(ask_has_header(&ask, "WWW-Authenticate: Bearer"));
  ask_end(&ask);
}

static void errors_of_plugins(void **state) {
  (void)state;
  struct ask ask = {0};
  ask_start(&ask, detail, "GET", "/busy", "", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 503);
  assert_string_equal(ask.body, "{\"detail\":\"the queue is full\"}");
  assert_true(ask_has_header(&ask, "Retry-After: 1"));
  ask_end(&ask);
  expect(detail, "GET", "/taken", 409, "{\"detail\":[{\"type\":\"value_error\",\"loc\":[\"body\",\"tags\",0],\"msg\":\"is \\\"taken\\\"\"}]}");
  expect(error, "GET", "/taken", 409, "{\"error\":\"\\\"tags.0\\\" in body: is \\\"taken\\\"\"}");
  expect(success, "GET", "/taken", 409, "{\"success\":false,\"error\":\"\\\"tags.0\\\" in body: is \\\"taken\\\"\",\"code\":\"TAKEN\"}");
  expect(problem, "GET", "/taken", 409,
         "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,\"detail\":\"\\\"tags.0\\\" in body: is \\\"taken\\\"\",\"code\":\"TAKEN\","
         "\"hint\":\"choose another\",\"errors\":[{\"pointer\":\"/body/tags/0\",\"detail\":\"is \\\"taken\\\"\"}]}");
}

static void response_headers(void **state) {
  (void)state;
  struct ask ask = {0};
  ask_start(&ask, detail, "GET", "/headers", "", BP_LIT(""));
  ask_wait(&ask);
  assert_string_equal(ask.body, "may read");
  assert_true(ask_has_header(&ask, "X-Good: yes"));
  assert_false(ask_has_header(&ask, "X-Bad"));
  ask_end(&ask);
}

static void origins(void **state) {
  (void)state;
  static const bp_str listed[] = {BP_STR("http://localhost:5173")};
  struct ask ask = {0};
  auth_set_origins(listed, 1);
  ask_start(&ask, detail, "OPTIONS", "/hello", "Origin: http://localhost:5173\r\nAccess-Control-Request-Method: GET\r\n", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 200);
  assert_true(ask_has_header(&ask, "Access-Control-Allow-Origin: http://localhost:5173"));
  assert_true(ask_has_header(&ask, "Access-Control-Allow-Credentials: true"));
  ask_end(&ask);
  ask_start(&ask, error, "GET", "/nowhere", "Origin: http://localhost:5173\r\n", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 404);
  assert_true(ask_has_header(&ask, "Access-Control-Allow-Origin: http://localhost:5173"));
  assert_false(ask_has_header(&ask, "Access-Control-Allow-Credentials"));
  ask_end(&ask);
  expect_with(detail, "GET", "/hello", "Origin: http://evil.example\r\n", "", 403, NULL);
  auth_set_origins(NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(not_found_and_not_allowed),
      cmocka_unit_test(the_allow_header_names_methods),
      cmocka_unit_test(the_main_listener_serves_all),
      cmocka_unit_test(parameters),
      cmocka_unit_test(media_types),
      cmocka_unit_test(bodies),
      cmocka_unit_test(malformed_json),
      cmocka_unit_test(too_many_keys),
      cmocka_unit_test(large_bodies),
      cmocka_unit_test(facts_come_first),
      cmocka_unit_test(a_handler_that_forgets),
      cmocka_unit_test(scopes),
      cmocka_unit_test(errors_of_plugins),
      cmocka_unit_test(response_headers),
      cmocka_unit_test(origins),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
