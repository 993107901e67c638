/* OpenAPI documents of a small plugin: valid JSON, every reference resolves, nothing declared is left out. */
#include "router/openapi.h"
#include "serve.h"
#include "json/json.h"

static void handle(void *state, bp_request request) {
  (void)state;
  http_table.reply_empty(request, 204);
}

static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_INTEGER, .name = BP_STR("limit"), .doc = BP_STR("<how many>"), .maximum = 9},
    {.size = sizeof(bp_param), .in = BP_IN_HEADER, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("x-tag")},
};
static const bp_param upload_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_FILE, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("file")},
    {.size = sizeof(bp_param), .in = BP_IN_FORM, .type = BP_PARAM_STRING, .name = BP_STR("tags")},
};
#define TREE                                                                                                                                         \
  BP_STR("{\"$ref\":\"#/$defs/node\",\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"                       \
         "\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/node\"}}}}}}")
#define R(verb, at, id)                                                                                                                              \
  .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(at), .operation_id = BP_STR(id), .summary = BP_STR("Does " id), .handle = handle
static const bp_route routes[] = {
    {R("GET", "/items/{id}", "get_item"), .params = BP_ARRAY(params), .response_schema = TREE},
    {R("POST", "/items", "post_item"), .body_schema = TREE, .success_status = 201, .policy = BP_STR("none")},
    {R("POST", "/files", "upload"), .params = BP_ARRAY(upload_params), .flags = BP_ROUTE_UPLOAD, .policy = BP_STR("none")},
    {R("*", "/proxy/{rest*}", "proxy"), .flags = BP_ROUTE_STREAM, .policy = BP_STR("none")},
};
static const bp_route more[] = {{R("GET", "/other", "get_item")}};

static json_t *document;

static int set_up(void **state) {
  (void)state;
  struct buf text = {0};
  bp_error err = BP_ERROR_INIT;
  struct doc_limits limits = {.depth = 64, .keys = 1024};
  serve_start();
  serve_plugin("first", (bp_array)BP_ARRAY(routes), true);
  serve_plugin("org.example.second", (bp_array)BP_ARRAY(more), false);
  family_openapi(family_find(BP_LIT("detail")), &text);
  document = doc_parse(buf_str(&text), &limits, &err);
  if (!document)
    print_message("%s at %s\n", err.message, err.pointer);
  buf_release(&text);
  return document ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  json_decref(document);
  serve_stop();
  return 0;
}

/* Follows "/a/b" from the root of the document. */
static json_t *at(const char *pointer) {
  json_t *value = document;
  while (value && *pointer == '/') {
    const char *start = pointer + 1;
    const char *end = start + strcspn(start, "/");
    char key[128] = {0};
    size_t len = 0;
    for (const char *p = start; p < end && len < sizeof(key) - 1; p++, len++)
      key[len] = *p == '~' ? (*++p == '1' ? '/' : '~') : *p;
    value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10)) : json_object_get(value, key);
    pointer = end;
  }
  return value;
}

static void check_references(json_t *value, unsigned *count) {
  const char *reference = json_string_value(json_object_get(value, "$ref"));
  if (reference) {
    (*count)++;
    assert_int_equal(reference[0], '#');
    if (!at(reference + 1))
      fail_msg("\"%s\" leads nowhere", reference);
  }
  const char *key;
  json_t *member;
  json_object_foreach(value, key, member) check_references(member, count);
  for (size_t i = 0; i < json_array_size(value); i++)
    check_references(json_array_get(value, i), count);
}

static void every_reference_resolves(void **state) {
  (void)state;
  unsigned count = 0;
  check_references(document, &count);
  assert_true(count >= 6);
}

static const char *text_at(const char *pointer) {
  const char *text = json_string_value(at(pointer));
  if (!text)
    fail_msg("no text at \"%s\"", pointer);
  return text;
}

static void operations_are_complete(void **state) {
  (void)state;
  assert_string_equal(text_at("/openapi"), "3.1.0");
  assert_string_equal(text_at("/info/title"), "Family detail");
  assert_string_equal(text_at("/paths/~1items~1{id}/get/operationId"), "get_item");
  assert_string_equal(text_at("/paths/~1items~1{id}/get/summary"), "Does get_item");
  assert_string_equal(text_at("/paths/~1items~1{id}/get/tags/0"), "first");
  assert_string_equal(text_at("/paths/~1items~1{id}/get/parameters/0/name"), "id");
  assert_true(json_is_true(at("/paths/~1items~1{id}/get/parameters/0/required")));
  assert_string_equal(text_at("/paths/~1items~1{id}/get/parameters/1/in"), "query");
  assert_string_equal(text_at("/paths/~1items~1{id}/get/parameters/2/in"), "header");
  assert_string_equal(text_at("/paths/~1items/post/requestBody/content/application~1json/schema/$ref"), "#/components/schemas/first.post_item.body");
  assert_non_null(at("/paths/~1items/post/responses/201"));
  assert_string_equal(text_at("/paths/~1items/post/responses/default/content/application~1json/schema/$ref"), "#/components/schemas/Error");
  assert_string_equal(text_at("/paths/~1files/post/requestBody/content/multipart~1form-data/schema/required/0"), "file");
  assert_string_equal(text_at("/paths/~1other/get/operationId"), "org.example.second.get_item");
  assert_non_null(at("/paths/~1proxy~1{rest}/delete"));
}

static void pages(void **state) {
  (void)state;
  struct http_listener *listener = serve_listen("detail");
  struct ask ask = {0};
  ask_start(&ask, listener, "GET", "/docs", "", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 200);
  assert_true(ask_has_header(&ask, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'"));
  assert_non_null(strstr(ask.body, "<code>/items/{id}</code>"));
  assert_non_null(strstr(ask.body, "&lt;how many&gt;"));
  assert_null(strstr(ask.body, "<how many>"));
  ask_end(&ask);
  expect(listener, "GET", "/redoc", 200, NULL);
  expect(listener, "GET", "/openapi.json", 200, NULL);
  expect(listener, "POST", "/docs", 405, "{\"detail\":\"Method Not Allowed\"}");
  expect(serve_listen("error"), "GET", "/docs", 404, NULL);
  listener = serve_listen(NULL);
  ask_start(&ask, listener, "GET", "/openapi.json", "", BP_LIT(""));
  ask_wait(&ask);
  assert_int_equal(ask.status, 200);
  assert_non_null(strstr(ask.body, "\"operationId\":\"openapi\""));
  ask_end(&ask);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_reference_resolves),
      cmocka_unit_test(operations_are_complete),
      cmocka_unit_test(pages),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
