/* Connections: reading from sockets, the turn (see wire.h), and what a connection waits for after it. */
#include "auth/gate.h"
#include "http/bulk.h"
#include "http/departed.h"
#include "http/limits.h"
#include "http/sweep.h"
#include "http/wire.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GATHER_BYTES_MAX (64 * 1024)
#define LINGER_BYTES_MAX (1024 * 1024)

struct wire wire;

static struct http_connection *touched;

static void run_touched(void *arg);
static struct loop_hook touched_hook = {.fn = run_touched};

static const bp_str nothing = {NULL, 0};

static void on_event(evutil_socket_t fd, short what, void *arg);

void http_set_handler(const struct http_handler *handler) {
  wire.handler = handler;
}

const struct http_counters *http_counters(void) {
  return &wire.counters;
}

const struct auth_peer *http_peer(const struct http_exchange *x) {
  return &x->connection->peer;
}

/* ---- The end of a connection ---- */

void connection_destroy(struct http_connection *c) {
  while (c->first) {
    struct exchange *x = c->first;
    c->first = x->next;
    exchange_free(x);
  }
  sweep_leave(c);
  event_del(&c->event);
  close(connection_fd(c));
  output_release(&c->out);
  buf_release(&c->in);
  free(c->head);
  listener_unref(c->listener);
  wire.counters.connections--;
  stop_forget(c);
  wire.strangers -= c->is_stranger;
  if (wire.counters.connections == 0) {
    sweep_rest();
    bulk_release();
  }
  c->is_dead = true;
  if (!c->is_touched)
    free(c);
}

void connection_fail(struct http_connection *c, enum http_gone why) {
  c->is_failed = true;
  for (struct exchange *x = c->first; x; x = x->next) {
    if (!x->is_announced || x->is_told)
      continue;
    if (!x->is_complete)
      wire.handler->gone(&x->pub, why);
    x->is_told = true;
    wire.handler->finished(&x->pub);
  }
  if (c->is_taken && !c->is_abandoned)
    c->raw_events->closed(c->raw_owner);
  connection_destroy(c);
}

/* ---- Writing ---- */

/* A large stream write is no reason to keep its memory. */
static void empty_gather(void) {
  if (wire.gather.cap > 4 * GATHER_BYTES_MAX)
    buf_release(&wire.gather);
  else
    buf_clear(&wire.gather);
}

/* What the socket did not take of `bytes`, of which `sent` are gone, waits before everything else. */
static bool park(struct http_connection *c, bp_str bytes, size_t *sent) {
  size_t taken = *sent < bytes.len ? *sent : bytes.len;
  *sent -= taken;
  return taken == bytes.len || output_prepend(&c->out, bytes.ptr + taken, bytes.len - taken);
}

