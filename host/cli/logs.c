/* `backplane logs`: the end of STATE/log/backplane.log, filtered, and what comes after it. */
#include "base/buf.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/paths.h"
#include "cli/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TAIL_BYTES_MAX (4u << 20) /* read back at most this much for the last lines */
#define POLL_NS 200000000L

struct reader {
  char *path;
  const char *module; /* NULL: all */
  int fd;
  ino_t inode;
  struct buf line; /* the incomplete last line */
};

/* A log line is "TIME LEVEL MODULE: …" or {"time":…,"level":…,"module":"…", as base/log.c writes them. */
static bool is_wanted(const struct reader *reader, bp_str line) {
  if (!reader->module)
    return true;
  char *text = str_dupz(line);
  char mark[128];
  if (text[0] == '{')
    snprintf(mark, sizeof(mark), "\",\"module\":\"%s\",\"message\":", reader->module);
  else
    snprintf(mark, sizeof(mark), " %s: ", reader->module);
  const char *found = strstr(text, mark);
  bool wanted = found && found - text < 80;
  free(text);
  return wanted;
}

static bool open_log(struct reader *reader) {
  struct stat st;
  reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (reader->fd < 0)
    return false;
  reader->inode = fstat(reader->fd, &st) == 0 ? st.st_ino : 0;
  return true;
}

static void show_lines(struct reader *reader) {
  const char *end;
  while (reader->line.len > 0 && (end = memchr(reader->line.data, '\n', reader->line.len))) {
    size_t len = (size_t)(end - reader->line.data) + 1;
    bp_str line = bp_str_make(reader->line.data, len);
    if (is_wanted(reader, line))
      fwrite(line.ptr, 1, line.len, stdout);
    buf_consume(&reader->line, len);
  }
}

/* Reads and shows what is there. */
static void drain(struct reader *reader) {
  for (;;) {
    char *room = buf_reserve(&reader->line, 65536);
    ssize_t got = room ? read(reader->fd, room, 65536) : 0;
    if (got <= 0)
      break;
    reader->line.len += (size_t)got;
    show_lines(reader);
  }
  fflush(stdout);
}

/* Moves the file's position to where its last `lines` wanted lines begin. */
static void seek_tail(struct reader *reader, long lines) {
  off_t size = lseek(reader->fd, 0, SEEK_END);
  off_t start = size > (off_t)TAIL_BYTES_MAX ? size - (off_t)TAIL_BYTES_MAX : 0;
  struct buf text = {0};
  char *room = buf_reserve(&text, (size_t)(size - start) + 1);
  ssize_t got = room ? pread(reader->fd, room, (size_t)(size - start), start) : 0;
  off_t position = size;
  size_t end = got > 0 ? (size_t)got : 0;
  while (end > 0 && lines > 0) {
    const char *previous = memrchr(room, '\n', end - 1);
    size_t begin = previous ? (size_t)(previous - room) + 1 : 0;
    if (is_wanted(reader, bp_str_make(room + begin, end - begin)))
      lines--;
    position = start + (off_t)begin;
    end = begin;
  }
  lseek(reader->fd, position, SEEK_SET);
  buf_release(&text);
}

/* After a rotation the old file is read to its end, then the new one from its start. */
static void follow(struct reader *reader) {
  const struct timespec wait = {.tv_nsec = POLL_NS};
  struct stat st;
  while (!ferror(stdout)) {
    nanosleep(&wait, NULL);
    drain(reader);
    if (stat(reader->path, &st) != 0 || st.st_ino == reader->inode)
      continue;
    close(reader->fd);
    if (!open_log(reader))
      return;
  }
}

static int run(const struct cli_call *call) {
  struct reader reader = {.path = path_join(call->state_dir, "log/backplane.log"), .module = cli_value(call, "--module"), .fd = -1};
  long lines;
  int code = CLI_DONE;
  if (!cli_number(call, "--lines", 0, 1000000, 50, &lines)) {
    code = CLI_MISUSED;
  } else if (!open_log(&reader)) {
    code = say_failure("cannot read the log \"%s\": %s", reader.path, strerror(errno));
  } else {
    seek_tail(&reader, lines);
    drain(&reader);
    if (cli_value(call, "--follow"))
      follow(&reader);
    close(reader.fd);
  }
  buf_release(&reader.line);
  free(reader.path);
  return code;
}

static const struct cli_option options[] = {
    {"--follow", "-f", NULL, "go on showing lines as they come"},
    {"--lines", "-n", "N", "how many of the last lines (default: 50)"},
    {"--module", "-m", "ID", "only lines of this module (or part of the host: http, store, loader …)"},
    {0},
};

const struct cli_command command_logs = {
    .name = "logs",
    .synopsis = "[--follow] [--lines N] [--module ID]",
    .summary = "show the host's log",
    .help = "Shows the end of STATE/log/backplane.log, which `backplane run` writes beside what it says on stderr.\n"
            "The file is turned over at 10 MB; two older ones are kept (backplane.log.1, .2).",
    .options = options,
    .run = run,
};
