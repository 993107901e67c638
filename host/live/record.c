/* Records; see record.h. */
#include "live/record.h"

#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t wall_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void copy(char *to, bp_str from) {
  if (from.len)
    memcpy(to, from.ptr, from.len);
}

struct record *record_new(bp_str topic, bp_str key, bp_str payload) {
  if (topic.len > UINT16_MAX || key.len > UINT32_MAX || payload.len > UINT32_MAX)
    return NULL;
  struct record *record = malloc(sizeof(*record) + topic.len + key.len + payload.len);
  if (!record)
    return NULL;
  memset(record, 0, sizeof(*record));
  record->time_ns = wall_ns();
  record->topic_len = (uint16_t)topic.len;
  record->key_len = (uint32_t)key.len;
  record->payload_len = (uint32_t)payload.len;
  copy(record->bytes, topic);
  copy(record->bytes + topic.len, key);
  copy(record->bytes + topic.len + key.len, payload);
  return record;
}

void record_free(struct record *record) {
  free(record);
}

size_t record_bytes(const struct record *record) {
  return sizeof(*record) + record->topic_len + record->key_len + record->payload_len;
}

bp_str record_topic(const struct record *record) {
  return bp_str_make(record->bytes, record->topic_len);
}

bp_str record_key(const struct record *record) {
  return bp_str_make(record->bytes + record->topic_len, record->key_len);
}

bp_str record_payload(const struct record *record) {
  return bp_str_make(record->bytes + record->topic_len + record->key_len, record->payload_len);
}

bp_live_event record_public(const struct record *record) {
  return (bp_live_event){.size = sizeof(bp_live_event),
                         .sequence = record->sequence,
                         .time_ns = record->time_ns,
                         .topic = record_topic(record),
                         .key = record_key(record),
                         .payload = record_payload(record)};
}

bp_live_event record_public_row(const struct live_row *row) {
  return (bp_live_event){.size = sizeof(bp_live_event),
                         .sequence = row->sequence,
                         .time_ns = row->time_ns,
                         .topic = row->topic,
                         .key = row->key,
                         .payload = row->payload};
}

bp_live_event record_public_resync(uint64_t through) {
  return (bp_live_event){.size = sizeof(bp_live_event), .flags = BP_LIVE_RESYNC, .sequence = through ? through : 1, .time_ns = wall_ns()};
}

void record_list_add(struct record_list *list, struct record *record) {
  record->next = NULL;
  if (list->last)
    list->last->next = record;
  else
    list->first = record;
  list->last = record;
}

struct record *record_list_take(struct record_list *list) {
  struct record *record = list->first;
  if (!record)
    return NULL;
  list->first = record->next;
  if (!list->first)
    list->last = NULL;
  record->next = NULL;
  return record;
}
