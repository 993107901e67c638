/* bp.fs/1 with requests: a file as the answer, and an uploaded part kept beneath a root, also on another file system. */
#include "router/serve.h"

#include "host.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#define BOUNDARY "Content-Type: multipart/form-data; boundary=b\r\n"
#define FORM "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nuploaded\r\n--b--\r\n"

static struct plugin *plugin;
static struct http_listener *listener;
static char base[64], other[64];
static bp_root root;
static uint32_t keep_flags;
static bool closes_root;

static void handle_get(void *state, bp_request request) {
  const bp_file_reply options = {.size = sizeof(options), .content_type = BP_LIT("text/plain")};
  bp_str path = {NULL, 0};
  (void)state;
  http_table.param(request, BP_LIT("path"), &path);
  assert_int_equal(fs_table.send(request, root, path, &options), BP_OK);
  assert_int_equal(fs_table.send(request, root, path, &options), BP_E_STALE);
  if (closes_root) /* the answer is on its way and comes all the same */
    assert_int_equal(fs_table.root_close(root), BP_OK);
}

static void on_kept(void *ctx, const bp_fs_result *result) {
  bp_request request = *(bp_request *)ctx;
  if (result->status == BP_OK)
    http_table.reply_text(request, 200, BP_LIT("text/plain"), BP_LIT("kept"));
  else
    http_table.reply_failure(request, result->status, result->error);
}

static void handle_upload(void *state, bp_request request) {
  static bp_request kept;
  (void)state;
  kept = request;
  assert_int_equal(fs_table.keep_part(request, 0, root, BP_LIT("sub/kept"), keep_flags, on_kept, &kept), BP_E_STATE);
  assert_int_equal(http_table.defer(request, NULL, NULL), BP_OK);
  assert_int_equal(fs_table.keep_part(request, 9, root, BP_LIT("sub/kept"), keep_flags, on_kept, &kept), BP_E_NOT_FOUND);
  assert_int_equal(fs_table.keep_part(request, 0, root, BP_LIT("sub/kept"), keep_flags, on_kept, &kept), BP_OK);
}

static const bp_param params[] = {{.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("path")}};

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/get"),
     .operation_id = BP_STR("get"),
     .summary = BP_STR("get"),
     .params = BP_ARRAY(params),
     .handle = handle_get},
    {.size = sizeof(bp_route),
     .flags = BP_ROUTE_UPLOAD,
     .method = BP_STR("POST"),
     .path = BP_STR("/keep"),
     .operation_id = BP_STR("keep"),
     .summary = BP_STR("keep"),
     .handle = handle_upload,
     .policy = BP_STR("none")},
};

static void open_root(const char *folder) {
  bp_error err = BP_ERROR_INIT;
  if (fs_table.root_open(plugin->handle, str_from(folder), 0, &root, &err) != BP_OK)
    fail_msg("%s", err.message);
}

static int setup(void **state) {
  (void)state;
  static char files[96];
  snprintf(base, sizeof(base), "/tmp/backplane-send-XXXXXX");
  snprintf(other, sizeof(other), "/dev/shm/backplane-send-XXXXXX");
  if (!mkdtemp(base) || !mkdtemp(other))
    return -1;
  snprintf(files, sizeof(files), "%s/files", base);
  if (mkdir(files, 0700) != 0)
    return -1;
  host_run.state_dir = base;
  keep_flags = BP_FS_PARENTS;
  closes_root = false;
  serve_start();
  plugin = serve_plugin("test.fs", (bp_array)BP_ARRAY(routes), true);
  listener = serve_listen("detail");
  open_root(files);
  return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
  (void)info, (void)type, (void)at;
  return remove(path);
}

static int teardown(void **state) {
  (void)state;
  plugin_revoke_all(plugin);
  serve_stop();
  host_run.state_dir = NULL;
  return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS) | nftw(other, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_a_part_is_kept_and_sent_again(void **state) {
  (void)state;
  expect_with(listener, "POST", "/keep", BOUNDARY, FORM, 200, "kept");
  expect(listener, "GET", "/get?path=sub/kept", 200, "uploaded");
  expect_with(listener, "POST", "/keep", BOUNDARY, FORM, 409, NULL);
  keep_flags |= BP_FS_OVERWRITE;
  expect_with(listener, "POST", "/keep", BOUNDARY, FORM, 200, "kept");
  closes_root = true;
  expect(listener, "GET", "/get?path=sub/kept", 200, "uploaded");
}

static void test_a_part_is_kept_on_another_file_system(void **state) {
  (void)state;
  open_root(other);
  expect_with(listener, "POST", "/keep", BOUNDARY, FORM, 200, "kept");
  expect(listener, "GET", "/get?path=sub/kept", 200, "uploaded");
  expect_with(listener, "POST", "/keep", BOUNDARY, FORM, 409, NULL);
  expect(listener, "GET", "/get?path=sub/kept", 200, "uploaded");
}

static void test_what_is_not_sent(void **state) {
  (void)state;
  expect(listener, "GET", "/get?path=none", 404, NULL);
  expect(listener, "GET", "/get?path=.", 404, NULL);
  expect(listener, "GET", "/get?path=../x", 403, NULL);
  expect(listener, "GET", "/get?path=/etc/passwd", 403, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_part_is_kept_and_sent_again),
      TEST(test_a_part_is_kept_on_another_file_system),
      TEST(test_what_is_not_sent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
