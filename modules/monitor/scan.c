/* One look at all the files on a worker: agents, locks, and what is new at the end of the log. */
#include "monitor.h"

#include <stdlib.h>
#include <unistd.h>

static void drop_first(struct scan *scan) {
  struct message *first = &scan->lines[scan->line_first];
  scan->line_bytes -= message_bytes(first);
  message_free(first);
  scan->line_first = (scan->line_first + 1) % LINES_MOST;
  scan->line_count--;
}

/* A blank or bad line is one too: clients ask for the last lines, of which then some are no messages. */
static bool take_line(void *ctx, const char *line, size_t len) {
  struct scan *scan = ctx;
  if (scan->line_count == LINES_MOST)
    drop_first(scan);
  struct message *message = &scan->lines[(scan->line_first + scan->line_count) % LINES_MOST];
  if (line)
    message_parse(scan->json, scan->self, bp_str_make(line, len), message);
  else
    *message = (struct message){0};
  scan->line_count++;
  scan->line_bytes += message_bytes(message);
  return true;
}

static bool take_partial(void *ctx, const char *line, size_t len) {
  struct scan *scan = ctx;
  message_parse(scan->json, scan->self, bp_str_make(line, len), &scan->partial);
  scan->has_partial = true;
  return true;
}

static void scan_log(struct scan *scan) {
  const struct log_reading reading = {.line = take_line, .partial = take_partial, .ctx = scan};
  int fd = monitor_open_plain(scan->root, LOG_FILE);
  scan->log_exists = fd >= 0;
  if (fd < 0) {
    scan->is_log_new = true;
    scan->tail = (struct log_position){0};
    return;
  }
  if (!log_continues(fd, &scan->tail)) {
    scan->is_log_new = true;
    log_begin(fd, TAIL_BYTES, &scan->tail);
  }
  log_read(fd, &scan->tail, &reading);
  close(fd);
}

void scan_run(void *ctx) {
  struct scan *scan = ctx;
  scan_agents(scan);
  scan_locks(scan);
  scan_log(scan);
}

void agents_free(struct agents_seen *agents) {
  kit_text_free(&agents->answer);
  kit_text_free(&agents->session_name);
  kit_text_free(&agents->updated_at);
}

void scan_free(struct scan *scan) {
  if (!scan)
    return;
  while (scan->line_count > 0)
    drop_first(scan);
  message_free(&scan->partial);
  agents_free(&scan->agents);
  kit_text_free(&scan->locks.answer);
  free(scan->lines);
  free(scan);
}
