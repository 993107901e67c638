/* The supervisor that needs nothing else: children of the host that outlive it, by bp.proc/1. */
#include "cluster.h"
#include "deployments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT_ARGUMENTS 80
#define HEALTH_INTERVAL_MS 2000
#define CHILD_NAME_BYTES 32
#define PATH_BYTES 1200

/* What the host calls it: the name of its output files as well. */
static bp_str child_name(int64_t id, char text[CHILD_NAME_BYTES]) {
  snprintf(text, CHILD_NAME_BYTES, "deploy-%" PRId64, id);
  return str_z(text);
}

static void on_started(void *ctx, bp_proc proc, int64_t pid) {
  (void)proc;
  supervisor_online(ctx, pid);
}

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str line) {
  (void)proc;
  supervisor_output(ctx, stream == BP_PROC_STDERR, line);
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *exit) {
  struct running *running = ctx;
  (void)proc;
  const struct ending ending = {
      .was_asked = exit->why == BP_PROC_STOPPED,
      .will_restart = exit->will_restart != 0,
      .is_unknown = exit->is_unknown != 0,
      .code = exit->code,
      .signal = exit->signal,
  };
  running->health = BP_HEALTH_UNKNOWN;
  if (!exit->will_restart)
    running->proc = 0;
  supervisor_ended(running, &ending);
}

static void on_health(void *ctx, bp_proc proc, uint32_t health, bp_str reason) {
  struct running *running = ctx;
  (void)proc;
  running->health = health;
  if (health == BP_HEALTH_UNHEALTHY)
    supervisor_output(running, 1, reason);
  if (running->is_online)
    event_updated(running->module, running->id, "health", "running", running);
}

static const bp_proc_events events = {.size = sizeof(events), .started = on_started, .output = on_output, .exited = on_exited, .health = on_health};

static uint32_t restart_policy(const struct deployments *d) {
  bp_str word = BP_LIT("");
  d->config->string(d->self, BP_LIT("restart"), &word);
  return kit_same(word, "always") ? BP_RESTART_ALWAYS : kit_same(word, "never") ? BP_RESTART_NEVER : BP_RESTART_ON_FAILURE;
}

/* The arguments as they are, or behind the small program that makes a cluster of them. */
static uint32_t put_arguments(const struct launch *launch, char count[16], bp_str argv[LIMIT_ARGUMENTS]) {
  uint32_t total = 0;
  for (uint32_t i = 0; i < launch->argv.count && total < LIMIT_ARGUMENTS; i++) {
    argv[total++] = ((const bp_str *)launch->argv.ptr)[i];
    if (i > 0 || !launch->is_cluster)
      continue;
    snprintf(count, 16, "%" PRId64, launch->instances);
    argv[total++] = BP_LIT("-e");
    argv[total++] = BP_LIT(CLUSTER_PROGRAM);
    argv[total++] = str_z(count);
  }
  return total;
}

static bp_status start(struct running *running, const struct launch *launch, bp_error *err) {
  const struct deployments *d = running->module;
  char name[CHILD_NAME_BYTES], count[16];
  bp_str argv[LIMIT_ARGUMENTS];
  bp_proc_env env[LIMIT_VARIABLES];
  uint32_t variables = 0;
  for (size_t i = 0; i < launch->env->count; i++)
    env[variables++] = (bp_proc_env){
        .size = sizeof(bp_proc_env), .is_secret = 1, .name = str_z(launch->env->variables[i].name), .value = str_z(launch->env->variables[i].value)};
  const bp_proc_probe probe = {
      .size = sizeof(probe),
      .kind = BP_PROBE_HTTP,
      .port = (uint32_t)running->port,
      .interval_ms = HEALTH_INTERVAL_MS,
      .restarts = 1,
      .path = launch->health_path,
  };
  const bp_proc_spec spec = {
      .size = sizeof(spec),
      .probe = launch->health_path.len ? &probe : NULL,
      .lifetime = BP_PROC_SURVIVING,
      .restart = restart_policy(d),
      .name = child_name(launch->id, name),
      .argv = {argv, put_arguments(launch, count, argv), (uint32_t)sizeof(argv[0])},
      .cwd = launch->cwd,
      .env = {env, variables, (uint32_t)sizeof(env[0])},
  };
  return d->proc->spawn(d->self, &spec, &events, running, &running->proc, err);
}

static void stop(struct running *running) {
  running->module->proc->stop(running->proc);
}

static bool adopt(struct running *running, const struct row *row) {
  const struct deployments *d = running->module;
  char name[CHILD_NAME_BYTES];
  return d->proc->adopt(d->self, child_name(row->id, name), &events, running, &running->proc) == BP_OK;
}

static bool tail(struct running *running, uint32_t lines, bp_str *ret) {
  return running->module->proc->tail(running->proc, lines, ret) == BP_OK;
}

/* ---- Output files of a deleted deployment ---- */

struct removal {
  char files[4][PATH_BYTES];
};

static void remove_files(void *ctx) {
  const struct removal *removal = ctx;
  for (unsigned i = 0; i < 4; i++)
    unlink(removal->files[i]);
}

static void removal_done(void *ctx, bp_status status) {
  (void)status;
  free(ctx);
}

static void forget(struct deployments *d, int64_t id, bp_str name) {
  static const char *const suffixes[] = {".out", ".err", ".out.1", ".err.1"};
  char child[CHILD_NAME_BYTES];
  bp_str folder = d->core->folder(d->self);
  struct removal *removal = calloc(1, sizeof(*removal));
  (void)name;
  if (!removal)
    return;
  child_name(id, child);
  for (unsigned i = 0; i < 4; i++)
    if (snprintf(removal->files[i], PATH_BYTES, "%.*s/proc/%s%s", (int)folder.len, folder.ptr, child, suffixes[i]) >= PATH_BYTES)
      removal->files[i][0] = '\0';
  if (d->loop->work(d->self, remove_files, removal_done, removal) != BP_OK)
    free(removal);
}

const struct supervisor native_supervisor = {.name = "native", .start = start, .stop = stop, .adopt = adopt, .forget = forget, .tail = tail};
