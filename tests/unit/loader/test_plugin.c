/* The registry of plugins: handles, generations, order, and revocation of what a plugin registered. */
#include "unit.h"

#include "base/str.h"
#include "loader/plugin.h"

#include <string.h>

static int reset(void **state) {
  (void)state;
  plugin_registry_release();
  return 0;
}

static void test_handle_turns_stale(void **state) {
  (void)state;
  struct plugin *first = plugin_add(BP_LIT("a"), "/a.so");
  bp_plugin old = first->handle;
  assert_ptr_equal(plugin_get(old), first);
  plugin_retire(first);
  assert_null(plugin_get(old));
  assert_null(plugin_find(BP_LIT("a")));
  struct plugin *second = plugin_add(BP_LIT("a"), "/a.so");
  assert_int_equal(second->generation, 2);
  assert_true(second->handle != old);
  assert_null(plugin_get(old));
}

static void test_find_gives_the_newest(void **state) {
  (void)state;
  plugin_add(BP_LIT("a"), "/a.so");
  struct plugin *second = plugin_add(BP_LIT("a"), "/a.so");
  plugin_add(BP_LIT("ab"), "/ab.so");
  assert_ptr_equal(plugin_find(BP_LIT("a")), second);
  assert_null(plugin_find(BP_LIT("b")));
}

static void test_reorder(void **state) {
  (void)state;
  struct plugin *a = plugin_add(BP_LIT("a"), "/a.so");
  struct plugin *b = plugin_add(BP_LIT("b"), "/b.so");
  struct plugin *const order[] = {b, a};
  plugin_reorder(order, 2);
  assert_ptr_equal(plugin_first(), b);
  assert_ptr_equal(b->next, a);
  assert_null(a->next);
}

struct registration {
  struct owned owned;
  char name;
};
static char revoked[8];

static void revoke(struct owned *self) {
  struct registration *r = (struct registration *)self;
  revoked[strlen(revoked)] = r->name;
  owned_remove(self);
}

static void test_revoke_all_newest_first(void **state) {
  (void)state;
  struct plugin *p = plugin_add(BP_LIT("a"), "/a.so");
  struct registration items[] = {{.name = '1'}, {.name = '2'}, {.name = '3'}};
  memset(revoked, 0, sizeof(revoked));
  for (unsigned i = 0; i < 3; i++)
    owned_add(p, &items[i].owned, revoke);
  owned_remove(&items[1].owned);
  owned_remove(&items[1].owned); /* twice is harmless */
  plugin_revoke_all(p);
  assert_string_equal(revoked, "31");
  assert_null(p->registrations);
}

static void test_culprits_nest(void **state) {
  (void)state;
  struct culprit outer, inner;
  culprit_enter(&outer, NULL, "route", BP_LIT("list"));
  culprit_enter(&inner, NULL, "done", BP_LIT(""));
  assert_string_equal(culprit_current()->what, "done");
  culprit_leave(&inner);
  assert_string_equal(culprit_current()->what, "route");
  culprit_leave(&outer);
  assert_null(culprit_current());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_handle_turns_stale, reset),
      cmocka_unit_test_setup(test_find_gives_the_newest, reset),
      cmocka_unit_test_setup(test_reorder, reset),
      cmocka_unit_test_setup(test_revoke_all_newest_first, reset),
      cmocka_unit_test_setup(test_culprits_nest, reset),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  plugin_registry_release();
  return failed;
}
