/* The log file; see log_file.h. Its size is looked at every few seconds, not at every line. */
#include "log_file.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURN_OVER_BYTES (10 * 1000 * 1000)
#define LOOK_SECONDS 5

static struct {
  int fd;
  char *path, *older, *oldest;
  struct event *timer;
} file = {.fd = -1};

static int open_append(void) {
  return open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void turn_over(void) {
  rename(file.older, file.oldest); /* either may not exist yet */
  if (rename(file.path, file.older) != 0)
    return;
  int fd = open_append();
  if (fd < 0)
    return; /* lines go on into the renamed file */
  log_also(fd);
  close(file.fd);
  file.fd = fd;
}

static void look(evutil_socket_t fd, short what, void *arg) {
  struct stat st;
  (void)fd;
  (void)what;
  (void)arg;
  if (fstat(file.fd, &st) == 0 && st.st_size >= TURN_OVER_BYTES)
    turn_over();
}

static char *path_of(const char *state_dir, const char *name) {
  struct buf path = {0};
  buf_printf(&path, "%s/log%s", state_dir, name);
  char *copy = str_dupz(buf_str(&path));
  buf_release(&path);
  return copy;
}

void log_file_open(const char *state_dir) {
  const struct timeval interval = {.tv_sec = LOOK_SECONDS};
  char *folder = path_of(state_dir, "");
  file.path = path_of(state_dir, "/backplane.log");
  file.older = path_of(state_dir, "/backplane.log.1");
  file.oldest = path_of(state_dir, "/backplane.log.2");
  if (mkdir(folder, 0700) != 0 && errno != EEXIST)
    log_warn("log", "cannot make folder \"%s\": %s", folder, strerror(errno));
  free(folder);
  file.fd = open_append();
  if (file.fd < 0) {
    log_warn("log", "cannot open \"%s\": %s: `backplane logs` will show nothing new", file.path, strerror(errno));
    return;
  }
  look(-1, 0, NULL);
  log_also(file.fd);
  file.timer = event_new(loop_base(), -1, EV_PERSIST, look, NULL);
  event_add(file.timer, &interval);
}

void log_file_close(void) {
  log_also(-1);
  if (file.timer)
    event_free(file.timer);
  if (file.fd >= 0)
    close(file.fd);
  free(file.path);
  free(file.older);
  free(file.oldest);
  file.timer = NULL;
  file.fd = -1;
  file.path = file.older = file.oldest = NULL;
}
