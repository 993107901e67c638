/* A route as the host keeps it: the plugin's declaration, checked and compiled once at load.
 *
 * Counted, because requests outlive the removal of their route. Strings of `facts` are the plugin's and are read only while
 * the route is listed, except operation_id, which is the route's own. */
#ifndef HOST_ROUTER_ROUTE_H
#define HOST_ROUTER_ROUTE_H

#include "base/buf.h"
#include "http/exchange.h"
#include <backplane/http.h>
#include <stdbool.h>

#define ROUTE_PATH_PARAMS 8u
#define ROUTE_PARAMS 32u

struct plugin;
struct family;
struct schema;
struct param;
struct router_counters;

struct route {
  uint32_t references;
  bool is_removed; /* its plugin is gone: nothing of it may be called */
  bool is_unbare;  /* its path is not served bare on the main listener, and that has been logged */
  bool takes_any_method;
  enum http_method method;
  uint32_t scope; /* SCOPE_*, 0: public */
  uint32_t timeout_ms;
  uint64_t body_limit_bytes;
  uint32_t key_limit;
  struct plugin *owner;
  void *state; /* the plugin's */
  struct family *family;
  bp_route facts; /* a widened copy */
  struct schema *body_schema, *response_schema;
  struct param *params; /* declared ones, then template variables without a declaration */
  uint32_t param_count;
  uint32_t places;                        /* bit BP_IN_*: some parameter is found there */
  uint8_t path_params[ROUTE_PATH_PARAMS]; /* index into params of the template's n-th variable */
  struct router_counters *counters;
  struct route *next;
};

/* One segment of a template: a literal, {name}, or a final {name*}. */
enum segment_kind { SEGMENT_LITERAL, SEGMENT_PARAM, SEGMENT_TAIL };
struct segment {
  enum segment_kind kind;
  bp_str text; /* the literal or the name */
};

/* Steps through a template or a path: `*at` starts at 0. False at the end. "/a/" has the segments "a" and "". */
bool segment_next(bp_str path, size_t *at, bp_str *ret);
struct segment segment_of(bp_str text);
/* Checks a template: leading '/', whole-segment variables with distinct names, a tail only at the end. */
bp_status template_check(bp_str path, bp_error *err);
/* The template with its names left out, "/a/{}/b": equal for templates that fit the same paths. */
void template_shape(bp_str path, struct buf *out);

/* Checks and compiles a declaration, widened by array_item. NULL and `err`. One reference. */
struct route *route_new(struct plugin *owner, void *state, const bp_route *declared, bp_error *err);
void route_unref(struct route *route);

#endif
