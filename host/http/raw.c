/* Connections after a takeover: the owner writes, the wire reads for it. See exchange.h. */
#include "http/wire.h"
#include "loop/loop.h"

#include <errno.h>
#include <sys/socket.h>

static struct http_connection *connection_of(struct http_raw *raw) {
  return (struct http_connection *)raw;
}

/* False while replies before the takeover, or its own head, have not left. */
static bool is_clear(struct http_connection *c) {
  bool is_first = !c->first || (c->first->is_complete && !c->first->next);
  return is_first && connection_flush(c, bp_str_make(NULL, 0)) && !c->out.head;
}

static ssize_t fail_raw(struct http_connection *c) {
  c->is_failed = true;
  connection_touch(c);
  return -1;
}

void raw_count_sent(uint64_t bytes) {
  wire.counters.bytes_out += bytes;
}

ssize_t raw_sent(struct http_raw *raw, ssize_t result) {
  if (result >= 0) {
    raw_count_sent((uint64_t)result);
    return result;
  }
  return result == -EAGAIN ? 0 : fail_raw(connection_of(raw));
}

int raw_socket(struct http_raw *raw) {
  LOOP_MAIN();
  struct http_connection *c = connection_of(raw);
  return is_clear(c) && !c->is_failed ? connection_fd(c) : -1;
}

ssize_t raw_write(struct http_raw *raw, const struct iovec *iov, int count) {
  LOOP_MAIN();
  struct http_connection *c = connection_of(raw);
  bool is_ready = is_clear(c);
  if (c->is_failed)
    return fail_raw(c);
  if (!is_ready)
    return 0;
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
  ssize_t sent;
  do {
    sent = count == 1 ? send(connection_fd(c), iov->iov_base, iov->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
                      : sendmsg(connection_fd(c), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return raw_sent(raw, sent >= 0 ? sent : -errno);
}

void raw_want_write(struct http_raw *raw, bool want) {
  LOOP_MAIN();
  struct http_connection *c = connection_of(raw);
  if (c->raw_wants_write == want)
    return;
  c->raw_wants_write = want;
  connection_touch(c);
}

void raw_pause_read(struct http_raw *raw, bool pause) {
  LOOP_MAIN();
  struct http_connection *c = connection_of(raw);
  if (c->raw_is_paused == pause)
    return;
  c->raw_is_paused = pause;
  connection_touch(c);
}

void raw_close(struct http_raw *raw, bool linger) {
  LOOP_MAIN();
  struct http_connection *c = connection_of(raw);
  c->is_abandoned = true;
  c->lingers = linger;
  c->raw_wants_write = false;
  connection_touch(c);
}

void raw_offer(struct http_connection *c) {
  if (c->raw_wants_write && !c->first && !c->is_abandoned && connection_flush(c, bp_str_make(NULL, 0)) && !c->out.head)
    c->raw_events->writable(c->raw_owner);
}
