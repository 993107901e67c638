/* The fake host's live log and views, with the example "shout". */
#include "check.h"

int main(void) {
  bp_testhost_open(bp_plugin_query_1());
  CHECK(bp_testhost_start(NULL) == BP_OK);
  CHECK(bp_testhost_call("POST", "/shout", "{\"text\":\"hello\"}")->status == 202);
  CHECK(bp_testhost_event_count() == 1);
  CHECK(bp_testhost_event(0)->kind == BP_TOPIC_EPHEMERAL);
  CHECK_TEXT(bp_testhost_event(0)->payload, "{\"text\":\"hello\"}");
  CHECK_TEXT(bp_testhost_call("GET", "/shouts", NULL)->content_type, "text/event-stream");
  bp_testhost_close();
  return 0;
}
