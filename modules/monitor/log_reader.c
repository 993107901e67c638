/* Reading a log line by line where the last reading ended: it grows, is rotated away, cut short, or overwritten.
 *
 * A position remembers the file's identity and the last bytes before it; where those are no longer so, the log is another
 * one. Nothing here keeps more than one line in memory. */
#include "monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES (64u * 1024)

int monitor_open_plain(const char *folder, const char *name) {
  char path[8192];
  struct stat info;
  if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
    return -1;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
  if (fd >= 0 && (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))) {
    close(fd);
    return -1;
  }
  return fd;
}

static bool read_at(int fd, uint64_t offset, unsigned char *bytes, size_t len) {
  return pread(fd, bytes, len, (off_t)offset) == (ssize_t)len;
}

static uint32_t mark_at(int fd, uint64_t offset, unsigned char mark[MARK_BYTES]) {
  size_t head = offset < HEAD_BYTES ? (size_t)offset : HEAD_BYTES;
  size_t rest = offset < MARK_BYTES - head ? (size_t)offset : MARK_BYTES - head;
  return read_at(fd, 0, mark, head) && read_at(fd, offset - rest, mark + head, rest) ? (uint32_t)(head + rest) : 0;
}

bool log_continues(int fd, const struct log_position *at) {
  struct stat info;
  unsigned char mark[MARK_BYTES];
  if (at->inode == 0 || fstat(fd, &info) != 0 || info.st_ino != at->inode || info.st_dev != at->device || (uint64_t)info.st_size < at->offset)
    return false;
  uint32_t len = mark_at(fd, at->offset, mark);
  return len == at->mark_len && memcmp(mark, at->mark, len) == 0;
}

void log_begin(int fd, uint64_t most, struct log_position *at) {
  struct stat info;
  *at = (struct log_position){0};
  if (fstat(fd, &info) != 0)
    return;
  at->device = info.st_dev;
  at->inode = info.st_ino;
  if ((uint64_t)info.st_size > most) {
    at->offset = (uint64_t)info.st_size - most;
    at->is_skipping = true; /* most likely in the middle of a line */
  }
}

/* A line that may be spread over several blocks. */
struct line {
  char *bytes; /* LINE_BYTES */
  size_t len;
  bool is_too_long;
};

static void add(struct line *line, const char *bytes, size_t len) {
  if (line->is_too_long)
    return;
  if (len > LINE_BYTES - line->len) {
    line->is_too_long = true;
    return;
  }
  memcpy(line->bytes + line->len, bytes, len);
  line->len += len;
}

static bool finish(struct line *line, const struct log_reading *reading, bool is_skipped) {
  bool goes_on = is_skipped || reading->line(reading->ctx, line->is_too_long ? NULL : line->bytes, line->len);
  line->len = 0;
  line->is_too_long = false;
  return goes_on;
}

/* Takes one block; `ret_taken` is how much of it belongs to finished lines. False: the reader has had enough. */
static bool take_block(struct line *line, const char *block, size_t len, struct log_position *at, const struct log_reading *reading,
                       size_t *ret_taken) {
  size_t from = 0;
  const char *end;
  *ret_taken = 0;
  while ((end = memchr(block + from, '\n', len - from))) {
    size_t next = (size_t)(end - block) + 1;
    add(line, block + from, next - 1 - from);
    from = next;
    *ret_taken = next;
    bool is_skipped = at->is_skipping;
    at->is_skipping = false;
    if (!finish(line, reading, is_skipped))
      return false;
  }
  add(line, block + from, len - from);
  return true;
}

/* Whatever is left has no end yet. One that is too long already is passed over, so that it is not read again each time. */
static void take_rest(struct line *line, uint64_t end, struct log_position *at, const struct log_reading *reading) {
  if (at->is_skipping || line->is_too_long) {
    at->offset = end;
    if (!at->is_skipping)
      finish(line, reading, false);
    at->is_skipping = true;
  } else if (line->len > 0 && reading->partial) {
    reading->partial(reading->ctx, line->bytes, line->len);
  }
}

void log_read(int fd, struct log_position *at, const struct log_reading *reading) {
  struct line line = {.bytes = malloc(LINE_BYTES)};
  char *block = malloc(BLOCK_BYTES);
  uint64_t offset = at->offset;
  bool goes_on = line.bytes && block;
  while (goes_on) {
    size_t taken;
    ssize_t got = pread(fd, block, BLOCK_BYTES, (off_t)offset);
    if (got <= 0)
      break;
    goes_on = take_block(&line, block, (size_t)got, at, reading, &taken);
    if (taken > 0)
      at->offset = offset + taken;
    offset += (uint64_t)got;
  }
  if (goes_on)
    take_rest(&line, offset, at, reading);
  at->mark_len = mark_at(fd, at->offset, at->mark);
  free(line.bytes);
  free(block);
}
