/* The crash line; see crash.h. Everything below the handler is async-signal-safe: no allocation, no locks, no stdio. */
#include "loader/crash.h"
#include "loader/plugin.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct {
  int number;
  const char *name;
} fatal[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}};
#define FATAL_COUNT (sizeof(fatal) / sizeof(fatal[0]))

static struct sigaction before[FATAL_COUNT];
static char stack[64 * 1024]; /* SIGSTKSZ is no constant, and a sanitizer's handler needs more */

struct line {
  char text[512];
  size_t len;
};

static void add(struct line *line, const char *text, size_t len) {
  if (len > sizeof(line->text) - line->len)
    len = sizeof(line->text) - line->len;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    line->text[line->len++] = c < 0x20 || c >= 0x7F ? '?' : text[i];
  }
}

static void add_z(struct line *line, const char *text) {
  add(line, text, strlen(text));
}

static void add_culprit(struct line *line, const struct culprit *frame) {
  if (!frame || !frame->plugin) {
    add_z(line, " outside any plugin's callback");
    return;
  }
  add_z(line, " in plugin \"");
  add_z(line, frame->plugin->id);
  add_z(line, "\", callback \"");
  add_z(line, frame->what);
  if (frame->detail.len) {
    add_z(line, " ");
    add(line, frame->detail.ptr, frame->detail.len > 200 ? 200 : frame->detail.len);
  }
  add_z(line, "\"");
}

static void write_line(size_t which) {
  struct line line = {.len = 0};
  add_z(&line, "backplane: crashed with ");
  add_z(&line, fatal[which].name);
  add_culprit(&line, culprit_current());
  if (line.len == sizeof(line.text))
    line.len--;
  line.text[line.len++] = '\n';
  ssize_t written = write(STDERR_FILENO, line.text, line.len);
  (void)written; /* nowhere left to complain */
}

static void on_fatal(int number, siginfo_t *info, void *context) {
  (void)context;
  for (size_t i = 0; i < FATAL_COUNT; i++)
    if (fatal[i].number == number) {
      write_line(i);
      sigaction(number, &before[i], NULL);
    }
  /* A fault happens again when the instruction is run again, now under the former handler; a sent signal does not. */
  if (info->si_code <= 0)
    raise(number);
}

void crash_install(void) {
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
  struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  sigaltstack(&alternate, NULL);
  for (size_t i = 0; i < FATAL_COUNT; i++)
    sigaction(fatal[i].number, &action, &before[i]);
}
