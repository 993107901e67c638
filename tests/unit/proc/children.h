/* What the tests of host/proc share: a loop, a plugin, a state folder, and children whose events are written down. */
#ifndef TESTS_UNIT_PROC_CHILDREN_H
#define TESTS_UNIT_PROC_CHILDREN_H

#include "unit.h"

#include "base/buf.h"
#include "base/str.h"
#include "host.h"
#include "live/live.h"
#include "loader/loader.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "proc/proc.h"

#include <dirent.h>
#include <event2/event.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything that happened to one child. */
struct seen {
  bp_proc proc;
  int64_t pid;
  unsigned starts, exits, drained;
  unsigned long lines;
  struct buf output; /* lines joined by '|', the first 64 KiB of them */
  bp_proc_exit exit;
};

static struct plugin *plugin;
static char state_folder[64];

static void on_started(void *ctx, bp_proc proc, int64_t pid) {
  struct seen *seen = ctx;
  seen->proc = proc;
  seen->pid = pid;
  seen->starts++;
}
static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str data) {
  struct seen *seen = ctx;
  (void)proc;
  (void)stream;
  seen->lines++;
  if (seen->output.len > 65536)
    return;
  buf_append_str(&seen->output, data);
  buf_append(&seen->output, "|", 2); /* with a NUL behind, so that a test may read it as a C string */
  seen->output.len--;
}
static void on_drained(void *ctx, bp_proc proc) {
  (void)proc;
  ((struct seen *)ctx)->drained++;
}
static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *result) {
  struct seen *seen = ctx;
  (void)proc;
  seen->exits++;
  seen->exit = *result;
}
static const bp_proc_events watch_all = {
    .size = sizeof(bp_proc_events), .started = on_started, .output = on_output, .stdin_drained = on_drained, .exited = on_exited};

/* ---- The loop, until something is true ---- */

static bool (*wanted)(void *arg);
static void *wanted_arg;
static bool came_true;
static int64_t give_up_ms;
static struct event *look_timer;

static inline void look_again(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  came_true = wanted(wanted_arg);
  if (came_true || loop_now_ms() > give_up_ms)
    loop_stop();
}

/* The limit only ends a hung test. */
static inline bool run_until(bool (*condition)(void *arg), void *arg) {
  const struct timeval period = {.tv_usec = 5000};
  wanted = condition;
  wanted_arg = arg;
  came_true = false;
  give_up_ms = loop_now_ms() + 30000;
  look_timer = event_new(loop_base(), -1, EV_PERSIST, look_again, NULL);
  event_add(look_timer, &period);
  loop_run();
  event_free(look_timer);
  return came_true;
}

static inline bool has_exited(void *arg) {
  return ((struct seen *)arg)->exits > 0;
}
static inline bool has_started(void *arg) {
  return ((struct seen *)arg)->starts > 0;
}
static inline bool has_output(void *arg) {
  return ((struct seen *)arg)->lines > 0;
}

/* 5 ms each. */
static inline bool ticks_passed(void *arg) {
  return --*(int *)arg <= 0;
}

/* ---- Spawning ---- */

static inline bp_proc_spec spec_of(const bp_str *argv, uint32_t count) {
  return (bp_proc_spec){.size = sizeof(bp_proc_spec), .lifetime = BP_PROC_BOUND, .argv = {argv, count, sizeof(bp_str)}, .grace_ms = 300};
}

/* Runs /bin/sh with the script. The struct of argv is static: the spec is used at once. */
static inline bp_proc_spec shell(const char *script) {
  static bp_str argv[3];
  argv[0] = BP_LIT("/bin/sh");
  argv[1] = BP_LIT("-c");
  argv[2] = str_from(script);
  return spec_of(argv, 3);
}

