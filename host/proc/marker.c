/* Making and recognising marks; see marker.h. */
#include "proc/marker.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"
#include "loader/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ID_CHARS 16

static struct {
  char state[ID_CHARS + 1];
  char run[ID_CHARS + 1];
  uint64_t number;
} marker;

static void draw(char ret[ID_CHARS + 1]) {
  uint64_t random;
  core_table.random_bytes(&random, sizeof(random));
  snprintf(ret, ID_CHARS + 1, "%016" PRIx64, random);
}

static bool is_id(const char *text) {
  return strspn(text, "0123456789abcdef") == ID_CHARS && text[ID_CHARS] == '\0';
}

/* An id that cannot be read is made anew: then children of earlier runs are no longer recognised, and none is harmed. */
static bool read_or_make(int fd) {
  char text[ID_CHARS + 1] = "";
  if (pread(fd, text, ID_CHARS, 0) != ID_CHARS || !is_id(text)) {
    draw(text);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, ID_CHARS, 0) != ID_CHARS)
      return false;
  }
  memcpy(marker.state, text, sizeof(text));
  return true;
}

bp_status marker_init(const char *state_dir, bp_error *err) {
  struct buf path = {0};
  bp_status status = BP_OK;
  buf_printf(&path, "%s/proc.id", state_dir);
  buf_append_char(&path, '\0');
  int fd = path.failed ? -1 : open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 || !read_or_make(fd))
    status = fail(err, BP_E_IO, "cannot write \"%s\": %s", path.failed ? "" : path.data, strerror(errno));
  if (fd >= 0)
    close(fd);
  buf_release(&path);
  draw(marker.run);
  return status;
}

void marker_next(char ret[MARKER_BYTES]) {
  snprintf(ret, MARKER_BYTES, "%s.%s.%" PRIu64, marker.state, marker.run, ++marker.number);
}

bool marker_is_of_earlier_run(const char *text) {
  bp_str rest = str_from(text);
  return rest.len > 2 * ID_CHARS + 2 && memcmp(text, marker.state, ID_CHARS) == 0 && text[ID_CHARS] == '.' &&
         memcmp(text + ID_CHARS + 1, marker.run, ID_CHARS) != 0;
}
