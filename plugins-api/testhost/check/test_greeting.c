/* The fake host's options, log, metrics and clock, with the example "greeting". */
#include "check.h"

static void test_defaults_and_what_is_set(void) {
  bp_testhost_open(bp_plugin_query_1());
  CHECK(bp_testhost_start(NULL) == BP_OK);
  CHECK_TEXT(bp_testhost_status(), "ready to greet");
  bp_testhost_advance(5);
  CHECK_TEXT(bp_testhost_call("GET", "/greeting", NULL)->body, "{\"greeting\":\"hello\",\"time_ms\":1767225600005}");
  CHECK_TEXT(bp_testhost_log(), "debug: greeted word=hello\n");
  CHECK(bp_testhost_metric("greetings_total") == 1);
  bp_testhost_close();
  bp_testhost_open(bp_plugin_query_1());
  bp_testhost_option("greeting", "\"good morning\"");
  CHECK(bp_testhost_start(NULL) == BP_OK);
  CHECK(strstr(bp_testhost_call("GET", "/greeting", NULL)->body, "good morning") != NULL);
  bp_testhost_close();
}

static void test_unknown_options_and_routes(void) {
  bp_error err = BP_ERROR_INIT;
  bp_testhost_open(bp_plugin_query_1());
  bp_testhost_option("greting", "1");
  CHECK(bp_testhost_start(&err) == BP_E_INVALID);
  CHECK_TEXT(err.message, "there is no option \"greting\"");
  bp_testhost_close();
  bp_testhost_open(bp_plugin_query_1());
  CHECK(bp_testhost_start(&err) == BP_OK);
  CHECK(bp_testhost_call("GET", "/nothing", NULL)->status == 404);
  bp_testhost_close();
}

int main(void) {
  test_defaults_and_what_is_set();
  test_unknown_options_and_routes();
  return 0;
}
