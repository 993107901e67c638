/* Requests whose answer is read as it comes; see wire.h. HTTP/1.0, so that a body ends where the connection does. */
#include "cli/wire.h"
#include "base/str.h"
#include "cli/client.h"
#include "json/json.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BODY_BYTES_MAX (16u << 20)
#define HEAD_BYTES_MAX (64u * 1024)
#define PIECE_BYTES 65536u

static bool put_all(int fd, bp_str bytes) {
  for (size_t at = 0; at < bytes.len;) {
    ssize_t sent = send(fd, bytes.ptr + at, bytes.len - at, MSG_NOSIGNAL);
    if (sent <= 0 && errno != EINTR)
      return false;
    at += sent > 0 ? (size_t)sent : 0;
  }
  return true;
}

static bool put_request(int fd, const char *method, const char *target, const json_t *body, const char *last_event) {
  struct buf text = {0}, out = {0};
  if (body)
    doc_write(&text, body);
  buf_printf(&out, "%s %s HTTP/1.0\r\nHost: localhost\r\n", method, target);
  if (last_event && last_event[0])
    buf_printf(&out, "Last-Event-ID: %s\r\n", last_event);
  if (body)
    buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", text.len);
  buf_append_z(&out, "\r\n");
  buf_append_str(&out, buf_str(&text));
  bool is_sent = !out.failed && put_all(fd, buf_str(&out));
  buf_release(&text);
  buf_release(&out);
  return is_sent;
}

static bool more(struct wire *wire) {
  char *room = wire->in.len < BODY_BYTES_MAX ? buf_reserve(&wire->in, PIECE_BYTES) : NULL;
  ssize_t got = 0;
  do
    got = room ? recv(wire->fd, room, PIECE_BYTES, 0) : 0;
  while (got < 0 && errno == EINTR);
  if (got > 0)
    wire->in.len += (size_t)got;
  return got > 0;
}

static bool take_head(struct wire *wire) {
  const char *end = NULL;
  while (!(end = wire->in.len ? memmem(wire->in.data, wire->in.len, "\r\n\r\n", 4) : NULL))
    if (wire->in.len > HEAD_BYTES_MAX || !more(wire))
      return false;
  if (end - wire->in.data < 12 || memcmp(wire->in.data, "HTTP/1.", 7) != 0 || !str_to_i64(bp_str_make(wire->in.data + 9, 3), &wire->status))
    return false;
  buf_consume(&wire->in, (size_t)(end - wire->in.data) + 4);
  return true;
}

bool wire_open(struct wire *wire, const char *state_dir, const char *method, const char *target, const json_t *body, const char *last_event) {
  const struct timeval forever = {0};
  wire->fd = client_connect(state_dir);
  if (wire->fd < 0)
    return false;
  setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
  if (put_request(wire->fd, method, target, body, last_event) && take_head(wire))
    return true;
  wire_close(wire);
  return false;
}

bool wire_line(struct wire *wire, struct buf *line) {
  size_t seen = 0;
  const char *end = NULL;
  buf_clear(line);
  while (!(end = wire->in.len > seen ? memchr(wire->in.data + seen, '\n', wire->in.len - seen) : NULL)) {
    seen = wire->in.len;
    if (!more(wire))
      return false;
  }
  size_t len = (size_t)(end - wire->in.data);
  buf_append(line, wire->in.data, len && end[-1] == '\r' ? len - 1 : len);
  buf_consume(&wire->in, len + 1);
  return !line->failed;
}

json_t *wire_json(struct wire *wire) {
  while (more(wire))
    continue;
  return wire->in.len ? doc_parse(buf_str(&wire->in), &doc_default_limits, NULL) : NULL;
}

void wire_close(struct wire *wire) {
  buf_release(&wire->in);
  if (wire->fd >= 0)
    close(wire->fd);
  wire->fd = -1;
}
