/* The fake host's notices, with the example "bell". */
#include "check.h"

int main(void) {
  bp_testhost_open(bp_plugin_query_1());
  CHECK(bp_testhost_start(NULL) == BP_OK);
  CHECK_TEXT(bp_testhost_call("GET", "/heard", NULL)->body, "0 starting");
  bp_testhost_emit("bp.ready", "{}");
  CHECK(bp_testhost_call("POST", "/ring", NULL)->status == 202);
  CHECK_TEXT(bp_testhost_emitted(), "org.example.bell.rung {}\n");
  CHECK_TEXT(bp_testhost_call("GET", "/heard", NULL)->body, "1 ready");
  bp_testhost_close();
  return 0;
}
