/* Reading the beginning of a stored document on a worker, for full-text search. */
#include "documents.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXT_MOST (256 * 1024)

struct reading {
  text_fn done;
  void *ctx;
  size_t len;
  char file[4096];
  char text[];
};

/* Cuts at the last whole UTF-8 character; a NUL byte says that it is no text at all. */
static size_t text_length(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] == '\0')
      return 0;
  size_t back = 0;
  while (back < 4 && back < len && ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80)
    back++;
  if (back < len && (unsigned char)text[len - 1 - back] >= 0xC0)
    return len - 1 - back;
  return len;
}

static void read_text(void *ctx) {
  struct reading *reading = ctx;
  int fd = open(reading->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return;
  while (reading->len < TEXT_MOST) {
    ssize_t got = read(fd, reading->text + reading->len, TEXT_MOST - reading->len);
    if (got <= 0)
      break;
    reading->len += (size_t)got;
  }
  close(fd);
  reading->len = text_length(reading->text, reading->len);
}

static void hand_over(void *ctx, bp_status status) {
  struct reading *reading = ctx;
  (void)status; /* a text that was not read is an empty one */
  reading->done(reading->ctx, bp_str_make(reading->text, reading->len));
  free(reading);
}

void text_read(struct documents *d, const char *path, text_fn done, void *ctx) {
  bp_str folder = d->core->folder(d->self);
  struct reading *reading = malloc(sizeof(*reading) + TEXT_MOST);
  if (reading) {
    *reading = (struct reading){.done = done, .ctx = ctx};
    snprintf(reading->file, sizeof(reading->file), "%.*s/%s", (int)folder.len, folder.ptr, path);
  }
  if (reading && d->loop->work(d->self, read_text, hand_over, reading) == BP_OK)
    return;
  free(reading);
  done(ctx, bp_str_make("", 0));
}
