/* Dependency resolution: order, missing pieces, duplicates, circles, and how refusals spread. */
#include "unit.h"

#include "loader/resolve.h"

#include <backplane/http.h>
#include <backplane/log.h>
#include <stdio.h>
#include <string.h>

#define MAX 6

/* A set of plugins, built up by each test. */
static struct {
  bp_plugin_descriptor descriptors[MAX];
  bp_need needs[MAX][4];
  bp_provide provides[MAX][2];
  bp_family families[MAX][1];
  bp_route routes[MAX][1];
  struct resolve_item items[MAX];
  unsigned order[MAX];
  unsigned count, placed;
} set;

static int reset(void **state) {
  (void)state;
  for (unsigned i = 0; i < MAX; i++)
    buf_release(&set.items[i].refusal);
  memset(&set, 0, sizeof(set));
  return 0;
}

static unsigned add(const char *id) {
  unsigned i = set.count++;
  bp_plugin_descriptor *d = &set.descriptors[i];
  d->id = str_from(id);
  d->needs = (bp_array){set.needs[i], 0, sizeof(bp_need)};
  d->provides = (bp_array){set.provides[i], 0, sizeof(bp_provide)};
  d->families = (bp_array){set.families[i], 0, sizeof(bp_family)};
  d->routes = (bp_array){set.routes[i], 0, sizeof(bp_route)};
  set.items[i] = (struct resolve_item){.descriptor = d, .path = id};
  return i;
}

static void need(unsigned i, const char *name, uint32_t min_size, uint32_t flags) {
  set.needs[i][set.descriptors[i].needs.count++] = (bp_need){sizeof(bp_need), flags, str_from(name), min_size, 0};
}

static void provide(unsigned i, const char *name) {
  set.provides[i][set.descriptors[i].provides.count++] = (bp_provide){sizeof(bp_provide), 0, str_from(name)};
}

static void declare_family(unsigned i, const char *name) {
  set.families[i][set.descriptors[i].families.count++] = (bp_family){.size = sizeof(bp_family), .name = str_from(name)};
}

static void route_in(unsigned i, const char *family) {
  set.routes[i][set.descriptors[i].routes.count++] = (bp_route){.size = sizeof(bp_route), .family = str_from(family)};
}

/* Resolves; gives the ids placed, in order: "a b c". */
static const char *run(void) {
  static char text[128];
  text[0] = '\0';
  set.placed = resolve(set.items, set.count, set.order);
  for (unsigned i = 0; i < set.placed; i++) {
    bp_str id = set.descriptors[set.order[i]].id;
    size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, "%s%.*s", len ? " " : "", (int)id.len, id.ptr);
  }
  for (unsigned i = 0; i < set.count; i++)
    buf_append_char(&set.items[i].refusal, '\0');
  return text;
}

static void assert_refused(unsigned i, const char *words) {
  assert_true(set.items[i].is_refused);
  if (!strstr(set.items[i].refusal.data, words))
    fail_msg("\"%s\" lacks \"%s\"", set.items[i].refusal.data, words);
}

static void test_order_given_stays_without_needs(void **state) {
  (void)state;
  add("c");
  add("a");
  add("b");
  assert_string_equal(run(), "c a b");
}

static void test_needs_come_first(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b"), c = add("c");
  need(a, "zoo.b/1", 0, 0);
  need(b, "zoo.c/1", 0, 0);
  provide(b, "zoo.b/1");
  provide(c, "zoo.c/1");
  assert_string_equal(run(), "c b a");
  assert_true(resolve_depends(&set.items[a], &set.items[b]));
  assert_false(resolve_depends(&set.items[b], &set.items[a]));
}

static void test_all_missing_pieces_in_one_message(void **state) {
  (void)state;
  unsigned a = add("a");
  need(a, "bp.log/1", 9000, 0);
  need(a, "bp.none/1", 8, 0);
  need(a, "zoo.none/1", 0, 0);
  assert_string_equal(run(), "");
  assert_refused(a, "\"bp.log/1\" of 9000 bytes, this host (0.1.0) offers 24");
  assert_refused(a, "\"bp.none/1\", this host (0.1.0) offers none of that name");
  assert_refused(a, "service \"zoo.none/1\", which no enabled module provides");
}

