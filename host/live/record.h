/* A record: one event in memory, a single allocation that holds its strings. */
#ifndef HOST_LIVE_RECORD_H
#define HOST_LIVE_RECORD_H

#include <backplane/live.h>
#include <stdbool.h>

struct live_row;

struct record {
  struct record *next; /* in the list that owns it */
  uint64_t sequence;
  int64_t time_ns;
  uint32_t payload_len;
  uint32_t key_len;
  uint16_t topic_len;
  bool is_ephemeral;
  char bytes[]; /* topic, key, payload */
};

struct record_list {
  struct record *first, *last;
};

/* Copies the strings; NULL without memory, or for a topic over 64 KiB. [any] */
struct record *record_new(bp_str topic, bp_str key, bp_str payload);
void record_free(struct record *record);
size_t record_bytes(const struct record *record);
bp_str record_topic(const struct record *record);
bp_str record_key(const struct record *record);
bp_str record_payload(const struct record *record);
/* The public form; strings are borrowed from the record. */
bp_live_event record_public(const struct record *record);
bp_live_event record_public_row(const struct live_row *row);
/* The event that says: what came before, up to and with `through`, is gone. */
bp_live_event record_public_resync(uint64_t through);

void record_list_add(struct record_list *list, struct record *record);
struct record *record_list_take(struct record_list *list);

#endif
