/* Crashes in a handler, in a worker, by abort and by running out of stack. */
#include "bad.h"

#include <stdlib.h>

/* Read at run time, so that an optimising compiler does not see where it points. */
static int *volatile nowhere = (int *)8;

static void fault(void) {
  *nowhere = 1;
}
static void handle_fault(void *state, bp_request request) {
  (void)state;
  (void)request;
  fault();
}
static void handle_abort(void *state, bp_request request) {
  (void)state;
  (void)request;
  abort();
}
static unsigned deeper(volatile unsigned char *above) {
  volatile unsigned char room[4096];
  room[0] = above[0];
  return room[0] + deeper(room) + room[1];
}
static void handle_stack(void *state, bp_request request) {
  volatile unsigned char top[1] = {1};
  (void)state;
  bad.http->reply_empty(request, deeper(top));
}
static void work(void *ctx) {
  (void)ctx;
  fault();
}
static void handle_work(void *state, bp_request request) {
  (void)state;
  bad.http->defer(request, NULL, NULL);
  bad.loop->work(bad.self, work, NULL, NULL);
}
static const bp_family families[] = {FAMILY("crash")};
static const bp_route routes[] = {
    ROUTE_WITH("GET", "/fault", "crash_now", .handle = handle_fault),
    ROUTE_WITH("GET", "/abort", "abort_now", .handle = handle_abort),
    ROUTE_WITH("GET", "/stack", "exhaust_stack", .handle = handle_stack),
    ROUTE_WITH("GET", "/work", "crash_in_work", .handle = handle_work),
};
DESCRIPTOR("crash", .family = BP_STR("crash"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
