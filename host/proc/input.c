/* Writing to a child; see input.h. A child that never reads costs its queue and no more. */
#include "proc/input.h"
#include "loop/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <unistd.h>

#define WAITING_MAX (1u << 20)
#define WRITE_MAX (16u << 20)

static void on_writable(evutil_socket_t fd, short what, void *arg) {
  struct inlet *inlet = arg;
  (void)what;
  size_t left = inlet->queue.len - inlet->sent;
  ssize_t sent = left ? write(fd, inlet->queue.data + inlet->sent, left) : 0;
  if (sent < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (sent < 0) { /* the child has closed its end */
    inlet_close(inlet);
    return;
  }
  inlet->sent += (size_t)sent;
  if (inlet->sent < inlet->queue.len)
    return;
  buf_release(&inlet->queue);
  inlet->sent = 0;
  event_del(&inlet->event);
  if (inlet->is_closing)
    inlet_close(inlet);
  inlet->drained(inlet->ctx);
}

void inlet_open(struct inlet *inlet, int fd, void (*drained)(void *ctx), void *ctx) {
  *inlet = (struct inlet){.fd = fd, .is_open = true, .drained = drained, .ctx = ctx};
  event_assign(&inlet->event, loop_base(), fd, EV_WRITE | EV_PERSIST, on_writable, inlet);
}

bp_status inlet_write(struct inlet *inlet, bp_str bytes) {
  if (!inlet->is_open || inlet->is_closing)
    return BP_E_STATE;
  if (bytes.len > WRITE_MAX)
    return BP_E_LIMIT;
  if (inlet->queue.len - inlet->sent >= WAITING_MAX)
    return BP_E_BUSY;
  buf_consume(&inlet->queue, inlet->sent);
  inlet->sent = 0;
  if (!buf_reserve(&inlet->queue, bytes.len)) {
    inlet->queue.failed = false; /* what waits is still whole */
    return BP_E_NO_MEMORY;
  }
  buf_append_str(&inlet->queue, bytes);
  event_add(&inlet->event, NULL);
  return BP_OK;
}

bp_status inlet_finish(struct inlet *inlet) {
  if (!inlet->is_open)
    return BP_E_STATE;
  inlet->is_closing = true;
  event_add(&inlet->event, NULL);
  return BP_OK;
}

void inlet_close(struct inlet *inlet) {
  if (inlet->is_open) {
    event_del(&inlet->event);
    close(inlet->fd);
  }
  buf_release(&inlet->queue);
  inlet->is_open = false;
  inlet->fd = -1;
}
