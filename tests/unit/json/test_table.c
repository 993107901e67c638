/* bp.json/1: reading through handles, what becomes stale and when, and what a writer refuses. */
#include "loader/tables.h"
#include "unit.h"
#include "json/json.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static const bp_plugin self = 7, other = 8;

static bp_json parse(const char *text) {
  bp_json root = 0;
  assert_int_equal(json_table.parse(self, str_from(text), &root, NULL), BP_OK);
  return root;
}

static bp_json member(bp_json object, const char *key) {
  bp_json value = 0;
  assert_int_equal(json_table.get(object, str_from(key), &value), BP_OK);
  return value;
}

static void test_values_are_read_by_type(void **state) {
  (void)state;
  bp_json root = parse("{\"s\":\"x\",\"i\":-5,\"r\":1.5,\"w\":2.0,\"t\":true,\"n\":null,\"a\":[1,2],\"o\":{}}");
  bp_str text = {0};
  int64_t integer = 0;
  double real = 0;
  uint32_t boolean = 0;
  assert_int_equal(json_table.type(root), BP_JSON_OBJECT);
  assert_int_equal(json_table.count(root), 8);
  assert_int_equal(json_table.string(member(root, "s"), &text), BP_OK);
  assert_str_eq(text, "x");
  assert_int_equal(json_table.integer(member(root, "i"), &integer), BP_OK);
  assert_int_equal(integer, -5);
  assert_int_equal(json_table.integer(member(root, "w"), &integer), BP_OK);
  assert_int_equal(integer, 2);
  assert_int_equal(json_table.integer(member(root, "r"), &integer), BP_E_TYPE);
  assert_int_equal(integer, 2);
  assert_int_equal(json_table.real(member(root, "i"), &real), BP_OK);
  assert_true(real == -5.0);
  assert_int_equal(json_table.boolean(member(root, "t"), &boolean), BP_OK);
  assert_int_equal(boolean, 1);
  assert_int_equal(json_table.boolean(member(root, "n"), &boolean), BP_E_TYPE);
  assert_int_equal(json_table.type(member(root, "n")), BP_JSON_NULL);
  assert_int_equal(json_table.count(member(root, "s")), 0);
  json_table.release(self, root);
}

static void test_what_is_not_there_is_told_apart(void **state) {
  (void)state;
  bp_json root = parse("{\"a\":[1]}"), value = 3;
  assert_int_equal(json_table.get(root, BP_LIT("b"), &value), BP_E_NOT_FOUND);
  assert_int_equal(json_table.at(root, 0, &value), BP_E_TYPE);
  assert_int_equal(json_table.at(member(root, "a"), 1, &value), BP_E_NOT_FOUND);
  assert_int_equal(json_table.get(member(root, "a"), BP_LIT("b"), &value), BP_E_TYPE);
  assert_int_equal(value, 3);
  assert_int_equal(json_table.at(member(root, "a"), 0, &value), BP_OK);
  assert_int_equal(json_table.type(value), BP_JSON_INTEGER);
  json_table.release(self, root);
}

static void test_walks_go_in_text_order_and_nest(void **state) {
  (void)state;
  bp_json root = parse("{\"z\":{\"1\":0,\"2\":0},\"a\":{\"3\":0},\"m\":{\"4\":0,\"5\":0,\"6\":0}}"), outer, inner;
  uint64_t at = 0, within;
  bp_str key;
  char seen[32] = "";
  size_t len = 0;
  while (json_table.next(root, &at, &key, &outer) == BP_OK) {
    seen[len++] = key.ptr[0];
    within = 0;
    while (json_table.next(outer, &within, &key, &inner) == BP_OK)
      seen[len++] = key.ptr[0];
  }
  assert_string_equal(seen, "z12a3m456");
  at = 2;
  assert_int_equal(json_table.next(root, &at, &key, &outer), BP_OK);
  assert_str_eq(key, "m");
  at = 99;
  assert_int_equal(json_table.next(root, &at, &key, &outer), BP_E_NOT_FOUND);
  json_table.release(self, root);
}

static void test_asking_again_gives_the_same_handle(void **state) {
  (void)state;
  bp_json root = parse("{\"a\":1}");
  assert_true(member(root, "a") == member(root, "a"));
  json_table.release(self, root);
}

static void test_release_makes_all_values_stale(void **state) {
  (void)state;
  bp_json root = parse("{\"a\":{\"b\":1}}"), a = member(root, "a"), value;
  bp_str key;
  uint64_t at = 0;
  json_table.release(self, a);
  assert_int_equal(json_table.type(a), BP_JSON_OBJECT);
  json_table.release(other, root);
  assert_int_equal(json_table.type(root), BP_JSON_OBJECT);
  json_table.release(self, root);
  bp_json next = parse("{\"a\":{\"b\":1}}");
  assert_int_equal(json_table.type(root), 0);
  assert_int_equal(json_table.get(a, BP_LIT("b"), &value), BP_E_STALE);
  assert_int_equal(json_table.next(a, &at, &key, &value), BP_E_STALE);
  assert_int_equal(json_table.string(a, &key), BP_E_STALE);
  assert_int_equal(json_table.type(0), 0);
  assert_int_equal(json_table.type(UINT64_MAX), 0);
  json_table.release(self, root);
  assert_int_equal(json_table.type(next), BP_JSON_OBJECT);
  json_table.release(self, next);
}

