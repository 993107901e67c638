/* Reading a child's output; see output.h. */
#include "proc/output.h"
#include "base/str.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES (16u * 1024)
/* A followed file keeps this much; older blocks are given back once as much again has come. */
#define FILE_KEPT_BYTES (8 << 20)
/* Nothing holds back who writes into a file. What is behind by more than FILE_BEHIND_MAX is passed over, up to the last FILE_LATEST_BYTES;
 * once nobody writes any more those are all that is waited for. */
#define FILE_BEHIND_MAX (8 << 20)
#define FILE_LATEST_BYTES (1 << 20)

static void take_line(struct spout *spout, bp_str line) {
  if (line.len > 0 && line.ptr[line.len - 1] == '\r')
    line.len--;
  spout->reader->take(spout->reader->ctx, spout->stream, line);
}

/* Takes whole lines off the front until there is none or the reader pauses us. Returns how many bytes are done with. */
static size_t take_lines(struct spout *spout, const char *data, size_t len) {
  size_t at = 0;
  while (at < len && !spout->is_paused) {
    const char *end = memchr(data + at, '\n', len - at);
    size_t line_len = end ? (size_t)(end - data) - at : len - at;
    bool is_over = line_len > OUTPUT_LINE_MAX;
    if (!end && !is_over && !spout->is_skipping)
      break;
    if (!spout->is_skipping)
      take_line(spout, bp_str_make(data + at, is_over ? OUTPUT_LINE_MAX : line_len));
    spout->is_skipping = !end;
    at += end ? line_len + 1 : line_len;
  }
  return at;
}

static size_t take(struct spout *spout, const char *data, size_t len) {
  if (!spout->is_raw)
    return take_lines(spout, data, len);
  if (spout->is_paused)
    return 0;
  spout->reader->take(spout->reader->ctx, spout->stream, bp_str_make(data, len));
  return len;
}

static void take_pending(struct spout *spout) {
  size_t done = spout->pending.len ? take(spout, spout->pending.data, spout->pending.len) : 0;
  if (done)
    buf_consume(&spout->pending, done);
  if (spout->pending.len == 0)
    buf_release(&spout->pending);
}

static void feed(struct spout *spout, const char *data, size_t len) {
  spout->reader->came(spout->reader->ctx, len);
  if (spout->pending.len == 0) {
    size_t done = take(spout, data, len);
    data += done;
    len -= done;
  }
  if (len == 0)
    return;
  bool had_some = spout->pending.len > 0;
  buf_append(&spout->pending, data, len);
  if (spout->pending.failed) /* no memory: this piece is lost, the child goes on */
    buf_release(&spout->pending);
  if (had_some)
    take_pending(spout);
}

/* What of a followed file lies far behind the reader is given back. The file's size stays: nothing is moved under the
 * writer's hands, so no byte is lost. */
static void release_file(struct spout *spout) {
  int64_t at = lseek(spout->fd, 0, SEEK_CUR);
  int64_t upto = at - FILE_KEPT_BYTES;
  if (upto - spout->released < FILE_KEPT_BYTES)
    return;
  if (fallocate(spout->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, upto) != 0 && ftruncate(spout->fd, 0) == 0)
    upto = lseek(spout->fd, 0, SEEK_SET); /* a file system without holes: start again */
  spout->released = upto;
}

/* Lines only: bytes without a gap are what a raw reader counts on. Says so where the gap is. */
static void catch_up(struct spout *spout) {
  char text[96];
  struct stat info;
  int64_t at = lseek(spout->fd, 0, SEEK_CUR), most = spout->is_last ? FILE_LATEST_BYTES : FILE_BEHIND_MAX;
  if (spout->is_raw || at < 0 || fstat(spout->fd, &info) != 0 || info.st_size - at <= most)
    return;
  int64_t next = lseek(spout->fd, info.st_size - FILE_LATEST_BYTES, SEEK_SET);
  if (next < 0)
    return;
  snprintf(text, sizeof(text), "[%lld bytes of output left out: it came faster than it could be read]", (long long)(next - at));
  buf_release(&spout->pending);
  spout->is_skipping = true; /* to the end of the line we are in now */
  spout->reader->came(spout->reader->ctx, (size_t)(next - at));
  take_line(spout, str_from(text));
}

static void end(struct spout *spout) {
  if (!spout->is_raw && spout->pending.len && !spout->is_skipping)
    take_line(spout, buf_str(&spout->pending));
  const struct spout_reader *reader = spout->reader;
  spout_close(spout);
  reader->ended(reader->ctx);
}

static void go_on_soon(struct spout *spout) {
  event_active(&spout->event, EV_READ, 0);
}

/* In the next round of the loop: an event that is made active from its own callback runs again in the same round, and a child that writes
 * without pause would hold the loop for ever. */
static void go_on_later(struct spout *spout) {
  static const struct timeval at_once = {0};
  event_add(&spout->event, &at_once);
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  static char scratch[READ_BYTES];
  struct spout *spout = arg;
  (void)what;
  if (spout->is_paused)
    return;
  take_pending(spout);
  if (spout->is_paused)
    return;
  if (spout->is_file)
    catch_up(spout);
  if (spout->is_paused || !spout->is_open)
    return;
  ssize_t got = read(spout->fd, scratch, sizeof(scratch));
  (void)fd;
  if (got > 0) {
    feed(spout, scratch, (size_t)got);
    if (spout->is_file)
      release_file(spout);
    if (spout->is_open && !spout->is_paused && (spout->is_file || spout->is_last))
      go_on_later(spout);
    return;
  }
  bool is_nothing_now = got < 0 ? (errno == EAGAIN || errno == EINTR) : spout->is_file;
  if (!is_nothing_now || spout->is_last) /* a terminal whose last holder has left says EIO */
    end(spout);
}

void spout_open(struct spout *spout, int fd, uint32_t stream, bool is_raw, bool is_file, const struct spout_reader *reader) {
  *spout = (struct spout){.fd = fd, .stream = stream, .is_raw = is_raw, .is_file = is_file, .is_open = true, .reader = reader};
  event_assign(&spout->event, loop_base(), is_file ? -1 : fd, EV_READ | EV_PERSIST, on_readable, spout);
  if (is_file)
    go_on_soon(spout);
  else
    event_add(&spout->event, NULL);
}

void spout_pause(struct spout *spout, bool is_paused) {
  if (!spout->is_open || spout->is_paused == is_paused)
    return;
  spout->is_paused = is_paused;
  if (is_paused) {
    event_del(&spout->event);
    return;
  }
  if (!spout->is_file)
    event_add(&spout->event, NULL);
  go_on_soon(spout);
}

void spout_poke(struct spout *spout) {
  if (spout->is_open && !spout->is_paused)
    go_on_soon(spout);
}

void spout_finish(struct spout *spout) {
  spout->is_last = true;
  spout_poke(spout);
}

void spout_close(struct spout *spout) {
  if (spout->is_open) {
    event_del(&spout->event);
    close(spout->fd);
  }
  buf_release(&spout->pending);
  spout->is_open = false;
  spout->fd = -1;
}
