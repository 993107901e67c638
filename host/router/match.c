/* Path matching; see match.h. */
#include "router/match.h"
#include "base/mem.h"
#include "base/str.h"
#include "router/family_object.h"

#include <stdlib.h>
#include <string.h>

/* One level of the trie. `here` ends a template, `tail` is what a {name*} below this level leads to. */
struct segment_node {
  struct strmap literals; /* segment -> segment_node */
  struct segment_node *param;
  struct endpoint *here;
  struct endpoint *tail;
};

static struct endpoint *endpoint_in(struct match_table *table, struct endpoint **place, struct family *family) {
  if (*place)
    return *place;
  struct endpoint *endpoint = mem_alloc(sizeof(*endpoint));
  endpoint->family = family;
  endpoint->next = table->endpoints;
  table->endpoints = endpoint;
  return *place = endpoint;
}

static struct endpoint *exact_endpoint(struct match_table *table, struct route *route) {
  struct endpoint *endpoint = strmap_get(&table->exact, route->facts.path);
  if (endpoint)
    return endpoint;
  endpoint_in(table, &endpoint, route->family);
  strmap_set(&table->exact, route->facts.path, endpoint);
  return endpoint;
}

static struct segment_node *child_of(struct segment_node *node, struct segment segment) {
  struct segment_node *child = segment.kind == SEGMENT_PARAM ? node->param : strmap_get(&node->literals, segment.text);
  if (child)
    return child;
  child = mem_alloc(sizeof(*child));
  if (segment.kind == SEGMENT_PARAM)
    node->param = child;
  else
    strmap_set(&node->literals, segment.text, child);
  return child;
}

static struct endpoint *template_endpoint(struct match_table *table, struct route *route) {
  if (!table->root)
    table->root = mem_alloc(sizeof(*table->root));
  struct segment_node *node = table->root;
  bp_str text;
  for (size_t at = 0; segment_next(route->facts.path, &at, &text);) {
    struct segment segment = segment_of(text);
    if (segment.kind == SEGMENT_TAIL)
      return endpoint_in(table, &node->tail, route->family);
    node = child_of(node, segment);
  }
  return endpoint_in(table, &node->here, route->family);
}

void match_add(struct match_table *table, struct route *route) {
  bool is_template = str_find(route->facts.path, '{') >= 0;
  struct endpoint *endpoint = is_template ? template_endpoint(table, route) : exact_endpoint(table, route);
  if (route->takes_any_method)
    endpoint->any = route;
  else
    endpoint->by_method[route->method] = route;
}

/* Looks at one path that fits; true ends the search. */
static bool try_endpoint(const struct endpoint *endpoint, enum http_method method, struct match *ret) {
  bool head_is_get = !(family_facts(endpoint->family)->flags & BP_FAMILY_HEAD_405);
  if (!ret->nearest)
    ret->nearest = endpoint;
  enum http_method wanted = method == HTTP_HEAD && head_is_get ? HTTP_GET : method;
  ret->route = wanted < HTTP_OTHER && endpoint->by_method[wanted] ? endpoint->by_method[wanted] : endpoint->any;
  if (ret->route)
    return true;
  for (unsigned i = 0; i < HTTP_OTHER; i++)
    if (endpoint->by_method[i])
      ret->allow |= 1u << i;
  if (endpoint->by_method[HTTP_GET] && head_is_get)
    ret->allow |= 1u << HTTP_HEAD;
  return false;
}

struct walk {
  bp_str path;
  enum http_method method;
  struct match *match;
};

static void push_span(struct match *match, size_t offset, size_t len) {
  match->spans[match->span_count++] = (struct match_span){(uint32_t)offset, (uint32_t)len};
}

static bool walk_node(const struct walk *walk, const struct segment_node *node, size_t at);

/* Goes down with one parameter more, and takes it back where that leads nowhere. */
static bool walk_param(const struct walk *walk, const struct segment_node *node, size_t at, bp_str segment) {
  push_span(walk->match, (size_t)(segment.ptr - walk->path.ptr), segment.len);
  if (walk_node(walk, node->param, at))
    return true;
  walk->match->span_count--;
  return false;
}

static bool walk_tail(const struct walk *walk, const struct segment_node *node, size_t at) {
  push_span(walk->match, at + 1, walk->path.len - at - 1);
  if (try_endpoint(node->tail, walk->method, walk->match))
    return true;
  walk->match->span_count--;
  return false;
}

/* Every node is visited at most once for a path: its depth is its place in the path. */
static bool walk_node(const struct walk *walk, const struct segment_node *node, size_t at) {
  size_t next = at;
  bp_str segment;
  if (!segment_next(walk->path, &next, &segment))
    return node->here && try_endpoint(node->here, walk->method, walk->match);
  const struct segment_node *literal = strmap_get(&node->literals, segment);
  if (literal && walk_node(walk, literal, next))
    return true;
  if (node->param && segment.len > 0 && walk_param(walk, node, next, segment))
    return true;
  return node->tail && walk_tail(walk, node, at);
}

void match_find(const struct match_table *table, bp_str path, enum http_method method, struct match *ret) {
  ret->route = NULL;
  ret->nearest = NULL;
  ret->allow = 0;
  ret->span_count = 0;
  const struct endpoint *exact = strmap_get(&table->exact, path);
  if (exact && try_endpoint(exact, method, ret))
    return;
  if (table->root) {
    struct walk walk = {path, method, ret};
    walk_node(&walk, table->root, 0);
  }
}

static void node_free(struct segment_node *node) {
  if (!node)
    return;
  uint32_t cursor = 0;
  bp_str key;
  void *child;
  while (strmap_next(&node->literals, &cursor, &key, &child))
    node_free(child);
  strmap_release(&node->literals);
  node_free(node->param);
  free(node);
}

void match_release(struct match_table *table) {
  node_free(table->root);
  strmap_release(&table->exact);
  while (table->endpoints) {
    struct endpoint *next = table->endpoints->next;
    free(table->endpoints);
    table->endpoints = next;
  }
  memset(table, 0, sizeof(*table));
}
