/* Which route a path and a method mean: one table per family, and one for the bare paths of the main listener.
 *
 * A path without parameters is found by one hash lookup. Templates are a trie of segments; at every level a literal segment
 * wins over {name}, and {name} over a final {name*}. Where the better path lacks the method, the next one is asked, as
 * clients of the original servers expect. Trailing slashes count. Nothing here answers anybody. */
#ifndef HOST_ROUTER_MATCH_H
#define HOST_ROUTER_MATCH_H

#include "base/strmap.h"
#include "http/exchange.h"
#include "router/route.h"

/* All routes of one path. They are of one family: paths that several families claim are kept out of the bare table. */
struct endpoint {
  struct family *family;
  struct route *by_method[HTTP_OTHER]; /* HTTP_HEAD stays empty */
  struct route *any;
  struct endpoint *next; /* of the table */
};

struct segment_node;

struct match_table {
  struct strmap exact; /* whole paths without parameters -> endpoint */
  struct segment_node *root;
  struct endpoint *endpoints;
};

/* A path parameter's place, relative to the path that was matched. */
struct match_span {
  uint32_t offset, len;
};

struct match {
  struct route *route;            /* NULL: nothing takes this method here */
  const struct endpoint *nearest; /* the best path whatever its methods; NULL: no such path */
  uint32_t allow;                 /* methods of all paths that fit: 1 << enum http_method */
  uint32_t span_count;
  struct match_span spans[ROUTE_PATH_PARAMS];
};

/* Adds a route under its template, which has been checked by template_parse. */
void match_add(struct match_table *table, struct route *route);
void match_find(const struct match_table *table, bp_str path, enum http_method method, struct match *ret);
void match_release(struct match_table *table);

#endif
