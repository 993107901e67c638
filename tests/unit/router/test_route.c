/* What is refused at load, and with which words. */
#include "serve.h"

#include "router/resolve.h"

static struct plugin *plugin;

static void handle(void *state, bp_request request) {
  (void)state;
  (void)request;
}

static bp_status state_facts(void *state, bp_request request, bp_json_writer facts) {
  (void)state;
  (void)request;
  (void)facts;
  return BP_OK;
}

#define R(verb, at, id) .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(at), .operation_id = BP_STR(id), .handle = handle

static int set_up(void **state) {
  static const bp_route routes[] = {{R("GET", "/taken/{id}", "taken")}};
  (void)state;
  serve_start();
  plugin = serve_plugin("first", (bp_array)BP_ARRAY(routes), true);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  serve_stop();
  return 0;
}

static void refused(const bp_route *route, bp_status status, const char *words) {
  bp_error err = BP_ERROR_INIT;
  bp_array array = {route, 1, sizeof(*route)};
  bp_status got = router_add(plugin, &array, NULL, &err);
  if (got != status || !strstr(err.message, words))
    fail_msg("%.*s %.*s: %d %s", (int)route->method.len, route->method.ptr, (int)route->path.len, route->path.ptr, got, err.message);
}

static void wrong_declarations(void **state) {
  (void)state;
  static const bp_param no_such[] = {{.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .name = BP_STR("other")}};
  static const bp_param form[] = {{.size = sizeof(bp_param), .in = BP_IN_FORM, .type = BP_PARAM_STRING, .name = BP_STR("tags")}};
  static const bp_param pattern[] = {
      {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("q"), .pattern = BP_STR("(")}};
  refused(&(bp_route){R("FETCH", "/a", "a")}, BP_E_INVALID, "method \"FETCH\"");
  refused(&(bp_route){R("GET", "a", "a")}, BP_E_INVALID, "must begin with '/'");
  refused(&(bp_route){R("GET", "/a", "A")}, BP_E_INVALID, "operation_id \"A\"");
  refused(&(bp_route){R("GET", "/a", "a"), .scope = BP_STR("root")}, BP_E_INVALID, "scope \"root\"");
  refused(&(bp_route){R("GET", "/a", "a"), .family = BP_STR("nobody")}, BP_E_INVALID, "family \"nobody\"");
  refused(&(bp_route){R("POST", "/a", "a")}, BP_E_INVALID, "neither facts nor policy = none");
  refused(&(bp_route){R("POST", "/a", "a"), .facts = state_facts}, BP_E_INVALID, "facts without the name of a policy set");
  refused(&(bp_route){R("GET", "/a", "a"), .body_schema = BP_STR("{\"typ\":\"object\"}")}, BP_E_INVALID, "body_schema");
  refused(&(bp_route){R("GET", "/a", "a"), .params = BP_ARRAY(no_such)}, BP_E_INVALID, "path parameter");
  refused(&(bp_route){R("GET", "/a", "a"), .params = BP_ARRAY(form)}, BP_E_INVALID, "BP_ROUTE_UPLOAD");
  refused(&(bp_route){R("GET", "/a", "a"), .params = BP_ARRAY(pattern)}, BP_E_INVALID, "pattern");
  refused(&(bp_route){R("GET", "/taken/{name}", "b")}, BP_E_EXISTS, "plugin \"first\", operation \"taken\"");
  refused(&(bp_route){R("GET", "/b", "taken")}, BP_E_EXISTS, "twice");
  refused(&(bp_route){.size = sizeof(bp_route), .method = BP_STR("GET"), .path = BP_STR("/a"), .operation_id = BP_STR("a")}, BP_E_INVALID,
          "no handler");
}

static void one_bad_route_keeps_all_out(void **state) {
  (void)state;
  static const bp_route two[] = {{R("GET", "/fine", "fine")}, {R("GET", "/fine", "fine_too")}};
  bp_array array = BP_ARRAY(two);
  assert_int_equal(router_add(plugin, &array, NULL, NULL), BP_E_EXISTS);
  array.count = 1;
  assert_int_equal(router_add(plugin, &array, NULL, NULL), BP_OK);
}

static void families_are_checked(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  bp_family family = serve_families[0];
  assert_int_equal(family_declare(plugin, &family, &err), BP_E_EXISTS);
  assert_non_null(strstr(err.message, "\"first\""));
  family.name = BP_LIT("Upper");
  assert_int_equal(family_declare(plugin, &family, &err), BP_E_INVALID);
  family.name = BP_LIT("odd");
  family.error_shape = 9;
  assert_int_equal(family_declare(plugin, &family, &err), BP_E_INVALID);
  family.error_shape = BP_ERRORS_ERROR;
  family.validation_status = 500;
  assert_int_equal(family_declare(plugin, &family, &err), BP_E_INVALID);
  family.validation_status = 400;
  assert_int_equal(family_declare(plugin, &family, &err), BP_OK);
  assert_non_null(family_find(BP_LIT("odd")));
}

/* ---- Routes of a family that may never be declared, and of one that leaves the bare path to others ---- */

#define ON_OFF(in, bits, id) .family = BP_STR(in), .flags = (bits), R("GET", "/shared/", id)

static bool resolves(const char *family, const char *path) {
  struct http_listener listener = {.is_main = !family, .family = (char *)(uintptr_t)family};
  struct http_exchange x = {.method = HTTP_GET, .path = str_from(path), .listener = &listener};
  struct resolution where;
  router_resolve(&x, &where);
  return where.kind == RESOLVED_ROUTE;
}

static void a_route_waits_for_its_family(void **state) {
  (void)state;
  static const bp_route waiting[] = {
      {ON_OFF("later", BP_ROUTE_IF_FAMILY | BP_ROUTE_NOT_BARE, "waiting")},
      {ON_OFF("error", BP_ROUTE_NOT_BARE, "hidden")},
      {ON_OFF("problem", 0, "bare")},
  };
  static const bp_family later = FAMILY("later", BP_ERRORS_ERROR, 0, 400);
  bp_array array = BP_ARRAY(waiting);
  assert_int_equal(router_add(plugin, &array, NULL, NULL), BP_OK);
  assert_false(resolves("later", "/shared/"));
  assert_false(resolves(NULL, "/f/later/shared/"));
  assert_true(resolves("error", "/shared/"));
  assert_true(resolves(NULL, "/shared/")); /* it collides with none of the others */
  assert_int_equal(family_declare(plugin, &later, NULL), BP_OK);
  assert_true(resolves("later", "/shared/"));
  assert_true(resolves(NULL, "/f/later/shared/"));
  family_revoke_all(plugin);
  assert_false(resolves("later", "/shared/"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_declarations),
      cmocka_unit_test(one_bad_route_keeps_all_out),
      cmocka_unit_test(families_are_checked),
      cmocka_unit_test(a_route_waits_for_its_family),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
