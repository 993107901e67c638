/* Paths to routes, by listener; see resolve.h. Matching inside one table is in match.c. */
#include "router/resolve.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/listener.h"
#include "http/target.h"
#include "loader/plugin.h"
#include "router/docs.h"
#include "router/family_object.h"
#include "router/param.h"

#include <stdlib.h>
#include <string.h>

struct host_entry {
  const struct host_route *route;
  bp_str path;
  enum http_method method;
  struct host_entry *next;        /* in the order added */
  struct host_entry *next_prefix; /* the next one whose path is a prefix */
};

static struct {
  struct strmap host_exact;         /* path -> first host_entry of that path, for a fast no */
  struct host_entry *host_entries;  /* all */
  struct host_entry *host_prefixes; /* those whose path ends in '/': few, and asked for nearly every request */
  struct match_table bare;
} paths;

/* ---- The host's own routes ---- */

static enum http_method method_of(bp_str word) {
  static const char *const words[HTTP_OTHER] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  unsigned i = 0;
  while (i < HTTP_OTHER && !str_eq(word, str_from(words[i])))
    i++;
  return (enum http_method)i;
}

static bool is_prefix(bp_str path) {
  return path.len > 1 && path.ptr[path.len - 1] == '/';
}

void resolve_add_host(const struct host_route *routes, unsigned count) {
  struct host_entry **end = &paths.host_entries;
  while (*end)
    end = &(*end)->next;
  for (unsigned i = 0; i < count; i++) {
    struct host_entry *entry = mem_alloc(sizeof(*entry));
    *entry = (struct host_entry){.route = &routes[i], .path = str_from(routes[i].path), .method = method_of(str_from(routes[i].method))};
    *end = entry;
    end = &entry->next;
    if (is_prefix(entry->path)) {
      entry->next_prefix = paths.host_prefixes;
      paths.host_prefixes = entry;
    } else if (!strmap_get(&paths.host_exact, entry->path)) {
      strmap_set(&paths.host_exact, entry->path, entry);
    }
  }
}

static void try_host(const struct host_entry *entry, enum http_method method, struct resolution *ret) {
  enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
  ret->match.allow |= 1u << entry->method;
  if (entry->method == HTTP_GET)
    ret->match.allow |= 1u << HTTP_HEAD;
  if (!ret->host_route && entry->method == wanted)
    ret->host_route = entry->route;
}

/* The entries whose path is as long as that of the best one so far; a longer prefix starts over. */
static void find_host_prefix(bp_str path, enum http_method method, struct resolution *ret) {
  size_t best = 0;
  for (const struct host_entry *e = paths.host_prefixes; e; e = e->next_prefix) {
    if (e->path.len < best || !str_starts(path, e->path))
      continue;
    if (e->path.len > best) {
      ret->host_route = NULL;
      ret->match.allow = 0;
    }
    best = e->path.len;
    try_host(e, method, ret);
  }
}

static bool find_host(bp_str path, enum http_method method, struct resolution *ret) {
  const struct host_entry *first = strmap_get(&paths.host_exact, path);
  if (!first)
    find_host_prefix(path, method, ret);
  for (const struct host_entry *e = first; e; e = e->next)
    if (str_eq(e->path, path))
      try_host(e, method, ret);
  ret->kind = ret->host_route ? RESOLVED_HOST : RESOLVED_NOTHING;
  return ret->match.allow != 0;
}

void resolve_each_host(void (*each)(void *ctx, const struct route_info *info), void *ctx) {
  for (const struct host_entry *e = paths.host_entries; e; e = e->next) {
    struct route_info info = {.family = family_host(), .host_route = e->route};
    each(ctx, &info);
  }
}

/* ---- Families ---- */

static void find_in_family(const struct family *family, bp_str path, enum http_method method, struct resolution *ret) {
  ret->family = family;
  match_find(&family->routes, path, method, &ret->match);
  if (ret->match.route)
    ret->kind = RESOLVED_ROUTE;
  else if (!ret->match.nearest && (family->facts.flags & BP_FAMILY_DOCS) && docs_has(path)) {
    bool is_read = method == HTTP_GET || (method == HTTP_HEAD && !(family->facts.flags & BP_FAMILY_HEAD_405));
    ret->match.allow = 1u << HTTP_GET;
    ret->kind = is_read ? RESOLVED_DOCS : RESOLVED_NOTHING;
  }
}

/* "/f/<family>/…": the family and how much to cut off. */
static const struct family *prefixed_family(bp_str path, uint32_t *ret_len) {
  if (path.len < 4 || memcmp(path.ptr, "/f/", 3) != 0)
    return NULL;
  bp_str rest = bp_str_make(path.ptr + 3, path.len - 3);
  ptrdiff_t slash = str_find(rest, '/');
  if (slash < 0)
    return NULL;
  *ret_len = (uint32_t)slash + 3;
  return family_find(bp_str_make(rest.ptr, (size_t)slash));
}

