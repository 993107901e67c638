/* Replies that were made outside their connections' turns, such as those of one commit: where there are many, they leave in one bulk send
 * before the turns. What that sent is all that is noted; the turn that follows finds out whatever else became of the socket. */
#include "http/bulk.h"
#include "http/wire.h"

static struct {
  uint32_t count;
  struct http_connection *connections[BULK_SENDS_MAX];
  struct bulk_send sends[BULK_SENDS_MAX];
} batch;

static void send_batch(void) {
  uint32_t count = batch.count;
  batch.count = 0;
  if (count < BULK_SENDS_MIN)
    return;
  bulk_send(batch.sends, count);
  for (uint32_t i = 0; i < count; i++) {
    ssize_t sent = batch.sends[i].result;
    if (sent <= 0)
      continue;
    output_advance(&batch.connections[i]->out, (size_t)sent);
    wire.counters.bytes_out += (uint64_t)sent;
  }
}

static bool may_send(const struct http_connection *c) {
  return !c->is_dead && !c->is_failed && !c->is_blocked && c->list != WAIT_LINGER;
}

void parked_send(struct http_connection *touched) {
  for (struct http_connection *c = touched; c; c = c->next_touched) {
    bp_str bytes = may_send(c) ? output_only(&c->out) : bp_str_make(NULL, 0);
    if (bytes.len == 0)
      continue;
    batch.connections[batch.count] = c;
    batch.sends[batch.count++] = (struct bulk_send){.fd = connection_fd(c), .bytes = bytes};
    if (batch.count == BULK_SENDS_MAX)
      send_batch();
  }
  send_batch();
}
