/* The fake host's store, with the example "words": rows, failures, what was written. */
#include "check.h"

int main(void) {
  bp_testhost_open(bp_plugin_query_1());
  bp_testhost_rows("insert_line", "[[\"{\\\"id\\\":7}\"]]");
  bp_testhost_rows("lines", "[[7,0.5,\"the quick fox\"]]");
  CHECK(bp_testhost_start(NULL) == BP_OK);
  CHECK_TEXT(bp_testhost_call("POST", "/words", "{\"text\":\"the quick fox\"}")->body, "{\"id\":7}");
  CHECK_TEXT(bp_testhost_unit(0), "[{\"statement\":\"insert_line\",\"params\":[\"the quick fox\"]}]");
  CHECK_TEXT(bp_testhost_call("GET", "/words?q=qui*", NULL)->body, "[{\"id\":7,\"snippet\":\"the quick fox\"}]");

  bp_testhost_rows("insert_line", "[]"); /* BP_DB_ONE is not met */
  CHECK(bp_testhost_call("POST", "/words", "{\"text\":\"x\"}")->status == 409);
  bp_testhost_fail_store(BP_E_FULL, NULL);
  CHECK(bp_testhost_call("GET", "/words?q=x", NULL)->status == 507);
  CHECK(bp_testhost_call("POST", "/words", "{\"text\":")->status == 400);
  CHECK(bp_testhost_unit_count() == 1);
  bp_testhost_close();
  return 0;
}