static void test_optional_needs_never_refuse(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b");
  need(a, "bp.none/1", 8, BP_NEED_OPTIONAL);
  need(a, "zoo.b/1", 0, BP_NEED_OPTIONAL);
  provide(b, "zoo.b/1");
  assert_string_equal(run(), "b a"); /* still, what it would like comes first */
}

static void test_refusals_spread(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b"), c = add("c");
  need(a, "zoo.b/1", 0, 0);
  need(b, "zoo.none/1", 0, 0);
  provide(b, "zoo.b/1");
  assert_string_equal(run(), "c");
  assert_refused(a, "\"zoo.b/1\" of module \"b\", which is refused itself");
  assert_false(set.items[c].is_refused);
}

static void test_circle_is_named_and_spreads(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b"), c = add("c"), d = add("d");
  need(a, "zoo.b/1", 0, 0);
  need(b, "zoo.a/1", 0, 0);
  need(c, "zoo.a/1", 0, 0);
  provide(a, "zoo.a/1");
  provide(b, "zoo.b/1");
  assert_string_equal(run(), "d");
  assert_refused(a, "\"a\" needs \"b\" needs \"a\"");
  assert_refused(b, "\"a\" needs \"b\" needs \"a\"");
  assert_refused(c, "which is refused itself"); /* it only leans on the circle */
  assert_false(set.items[d].is_refused);
}

static void test_optional_circle_is_fine(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b");
  need(a, "zoo.b/1", 0, BP_NEED_OPTIONAL);
  need(b, "zoo.a/1", 0, 0);
  provide(a, "zoo.a/1");
  provide(b, "zoo.b/1");
  assert_string_equal(run(), "a b");
}

static void test_families(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b"), c = add("c");
  route_in(a, "f");
  declare_family(b, "f");
  route_in(c, "g");
  assert_string_equal(run(), "b a");
  assert_refused(c, "family \"g\", which no enabled module declares");
}

static void test_families_both_ways_are_fine(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b");
  declare_family(a, "f");
  route_in(a, "g");
  declare_family(b, "g");
  route_in(b, "f");
  assert_string_equal(run(), "a b");
}

static void test_duplicates(void **state) {
  (void)state;
  unsigned a = add("a"), b = add("b"), again = add("a");
  provide(a, "zoo.s/1");
  provide(b, "zoo.s/1");
  assert_string_equal(run(), "a");
  assert_refused(b, "provides service \"zoo.s/1\", and so does module \"a\"");
  assert_refused(again, "id \"a\" is taken");
}

static void test_running_ones_are_never_refused(void **state) {
  (void)state;
  unsigned added = add("new"), running = add("running");
  provide(added, "zoo.s/1");
  provide(running, "zoo.s/1");
  need(running, "zoo.none/1", 0, 0);
  set.items[running].is_running = true;
  assert_string_equal(run(), "running");
  assert_refused(added, "and so does module \"running\"");
}

static void test_files_that_did_not_open(void **state) {
  (void)state;
  unsigned a = add("a"), broken = add("broken");
  set.items[broken].descriptor = NULL;
  assert_string_equal(run(), "a");
  (void)a;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_order_given_stays_without_needs, reset),
      cmocka_unit_test_setup(test_needs_come_first, reset),
      cmocka_unit_test_setup(test_all_missing_pieces_in_one_message, reset),
      cmocka_unit_test_setup(test_optional_needs_never_refuse, reset),
      cmocka_unit_test_setup(test_refusals_spread, reset),
      cmocka_unit_test_setup(test_circle_is_named_and_spreads, reset),
      cmocka_unit_test_setup(test_optional_circle_is_fine, reset),
      cmocka_unit_test_setup(test_families, reset),
      cmocka_unit_test_setup(test_families_both_ways_are_fine, reset),
      cmocka_unit_test_setup(test_duplicates, reset),
      cmocka_unit_test_setup(test_running_ones_are_never_refused, reset),
      cmocka_unit_test_setup(test_files_that_did_not_open, reset),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  reset(NULL);
  return failed;
}
