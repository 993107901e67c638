/* Queues of deadlines; see due.h. */
#include "due.h"

#include <stddef.h>

void due_clear(struct due_queue *queue, struct due *due) {
  if (due->at_ms == 0)
    return;
  *(due->previous ? &due->previous->next : &queue->first) = due->next;
  *(due->next ? &due->next->previous : &queue->last) = due->previous;
  *due = (struct due){0};
}

void due_set(struct due_queue *queue, struct due *due, int64_t at_ms) {
  due_clear(queue, due);
  struct due *before = queue->last;
  while (before && before->at_ms > at_ms)
    before = before->previous;
  due->at_ms = at_ms;
  due->previous = before;
  due->next = before ? before->next : queue->first;
  *(before ? &before->next : &queue->first) = due;
  *(due->next ? &due->next->previous : &queue->last) = due;
}
