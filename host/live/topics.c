/* Topics and filters; see topics.h. The table is small and rarely changed: a locked array. */
#include "live/topics.h"

#include "base/array.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/plugin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct topic {
  char *name;
  uint32_t name_len;
  uint32_t kind;
  bp_plugin owner;
  uint64_t lost_through; /* ephemeral: the last event that left the ring */
};

static struct {
  pthread_mutex_t lock;
  struct topic *items;
  uint32_t count, capacity;
} topics = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bp_str name_of(const struct topic *topic) {
  return bp_str_make(topic->name, topic->name_len);
}

static bool is_below(bp_str topic, bp_str id) {
  return topic.len > id.len + 1 && str_starts(topic, id) && topic.ptr[id.len] == '.';
}

/* A part of the host ("bp.job") may have one topic that is named as itself. */
static bool is_named_for(bp_str topic, bp_str id) {
  return is_below(topic, id) || (str_starts(id, BP_LIT("bp.")) && str_eq(topic, id));
}

static bp_status check_declared(const struct plugin *owner, const bp_array *array, uint32_t index, bp_error *err) {
  bp_topic topic, before;
  array_item(*array, index, &topic);
  if (topic.name.len > 200 || !is_named_for(topic.name, str_from(owner->id)))
    return fail(err, BP_E_INVALID, "topic \"%.*s\" must be named \"%s.<word>\"", (int)topic.name.len, topic.name.ptr, owner->id);
  if (topic.kind < BP_TOPIC_DURABLE || topic.kind > BP_TOPIC_TICK)
    return fail(err, BP_E_INVALID, "topic \"%.*s\" has unknown kind %u", (int)topic.name.len, topic.name.ptr, topic.kind);
  for (uint32_t i = 0; i < index; i++) {
    array_item(*array, i, &before);
    if (str_eq(before.name, topic.name))
      return fail(err, BP_E_EXISTS, "topic \"%.*s\" is declared twice", (int)topic.name.len, topic.name.ptr);
  }
  return BP_OK;
}

/* A topic that is declared again by a newer generation has lost what its older self has lost. */
static uint64_t lost_before(bp_str name, uint64_t floor) {
  for (uint32_t i = 0; i < topics.count; i++) {
    if (str_eq(name_of(&topics.items[i]), name))
      return topics.items[i].lost_through;
  }
  return floor;
}

static void add(bp_plugin owner, const bp_topic *declared, uint64_t floor) {
  if (topics.count == topics.capacity) {
    topics.capacity = topics.capacity ? topics.capacity * 2 : 16;
    topics.items = mem_resize(topics.items, topics.capacity * sizeof(*topics.items));
  }
  uint64_t lost = lost_before(declared->name, floor);
  topics.items[topics.count++] = (struct topic){
      .name = str_dupz(declared->name), .name_len = (uint32_t)declared->name.len, .kind = declared->kind, .owner = owner, .lost_through = lost};
}

bp_status topics_add(struct plugin *owner, const bp_array *array, uint64_t floor, bp_error *err) {
  for (uint32_t i = 0; i < array->count; i++) {
    bp_status status = check_declared(owner, array, i, err);
    if (status != BP_OK)
      return status;
  }
  pthread_mutex_lock(&topics.lock);
  for (uint32_t i = 0; i < array->count; i++) {
    bp_topic topic;
    array_item(*array, i, &topic);
    add(owner->handle, &topic, floor);
  }
  pthread_mutex_unlock(&topics.lock);
  return BP_OK;
}

void topics_remove(const struct plugin *owner) {
  pthread_mutex_lock(&topics.lock);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < topics.count; i++) {
    if (topics.items[i].owner == owner->handle)
      free(topics.items[i].name);
    else
      topics.items[kept++] = topics.items[i];
  }
  topics.count = kept;
  pthread_mutex_unlock(&topics.lock);
}

void topics_release(void) {
  pthread_mutex_lock(&topics.lock);
  for (uint32_t i = 0; i < topics.count; i++)
    free(topics.items[i].name);
  free(topics.items);
  topics.items = NULL;
  topics.count = topics.capacity = 0;
  pthread_mutex_unlock(&topics.lock);
}

bp_status topics_check(bp_plugin owner, bp_str name, uint32_t kind) {
  bp_status status = BP_E_DENIED;
  pthread_mutex_lock(&topics.lock);
  for (uint32_t i = 0; i < topics.count && status == BP_E_DENIED; i++) {
    const struct topic *topic = &topics.items[i];
    if (topic->owner == owner && str_eq(name_of(topic), name))
      status = (topic->kind == BP_TOPIC_DURABLE) == (kind == BP_TOPIC_DURABLE) ? BP_OK : BP_E_INVALID;
  }
  pthread_mutex_unlock(&topics.lock);
  return status;
}

static bool name_matches(bp_str pattern, bp_str topic) {
  if (!str_ends(pattern, BP_LIT(".*")))
    return str_eq(pattern, topic);
  return str_starts(topic, bp_str_make(pattern.ptr, pattern.len - 1));
}

bool filter_matches(struct filter filter, bp_str topic) {
  for (uint32_t i = 0; i < filter.count; i++) {
    if (name_matches(filter.names[i], topic))
      return true;
  }
  return filter.count == 0;
}

void topics_lost(bp_str name, uint64_t sequence) {
  pthread_mutex_lock(&topics.lock);
  for (uint32_t i = 0; i < topics.count; i++) {
    if (str_eq(name_of(&topics.items[i]), name))
      topics.items[i].lost_through = sequence;
  }
  pthread_mutex_unlock(&topics.lock);
}

uint64_t topics_lost_through(struct filter filter) {
  uint64_t lost = 0;
  pthread_mutex_lock(&topics.lock);
  for (uint32_t i = 0; i < topics.count; i++) {
    const struct topic *topic = &topics.items[i];
    if (topic->kind == BP_TOPIC_EPHEMERAL && topic->lost_through > lost && filter_matches(filter, name_of(topic)))
      lost = topic->lost_through;
  }
  pthread_mutex_unlock(&topics.lock);
  return lost;
}

static bool is_ephemeral(bp_str name) {
  for (uint32_t i = 0; i < topics.count; i++) {
    if (str_eq(name_of(&topics.items[i]), name))
      return topics.items[i].kind != BP_TOPIC_DURABLE;
  }
  return false;
}

bool topics_all_ephemeral(struct filter filter) {
  pthread_mutex_lock(&topics.lock);
  bool all = filter.count > 0;
  for (uint32_t i = 0; i < filter.count && all; i++)
    all = is_ephemeral(filter.names[i]);
  pthread_mutex_unlock(&topics.lock);
  return all;
}
