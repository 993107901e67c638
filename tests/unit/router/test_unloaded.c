/* Requests whose plugin is unloaded while their body is still on its way: what the route borrowed from the image is gone then. */
#include "auth/gate.h"
#include "http/loopback.h"
#include "loader/plugin.h"
#include "loop/workers.h"
#include "router/router.h"

#include <stdlib.h>

static struct plugin *owner;
static unsigned handled;

/* What the image of a plugin holds: unmapping it is freeing this. */
static struct image_of_plugin {
  char path[16], id[16], name[16], def[16], schema[32];
  bp_param params[1];
  bp_route routes[1];
} * image;

static void handle(void *state, bp_request request) {
  (void)state;
  (void)request;
  handled++;
}

static bp_str text_in(char *room, size_t size, const char *text) {
  (void)snprintf(room, size, "%s", text);
  return str_from(room);
}

static void load(void) {
  bp_error err = BP_ERROR_INIT;
  image = calloc(1, sizeof(*image));
  image->params[0] = (bp_param){.size = sizeof(bp_param),
                                .in = BP_IN_QUERY,
                                .type = BP_PARAM_STRING,
                                .name = text_in(image->name, sizeof(image->name), "q"),
                                .def = text_in(image->def, sizeof(image->def), "none")};
  image->routes[0] = (bp_route){.size = sizeof(bp_route),
                                .method = BP_LIT("POST"),
                                .path = text_in(image->path, sizeof(image->path), "/store"),
                                .operation_id = text_in(image->id, sizeof(image->id), "store"),
                                .summary = BP_LIT("A route."),
                                .policy = BP_LIT("none"),
                                .body_schema = text_in(image->schema, sizeof(image->schema), "{\"type\":\"object\"}"),
                                .params = BP_ARRAY(image->params),
                                .body_limit_bytes = 100,
                                .handle = handle};
  const bp_array all = {image->routes, 1, sizeof(bp_route)};
  if (router_add(owner, &all, NULL, &err) != BP_OK)
    fail_msg("%s", err.message);
}

static void unload(void) {
  router_remove(owner);
  memset(image, 0x5a, sizeof(*image));
  free(image);
}

static int begin_request(const char *framing, const char *body) {
  struct buf text = {0};
  int fd = loopback_connect();
  buf_printf(&text, "POST /store?q=x HTTP/1.1\r\nHost: localhost:%u\r\nContent-Type: application/json\r\n%s\r\n\r\n%s", loopback_port, framing, body);
  loopback_send(fd, buf_str(&text));
  buf_release(&text);
  loopback_run_for(5);
  return fd;
}

static void a_body_that_ends_later_is_answered_with_503(void **state) {
  (void)state;
  struct buf in = {0};
  load();
  int fd = begin_request("Content-Length: 2", "{");
  unload();
  loopback_send_z(fd, "}");
  loopback_expect(fd, &in, "being stopped");
  assert_true(loopback_has(&in, "HTTP/1.1 503 "));
  assert_int_equal(handled, 0);
  close(fd);
  buf_release(&in);
}

static void a_body_that_grows_too_large_is_answered_with_413(void **state) {
  (void)state;
  struct buf in = {0};
  load();
  int fd = begin_request("Transfer-Encoding: chunked", "1\r\n{\r\n");
  unload();
  loopback_send_z(fd, "ff\r\n");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "HTTP/1.1 413 "));
  assert_true(loopback_has(&in, "of route store)"));
  close(fd);
  buf_release(&in);
}

static int setup(void **state) {
  (void)state;
  static const bp_family family = {.size = sizeof(bp_family),
                                   .error_shape = BP_ERRORS_DETAIL,
                                   .validation_status = 422,
                                   .name = BP_STR("test"),
                                   .title = BP_STR("Test"),
                                   .not_found_text = BP_STR("Not Found"),
                                   .not_allowed_text = BP_STR("Method Not Allowed")};
  if (!loop_init())
    return -1;
  router_init();
  owner = plugin_add(BP_LIT("test"), "/test.so");
  owner->phase = PLUGIN_STARTED;
  owner->descriptor.family = BP_LIT("test");
  handled = 0;
  if (family_declare(owner, &family, NULL) != BP_OK)
    return -1;
  loopback_listen();
  loopback_listener->port = loopback_port;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  http_unlisten(loopback_listener);
  loopback_until(http_counters()->connections == 0);
  workers_stop();
  router_release();
  loop_release();
  plugin_registry_release();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_body_that_ends_later_is_answered_with_503, setup, teardown),
      cmocka_unit_test_setup_teardown(a_body_that_grows_too_large_is_answered_with_413, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
