/* Order of events; see sequence.h. */
#include "live/sequence.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

#define WAITING_BYTES_MAX (8u << 20)

/* A place in the queue: an open batch, or events that only wait for what is before them. */
struct turn {
  struct turn *next;
  uint64_t first;
  bool is_over;
  struct record_list events;
};

static struct {
  pthread_mutex_t lock;
  uint64_t last;
  struct turn *head, *tail;
  size_t pushed_bytes; /* of events from sequence_push that were not released */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct turn *turn_add(uint64_t first, bool is_over) {
  struct turn *turn = mem_alloc(sizeof(*turn));
  turn->first = first;
  turn->is_over = is_over;
  if (queue.tail)
    queue.tail->next = turn;
  else
    queue.head = turn;
  queue.tail = turn;
  return turn;
}

static void events_free(struct record_list *events) {
  for (struct record *record; (record = record_list_take(events));)
    record_free(record);
}

static void head_drop(void) {
  struct turn *turn = queue.head;
  queue.head = turn->next;
  if (!queue.head)
    queue.tail = NULL;
  free(turn);
}

void sequence_start(uint64_t last) {
  pthread_mutex_lock(&queue.lock);
  while (queue.head) {
    events_free(&queue.head->events);
    head_drop();
  }
  queue.last = last;
  queue.pushed_bytes = 0;
  pthread_mutex_unlock(&queue.lock);
}

uint64_t sequence_take(uint32_t count) {
  pthread_mutex_lock(&queue.lock);
  uint64_t first = queue.last + 1;
  queue.last += count;
  if (count)
    turn_add(first, false);
  pthread_mutex_unlock(&queue.lock);
  return first;
}

bool sequence_finish(uint64_t first, struct record_list *events) {
  pthread_mutex_lock(&queue.lock);
  struct turn *turn = queue.head;
  while (turn && (turn->is_over || turn->first != first))
    turn = turn->next;
  if (turn) {
    turn->is_over = true;
    turn->events = *events;
  }
  pthread_mutex_unlock(&queue.lock);
  if (!turn)
    events_free(events);
  *events = (struct record_list){0};
  return turn != NULL;
}

bool sequence_push(struct record *record) {
  pthread_mutex_lock(&queue.lock);
  bool has_room = queue.pushed_bytes < WAITING_BYTES_MAX;
  if (has_room) {
    record->sequence = ++queue.last;
    record->is_ephemeral = true;
    queue.pushed_bytes += record_bytes(record);
    struct turn *turn = queue.tail && queue.tail->is_over ? queue.tail : turn_add(record->sequence, true);
    record_list_add(&turn->events, record);
  }
  pthread_mutex_unlock(&queue.lock);
  return has_room;
}

static void release_turn(struct turn *turn, struct record_list *ret) {
  for (struct record *record; (record = record_list_take(&turn->events));) {
    if (record->is_ephemeral)
      queue.pushed_bytes -= record_bytes(record);
    record_list_add(ret, record);
  }
}

bool sequence_release(struct record_list *ret) {
  *ret = (struct record_list){0};
  pthread_mutex_lock(&queue.lock);
  while (queue.head && queue.head->is_over) {
    release_turn(queue.head, ret);
    head_drop();
  }
  pthread_mutex_unlock(&queue.lock);
  return ret->first != NULL;
}

uint64_t sequence_last(void) {
  pthread_mutex_lock(&queue.lock);
  uint64_t last = queue.last;
  pthread_mutex_unlock(&queue.lock);
  return last;
}
