/* The fake host's workers, timers and parameters, and a client that leaves, with the example "primes". */
#include "check.h"

int main(void) {
  bp_testhost_open(bp_plugin_query_1());
  CHECK(bp_testhost_start(NULL) == BP_OK);
  CHECK_TEXT(bp_testhost_call("GET", "/primes?below=100", NULL)->body, "{\"count\":25}");
  CHECK_TEXT(bp_testhost_call("GET", "/primes", NULL)->body, "{\"count\":168}");
  CHECK(bp_testhost_call("GET", "/primes?below=1", NULL)->status == 422);
  CHECK(bp_testhost_call("GET", "/primes?below=%31%30x", NULL)->status == 422);

  const struct bp_testhost_request asked = {.method = "GET", .target = "/primes?below=%31%30"};
  bp_request left = bp_testhost_send(&asked), waits = bp_testhost_send(&asked);
  CHECK(bp_testhost_reply(waits)->status == 0);
  bp_testhost_cancel(left, BP_CANCEL_CLIENT_GONE);
  bp_testhost_run();
  CHECK(bp_testhost_reply(left)->status == 0);
  CHECK_TEXT(bp_testhost_reply(waits)->body, "{\"count\":4}");

  bp_testhost_advance(3500);
  CHECK_TEXT(bp_testhost_call("GET", "/ticks", NULL)->body, "{\"ticks\":3}");
  bp_testhost_close();
  return 0;
}
