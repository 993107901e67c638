/* Dependency resolution; see resolve.h. */
#include "loader/resolve.h"
#include "base/array.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/str.h"
#include "host.h"
#include "loader/loader.h"
#include "loader/syntax.h"

#include <backplane/http.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading descriptors ---- */

static bool provides(const bp_plugin_descriptor *d, bp_str name) {
  for (uint32_t i = 0; d && i < d->provides.count; i++) {
    bp_provide provide;
    array_item(d->provides, i, &provide);
    if (str_eq(provide.interface, name))
      return true;
  }
  return false;
}

static bool declares_family(const bp_plugin_descriptor *d, bp_str name) {
  for (uint32_t i = 0; d && i < d->families.count; i++) {
    bp_family family;
    array_item(d->families, i, &family);
    if (str_eq(family.name, name))
      return true;
  }
  return false;
}

/* The family that route `index` cannot be without: its own, or its plugin's. Empty for one that is left out without it. */
static bp_str route_family(const bp_plugin_descriptor *d, uint32_t index) {
  bp_route route;
  array_item(d->routes, index, &route);
  if (route.flags & BP_ROUTE_IF_FAMILY)
    return (bp_str){0};
  return route.family.len ? route.family : d->family;
}

static bool uses_family_of(const bp_plugin_descriptor *d, const bp_plugin_descriptor *other) {
  if (d->family.len && declares_family(other, d->family))
    return true;
  for (uint32_t i = 0; i < d->routes.count; i++)
    if (declares_family(other, route_family(d, i)))
      return true;
  return false;
}

static bool needs_service_of(const bp_plugin_descriptor *d, const bp_plugin_descriptor *other, bool count_optional) {
  for (uint32_t i = 0; i < d->needs.count; i++) {
    bp_need need;
    array_item(d->needs, i, &need);
    if ((count_optional || !(need.flags & BP_NEED_OPTIONAL)) && provides(other, need.interface))
      return true;
  }
  return false;
}

bool resolve_depends(const struct resolve_item *item, const struct resolve_item *other) {
  if (item == other || !item->descriptor || !other->descriptor)
    return false;
  return needs_service_of(item->descriptor, other->descriptor, false) || uses_family_of(item->descriptor, other->descriptor);
}

/* ---- What is missing ---- */

/* Begins one more piece of an item's refusal. */
static struct buf *piece(struct resolve_item *item) {
  if (item->refusal.len)
    buf_append_z(&item->refusal, "; ");
  item->is_refused = true;
  return &item->refusal;
}

static bp_str id_of(const struct resolve_item *item) {
  return item->descriptor ? item->descriptor->id : str_from(item->path);
}

static void append_quoted(struct buf *b, bp_str s) {
  buf_append_char(b, '"');
  buf_append_str(b, s);
  buf_append_char(b, '"');
}

/* The host's interface of the same name in another revision, or NULL. */
static const struct interface_entry *other_revision(bp_str name) {
  ptrdiff_t slash = str_find(name, '/');
  for (unsigned i = 0; interface_at(i); i++)
    if (str_starts(str_from(interface_at(i)->name), bp_str_make(name.ptr, (size_t)slash + 1)))
      return interface_at(i);
  return NULL;
}

static void check_host_need(struct resolve_item *item, const bp_need *need) {
  const struct interface_entry *entry = interface_find(need->interface);
  if (entry && need->min_size <= entry->size)
    return;
  struct buf *b = piece(item);
  buf_append_z(b, "it needs interface ");
  append_quoted(b, need->interface);
  if (entry) {
    buf_printf(b, " of %u bytes, this host (%s) offers %u: update the host, or build the plugin against its headers", (unsigned)need->min_size,
               HOST_VERSION, (unsigned)entry->size);
    return;
  }
  const struct interface_entry *near = other_revision(need->interface);
  struct nearest search = {.wanted = need->interface};
  for (unsigned i = 0; interface_at(i) && !near; i++)
    nearest_offer(&search, str_from(interface_at(i)->name));
  if (search.best.len)
    buf_printf(b, ", this host (%s) offers none of that name: did you mean \"%s\"?", HOST_VERSION, search.best.ptr);
  else
    buf_printf(b, ", this host (%s) offers %s%s%s: update the host, or build the plugin against its headers", HOST_VERSION, near ? "\"" : "",
               near ? near->name : "none of that name", near ? "\"" : "");
}

