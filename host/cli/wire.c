/* Requests whose answer is read as it comes; see wire.h. */
#include "cli/wire.h"
#include "base/str.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BODY_BYTES_MAX (64u << 20)
#define HEAD_BYTES_MAX (64u * 1024)
#define PIECE_BYTES 65536u

/* A path longer than an address holds is reached through the folder's descriptor. */
int wire_connect(const char *state_dir, unsigned wait_seconds) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const struct timeval patience = {.tv_sec = (time_t)wait_seconds};
  int folder = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return -1;
  snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control.sock", folder);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) != 0) {
    close(fd);
    fd = -1;
  }
  int reason = errno;
  close(folder);
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  errno = reason;
  return fd;
}

static bool put_all(int fd, bp_str bytes) {
  for (size_t at = 0; at < bytes.len;) {
    ssize_t sent = send(fd, bytes.ptr + at, bytes.len - at, MSG_NOSIGNAL);
    if (sent <= 0 && errno != EINTR)
      return false;
    at += sent > 0 ? (size_t)sent : 0;
  }
  return true;
}

static bool put_request(int fd, const struct wire_request *request) {
  struct buf out = {0};
  buf_printf(&out, "%s %s HTTP/1.0\r\nHost: localhost\r\n", request->method, request->target);
  buf_append_str(&out, request->headers);
  if (request->body.len)
    buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", request->body.len);
  buf_append_z(&out, "\r\n");
  buf_append_str(&out, request->body);
  bool is_sent = !out.failed && put_all(fd, buf_str(&out));
  if (out.data)
    explicit_bzero(out.data, out.len); /* a token may be in it */
  buf_release(&out);
  return is_sent;
}

/* What recv says: 0 at the end, below at a failure. */
static ssize_t more(struct wire *wire) {
  char *room = wire->in.len < BODY_BYTES_MAX ? buf_reserve(&wire->in, PIECE_BYTES) : NULL;
  ssize_t got;
  errno = EMSGSIZE;
  do
    got = room ? recv(wire->fd, room, PIECE_BYTES, 0) : -1;
  while (got < 0 && errno == EINTR);
  if (got > 0)
    wire->in.len += (size_t)got;
  return got;
}

static bool take_head(struct wire *wire) {
  const char *end = NULL;
  while (!(end = wire->in.len ? memmem(wire->in.data, wire->in.len, "\r\n\r\n", 4) : NULL)) {
    ssize_t got = wire->in.len > HEAD_BYTES_MAX ? 0 : more(wire);
    if (got < 0)
      return false;
    errno = EPROTO;
    if (got == 0)
      return false;
  }
  errno = EPROTO;
  if (end - wire->in.data < 12 || memcmp(wire->in.data, "HTTP/1.", 7) != 0 || !str_to_i64(bp_str_make(wire->in.data + 9, 3), &wire->status))
    return false;
  buf_append(&wire->head, wire->in.data, (size_t)(end - wire->in.data) + 4);
  buf_consume(&wire->in, wire->head.len);
  return !wire->head.failed;
}

bool wire_open(struct wire *wire, const struct wire_request *request) {
  wire->fd = wire_connect(request->state_dir, request->wait_seconds);
  if (wire->fd < 0)
    return false;
  if (put_request(wire->fd, request) && take_head(wire))
    return true;
  int reason = errno;
  wire_close(wire);
  errno = reason;
  return false;
}

bp_str wire_header(const struct wire *wire, const char *name) {
  bp_str left = buf_str(&wire->head), wanted = str_from(name);
  while (left.len) {
    const char *end = memchr(left.ptr, '\n', left.len);
    size_t len = end ? (size_t)(end - left.ptr) : left.len;
    bool has_colon = len > wanted.len && left.ptr[wanted.len] == ':';
    if (has_colon && str_ieq(bp_str_make(left.ptr, wanted.len), wanted)) {
      size_t stop = len && left.ptr[len - 1] == '\r' ? len - 1 : len;
      return str_trim(bp_str_make(left.ptr + wanted.len + 1, stop - wanted.len - 1));
    }
    left = end ? bp_str_make(end + 1, left.len - len - 1) : bp_str_make(NULL, 0);
  }
  return left;
}

bool wire_line(struct wire *wire, struct buf *line) {
  size_t seen = 0;
  const char *end = NULL;
  buf_clear(line);
  while (!(end = wire->in.len > seen ? memchr(wire->in.data + seen, '\n', wire->in.len - seen) : NULL)) {
    seen = wire->in.len;
    if (more(wire) <= 0)
      return false;
  }
  size_t len = (size_t)(end - wire->in.data);
  buf_append(line, wire->in.data, len && end[-1] == '\r' ? len - 1 : len);
  buf_consume(&wire->in, len + 1);
  return !line->failed;
}

bool wire_event(struct wire *wire, struct buf *data, char last_event[WIRE_EVENT_ID_BYTES]) {
  static const bp_str data_field = BP_STR("data: "), id_field = BP_STR("id: ");
  char id[WIRE_EVENT_ID_BYTES] = "";
  struct buf line = {0};
  bool is_whole = false;
  buf_clear(data);
  while (!is_whole && wire_line(wire, &line)) {
    bp_str text = buf_str(&line);
    if (text.len > data_field.len && str_starts(text, data_field)) {
      buf_clear(data);
      buf_append(data, text.ptr + data_field.len, text.len - data_field.len);
    } else if (text.len > id_field.len && text.len - id_field.len < sizeof(id) && str_starts(text, id_field)) {
      (void)snprintf(id, sizeof(id), "%.*s", (int)(text.len - id_field.len), text.ptr + id_field.len);
    } else if (text.len == 0) {
      if (id[0])
        memcpy(last_event, id, sizeof(id));
      is_whole = data->len > 0;
    }
  }
  buf_release(&line);
  return is_whole;
}

bool wire_rest(struct wire *wire) {
  ssize_t got;
  do
    got = more(wire);
  while (got > 0);
  return got == 0;
}

json_t *wire_json(struct wire *wire) {
  return wire_rest(wire) && wire->in.len ? doc_parse(buf_str(&wire->in), &doc_default_limits, NULL) : NULL;
}

void wire_close(struct wire *wire) {
  buf_release(&wire->head);
  buf_release(&wire->in);
  if (wire->fd >= 0)
    close(wire->fd);
  wire->fd = -1;
}
