/* Asks for what it did not declare, floods queues, and calls from a thread it must not. */
#include "bad.h"

static void on_event(void *ctx, bp_str name, bp_str payload) {
  (void)ctx;
  (void)name;
  (void)payload;
}
static void work(void *ctx) {
  bp_timer timer;
  (void)ctx;
  if (bad.loop->timer(bad.self, 1, 0, NULL, NULL, &timer) == BP_E_THREAD)
    say("the worker's timer was refused");
}
static void work_done(void *ctx, bp_status status) {
  (void)ctx;
  (void)status;
}
static bp_status start(void *state, bp_error *err) {
  bp_subscription subscription;
  unsigned sent = 0;
  (void)state;
  (void)err;
  if (!bad.host->get(bad.self, BP_LIT(BP_DB_1)))
    say("the undeclared table was refused");
  bad.events->subscribe(bad.self, BP_LIT("greedy.*"), on_event, NULL, &subscription);
  while (sent < 100000 && bad.events->emit(bad.self, BP_LIT("greedy.flood"), BP_LIT("{}")) == BP_OK)
    sent++;
  if (sent < 100000)
    say("the flood of events was refused");
  if (bad.events->emit(bad.self, BP_LIT("good.news"), BP_LIT("{}")) == BP_E_DENIED)
    say("the event in another's name was refused");
  bad.loop->work(bad.self, work, work_done, NULL);
  return BP_OK;
}
DESCRIPTOR("greedy", .start = start)
