/* Unit test of @ID@ with the fake host: calls the routes without a socket or a store. */
#include <backplane/testhost.h>

#include <stdio.h>
#include <string.h>

static int failures;

static void check(int is_true, const char *what) {
  if (!is_true) {
    fprintf(stderr, "failed: %s\n", what);
    failures++;
  }
}
#define CHECK(condition) check(condition, #condition)
#define CHECK_TEXT(text, expected) check(strcmp(text, expected) == 0, #text " is " expected)

static void test_lists_notes(void) {
  bp_testhost_rows("list_notes", "[[\"{\\\"id\\\":2}\"],[\"{\\\"id\\\":1}\"]]");
  const struct bp_testhost_reply *reply = bp_testhost_call("GET", "/notes?limit=2", NULL);
  CHECK(reply->status == 200);
  CHECK_TEXT(reply->body, "{\"notes\":[{\"id\":2},{\"id\":1}]}");
  CHECK(bp_testhost_call("GET", "/notes?limit=x", NULL)->status == 422);
}

static void test_adds_a_note_and_tells_of_it(void) {
  bp_testhost_rows("insert_note", "[[\"{\\\"id\\\":1,\\\"text\\\":\\\"hello\\\"}\"]]");
  const struct bp_testhost_reply *reply = bp_testhost_call("POST", "/notes", "{\"text\":\"hello\"}");
  CHECK(reply->status == 201);
  CHECK_TEXT(reply->body, "{\"id\":1,\"text\":\"hello\"}");
  CHECK_TEXT(reply->facts, "{\"text\":\"hello\",\"principal\":\"uid:1000\"}");
  CHECK(bp_testhost_unit_count() == 1);
  CHECK(strstr(bp_testhost_unit(0), "{\"statement\":\"insert_note\",\"params\":[\"hello\",") != NULL);
  CHECK(bp_testhost_event_count() == 1);
  CHECK_TEXT(bp_testhost_event(0)->topic, "@ID@.added");
}

static void test_says_when_the_store_is_full(void) {
  bp_testhost_fail_store(BP_E_FULL, NULL);
  CHECK(bp_testhost_call("POST", "/notes", "{\"text\":\"hello\"}")->status == 507);
  CHECK(bp_testhost_unit_count() == 0);
}

int main(void) {
  void (*const tests[])(void) = {test_lists_notes, test_adds_a_note_and_tells_of_it, test_says_when_the_store_is_full};
  for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
    bp_testhost_open(bp_plugin_query_1());
    CHECK(bp_testhost_start(NULL) == BP_OK);
    tests[i]();
    bp_testhost_close();
  }
  return failures ? 1 : 0;
}
