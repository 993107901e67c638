/* The list of routes: adding and removing a plugin's; see router.h. Requests are served in pipeline.c. */
#include "router/router.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "router/deferred.h"
#include "router/docs.h"
#include "router/errors.h"
#include "router/family_object.h"
#include "router/inner_call.h"
#include "router/pipeline.h"
#include "router/request.h"
#include "router/resolve.h"
#include "router/router_counters.h"
#include "router/upload.h"

static struct route *routes; /* in the order they were added */

void router_init(void) {
  LOOP_MAIN();
  http_set_handler(&pipeline_handler);
  router_add_host_routes(docs_host_routes, DOCS_HOST_ROUTES);
}

void router_release(void) {
  while (routes) {
    struct route *next = routes->next;
    route_unref(routes);
    routes = next;
  }
  resolve_release();
  family_release_all();
  deferred_release();
  requests_release();
  counters_release();
}

void router_add_host_routes(const struct host_route *added, unsigned count) {
  LOOP_MAIN();
  resolve_add_host(added, count);
  resolve_rebuild(routes);
}

/* ---- Collisions ---- */

static bool same_shape(bp_str a, bp_str b) {
  struct buf shape_a = {0}, shape_b = {0};
  template_shape(a, &shape_a);
  template_shape(b, &shape_b);
  bool is_same = str_eq(buf_str(&shape_a), buf_str(&shape_b));
  buf_release(&shape_a);
  buf_release(&shape_b);
  return is_same;
}

static bool is_same_route(const struct route *a, const struct route *b) {
  return a->family == b->family && str_eq(a->facts.method, b->facts.method) && same_shape(a->facts.path, b->facts.path);
}

static bp_status check_against(const struct route *list, const struct route *added, bp_error *err) {
  for (const struct route *r = list; r; r = r->next) {
    const bp_route *facts = &added->facts;
    if (is_same_route(r, added))
      return fail(err, BP_E_EXISTS, "route \"%.*s %.*s\" of plugin \"%s\" is in family \"%s\" already: plugin \"%s\", operation \"%.*s\"",
                  (int)facts->method.len, facts->method.ptr, (int)facts->path.len, facts->path.ptr, added->owner->id, added->family->facts.name.ptr,
                  r->owner->id, (int)r->facts.operation_id.len, r->facts.operation_id.ptr);
    if (r->owner == added->owner && str_eq(r->facts.operation_id, facts->operation_id))
      return fail(err, BP_E_EXISTS, "plugin \"%s\" uses operation_id \"%.*s\" twice", added->owner->id, (int)facts->operation_id.len,
                  facts->operation_id.ptr);
  }
  return BP_OK;
}

static void drop_list(struct route *list) {
  while (list) {
    struct route *next = list->next;
    route_unref(list);
    list = next;
  }
}

static struct route **end_of(struct route **list) {
  while (*list)
    list = &(*list)->next;
  return list;
}

/* What an earlier run of the host may have left of unfinished uploads. */
static void clean_spool(struct plugin *owner, const struct route *added) {
  while (added && !(added->facts.flags & BP_ROUTE_UPLOAD))
    added = added->next;
  if (added)
    upload_clean_folder(owner);
}

bp_status router_add(struct plugin *owner, const bp_array *declared, void *state, bp_error *err) {
  LOOP_MAIN();
  struct route *added = NULL, **end = &added;
  bp_error reason = BP_ERROR_INIT;
  for (uint32_t i = 0; i < declared->count; i++) {
    bp_route route;
    array_item(*declared, i, &route);
    struct route *r = route_new(owner, state, &route, &reason);
    if (r && (check_against(routes, r, &reason) != BP_OK || check_against(added, r, &reason) != BP_OK)) {
      route_unref(r);
      r = NULL;
    }
    if (!r) {
      drop_list(added);
      if (err)
        *err = reason;
      return reason.code;
    }
    *end = r;
    end = &r->next;
  }
  clean_spool(owner, added);
  *end_of(&routes) = added;
  resolve_rebuild(routes);
  return BP_OK;
}

void router_remove(struct plugin *owner) {
  LOOP_MAIN();
  struct route *removed = NULL;
  for (struct route **at = &routes; *at;) {
    struct route *r = *at;
    if (r->owner != owner) {
      at = &r->next;
      continue;
    }
    match_release(&r->family->routes);
    r->is_removed = true;
    *at = r->next;
    r->next = removed;
    removed = r;
  }
  resolve_rebuild(routes);
  drop_list(removed);
}

/* ---- Deferred requests of a plugin ---- */

static void answer_draining(struct request *r) {
  struct http_exchange *x = r->x;
  const struct family *family = r->family;
  if (request_cancel(r, BP_CANCEL_DRAIN))
    family_reply_unavailable(x, family, BP_LIT("the module that serves this path is being stopped; try again in a moment"));
}

void router_cancel(struct plugin *owner) {
  LOOP_MAIN();
  request_each_deferred(owner, answer_draining);
  inner_cancel(owner);
}

static unsigned pending;

static void count_pending(struct request *r) {
  (void)r;
  pending++;
}

unsigned router_pending(const struct plugin *owner) {
  LOOP_MAIN();
  pending = 0;
  request_each_deferred(owner, count_pending);
  return pending;
}

void router_each(void (*each)(void *ctx, const struct route_info *info), void *ctx) {
  LOOP_MAIN();
  for (const struct route *r = routes; r; r = r->next) {
    if (!r->family->is_declared)
      continue;
    struct route_info info = {
        .family = r->family, .owner = r->owner, .route = &r->facts, .body_schema = r->body_schema, .response_schema = r->response_schema};
    each(ctx, &info);
  }
  resolve_each_host(each, ctx);
}

const struct route *router_find(bp_str plugin, bp_str operation) {
  for (const struct route *r = routes; r; r = r->next)
    if (str_eq(str_from(r->owner->id), plugin) && str_eq(r->facts.operation_id, operation))
      return r;
  return NULL;
}
