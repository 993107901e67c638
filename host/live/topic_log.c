/* Writing log lines to files; see topic_log.h. */
#include "live/topic_log.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/iso_time.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "host.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "json/json.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_MS 500

struct topic_log {
  struct topic_log *next;
  struct buf text; /* lines that wait */
  uint64_t dropped;
  struct writing *writing; /* on its way, or NULL */
  char topic[];
};

struct writing {
  struct work work;
  struct topic_log *log; /* NULL: gone */
  struct buf text;
  int error;
  char path[1024];
};

static struct {
  struct topic_log *first;
  unsigned count;
  struct event *timer;
  bool has_complained;
} logs;

/* ---- On a worker ---- */

static int write_file(const char *path, bp_str text) {
  char older[1100];
  struct stat info;
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno;
  int error = io_write_all(fd, text) ? 0 : errno;
  bool is_large = fstat(fd, &info) == 0 && info.st_size >= TOPIC_LOG_FILE_BYTES;
  close(fd);
  snprintf(older, sizeof(older), "%s.1", path);
  if (is_large)
    rename(path, older);
  return error;
}

static void run(struct work *work) {
  struct writing *w = (struct writing *)work;
  w->error = write_file(w->path, buf_str(&w->text));
}

/* ---- On main ---- */

static void arm(void);

static bool make_path(const struct topic_log *log, char path[1024]) {
  if (!host_run.state_dir)
    return false;
  snprintf(path, 1024, "%s/log", host_run.state_dir);
  mkdir(path, 0700);
  snprintf(path, 1024, "%s/log/topics", host_run.state_dir);
  mkdir(path, 0700);
  return snprintf(path, 1024, "%s/log/topics/%s.log", host_run.state_dir, log->topic) < 1024;
}

static void complain(const struct writing *w) {
  if (w->error && !logs.has_complained)
    log_warn("live", "cannot write \"%s\": %s", w->path, strerror(w->error));
  logs.has_complained = w->error != 0;
}

static void done(struct work *work, bool cancelled) {
  struct writing *w = (struct writing *)work;
  if (cancelled && w->text.len)
    w->error = write_file(w->path, buf_str(&w->text)); /* the host is stopping: nobody waits for anything any more */
  complain(w);
  if (w->log)
    w->log->writing = NULL;
  if (w->log && w->log->text.len)
    arm();
  buf_release(&w->text);
  free(w);
}

static void note_dropped(struct topic_log *log) {
  if (log->dropped)
    buf_printf(&log->text, "{\"dropped_bytes\":%llu}\n", (unsigned long long)log->dropped);
  log->dropped = 0;
}

static void hand_over(struct topic_log *log) {
  struct writing *w = mem_alloc(sizeof(*w));
  *w = (struct writing){.work = {.run = run, .done = done}, .log = log};
  note_dropped(log);
  if (log->text.failed || !make_path(log, w->path)) {
    buf_release(&log->text);
    free(w);
    return;
  }
  w->text = log->text;
  log->text = (struct buf){0};
  log->writing = w;
  workers_submit(&w->work);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  for (struct topic_log *log = logs.first; log; log = log->next)
    if (log->text.len && !log->writing)
      hand_over(log);
}

static void arm(void) {
  const struct timeval delay = {.tv_usec = FLUSH_MS * 1000};
  if (!logs.timer)
    logs.timer = evtimer_new(loop_base(), on_timer, NULL);
  if (logs.timer && !evtimer_pending(logs.timer, NULL))
    evtimer_add(logs.timer, &delay);
}

/* A topic is a plugin's id and a word: a file's name as it is. */
static bool is_file_name(bp_str topic) {
  for (size_t i = 0; i < topic.len; i++)
    if (topic.ptr[i] == '/' || topic.ptr[i] == '\0')
      return false;
  return topic.len > 0 && topic.len < 200 && topic.ptr[0] != '.';
}

static struct topic_log *find(bp_str topic) {
  struct topic_log *log = logs.first;
  while (log && !str_eq(str_from(log->topic), topic))
    log = log->next;
  if (log || logs.count == TOPIC_LOGS_MOST || !is_file_name(topic))
    return log;
  log = mem_alloc(sizeof(*log) + topic.len + 1);
  memset(log, 0, sizeof(*log));
  memcpy(log->topic, topic.ptr, topic.len);
  log->topic[topic.len] = '\0';
  log->next = logs.first;
  logs.first = log;
  logs.count++;
  return log;
}

void topic_log_add(bp_str topic, bp_str key, bp_str payload) {
  LOOP_MAIN();
  char time[ISO_TIME_BYTES];
  struct topic_log *log = find(topic);
  if (!log || payload.len < 2)
    return;
  if (log->text.len + payload.len + key.len > TOPIC_LOG_WAITING_BYTES) {
    log->dropped += payload.len;
    return;
  }
  note_dropped(log);
  buf_printf(&log->text, "{\"time\":\"%s\",\"key\":", iso_time_now(time).ptr);
  doc_write_string(&log->text, key);
  buf_append_char(&log->text, ',');
  buf_append(&log->text, payload.ptr + 1, payload.len - 1);
  buf_append_char(&log->text, '\n');
  arm();
}

/* One that was cancelled is written here, before what came after it. */
static void forget_writing(struct topic_log *log) {
  struct writing *w = log->writing;
  if (!w)
    return;
  w->log = NULL;
  if (w->work.run)
    return;
  write_file(w->path, buf_str(&w->text));
  buf_release(&w->text);
}

void topic_logs_release(void) {
  char path[1024];
  while (logs.first) {
    struct topic_log *log = logs.first;
    logs.first = log->next;
    forget_writing(log);
    note_dropped(log);
    if (log->text.len && !log->text.failed && make_path(log, path))
      write_file(path, buf_str(&log->text));
    buf_release(&log->text);
    free(log);
  }
  if (logs.timer)
    event_free(logs.timer);
  memset(&logs, 0, sizeof(logs));
}
