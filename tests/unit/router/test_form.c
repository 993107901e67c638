/* Multipart uploads as the router serves them: fields and files checked as parameters before the handler runs. */
#include "host.h"
#include "serve.h"

#include <ftw.h>

static struct http_listener *listener;
static char folder[] = "/tmp/router-form-XXXXXX";

static void store(void *state, bp_request request) {
  struct buf text = {0};
  bp_part part = {.size = sizeof(part)};
  bp_str name, tags;
  (void)state;
  assert_int_equal(http_table.param(request, BP_LIT("file"), &name), BP_OK);
  assert_int_equal(http_table.param(request, BP_LIT("tags"), &tags), BP_OK);
  assert_true(stream_table.part_count(request) >= 1);
  assert_int_equal(stream_table.part(request, 0, &part), BP_OK);
  buf_printf(&text, "%.*s %.*s %llu", (int)name.len, name.ptr, (int)tags.len, tags.ptr, (unsigned long long)part.size_bytes);
  http_table.reply_text(request, 201, BP_LIT("text/plain"), buf_str(&text));
  buf_release(&text);
}

static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_FILE, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("file")},
    {.size = sizeof(bp_param), .in = BP_IN_FORM, .type = BP_PARAM_STRING, .name = BP_STR("tags"), .def = BP_STR("none"), .maximum = 8},
};
static const bp_route routes[] = {{.size = sizeof(bp_route),
                                   .method = BP_STR("POST"),
                                   .path = BP_STR("/files"),
                                   .operation_id = BP_STR("store"),
                                   .params = BP_ARRAY(params),
                                   .flags = BP_ROUTE_UPLOAD,
                                   .body_limit_bytes = 4096,
                                   .policy = BP_STR("none"),
                                   .handle = store}};

static int set_up(void **state) {
  (void)state;
  assert_non_null(mkdtemp(folder));
  host_run.state_dir = folder;
  serve_start();
  serve_plugin("files", (bp_array)BP_ARRAY(routes), true);
  listener = serve_listen("detail");
  return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
  (void)info;
  (void)kind;
  (void)walk;
  return remove(path);
}

static int tear_down(void **state) {
  (void)state;
  serve_stop();
  return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define MULTIPART "Content-Type: multipart/form-data; boundary=XX\r\n"
#define FILE_PART "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n"
#define TEXT_PART(name, value) "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define END "--XX--\r\n"

static void parts_are_parameters(void **state) {
  (void)state;
  expect_with(listener, "POST", "/files", MULTIPART, FILE_PART TEXT_PART("tags", "x,y") END, 201, "a.txt x,y 5");
  expect_with(listener, "POST", "/files", MULTIPART, FILE_PART END, 201, "a.txt none 5");
}

static void what_is_missing_is_named(void **state) {
  (void)state;
  static const char missing[] = "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"file\"],\"msg\":\"Field required\",\"input\":null}]}";
  expect_with(listener, "POST", "/files", MULTIPART, TEXT_PART("tags", "x") END, 422, missing);
  expect_with(listener, "POST", "/files", MULTIPART, TEXT_PART("file", "not a file") END, 422, missing);
  expect(listener, "POST", "/files", 422, missing);
  expect_with(listener, "POST", "/files", JSON_TYPE, "{}", 422, missing);
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  expect_with(listener, "POST", "/files", MULTIPART, FILE_PART TEXT_PART("tags", "much too long") END, 422,
              "{\"detail\":[{\"type\":\"string_too_long\",\"loc\":[\"body\",\"tags\"],\"msg\":\"String should have at most 8 characters\","
              "\"input\":\"much too long\"}]}");
  expect_with(listener, "POST", "/files", "Content-Type: text/plain\r\n", "{}", 415, NULL);
  expect_with(listener, "POST", "/files", MULTIPART, "--XX\r\n", 400, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_are_parameters),
      cmocka_unit_test(what_is_missing_is_named),
      cmocka_unit_test(what_is_wrong_is_named),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