/* In the connection's own turn: one write for all that was gathered, and `more`. */
static void write_gathered(struct http_connection *c, bp_str more) {
  bp_str gathered = buf_str(&wire.gather);
  struct iovec parts[2] = {{(void *)(uintptr_t)gathered.ptr, gathered.len}, {(void *)(uintptr_t)more.ptr, more.len}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t sent;
  do {
    sent = sendmsg(connection_fd(c), &message, MSG_NOSIGNAL | MSG_DONTWAIT | (c->out.head ? MSG_MORE : 0));
  } while (sent < 0 && errno == EINTR);
  c->is_failed |= wire.gather.failed || (sent < 0 && errno != EAGAIN);
  size_t taken = sent > 0 ? (size_t)sent : 0;
  wire.counters.bytes_out += taken;
  c->has_progressed |= taken > 0;
  c->is_blocked = taken < gathered.len + more.len;
  size_t after_gathered = taken > gathered.len ? taken - gathered.len : 0;
  c->is_failed |= !park(c, more, &after_gathered) || !park(c, gathered, &taken);
  buf_clear(&wire.gather);
}

bool connection_flush(struct http_connection *c, bp_str more) {
  if (wire.current == c && !c->is_failed && (wire.gather.len || wire.gather.failed || more.len))
    write_gathered(c, more);
  if (c->is_failed)
    return false;
  if (!c->out.head || c->is_blocked)
    return true;
  uint64_t written = 0;
  enum output_result result = output_write(&c->out, connection_fd(c), &written);
  wire.counters.bytes_out += written;
  c->has_progressed |= written > 0;
  c->is_blocked = result == OUTPUT_BLOCKED;
  c->is_failed = result == OUTPUT_FAILED;
  return !c->is_failed;
}

/* A stream whose bytes have all left may write more. */
static void tell_drained(struct http_connection *c) {
  struct exchange *x = c->first;
  if (!x || !x->is_streaming || !x->wants_drained || !x->drained || c->out.head)
    return;
  x->wants_drained = false;
  x->drained(&x->pub);
}

/* ---- Reading ---- */

/* So much waits for the client to read it, or for an earlier reply, that no more is asked for. */
static bool has_enough_parked(const struct http_connection *c) {
  uint64_t bytes = c->out.bytes;
  uint32_t files = c->out.files;
  for (const struct exchange *x = c->first; x; x = x->next) {
    bytes += x->out.bytes;
    files += x->out.files;
  }
  return bytes > http_limits.output_bytes || files >= http_limits.output_files;
}

/* A new request has to wait: for an unsafe one before it, or because enough is pending. */
static bool must_wait(const struct http_connection *c) {
  if (has_enough_parked(c))
    return true;
  if (c->reading)
    return c->reading->body.is_paused;
  if (c->exchange_count >= http_limits.pipeline_depth)
    return true;
  return c->last && !c->last->is_told && !exchange_is_safe(c->last);
}

static void begin_request(struct http_connection *c, const struct head *head, const char *data) {
  struct exchange *x = exchange_new(c);
  if (!x) {
    c->is_failed = true;
    return;
  }
  exchange_fill(x, head, data);
  if (head->error_status) {
    exchange_refuse(x, head->error_status, head->error_text);
    return;
  }
  wire.counters.requests++;
  body_begin(x, head->expects_continue);
  if (x->error_status)
    return;
  x->is_announced = true;
  wire.handler->request(&x->pub);
  body_decide(x);
  if (c->is_stranger && x->pub.who.scopes) {
    c->is_stranger = false;
    wire.strangers--;
  }
  if (!x->pub.keep_alive && !c->reading)
    c->is_deaf = true;
}

/* True after a whole head: there may be more. */
static bool read_head(struct http_connection *c, bp_str *bytes) {
  if (bytes->len == 0)
    return false;
  struct head *head = c->head ? c->head : &wire.head;
  if (!c->head)
    head_init(head);
  enum head_result result = head_read(head, bytes->ptr, bytes->len);
  if (result == HEAD_MORE) {
    if (!c->head) {
      c->head = malloc(sizeof(*c->head));
      c->is_new_head = true;
      c->is_failed |= !c->head;
    }
    if (c->head && c->head != head)
      memcpy(c->head, head, sizeof(*head));
    return false;
  }
  exchange_keep_borrowed();
  if (head != &wire.head)
    memcpy(&wire.head, head, sizeof(*head));
  free(c->head);
  c->head = NULL;
  const char *data = bytes->ptr;
  *bytes = bp_str_make(data + wire.head.at, bytes->len - wire.head.at);
  begin_request(c, &wire.head, data);
  return true;
}

static void consume(struct http_connection *c, bp_str *bytes) {
  exchanges_settle(c);
  while (!c->is_deaf && !c->is_failed && !must_wait(c)) {
    bool may_go_on = c->reading ? body_consume(c, bytes) : read_head(c, bytes);
    exchanges_settle(c);
    if (!may_go_on || (wire.gather.len > GATHER_BYTES_MAX && !connection_flush(c, nothing)))
      break;
  }
  if (c->is_deaf && !c->is_taken && bytes->len) {
    c->lingers = true;
    c->dropped += (uint32_t)bytes->len;
    bytes->len = 0;
  }
}

/* ---- The turn ---- */

/* Keeps what was not understood. `whole`: the connection's own buffer that `rest` may lie in; it is used up. */
static void keep_rest(struct http_connection *c, struct buf *whole, bp_str rest) {
  if (whole->data && rest.len && rest.ptr == whole->data) {
    c->in = *whole;
    return;
  }
  buf_append_str(&c->in, rest);
  c->is_failed |= c->in.failed;
  buf_release(whole);
}

static void wait_for(struct http_connection *c, short what) {
  if (c->armed == what)
    return;
  int fd = connection_fd(c);
  if (c->armed)
    event_del(&c->event);
  c->armed = what;
  if (event_assign(&c->event, loop_base(), fd, (short)(what | EV_PERSIST), on_event, c) != 0 || (what && event_add(&c->event, NULL) != 0))
    c->is_failed = true;
}

static bool wants_read(const struct http_connection *c) {
  if (c->is_eof)
    return false;
  if (c->is_taken)
    return !c->raw_is_paused;
  if (c->is_deaf)
    return c->dropped < DISCARD_BYTES_MAX;
  return c->in.len == 0 || !must_wait(c);
}

static enum wait_list wait_list_of(const struct http_connection *c) {
  if (c->out.head)
    return WAIT_STALL;
  if (c->is_taken && !c->first)
    return wants_read(c) ? WAIT_HANDLER : WAIT_UNREAD;
  if (!c->first)
    return c->head ? WAIT_HEAD : WAIT_IDLE;
  if (!wants_read(c))
    return WAIT_UNREAD;
  return c->reading && !must_wait(c) ? WAIT_BODY : WAIT_HANDLER;
}

static void wait_on(struct http_connection *c) {
  bool wants_write = c->out.head || (c->is_taken && c->raw_wants_write && !c->first);
  wait_for(c, (short)((wants_read(c) ? EV_READ : 0) | (wants_write ? EV_WRITE : 0)));
  enum wait_list list = wait_list_of(c);
  bool is_fresh = list == WAIT_IDLE || (list == WAIT_STALL && c->has_progressed) || (list == WAIT_HEAD && c->is_new_head);
  if (list != c->list || is_fresh)
    sweep_enter(c, list);
}

static void linger(struct http_connection *c) {
  shutdown(connection_fd(c), SHUT_WR);
  buf_release(&c->in);
  c->dropped = 0;
  stop_forget(c);
  sweep_enter(c, WAIT_LINGER);
  wait_for(c, EV_READ);
}

/* After the last byte: nothing more will be asked or answered here. */
static bool is_through(const struct http_connection *c) {
  if (c->first || c->out.head)
    return false;
  if (c->is_taken)
    return c->is_abandoned;
  return c->is_deaf || c->is_eof || (wire_is_stopping() && !c->head);
}

static void conclude(struct http_connection *c) {
  if (!c->is_failed)
    tell_drained(c);
  if (c->is_eof && (c->is_taken || (c->reading && !must_wait(c))))
    c->is_failed = true;
  if (!c->is_failed && !is_through(c))
    wait_on(c);
  if (c->is_failed)
    connection_fail(c, HTTP_GONE_CLIENT);
  else if (is_through(c) && c->lingers && !c->is_eof)
    linger(c);
  else if (is_through(c))
    connection_destroy(c);
}

/* Bytes for a raw owner. Those that came with the takeover itself wait for the end of the tick. */
static void hand_over(struct http_connection *c, bool was_raw, bp_str *bytes) {
  if (!c->is_taken || c->first || c->is_failed || bytes->len == 0)
    return;
  if (c->is_abandoned) {
    bytes->len = 0;
  } else if (!was_raw) {
    connection_touch(c);
  } else if (!c->raw_is_paused) {
    c->raw_events->readable(c->raw_owner, *bytes);
    bytes->len = 0;
  }
}

/* `whole` is the connection's own buffer, in which the bytes may lie; else they lie in the scratch buffer. */
static void take_turn(struct http_connection *c, struct buf *whole, bp_str bytes) {
  bool was_raw = c->is_taken && !c->first;
  wire.current = c;
  c->has_progressed = c->is_new_head = false;
  bool waited;
  do {
    consume(c, &bytes);
    waited = must_wait(c);
    if (!connection_flush(c, nothing))
      break;
  } while (c->needs_settling || (bytes.len && waited && !must_wait(c)));
  exchange_keep_borrowed();
  wire.current = NULL;
  empty_gather();
  hand_over(c, was_raw, &bytes);
  keep_rest(c, whole, bytes);
  conclude(c);
}

void connection_work(struct http_connection *c, bp_str bytes) {
  if (c->list == WAIT_LINGER)
    return;
  struct buf whole = c->in;
  c->in = (struct buf){0};
  if (bytes.len && whole.len) {
    buf_append_str(&whole, bytes);
    c->is_failed |= whole.failed;
  }
  take_turn(c, &whole, whole.len ? buf_str(&whole) : bytes);
}

void connection_touch(struct http_connection *c) {
  if (c->is_touched || wire.current == c)
    return;
  c->is_touched = true;
  c->next_touched = touched;
  touched = c;
  loop_tick_end(&touched_hook);
}

static void run_touched(void *arg) {
  (void)arg;
  struct http_connection *c = touched;
  touched = NULL;
  parked_send(c);
  while (c) {
    struct http_connection *next = c->next_touched;
    c->is_touched = false;
    if (c->is_dead)
      free(c);
    else
      connection_work(c, nothing);
    c = next;
  }
}

/* ---- Events of the socket ---- */

static void drain_lingering(struct http_connection *c) {
  ssize_t len = recv(connection_fd(c), wire.scratch, SCRATCH_BYTES, MSG_DONTWAIT);
  if (len < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (len > 0)
    c->dropped += (uint32_t)len;
  if (len <= 0 || c->dropped > LINGER_BYTES_MAX)
    connection_destroy(c);
}

static void read_input(struct http_connection *c) {
  ssize_t len = recv(connection_fd(c), wire.scratch, SCRATCH_BYTES, MSG_DONTWAIT);
  if (len < 0 && (errno == EAGAIN || errno == EINTR))
    len = 0;
  else if (len < 0)
    c->is_failed = true;
  else if (len == 0)
    c->is_eof = true;
  if (len > 0)
    wire.counters.bytes_in += (uint64_t)len;
  if (c->is_eof && c->first && peer_has_departed(connection_fd(c)))
    c->is_failed = true;
  connection_work(c, bp_str_make(wire.scratch, len > 0 ? (size_t)len : 0));
}

static void on_event(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  struct http_connection *c = arg;
  if (c->list == WAIT_LINGER) {
    drain_lingering(c);
    return;
  }
  if (what & EV_WRITE) {
    c->is_blocked = false;
    if (c->is_taken)
      raw_offer(c);
  }
  if (what & EV_READ)
    read_input(c);
  else
    connection_work(c, nothing);
}

struct http_connection *connection_accept(struct http_listener *listener, int fd) {
  struct http_connection *c = calloc(1, sizeof(*c));
  if (!c || event_assign(&c->event, loop_base(), fd, EV_READ | EV_PERSIST, on_event, c) != 0 || event_add(&c->event, NULL) != 0) {
    free(c);
    close(fd);
    return NULL;
  }
  c->armed = EV_READ;
  c->list = WAIT_LISTS;
  c->listener = listener_ref(listener);
  auth_peer_lookup(fd, &c->peer);
  c->is_stranger = !c->peer.is_known || c->peer.uid != geteuid();
  wire.strangers += c->is_stranger;
  stop_await(c);
  wire.counters.accepted++;
  wire.counters.connections++;
  sweep_enter(c, WAIT_IDLE);
  return c;
}