/* After a storm the second's starts may be used up. */
static inline void spawn(const bp_proc_spec *spec, struct seen *seen) {
  bp_error err = BP_ERROR_INIT;
  bp_status status = proc_table.spawn(plugin->handle, spec, &watch_all, seen, &seen->proc, &err);
  while (status == BP_E_LIMIT) {
    int ticks = 20;
    run_until(ticks_passed, &ticks);
    status = proc_table.spawn(plugin->handle, spec, &watch_all, seen, &seen->proc, &err);
  }
  if (status != BP_OK)
    fail_msg("spawn: %s", err.message);
}

static inline void forget(struct seen *seen) {
  buf_release(&seen->output);
  *seen = (struct seen){0};
}

/* ---- What is left ---- */

struct census {
  unsigned marked, zombies;
};

/* Live processes with our state folder's mark, and zombies below us. */
static inline bool environment_has(const char *pid, const char *text, size_t len) {
  char path[300], environment[32768];
  snprintf(path, sizeof(path), "/proc/%s/environ", pid);
  FILE *file = fopen(path, "r");
  size_t got = file ? fread(environment, 1, sizeof(environment), file) : 0;
  if (file)
    fclose(file);
  return got > 0 && memmem(environment, got, text, len) != NULL;
}

static inline struct census count_left(void) {
  struct census census = {0};
  char mark[64], id[17] = "", path[300], line[512];
  snprintf(path, sizeof(path), "%s/proc.id", state_folder);
  FILE *file = fopen(path, "r");
  if (file && fgets(id, sizeof(id), file))
    snprintf(mark, sizeof(mark), "BACKPLANE_CHILD=%s.", id);
  if (file)
    fclose(file);
  DIR *folder = opendir("/proc");
  for (const struct dirent *entry; (entry = readdir(folder));) {
    int parent = 0;
    char letter = 0;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
      continue;
    snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
    file = fopen(path, "r");
    const char *text = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    if (file)
      fclose(file);
    if (!text || sscanf(text, ") %c %d", &letter, &parent) != 2)
      continue;
    census.zombies += letter == 'Z' && parent == getpid();
    census.marked += letter != 'Z' && id[0] && environment_has(entry->d_name, mark, strlen(mark));
  }
  closedir(folder);
  return census;
}

static inline bool nothing_is_left(void *arg) {
  struct census census = count_left();
  (void)arg;
  return census.marked == 0 && census.zombies == 0;
}

static inline bool is_alive(int64_t pid) {
  char path[64], line[512], letter = 0;
  snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
  FILE *file = fopen(path, "r");
  const char *text = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
  if (file)
    fclose(file);
  return text && sscanf(text, ") %c", &letter) == 1 && letter != 'Z';
}

/* ---- Before and after ---- */

static inline int open_host(void) {
  bp_error err = BP_ERROR_INIT;
  host_run.state_dir = state_folder;
  if (!loop_init() || !live_init() || proc_init(state_folder, &err) != BP_OK)
    return -1;
  plugin = plugin_add(BP_LIT("zoo"), "/zoo.so");
  plugin->phase = PLUGIN_STARTED;
  return 0;
}

static inline bool is_stopped(void *arg) {
  return *(bool *)arg;
}
static inline void note_stopped(void *arg) {
  *(bool *)arg = true;
}

/* As the host does it: drain, wait, end what is left. */
static inline void close_host(void) {
  bool is_over = false;
  plugin_revoke_all(plugin);
  proc_stop(note_stopped, &is_over);
  run_until(is_stopped, &is_over);
  workers_stop();
  proc_release();
  live_release();
  plugin_registry_release();
  loop_release();
}

static inline int set_up(void **state) {
  (void)state;
  snprintf(state_folder, sizeof(state_folder), "/tmp/backplane-proc-XXXXXX");
  return mkdtemp(state_folder) ? open_host() : -1;
}

static inline int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path);
}

static inline int tear_down(void **state) {
  (void)state;
  close_host();
  nftw(state_folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return 0;
}

#endif
