/* The ring of last output: what it keeps, how it cuts, how large it gets. */
#include "unit.h"

#include "proc/ring.h"

#include <stdio.h>
#include <string.h>

static void test_last_lines(void **state) {
  struct tail_ring ring = {0};
  struct buf out = {0};
  (void)state;
  tail_ring_read(&ring, 10, &out);
  assert_int_equal(out.len, 0);
  tail_ring_add(&ring, BP_LIT("one\ntwo\n\nfour"));
  tail_ring_read(&ring, 1, &out);
  assert_str_eq(buf_str(&out), "four");
  tail_ring_read(&ring, 2, &out);
  assert_str_eq(buf_str(&out), "\nfour");
  tail_ring_read(&ring, 100, &out);
  assert_str_eq(buf_str(&out), "one\ntwo\n\nfour");
  tail_ring_read(&ring, 0, &out);
  assert_int_equal(out.len, 0);
  buf_release(&out);
  tail_ring_release(&ring);
}

static void test_the_oldest_is_overwritten(void **state) {
  struct tail_ring ring = {0};
  struct buf out = {0};
  char line[32];
  (void)state;
  for (int i = 0; i < 300000; i++) {
    int len = snprintf(line, sizeof(line), "line %d\n", i);
    tail_ring_add(&ring, bp_str_make(line, (size_t)len));
  }
  assert_int_equal(ring.capacity, 1 << 20);
  assert_int_equal(ring.len, 1 << 20);
  tail_ring_read(&ring, 2, &out);
  assert_str_eq(buf_str(&out), "line 299998\nline 299999\n");
  tail_ring_read(&ring, UINT32_MAX, &out);
  assert_int_equal(out.len, 1 << 20);
  buf_release(&out);
  tail_ring_release(&ring);
}

static void test_more_than_fits_leaves_its_end(void **state) {
  static char large[(1 << 20) + 10];
  struct tail_ring ring = {0};
  struct buf out = {0};
  (void)state;
  memset(large, 'x', sizeof(large));
  memcpy(large + sizeof(large) - 5, "\nend\n", 5);
  tail_ring_add(&ring, bp_str_make(large, sizeof(large)));
  tail_ring_read(&ring, 1, &out);
  assert_str_eq(buf_str(&out), "end\n");
  buf_release(&out);
  tail_ring_release(&ring);
}

static void test_all_rings_together_are_bounded(void **state) {
  static char block[1 << 20];
  static struct tail_ring rings[80];
  size_t bytes = 0;
  (void)state;
  for (size_t i = 0; i < 80; i++) {
    tail_ring_add(&rings[i], bp_str_make(block, sizeof(block)));
    bytes += rings[i].capacity;
  }
  assert_int_equal(bytes, 64 << 20);
  for (size_t i = 0; i < 80; i++)
    tail_ring_release(&rings[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_last_lines),
      cmocka_unit_test(test_the_oldest_is_overwritten),
      cmocka_unit_test(test_more_than_fits_leaves_its_end),
      cmocka_unit_test(test_all_rings_together_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