static void find_on_main(const struct http_exchange *x, struct resolution *ret) {
  uint32_t prefix_len = 0;
  if (find_host(x->path, x->method, ret))
    return;
  const struct family *family = prefixed_family(x->path, &prefix_len);
  if (family) {
    ret->prefix_len = prefix_len;
    find_in_family(family, bp_str_make(x->path.ptr + prefix_len, x->path.len - prefix_len), x->method, ret);
    return;
  }
  match_find(&paths.bare, x->path, x->method, &ret->match);
  if (ret->match.nearest)
    ret->family = ret->match.route ? ret->match.route->family : ret->match.nearest->family;
  ret->kind = ret->match.route ? RESOLVED_ROUTE : RESOLVED_NOTHING;
}

/* A value with a slash in it is for parameters that say so, and for the rest of a path. */
static bool takes_slashes(const struct route *route, const struct match *match, bp_str path) {
  bool has_tail = str_ends(route->facts.path, BP_LIT("*}"));
  for (uint32_t i = 0; i < match->span_count; i++) {
    const struct match_span *span = &match->spans[i];
    bool is_free = (has_tail && i + 1 == match->span_count) || (route->params[route->path_params[i]].facts.flags & BP_PARAM_SLASH);
    if (!is_free && memchr(path.ptr + span->offset, TARGET_SLASH, span->len))
      return false;
  }
  return true;
}

static void refuse_slashes(const struct http_exchange *x, struct resolution *ret) {
  bp_str path = bp_str_make(x->path.ptr + ret->prefix_len, x->path.len - ret->prefix_len);
  if (ret->match.route && takes_slashes(ret->match.route, &ret->match, path))
    return;
  ret->kind = RESOLVED_NOTHING;
  ret->host_route = NULL;
  ret->match.route = NULL;
  ret->match.nearest = NULL;
  ret->match.allow = 0;
}

static void resolve(const struct http_exchange *x, struct resolution *ret) {
  memset(ret, 0, offsetof(struct resolution, match.spans));
  ret->family = family_host();
  if (!x->listener || x->listener->is_main || x->listener->is_control || !x->listener->family) {
    find_on_main(x, ret);
    return;
  }
  const struct family *family = family_find(str_from(x->listener->family));
  if (family)
    find_in_family(family, x->path, x->method, ret);
}

void router_resolve(const struct http_exchange *x, struct resolution *ret) {
  resolve(x, ret);
  if (x->path.len && memchr(x->path.ptr, TARGET_SLASH, x->path.len))
    refuse_slashes(x, ret);
}

/* ---- Tables ---- */

#define COLLISION ((void *)-1)

static bool may_be_bare(const struct route *r) {
  return r->family->is_declared && !(r->family->facts.flags & BP_FAMILY_NOT_BARE) && !(r->facts.flags & BP_ROUTE_NOT_BARE);
}

/* Which family has each path, by its shape; COLLISION where several have. */
static struct strmap claims_of(const struct route *routes) {
  struct strmap claims = {0};
  for (const struct route *r = routes; r; r = r->next) {
    struct buf shape = {0};
    if (!may_be_bare(r))
      continue;
    template_shape(r->facts.path, &shape);
    void *before = strmap_get(&claims, buf_str(&shape));
    strmap_set(&claims, buf_str(&shape), before && before != r->family ? COLLISION : (void *)r->family);
    buf_release(&shape);
  }
  return claims;
}

static bool is_bare(const struct strmap *claims, const struct route *route) {
  struct buf shape = {0};
  if (!may_be_bare(route))
    return false;
  template_shape(route->facts.path, &shape);
  bool is_ours = strmap_get(claims, buf_str(&shape)) == route->family;
  buf_release(&shape);
  return is_ours && !strmap_get(&paths.host_exact, route->facts.path);
}

static void note_unbare(struct route *route) {
  if (route->is_unbare || !may_be_bare(route))
    return;
  route->is_unbare = true;
  log_info("router", "\"%.*s\" of family \"%s\" is claimed by others too: on the main listener it is at /f/%s%.*s", (int)route->facts.path.len,
           route->facts.path.ptr, route->family->facts.name.ptr, route->family->facts.name.ptr, (int)route->facts.path.len, route->facts.path.ptr);
}

static void clear_tables(const struct route *routes) {
  for (const struct family *f = family_next(NULL); f; f = family_next(f))
    match_release((struct match_table *)(uintptr_t)&f->routes);
  for (const struct route *r = routes; r; r = r->next)
    match_release(&r->family->routes);
  match_release(&paths.bare);
}

void resolve_rebuild(struct route *routes) {
  clear_tables(routes);
  struct strmap claims = claims_of(routes);
  for (struct route *r = routes; r; r = r->next) {
    match_add(&r->family->routes, r);
    if (is_bare(&claims, r))
      match_add(&paths.bare, r);
    else
      note_unbare(r);
  }
  strmap_release(&claims);
}

void resolve_release(void) {
  match_release(&paths.bare);
  strmap_release(&paths.host_exact);
  paths.host_prefixes = NULL;
  while (paths.host_entries) {
    struct host_entry *next = paths.host_entries->next;
    free(paths.host_entries);
    paths.host_entries = next;
  }
}
