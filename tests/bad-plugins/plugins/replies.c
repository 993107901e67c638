/* Every way to answer wrongly. */
#include "bad.h"

#include <unistd.h>

static void drop(void *state, bp_request request) {
  (void)state;
  (void)request;
}
static void never(void *state, bp_request request) {
  (void)state;
  bad.http->defer(request, NULL, NULL);
}
static void twice(void *state, bp_request request) {
  reply_ok(state, request);
  if (bad.http->reply_empty(request, 204) == BP_E_STALE)
    say("the second reply was refused as stale");
}
static void stale(void *state, bp_request request) {
  bp_str value;
  reply_ok(state, request);
  if (bad.http->header(request, BP_LIT("host"), &value) == BP_E_STALE && bad.http->defer(request, NULL, NULL) == BP_E_STALE)
    say("the stale request was refused");
}
static void wild(void *state, bp_request request) {
  if (bad.http->reply_empty(request ^ 0xFFFF00000000u, 204) == BP_E_STALE && bad.http->reply_empty(0, 204) == BP_E_STALE)
    say("the wild handles were refused");
  reply_ok(state, request);
}
static void unclosed(void *state, bp_request request) {
  bp_json_writer writer;
  (void)state;
  bad.json->writer_new(bad.self, &writer);
  bad.json->object_begin(writer);
  bad.json->put_integer(writer, 1);
  bp_status status = bad.http->reply_json(request, 200, writer);
  bad.json->writer_free(writer);
  if (status != BP_OK)
    say("the unclosed JSON was refused");
}
static void slow(void *state, bp_request request) {
  usleep(90 * 1000);
  reply_ok(state, request);
}
static const bp_family families[] = {FAMILY("replies")};
static const bp_route routes[] = {
    ROUTE_WITH("GET", "/drop", "drop_it", .handle = drop),       ROUTE_WITH("GET", "/never", "never_reply", .handle = never, .timeout_ms = 200),
    ROUTE_WITH("GET", "/twice", "reply_twice", .handle = twice), ROUTE_WITH("GET", "/stale", "use_stale", .handle = stale),
    ROUTE_WITH("GET", "/wild", "use_wild", .handle = wild),      ROUTE_WITH("GET", "/unclosed", "reply_unclosed", .handle = unclosed),
    ROUTE_WITH("GET", "/slow", "reply_slowly", .handle = slow),
};
DESCRIPTOR("replies", .family = BP_STR("replies"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
