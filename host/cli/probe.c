/* Limited children; see probe.h. */
#include "cli/probe.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CPU_SECONDS 10
#define WALL_MS 30000
#define MEMORY_BYTES (1024ull << 20)
#define ANSWER_BYTES_MAX (16u << 20)

const struct doc_limits probe_limits = {64, 1u << 20};

char *probe_folder(void) {
  const char *base = getenv("XDG_RUNTIME_DIR");
  struct buf path = {0};
  buf_printf(&path, "%s/backplane-probe-XXXXXX", base && base[0] == '/' ? base : "/tmp");
  char *folder = str_dupz(buf_str(&path));
  buf_release(&path);
  if (mkdtemp(folder))
    return folder;
  say_failure("cannot make the folder \"%s\": %s", folder, strerror(errno));
  free(folder);
  return NULL;
}

void probe_folder_remove(char *folder) {
  DIR *dir = folder ? opendir(folder) : NULL;
  for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
    if (entry->d_type == DT_REG)
      unlinkat(dirfd(dir), entry->d_name, 0);
  if (dir) {
    closedir(dir);
    rmdir(folder);
  }
  free(folder);
}

static void limit(int resource, rlim_t value) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0)
    return;
  now.rlim_cur = now.rlim_max == RLIM_INFINITY || value < now.rlim_max ? value : now.rlim_max;
  now.rlim_max = now.rlim_cur;
  setrlimit(resource, &now);
}

static void limit_self(void) {
  limit(RLIMIT_CPU, CPU_SECONDS);
  limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* a sanitizer's shadow needs terabytes of address space */
  limit(RLIMIT_AS, MEMORY_BYTES);
#endif
}

static json_t *error_json(const bp_error *err) {
  return json_pack("{s:i, s:s, s:s, s:s}", "code", (int)err->code, "message", err->message, "hint", err->hint, "pointer", err->pointer);
}

static _Noreturn void run_child(int out, probe_fn run, void *arg) {
  bp_error err = BP_ERROR_INIT;
  struct buf text = {0};
  limit_self();
  json_t *answer = run(arg, &err);
  json_t *envelope = answer ? json_pack("{s:o}", "answer", answer) : json_pack("{s:o}", "error", error_json(&err));
  doc_write(&text, envelope);
  _exit(io_write_all(out, buf_str(&text)) ? CLI_DONE : CLI_FAILED);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads to the end; false when the time is over or the answer too long. */
static bool read_all(int fd, struct buf *in) {
  const int64_t deadline_ms = now_ms() + WALL_MS;
  while (in->len < ANSWER_BYTES_MAX) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    int64_t left_ms = deadline_ms - now_ms();
    int ready = left_ms > 0 ? poll(&waiting, 1, (int)left_ms) : 0;
    if (ready < 0 && errno == EINTR)
      continue;
    char *room = ready > 0 ? buf_reserve(in, 65536) : NULL;
    ssize_t got = room ? read(fd, room, 65536) : -1;
    if (got <= 0)
      return got == 0;
    in->len += (size_t)got;
  }
  return false;
}

static json_t *unpack(bp_str text, bp_error *err) {
  json_t *envelope = doc_parse(text, &probe_limits, err);
  if (!envelope)
    return NULL;
  json_t *answer = json_incref(json_object_get(envelope, "answer"));
  const json_t *failed = json_object_get(envelope, "error");
  if (!answer) {
    fail(err, (bp_status)json_integer_value(json_object_get(failed, "code")), "%s", json_string_value(json_object_get(failed, "message")));
    fail_hint(err, "%s", json_string_value(json_object_get(failed, "hint")));
    fail_pointer(err, "%s", json_string_value(json_object_get(failed, "pointer")));
  }
  json_decref(envelope);
  return answer;
}

static json_t *outcome(int status, bool is_complete, bp_str text, bp_error *err) {
  if (!is_complete)
    fail(err, BP_E_TIMEOUT, "it did not answer within %d s", WALL_MS / 1000);
  else if (WIFSIGNALED(status))
    fail(err, BP_E_INVALID, "it was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  else if (text.len == 0)
    fail(err, BP_E_INVALID, "it ended the process with exit code %d", WEXITSTATUS(status));
  else
    return unpack(text, err);
  return NULL;
}

json_t *probe_run(probe_fn run, void *arg, bp_error *err) {
  int ends[2];
  struct buf in = {0};
  fflush(NULL);
  if (pipe2(ends, O_CLOEXEC) != 0) {
    fail(err, BP_E_IO, "cannot make a pipe: %s", strerror(errno));
    return NULL;
  }
  pid_t child = fork();
  if (child == 0)
    run_child(ends[1], run, arg);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    fail(err, BP_E_IO, "cannot start a child: %s", strerror(errno));
    return NULL;
  }
  int status = 0;
  bool is_complete = read_all(ends[0], &in);
  close(ends[0]);
  if (!is_complete)
    kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  json_t *answer = outcome(status, is_complete, buf_str(&in), err);
  buf_release(&in);
  return answer;
}
