/* Memory and processor time of what runs, read from /proc on a worker: a deployment's processes are those of its session. Taken when a
 * client asks, and every few seconds while somebody listens. */
#include "deployments.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLE_MS 3000
#define STAT_BYTES 1024

struct total {
  int64_t id, session, memory_bytes, cpu_ticks;
};

struct sample {
  struct deployments *module;
  sampled_fn done;
  void *ctx;
  size_t count;
  struct total totals[];
};

/* ---- On the worker ---- */

struct stat_line {
  long long session, ticks, pages, started;
};

/* Fields 6 (session), 14 and 15 (user and system ticks), 22 (start) and 24 (resident pages); the name in parentheses may hold anything. */
static bool read_stat(const char *pid, struct stat_line *ret) {
  char path[64], text[STAT_BYTES];
  unsigned long long user, system;
  snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
  if (fd >= 0)
    close(fd);
  if (len <= 0)
    return false;
  text[len] = '\0';
  const char *rest = strrchr(text, ')');
  if (!rest || sscanf(rest, ") %*c %*d %*d %lld %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %lld %*u %lld", &ret->session, &user,
                      &system, &ret->started, &ret->pages) != 5)
    return false;
  ret->ticks = (long long)(user + system);
  return true;
}

int64_t metrics_started_ticks(int64_t pid) {
  char name[24];
  struct stat_line line;
  snprintf(name, sizeof(name), "%lld", (long long)pid);
  return read_stat(name, &line) ? line.started : 0;
}

static void add_process(struct sample *sample, const char *pid, int64_t page_bytes) {
  struct stat_line line;
  if (!read_stat(pid, &line))
    return;
  for (size_t i = 0; i < sample->count; i++)
    if (sample->totals[i].session == line.session) {
      sample->totals[i].memory_bytes += line.pages * page_bytes;
      sample->totals[i].cpu_ticks += line.ticks;
    }
}

static void measure(void *ctx) {
  struct sample *sample = ctx;
  int64_t page_bytes = sysconf(_SC_PAGESIZE);
  DIR *folder = opendir("/proc");
  if (!folder)
    return;
  for (const struct dirent *entry; (entry = readdir(folder));)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
      add_process(sample, entry->d_name, page_bytes);
  closedir(folder);
}

/* ---- On main ---- */

static void take(struct running *running, const struct total *total, int64_t now_ns) {
  int64_t since_ns = running->sampled_ns ? running->sampled_ns : running->started_ms * 1000000;
  double seconds = (double)(now_ns - since_ns) / 1e9;
  int64_t ticks = total->cpu_ticks - (running->sampled_ns ? running->cpu_ticks : 0);
  double percent = seconds > 0.05 && ticks > 0 ? (double)ticks / (double)sysconf(_SC_CLK_TCK) / seconds * 100 : 0;
  running->cpu_percent = (double)(int64_t)(percent * 10 + 0.5) / 10;
  running->memory_bytes = total->memory_bytes;
  running->cpu_ticks = total->cpu_ticks;
  running->sampled_ns = now_ns;
}

static void on_measured(void *ctx, bp_status status) {
  struct sample *sample = ctx;
  struct deployments *d = sample->module;
  int64_t now_ns = d->core->now_wall_ns();
  for (size_t i = 0; status == BP_OK && i < sample->count; i++) {
    struct running *running = running_find(d, sample->totals[i].id);
    if (running && running->pid == sample->totals[i].session)
      take(running, &sample->totals[i], now_ns);
  }
  sample->done(sample->ctx);
  free(sample);
}

struct relay {
  sampled_fn done;
  void *ctx;
};

static void on_supervisor_sampled(void *ctx, const char *error) {
  struct relay relay = *(struct relay *)ctx;
  (void)error; /* the figures are those of before then */
  free(ctx);
  relay.done(relay.ctx);
}

static bool ask_supervisor(struct deployments *d, sampled_fn done, void *ctx) {
  struct relay *relay = malloc(sizeof(*relay));
  if (!relay)
    return false;
  *relay = (struct relay){done, ctx};
  d->supervisor->sample(d, on_supervisor_sampled, relay);
  return true;
}

bool metrics_sample(struct deployments *d, sampled_fn done, void *ctx) {
  size_t count = 0;
  if (d->supervisor->sample)
    return ask_supervisor(d, done, ctx);
  for (const struct running *running = d->running; running; running = running->next)
    count += running->is_online;
  if (count == 0)
    return false;
  struct sample *sample = calloc(1, sizeof(*sample) + count * sizeof(sample->totals[0]));
  if (!sample)
    return false;
  *sample = (struct sample){.module = d, .done = done, .ctx = ctx};
  for (const struct running *running = d->running; running; running = running->next)
    if (running->is_online)
      sample->totals[sample->count++] = (struct total){.id = running->id, .session = running->pid};
  if (d->loop->work(d->self, measure, on_measured, sample) == BP_OK)
    return true;
  free(sample);
  return false;
}

/* ---- While somebody listens ---- */

static void tell(void *ctx) {
  struct deployments *d = ctx;
  d->is_sampling = false;
  for (const struct running *running = d->running; running; running = running->next)
    if (running->is_online)
      event_updated(d, running->id, "metrics", "running", running);
}

static void on_timer(void *ctx, bp_timer timer) {
  struct deployments *d = ctx;
  (void)timer;
  if (d->is_sampling || d->live->listeners(BP_LIT("deployments.socket")) == 0)
    return;
  d->is_sampling = true; /* it may be done at once */
  if (!metrics_sample(d, tell, d))
    d->is_sampling = false;
}

void metrics_start(struct deployments *d) {
  d->loop->timer(d->self, SAMPLE_MS, SAMPLE_MS, on_timer, d, &d->samples);
}