static void test_a_request_body_is_the_hosts(void **state) {
  (void)state;
  bp_json body = doc_open(doc_parse(BP_LIT("[1]"), &doc_default_limits, NULL));
  json_table.release(self, body);
  assert_int_equal(json_table.count(body), 1);
  assert_non_null(doc_value(body));
  doc_close(body);
  assert_null(doc_value(body));
  assert_int_equal(json_table.type(body), 0);
}

static void test_a_drained_plugin_leaves_nothing(void **state) {
  (void)state;
  bp_json mine = parse("[1]"), theirs;
  bp_json_writer writer;
  bp_str text;
  assert_int_equal(json_table.parse(other, BP_LIT("[2]"), &theirs, NULL), BP_OK);
  assert_int_equal(json_table.writer_new(self, &writer), BP_OK);
  doc_forget(self);
  assert_int_equal(json_table.type(mine), 0);
  assert_int_equal(json_table.type(theirs), BP_JSON_ARRAY);
  assert_int_equal(json_table.writer_text(writer, &text, NULL), BP_E_STALE);
  doc_forget(other);
}

static void test_a_parse_error_is_told(void **state) {
  (void)state;
  bp_json root = 5;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(json_table.parse(self, BP_LIT("[1,"), &root, &err), BP_E_PARSE);
  assert_string_equal(err.pointer, "3");
  assert_int_equal(root, 5);
}

static void test_a_writer_writes_compact_text(void **state) {
  (void)state;
  bp_json root = parse("{\"k\" : [1, \"\\u00fc\"]}");
  bp_json_writer w = 0;
  bp_str text;
  assert_int_equal(json_table.writer_new(self, &w), BP_OK);
  json_table.object_begin(w);
  json_table.key(w, BP_LIT("a\n"));
  json_table.array_begin(w);
  json_table.put_null(w);
  json_table.put_boolean(w, 1);
  json_table.put_integer(w, INT64_MIN);
  json_table.put_real(w, 0.25);
  json_table.put_string(w, BP_LIT("q\"\x01"));
  json_table.array_end(w);
  json_table.key(w, BP_LIT("b"));
  json_table.put_value(w, root);
  json_table.key(w, BP_LIT("c"));
  json_table.put_raw(w, BP_LIT("{\"raw\":1}"));
  json_table.object_end(w);
  assert_int_equal(json_table.writer_text(w, &text, NULL), BP_OK);
  assert_str_eq(text, "{\"a\\n\":[null,true,-9223372036854775808,0.25,\"q\\\"\\u0001\"],\"b\":{\"k\":[1,\"\xC3\xBC\"]},\"c\":{\"raw\":1}}");
  json_table.writer_free(w);
  json_table.release(self, root);
}

static void misuse_value(bp_json_writer w) {
  json_table.object_begin(w);
  json_table.put_null(w);
}
static void misuse_key(bp_json_writer w) {
  json_table.array_begin(w);
  json_table.key(w, BP_LIT("a"));
}
static void misuse_two_keys(bp_json_writer w) {
  json_table.object_begin(w);
  json_table.key(w, BP_LIT("a"));
  json_table.key(w, BP_LIT("b"));
}
static void misuse_lonely_key(bp_json_writer w) {
  json_table.object_begin(w);
  json_table.key(w, BP_LIT("a"));
  json_table.object_end(w);
}
static void misuse_wrong_end(bp_json_writer w) {
  json_table.array_begin(w);
  json_table.object_end(w);
}
static void misuse_extra_end(bp_json_writer w) {
  json_table.array_begin(w);
  json_table.array_end(w);
  json_table.array_end(w);
}
static void misuse_open_array(bp_json_writer w) {
  json_table.array_begin(w);
}
static void misuse_second_value(bp_json_writer w) {
  json_table.put_null(w);
  json_table.put_null(w);
}
static void misuse_encoding(bp_json_writer w) {
  json_table.put_string(w, BP_LIT("\xC0\xAF"));
}
static void misuse_nan(bp_json_writer w) {
  json_table.put_real(w, NAN);
}
static void misuse_stale(bp_json_writer w) {
  json_table.put_value(w, 12345);
}
static void misuse_raw(bp_json_writer w) {
  json_table.put_raw(w, BP_LIT(""));
}
static void misuse_nothing(bp_json_writer w) {
  (void)w;
}
static void misuse_depth(bp_json_writer w) {
  for (int i = 0; i < 1000; i++)
    json_table.array_begin(w);
}

