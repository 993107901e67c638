/* Deadlines of one kind, all equally long, and therefore a queue: what is added last is due last. Pure. */
#ifndef SOCKETIO_DUE_H
#define SOCKETIO_DUE_H

#include <stdbool.h>
#include <stdint.h>

struct due {
  struct due *previous, *next;
  int64_t at_ms; /* 0: not in the queue */
};

struct due_queue {
  struct due *first, *last;
};

/* Adds, or moves to the end. An earlier deadline than the last one's is put before it. */
void due_set(struct due_queue *queue, struct due *due, int64_t at_ms);
/* Takes it out; nothing happens if it is not in. */
void due_clear(struct due_queue *queue, struct due *due);

#endif