static void check_service_need(struct resolve_item *item, const bp_need *need, struct resolve_item *items, unsigned count) {
  const struct resolve_item *refused = NULL;
  for (unsigned i = 0; i < count; i++) {
    if (!provides(items[i].descriptor, need->interface))
      continue;
    if (!items[i].is_refused)
      return;
    refused = &items[i];
  }
  struct buf *b = piece(item);
  buf_append_z(b, "it needs service ");
  append_quoted(b, need->interface);
  if (refused) {
    buf_append_z(b, " of module ");
    append_quoted(b, id_of(refused));
    buf_append_z(b, ", which is refused itself");
  } else {
    buf_append_z(b, ", which no enabled module provides: enable one that does");
  }
}

static void check_family(struct resolve_item *item, bp_str name, struct resolve_item *items, unsigned count) {
  const struct resolve_item *refused = NULL;
  for (unsigned i = 0; i < count; i++) {
    if (!declares_family(items[i].descriptor, name))
      continue;
    if (!items[i].is_refused)
      return;
    refused = &items[i];
  }
  struct buf *b = piece(item);
  buf_append_z(b, "its routes belong to family ");
  append_quoted(b, name);
  if (refused) {
    buf_append_z(b, " of module ");
    append_quoted(b, id_of(refused));
    buf_append_z(b, ", which is refused itself");
  } else {
    buf_append_z(b, ", which no enabled module declares: enable one that does, or declare it");
  }
}

static void check_families(struct resolve_item *item, struct resolve_item *items, unsigned count) {
  const bp_plugin_descriptor *d = item->descriptor;
  if (d->family.len && d->routes.count)
    check_family(item, d->family, items, count);
  for (uint32_t i = 0; i < d->routes.count; i++) {
    bp_str family = route_family(d, i);
    bool is_seen = family.len == 0 || str_eq(family, d->family);
    for (uint32_t j = 0; j < i && !is_seen; j++)
      is_seen = str_eq(family, route_family(d, j));
    if (!is_seen)
      check_family(item, family, items, count);
  }
}

static void check_needs(struct resolve_item *item, struct resolve_item *items, unsigned count) {
  const bp_plugin_descriptor *d = item->descriptor;
  for (uint32_t i = 0; i < d->needs.count; i++) {
    bp_need need;
    array_item(d->needs, i, &need);
    if (need.flags & BP_NEED_OPTIONAL)
      continue;
    if (syntax_is_reserved_id(need.interface))
      check_host_need(item, &need);
    else
      check_service_need(item, &need, items, count);
  }
  check_families(item, items, count);
}

/* ---- What there is twice ---- */

/* The item that offers the same id or service and comes first: the running one, or the one configured earlier. */
static bool comes_before(const struct resolve_item *items, unsigned a, unsigned b) {
  return items[a].is_running != items[b].is_running ? items[a].is_running : a < b;
}

static void refuse_duplicate(struct resolve_item *item, const struct resolve_item *first) {
  if (str_eq(item->descriptor->id, first->descriptor->id)) {
    struct buf *b = piece(item);
    buf_append_z(b, "id ");
    append_quoted(b, item->descriptor->id);
    buf_printf(b, " is taken by \"%s\": give one of them another id", first->path);
    return;
  }
  for (uint32_t i = 0; i < item->descriptor->provides.count; i++) {
    bp_provide provide;
    array_item(item->descriptor->provides, i, &provide);
    if (!provides(first->descriptor, provide.interface))
      continue;
    struct buf *b = piece(item);
    buf_append_z(b, "it provides service ");
    append_quoted(b, provide.interface);
    buf_append_z(b, ", and so does module ");
    append_quoted(b, first->descriptor->id);
    buf_append_z(b, ": enable one of them");
  }
}

static void refuse_duplicates(struct resolve_item *items, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    for (unsigned j = 0; j < count && items[i].descriptor; j++)
      if (i != j && items[j].descriptor && !items[j].is_refused && comes_before(items, j, i))
        refuse_duplicate(&items[i], &items[j]);
}

/* Refuses items with missing needs until no more fall: a refusal may take a service away from others. */
static void refuse_missing(struct resolve_item *items, unsigned count) {
  for (bool changed = true; changed;) {
    changed = false;
    for (unsigned i = 0; i < count; i++) {
      if (items[i].is_refused || items[i].is_running)
        continue;
      check_needs(&items[i], items, count);
      changed |= items[i].is_refused;
    }
  }
}

/* ---- Order ---- */

/* Who waits for whom, worked out once: edges[i * count + j] tells how item i waits for item j. Soft: optional needs and
 * families, which only wish to come later. */
enum { EDGE_SOFT = 1, EDGE_HARD = 2 };

struct graph {
  struct resolve_item *items;
  unsigned count;
  unsigned char *edges;
  bool *is_placed;
};