static void test_a_writer_reports_its_first_misuse(void **state) {
  (void)state;
  static const struct {
    void (*misuse)(bp_json_writer w);
    const char *message;
  } rows[] = {
      {misuse_value, "a value where a key is due"},
      {misuse_key, "a key outside an object"},
      {misuse_two_keys, "a second key where a value is due"},
      {misuse_lonely_key, "an object closed after a key without a value"},
      {misuse_wrong_end, "object_end without an open object"},
      {misuse_extra_end, "array_end without an open array"},
      {misuse_open_array, "an array left open"},
      {misuse_second_value, "a second value after the text is complete"},
      {misuse_encoding, "a string that is not UTF-8"},
      {misuse_nan, "a number that is not finite"},
      {misuse_stale, "put_value of a stale value"},
      {misuse_raw, "put_raw of an empty text"},
      {misuse_nothing, "no value at all"},
      {misuse_depth, "more than 127 levels"},
  };
  bp_json_writer w;
  assert_int_equal(json_table.writer_new(self, &w), BP_OK);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    bp_error err = BP_ERROR_INIT;
    bp_str text = BP_STR("untouched");
    rows[i].misuse(w);
    assert_int_equal(json_table.writer_text(w, &text, &err), BP_E_STATE);
    assert_non_null(strstr(err.message, rows[i].message));
    assert_str_eq(text, "untouched");
    json_table.writer_reset(w);
    json_table.put_integer(w, 1);
    assert_int_equal(json_table.writer_text(w, &text, &err), BP_OK);
    assert_str_eq(text, "1");
    json_table.writer_reset(w);
  }
  json_table.writer_free(w);
}

static void test_a_freed_writer_is_stale(void **state) {
  (void)state;
  bp_json_writer w, next;
  bp_str text;
  assert_int_equal(json_table.writer_new(self, &w), BP_OK);
  json_table.writer_free(w);
  assert_int_equal(json_table.writer_new(self, &next), BP_OK);
  json_table.put_null(w);
  json_table.writer_free(w);
  json_table.put_integer(next, 4);
  assert_int_equal(json_table.writer_text(w, &text, NULL), BP_E_STALE);
  assert_int_equal(json_table.writer_text(next, &text, NULL), BP_OK);
  assert_str_eq(text, "4");
  json_table.writer_free(next);
}

/* Documents of one thread come and go while another's are read. */
static void *churn(void *arg) {
  (void)arg;
  for (int i = 0; i < 2000; i++) {
    bp_json root, value;
    bp_str text;
    if (json_table.parse(self, BP_LIT("{\"a\":\"b\"}"), &root, NULL) != BP_OK)
      return "parse";
    if (json_table.get(root, BP_LIT("a"), &value) != BP_OK || json_table.string(value, &text) != BP_OK || !str_eq(text, BP_LIT("b")))
      return "read";
    json_table.release(self, root);
    if (json_table.string(value, &text) != BP_E_STALE)
      return "stale";
  }
  return NULL;
}

static void test_threads_have_documents_of_their_own(void **state) {
  (void)state;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, churn, NULL), 0);
  for (int i = 0; i < 4; i++) {
    void *wrong = NULL;
    pthread_join(threads[i], &wrong);
    if (wrong)
      fail_msg("thread %d: %s", i, (const char *)wrong);
  }
}

static unsigned take_writers(bp_plugin owner) {
  bp_json_writer writer;
  unsigned count = 0;
  while (json_table.writer_new(owner, &writer) == BP_OK)
    count++;
  return count;
}

/* What one plugin forgets to free is not missing to the others. */
static void test_a_plugin_cannot_take_all(void **state) {
  (void)state;
  bp_json root = 0;
  bp_json_writer writer = 0;
  assert_true(take_writers(self) > 1000);
  assert_int_equal(json_table.writer_new(self, &writer), BP_E_LIMIT);
  assert_int_equal(json_table.writer_new(other, &writer), BP_OK);
  json_table.writer_free(writer);
  while (json_table.parse(self, BP_LIT("{}"), &root, NULL) == BP_OK)
    continue;
  assert_int_equal(json_table.parse(other, BP_LIT("{}"), &root, NULL), BP_OK);
  json_table.release(other, root);
  doc_forget(self);
  assert_int_equal(json_table.writer_new(self, &writer), BP_OK);
  json_table.writer_free(writer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values_are_read_by_type),
      cmocka_unit_test(test_what_is_not_there_is_told_apart),
      cmocka_unit_test(test_walks_go_in_text_order_and_nest),
      cmocka_unit_test(test_asking_again_gives_the_same_handle),
      cmocka_unit_test(test_release_makes_all_values_stale),
      cmocka_unit_test(test_a_request_body_is_the_hosts),
      cmocka_unit_test(test_a_drained_plugin_leaves_nothing),
      cmocka_unit_test(test_a_parse_error_is_told),
      cmocka_unit_test(test_a_writer_writes_compact_text),
      cmocka_unit_test(test_a_writer_reports_its_first_misuse),
      cmocka_unit_test(test_a_freed_writer_is_stale),
      cmocka_unit_test(test_a_plugin_cannot_take_all),
      cmocka_unit_test(test_threads_have_documents_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
