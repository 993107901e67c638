/* A daemon that was killed leaves what it ran behind, on its ports. When another takes its place, whatever of ours is not below it is stopped
 * first: what was being started then has never been seen in a list, so it is told by the environment that PM2 gives its processes. */
#include "pm2.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRACE_MS 3000
#define ORPHANS_MOST 256
#define ENVIRONMENT_BYTES (256 * 1024)
#define PARENTS_MOST 64

struct hunt {
  struct watchman *w;
  void (*done)(struct watchman *w);
  int64_t daemon;
  char mark[PM2_PATH_BYTES + 32]; /* the path of its pid file begins with it */
  struct {
    int64_t pid, ticks;
  } found[ORPHANS_MOST];
  uint32_t count, left;
};

/* ---- On the worker ---- */

static size_t read_file(int64_t pid, const char *name, char *text, size_t bytes) {
  char path[64];
  size_t len = 0;
  snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  for (ssize_t got = 1; fd >= 0 && got > 0 && len<bytes; len += got> 0 ? (size_t)got : 0)
    got = read(fd, text + len, bytes - len);
  if (fd >= 0)
    close(fd);
  return len;
}

static int64_t parent_of(int64_t pid) {
  char text[1024];
  long long parent = 0;
  size_t len = read_file(pid, "stat", text, sizeof(text) - 1);
  text[len] = '\0';
  const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
  return rest && sscanf(rest, ") %*c %lld", &parent) == 1 ? parent : 0;
}

static bool is_below(int64_t pid, int64_t ancestor) {
  for (unsigned i = 0; i < PARENTS_MOST && pid > 1; i++, pid = parent_of(pid))
    if (pid == ancestor)
      return true;
  return false;
}

static bool is_of_this_user(int64_t pid) {
  char path[40];
  struct stat facts;
  snprintf(path, sizeof(path), "/proc/%lld", (long long)pid);
  return stat(path, &facts) == 0 && facts.st_uid == geteuid();
}

static void look_at(struct hunt *hunt, int64_t pid, char *environment) {
  int64_t ticks = metrics_started_ticks(pid);
  if (ticks == 0 || !is_of_this_user(pid))
    return;
  size_t len = read_file(pid, "environ", environment, ENVIRONMENT_BYTES);
  if (!memmem(environment, len, hunt->mark, strlen(hunt->mark)) || is_below(pid, hunt->daemon))
    return;
  hunt->found[hunt->count].pid = pid;
  hunt->found[hunt->count++].ticks = ticks;
}

static void look(void *ctx) {
  struct hunt *hunt = ctx;
  char *environment = malloc(ENVIRONMENT_BYTES);
  DIR *folder = environment ? opendir("/proc") : NULL;
  for (const struct dirent *entry; folder && hunt->count < ORPHANS_MOST && (entry = readdir(folder));)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
      look_at(hunt, strtoll(entry->d_name, NULL, 10), environment);
  if (folder)
    closedir(folder);
  if (environment)
    explicit_bzero(environment, ENVIRONMENT_BYTES); /* secrets of programs */
  free(environment);
}

/* ---- Stopping ---- */

static void end(struct hunt *hunt) {
  struct watchman *w = hunt->w;
  void (*done)(struct watchman *) = hunt->done;
  free(hunt);
  if (!w->module->is_draining)
    done(w);
}

static void on_stopped(void *ctx, bp_status status) {
  struct hunt *hunt = ctx;
  (void)status; /* one that cannot be stopped keeps its port, and the start says so */
  if (--hunt->left == 0)
    end(hunt);
}

static void on_found(void *ctx, bp_status status) {
  struct hunt *hunt = ctx;
  const struct deployments *d = hunt->w->module;
  (void)status;
  hunt->left = 1; /* this function itself */
  for (uint32_t i = 0; i < hunt->count && !d->is_draining; i++) {
    hunt->left++;
    if (d->proc->stop_stranger(d->self, hunt->found[i].pid, hunt->found[i].ticks, GRACE_MS, on_stopped, hunt) != BP_OK)
      hunt->left--;
  }
  if (hunt->count)
    d->log->write(d->self, BP_LOG_WARN, BP_LIT("programs that an earlier PM2 daemon has left behind are stopped"), (bp_array){NULL, 0, 0});
  on_stopped(hunt, BP_OK);
}

void pm2_orphans_stop(struct watchman *w, int64_t daemon, void (*done)(struct watchman *w)) {
  struct hunt *hunt = daemon ? calloc(1, sizeof(*hunt)) : NULL;
  if (hunt) {
    *hunt = (struct hunt){.w = w, .done = done, .daemon = daemon};
    snprintf(hunt->mark, sizeof(hunt->mark), "%s/pids/deploy-", w->home);
    if (w->module->loop->work(w->module->self, look, on_found, hunt) == BP_OK)
      return;
  }
  free(hunt);
  done(w);
}
