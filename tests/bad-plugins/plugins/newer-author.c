/* Written against headers that have grown: longer descriptor, longer elements, a higher minor. All of it must be read. */
#include "bad.h"

struct newer_route {
  bp_route route;
  uint64_t later[3];
};
static const bp_family families[] = {FAMILY("newer-author")};
static const struct newer_route routes[] = {
    {.route = ROUTE_WITH("GET", "/newer/a", "newer_a", .size = sizeof(struct newer_route)), .later = {1, 2, 3}},
    {.route = ROUTE_WITH("GET", "/newer/b", "newer_b", .size = sizeof(struct newer_route)), .later = {4, 5, 6}},
};
static const struct {
  bp_plugin_descriptor descriptor;
  uint64_t later[4];
} newer = {
    .descriptor = {.size = sizeof(newer),
                   .abi_major = BP_ABI_MAJOR,
                   .abi_minor = BP_ABI_MINOR + 1,
                   .id = BP_STR("newer-author"),
                   .version = BP_STR("1.0.0"),
                   .summary = BP_STR("A plugin from the future."),
                   .family = BP_STR("newer-author"),
                   .needs = BP_ARRAY(good_needs),
                   .families = BP_ARRAY(families),
                   .routes = BP_ARRAY(routes),
                   .create = good_create},
    .later = {7, 8, 9, 10},
};
const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &newer.descriptor;
}
