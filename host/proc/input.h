/* Bytes on their way into a child: its stdin, or its terminal. */
#ifndef HOST_PROC_INPUT_H
#define HOST_PROC_INPUT_H

#include "base/buf.h"
#include <event2/event_struct.h>
#include <stdbool.h>

struct inlet {
  int fd; /* -1: closed */
  bool is_open;
  bool is_closing; /* once all is written */
  struct buf queue;
  size_t sent; /* of the queue */
  struct event event;
  void (*drained)(void *ctx);
  void *ctx;
};

/* Takes the descriptor over. */
void inlet_open(struct inlet *inlet, int fd, void (*drained)(void *ctx), void *ctx);
/* BP_E_STATE when closed, BP_E_BUSY when 1 MiB waits, BP_E_LIMIT for more than 16 MiB in one go. */
bp_status inlet_write(struct inlet *inlet, bp_str bytes);
/* After what waits. */
bp_status inlet_finish(struct inlet *inlet);
/* At once. A zeroed or closed one is fine. */
void inlet_close(struct inlet *inlet);

#endif
