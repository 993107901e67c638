/* The output queue; see output.h. */
#include "http/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT_BYTES_MIN 512
#define SEGMENT_BYTES_MAX (64 * 1024)
#define GATHER_MAX 16
#define FILE_PIECE_BYTES (1024 * 1024)

struct segment {
  struct segment *next;
  int fd; /* -1: bytes */
  off_t offset;
  uint64_t left;        /* of the file */
  size_t at, len, room; /* of data */
  char data[];
};

static struct segment *segment_new(size_t room) {
  struct segment *segment = malloc(sizeof(*segment) + room);
  if (segment)
    *segment = (struct segment){.fd = -1, .room = room};
  return segment;
}

static void append_segment(struct output *output, struct segment *segment) {
  if (output->tail)
    output->tail->next = segment;
  else
    output->head = segment;
  output->tail = segment;
}

static size_t room_for(const struct segment *tail, size_t len) {
  size_t room = tail ? tail->room * 2 : SEGMENT_BYTES_MIN;
  if (room > SEGMENT_BYTES_MAX)
    room = SEGMENT_BYTES_MAX;
  return room < len ? len : room;
}

bool output_append(struct output *output, const void *data, size_t len) {
  if (len == 0)
    return true;
  struct segment *tail = output->tail;
  if (!tail || tail->fd >= 0 || tail->room - tail->len < len) {
    tail = segment_new(room_for(tail, len));
    if (!tail)
      return false;
    append_segment(output, tail);
  }
  memcpy(tail->data + tail->len, data, len);
  tail->len += len;
  output->bytes += len;
  return true;
}

bool output_prepend(struct output *output, const void *data, size_t len) {
  struct segment *segment = segment_new(len);
  if (!segment)
    return false;
  memcpy(segment->data, data, len);
  segment->len = len;
  segment->next = output->head;
  output->head = segment;
  if (!output->tail)
    output->tail = segment;
  output->bytes += len;
  return true;
}

bool output_append_file(struct output *output, int fd, off_t offset, uint64_t length) {
  struct segment *segment = length ? segment_new(0) : NULL;
  if (!segment) {
    close(fd);
    return length == 0;
  }
  segment->fd = fd;
  segment->offset = offset;
  segment->left = length;
  append_segment(output, segment);
  output->files++;
  return true;
}

void output_splice(struct output *to, struct output *from) {
  if (!from->head)
    return;
  if (to->tail)
    to->tail->next = from->head;
  else
    to->head = from->head;
  to->tail = from->tail;
  to->bytes += from->bytes;
  to->files += from->files;
  memset(from, 0, sizeof(*from));
}

static void drop_head(struct output *output) {
  struct segment *segment = output->head;
  output->head = segment->next;
  if (!output->head)
    output->tail = NULL;
  output->bytes -= segment->len - segment->at;
  if (segment->fd >= 0) {
    close(segment->fd);
    output->files--;
  }
  free(segment);
}

void output_advance(struct output *output, size_t len) {
  while (len) {
    struct segment *segment = output->head;
    size_t part = segment->len - segment->at;
    if (len < part) {
      segment->at += len;
      output->bytes -= len;
      return;
    }
    len -= part;
    drop_head(output);
  }
}

static ssize_t write_bytes(struct output *output, int fd) {
  struct iovec parts[GATHER_MAX];
  size_t count = 0;
  struct segment *segment = output->head;
  for (; segment && segment->fd < 0 && count < GATHER_MAX; segment = segment->next)
    parts[count++] = (struct iovec){segment->data + segment->at, segment->len - segment->at};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (segment ? MSG_MORE : 0));
  if (sent > 0)
    output_advance(output, (size_t)sent);
  return sent;
}

/* A file that ended early is an error: its length has been promised. */
static ssize_t write_file(struct output *output, int fd) {
  struct segment *segment = output->head;
  size_t piece = segment->left < FILE_PIECE_BYTES ? (size_t)segment->left : FILE_PIECE_BYTES;
  ssize_t sent = sendfile(fd, segment->fd, &segment->offset, piece);
  if (sent == 0) {
    errno = EIO;
    return -1;
  }
  if (sent > 0) {
    segment->left -= (uint64_t)sent;
    if (segment->left == 0)
      drop_head(output);
  }
  return sent;
}

enum output_result output_write(struct output *output, int fd, uint64_t *written) {
  uint64_t from_files = 0;
  while (output->head) {
    if (from_files >= FILE_PIECE_BYTES)
      return OUTPUT_BLOCKED;
    bool is_file = output->head->fd >= 0;
    ssize_t sent = is_file ? write_file(output, fd) : write_bytes(output, fd);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0)
      return errno == EAGAIN ? OUTPUT_BLOCKED : OUTPUT_FAILED;
    *written += (uint64_t)sent;
    from_files += is_file ? (uint64_t)sent : 0;
  }
  return OUTPUT_EMPTY;
}

bp_str output_only(const struct output *output) {
  const struct segment *segment = output->head;
  bool is_only = segment && segment->fd < 0 && !segment->next;
  return is_only ? bp_str_make(segment->data + segment->at, segment->len - segment->at) : bp_str_make(NULL, 0);
}

void output_release(struct output *output) {
  while (output->head)
    drop_head(output);
}
