/* host/secret/box: sealed text opens under its own key and label, and under nothing else. */
#include "unit.h"

#include "secret/box.h"

#include <string.h>

static struct secret_key key = {.bytes = {1, 2, 3}, .id = "k"};
static const struct secret_label label = {BP_STR("acp"), BP_STR("alice"), BP_STR("token"), 0};

static bool opens(const struct secret_key *with, const struct secret_label *as, bp_str box) {
  struct buf value = {0};
  bool is_open = secret_unseal(with, as, box, &value);
  if (is_open)
    assert_str_eq(buf_str(&value), "s3cret");
  secret_wipe(&value);
  return is_open;
}

static void test_round_trip(void **state) {
  (void)state;
  struct buf box = {0}, again = {0}, empty = {0}, value = {0};
  assert_true(secret_seal(&key, &label, BP_LIT("s3cret"), &box));
  assert_true(secret_seal(&key, &label, BP_LIT("s3cret"), &again));
  assert_false(str_eq(buf_str(&box), buf_str(&again)));
  assert_null(memmem(box.data, box.len, "s3cret", 6));
  assert_true(opens(&key, &label, buf_str(&box)));
  assert_true(secret_seal(&key, &label, BP_LIT(""), &empty));
  assert_true(secret_unseal(&key, &label, buf_str(&empty), &value));
  assert_int_equal(value.len, 0);
  buf_release(&box);
  buf_release(&again);
  buf_release(&empty);
  secret_wipe(&value);
}

static void test_another_key_or_label_does_not_open(void **state) {
  (void)state;
  struct buf box = {0};
  struct secret_key other = key;
  other.bytes[31] ^= 1;
  const struct secret_label labels[] = {
      {BP_STR("mcp"), BP_STR("alice"), BP_STR("token"), 0},  {BP_STR("acp"), BP_STR("bob"), BP_STR("token"), 0},
      {BP_STR("acp"), BP_STR("alice"), BP_STR("tokens"), 0}, {BP_STR("acp"), BP_STR("alicet"), BP_STR("oken"), 0},
      {BP_STR("acpa"), BP_STR("lice"), BP_STR("token"), 0},  {BP_STR("acp"), BP_STR("alice"), BP_STR("token"), 1},
  };
  assert_true(secret_seal(&key, &label, BP_LIT("s3cret"), &box));
  assert_false(opens(&other, &label, buf_str(&box)));
  for (unsigned i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
    assert_false(opens(&key, &labels[i], buf_str(&box)));
  buf_release(&box);
}

static void test_a_changed_box_does_not_open(void **state) {
  (void)state;
  struct buf box = {0};
  assert_true(secret_seal(&key, &label, BP_LIT("s3cret"), &box));
  for (size_t i = 0; i < box.len; i++) {
    char kept = box.data[i];
    box.data[i] = kept == 'A' ? 'B' : 'A';
    assert_false(opens(&key, &label, buf_str(&box)));
    box.data[i] = kept;
  }
  for (size_t len = 0; len < box.len; len++)
    assert_false(opens(&key, &label, bp_str_make(box.data, len)));
  assert_false(opens(&key, &label, BP_LIT("not base64!")));
  buf_release(&box);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_another_key_or_label_does_not_open),
      cmocka_unit_test(test_a_changed_box_does_not_open),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
