/* Open documents; see documents.h. A handle's node is an index into the document's list of values handed out so far. */
#include "json/documents.h"
#include "json/pins.h"

#include <stdlib.h>

#define RECENT 16u
#define WALKS 4u
#define NODES_KEPT 1024u /* a closed document's list up to this many entries waits for the next document */

/* Where a walk over an object's members stands: the member at `position` is the next one. */
struct walk {
  void *iterator; /* NULL: free */
  uint32_t node;
  uint32_t used; /* the clock when last used */
  uint64_t position;
};

struct document {
  struct pin pin;
  json_t **nodes; /* nodes[0] is the root */
  uint32_t count; /* 0 while closed */
  uint32_t capacity;
  uint32_t recent[RECENT]; /* by value's address: asking for a member again gives its handle again */
  uint32_t clock;
  struct walk walks[WALKS];
};

static struct pins documents = PINS_INIT(struct document);

static bool add_node(struct document *doc, json_t *value) {
  if (doc->count == doc->capacity) {
    uint32_t capacity = doc->capacity ? doc->capacity * 2 : 16;
    json_t **nodes = capacity <= PINS_NODE_MAX + 1 ? realloc(doc->nodes, capacity * sizeof(json_t *)) : NULL;
    if (!nodes)
      return false;
    doc->nodes = nodes;
    doc->capacity = capacity;
  }
  doc->nodes[doc->count++] = value;
  return true;
}

static void forget_walks(struct document *doc) {
  for (uint32_t i = 0; i < WALKS; i++)
    doc->walks[i].iterator = NULL;
  for (uint32_t i = 0; i < RECENT; i++)
    doc->recent[i] = 0;
}

static void close_document(struct document *doc) {
  json_t *root = doc->nodes[0];
  doc->count = 0;
  if (doc->capacity > NODES_KEPT) {
    free(doc->nodes);
    doc->nodes = NULL;
    doc->capacity = 0;
  }
  pins_give(&documents, &doc->pin);
  json_decref(root);
}

bp_json documents_open(bp_plugin owner, json_t *root) {
  struct document *doc = pins_take(&documents, owner);
  if (doc && add_node(doc, root)) {
    forget_walks(doc);
    return pins_handle(&doc->pin, 0);
  }
  if (doc)
    pins_give(&documents, &doc->pin);
  json_decref(root);
  return 0;
}

void documents_close(bp_plugin owner, bp_json root) {
  struct document *doc = pins_node(root) == 0 ? pins_find(&documents, root) : NULL;
  if (doc && doc->count && doc->pin.owner == owner)
    close_document(doc);
}

void documents_forget(bp_plugin owner) {
  uint32_t cursor = 0;
  struct document *doc;
  while ((doc = pins_next(&documents, owner, &cursor)))
    close_document(doc);
}

bp_json documents_handle(bp_json within, json_t *value) {
  struct document *doc = pins_find(&documents, within);
  uint32_t *recent = &doc->recent[((uintptr_t)value >> 4) % RECENT];
  if (doc->nodes[*recent] != value) {
    if (!add_node(doc, value))
      return 0;
    *recent = doc->count - 1;
  }
  return pins_handle(&doc->pin, *recent);
}

static struct walk *find_walk(struct document *doc, uint32_t node, uint64_t position) {
  struct walk *oldest = &doc->walks[0];
  for (struct walk *walk = doc->walks; walk < doc->walks + WALKS; walk++) {
    if (walk->iterator && walk->node == node && walk->position == position)
      return walk;
    if (!walk->iterator || (oldest->iterator && walk->used < oldest->used))
      oldest = walk;
  }
  oldest->iterator = NULL;
  return oldest;
}

void *documents_iterator(bp_json object, json_t *value, uint64_t position) {
  struct document *doc = pins_find(&documents, object);
  struct walk *walk = find_walk(doc, pins_node(object), position);
  void *at = walk->iterator;
  if (!at) {
    at = json_object_iter(value);
    for (uint64_t i = 0; i < position && at; i++)
      at = json_object_iter_next(value, at);
  }
  walk->iterator = at ? json_object_iter_next(value, at) : NULL;
  walk->node = pins_node(object);
  walk->position = position + 1;
  walk->used = ++doc->clock;
  return at;
}

bp_json doc_open(json_t *root) {
  return documents_open(0, root);
}

void doc_close(bp_json root) {
  documents_close(0, root);
}

json_t *doc_value(bp_json handle) {
  struct document *doc = pins_find(&documents, handle);
  uint32_t node = pins_node(handle);
  return doc && node < doc->count ? doc->nodes[node] : NULL;
}
