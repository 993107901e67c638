/* Which route a path means: priorities, trailing slashes, tails, and methods. */
#include "router/family_object.h"
#include "router/match.h"
#include "unit.h"

static struct family plain = {.facts = {.name = BP_STR("plain")}};
static struct family strict = {.facts = {.name = BP_STR("strict"), .flags = BP_FAMILY_HEAD_405}};

#define ROUTE(verb, template, in)                                                                                                                    \
  {                                                                                                                                                  \
    .method = HTTP_##verb, .family = &(in), .facts = {.path = BP_STR(template) }                                                                     \
  }
static struct route routes[] = {
    ROUTE(GET, "/", plain),
    ROUTE(GET, "/documents", plain),
    ROUTE(POST, "/documents", plain),
    ROUTE(GET, "/documents/tags", plain),
    ROUTE(GET, "/documents/{id}", plain),
    ROUTE(DELETE, "/documents/{id}", plain),
    ROUTE(GET, "/documents/{id}/metadata", plain),
    ROUTE(GET, "/documents/{id}/{part}", plain),
    ROUTE(GET, "/documents/new/draft/x", plain),
    ROUTE(GET, "/files/{path*}", plain),
    ROUTE(GET, "/files/index", plain),
    ROUTE(GET, "/files/{name}/info", plain),
    ROUTE(GET, "/slash/", plain),
    ROUTE(GET, "/strict", strict),
    {.takes_any_method = true, .family = &plain, .facts = {.path = BP_STR("/any")}},
    ROUTE(GET, "/any", plain),
};
#define COUNT (sizeof(routes) / sizeof(routes[0]))

static struct match_table table;

static int set_up(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++)
    match_add(&table, &routes[i]);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  match_release(&table);
  return 0;
}

static void paths(void **state) {
  (void)state;
  static const struct {
    const char *path;
    enum http_method method;
    const char *template; /* NULL: none */
    const char *first_span;
  } rows[] = {
      {"/", HTTP_GET, "/", NULL},
      {"", HTTP_GET, NULL, NULL},
      {"/documents", HTTP_GET, "/documents", NULL},
      {"/documents/", HTTP_GET, NULL, NULL},
      {"/documents/tags", HTTP_GET, "/documents/tags", NULL},
      {"/documents/tagss", HTTP_GET, "/documents/{id}", "tagss"},
      {"/documents/tags", HTTP_DELETE, "/documents/{id}", "tags"},
      {"/documents/tags/metadata", HTTP_GET, "/documents/{id}/metadata", "tags"},
      {"/documents/d1/other", HTTP_GET, "/documents/{id}/{part}", "d1"},
      {"/documents/d1/metadata/x", HTTP_GET, NULL, NULL},
      {"/documents/new/draft", HTTP_GET, "/documents/{id}/{part}", "new"},
      {"/documents/new/draft/x", HTTP_GET, "/documents/new/draft/x", NULL},
      {"/documents//metadata", HTTP_GET, NULL, NULL},
      {"/files/a/b/c", HTTP_GET, "/files/{path*}", "a/b/c"},
      {"/files/", HTTP_GET, "/files/{path*}", ""},
      {"/files", HTTP_GET, NULL, NULL},
      {"/files/index", HTTP_GET, "/files/index", NULL},
      {"/files/a/info", HTTP_GET, "/files/{name}/info", "a"},
      {"/files/a/info/", HTTP_GET, "/files/{path*}", "a/info/"},
      {"/slash/", HTTP_GET, "/slash/", NULL},
      {"/slash", HTTP_GET, NULL, NULL},
      {"/documents", HTTP_HEAD, "/documents", NULL},
      {"/strict", HTTP_HEAD, NULL, NULL},
      {"/any", HTTP_OTHER, "/any", NULL},
      {"/documents", HTTP_OTHER, NULL, NULL},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct match match;
    match_find(&table, str_from(rows[i].path), rows[i].method, &match);
    if ((match.route != NULL) != (rows[i].template != NULL) || (match.route && !str_eq(match.route->facts.path, str_from(rows[i].template))))
      fail_msg("row %zu: \"%s\"", i, rows[i].path);
    if (rows[i].first_span)
      assert_true(str_eq(bp_str_make(rows[i].path + match.spans[0].offset, match.spans[0].len), str_from(rows[i].first_span)));
  }
}

static void allowed_methods(void **state) {
  (void)state;
  struct match match;
  match_find(&table, BP_LIT("/documents"), HTTP_PUT, &match);
  assert_null(match.route);
  assert_non_null(match.nearest);
  assert_int_equal(match.allow, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_POST);
  match_find(&table, BP_LIT("/documents/tags"), HTTP_PUT, &match);
  assert_int_equal(match.allow, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_DELETE);
  match_find(&table, BP_LIT("/strict"), HTTP_HEAD, &match);
  assert_int_equal(match.allow, 1u << HTTP_GET);
  match_find(&table, BP_LIT("/nowhere"), HTTP_GET, &match);
  assert_null(match.nearest);
  assert_int_equal(match.allow, 0);
}

static void any_method_yields_to_a_named_one(void **state) {
  (void)state;
  struct match match;
  match_find(&table, BP_LIT("/any"), HTTP_GET, &match);
  assert_false(match.route->takes_any_method);
  match_find(&table, BP_LIT("/any"), HTTP_DELETE, &match);
  assert_true(match.route->takes_any_method);
}

static void templates_are_checked(void **state) {
  (void)state;
  static const char *const bad[] = {
      "", "a", "/{a}b", "/a{b}", "/{}", "/{a*}/b", "/{a}/{a}", "/{1a}", "/a b", "/a?b", "/%41", "/{a-b}", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"};
  static const char *const good[] = {"/", "/a/", "/a.b/{c_d}", "/{a}/{b*}", "/socket.io/"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    if (template_check(str_from(bad[i]), NULL) != BP_E_INVALID)
      fail_msg("\"%s\" was taken", bad[i]);
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    if (template_check(str_from(good[i]), NULL) != BP_OK)
      fail_msg("\"%s\" was refused", good[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths),
      cmocka_unit_test(allowed_methods),
      cmocka_unit_test(any_method_yields_to_a_named_one),
      cmocka_unit_test(templates_are_checked),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