static unsigned char edge_between(const struct resolve_item *item, const struct resolve_item *other) {
  unsigned char edge = 0;
  if (item == other || !item->descriptor || !other->descriptor)
    return 0;
  if (needs_service_of(item->descriptor, other->descriptor, false))
    edge |= EDGE_HARD;
  if (edge || needs_service_of(item->descriptor, other->descriptor, true) || uses_family_of(item->descriptor, other->descriptor))
    edge |= EDGE_SOFT;
  return edge;
}

static void graph_init(struct graph *g, struct resolve_item *items, unsigned count) {
  g->items = items;
  g->count = count;
  g->edges = mem_array((size_t)count * count, 1);
  g->is_placed = mem_array(count, sizeof(*g->is_placed));
  for (unsigned i = 0; i < count; i++)
    for (unsigned j = 0; j < count; j++)
      g->edges[i * count + j] = edge_between(&items[i], &items[j]);
}

static void graph_release(struct graph *g) {
  free(g->edges);
  free(g->is_placed);
}

/* Item i is still to be placed, and so is item j that it waits for. */
static bool waits_for(const struct graph *g, unsigned i, unsigned j, unsigned char kind) {
  return !g->is_placed[j] && !g->items[j].is_refused && (g->edges[i * g->count + j] & kind);
}

/* The first item, in the given order, that waits for none of the others left; `count` if all wait. */
static unsigned find_free(const struct graph *g, unsigned char kind) {
  for (unsigned i = 0; i < g->count; i++) {
    bool waits = g->is_placed[i] || g->items[i].is_refused;
    for (unsigned j = 0; j < g->count && !waits; j++)
      waits = waits_for(g, i, j, kind);
    if (!waits)
      return i;
  }
  return g->count;
}

/* An item that `i` needs and that is not placed either. */
static unsigned next_in_circle(const struct graph *g, unsigned i) {
  for (unsigned j = 0; j < g->count; j++)
    if (waits_for(g, i, j, EDGE_HARD))
      return j;
  return i;
}

/* Where the circle that `at` lies on is told from: its member that is configured first. */
static unsigned lowest_in_circle(const struct graph *g, unsigned at) {
  unsigned lowest = at;
  for (unsigned i = next_in_circle(g, at); i != at; i = next_in_circle(g, i))
    if (i < lowest)
      lowest = i;
  return lowest;
}

static void refuse_member(struct resolve_item *item, const struct buf *circle) {
  struct buf *b = piece(item);
  buf_append_z(b, "modules need each other in a circle: ");
  buf_append_str(b, buf_str(circle));
  buf_append_z(b, ": make one of these needs optional");
}

/* Every item left waits for another one left: walks until it is inside a circle and refuses all on it. */
static void refuse_circle(const struct graph *g) {
  unsigned *members = mem_array(g->count, sizeof(*members));
  unsigned member_count = 0, at = 0;
  struct buf circle = {0};
  while (g->is_placed[at] || g->items[at].is_refused)
    at++;
  for (unsigned steps = 0; steps < g->count; steps++)
    at = next_in_circle(g, at);
  unsigned start = lowest_in_circle(g, at);
  at = start;
  do {
    members[member_count++] = at;
    append_quoted(&circle, g->items[at].descriptor->id);
    buf_append_z(&circle, " needs ");
    at = next_in_circle(g, at);
  } while (at != start);
  append_quoted(&circle, g->items[start].descriptor->id);
  for (unsigned i = 0; i < member_count; i++)
    refuse_member(&g->items[members[i]], &circle);
  free(members);
  buf_release(&circle);
}

/* Places all it can; false when a circle was found and refused, so that needs must be checked again. */
static bool place_all(struct graph *g, unsigned *order, unsigned *ret_placed) {
  unsigned wanted = 0, placed = 0;
  for (unsigned i = 0; i < g->count; i++) {
    g->is_placed[i] = false;
    wanted += !g->items[i].is_refused;
  }
  while (placed < wanted) {
    unsigned found = find_free(g, EDGE_SOFT);
    if (found == g->count)
      found = find_free(g, EDGE_HARD);
    if (found == g->count)
      break;
    g->is_placed[found] = true;
    order[placed++] = found;
  }
  if (placed < wanted)
    refuse_circle(g);
  *ret_placed = placed;
  return placed == wanted;
}

unsigned resolve(struct resolve_item *items, unsigned count, unsigned *order) {
  struct graph g;
  unsigned placed = 0;
  for (unsigned i = 0; i < count; i++)
    items[i].is_refused |= !items[i].descriptor;
  refuse_duplicates(items, count);
  graph_init(&g, items, count);
  do
    refuse_missing(items, count);
  while (!place_all(&g, order, &placed));
  graph_release(&g);
  return placed;
}
