/* PM2 as a supervisor: programs are prepared, stopped and deleted over the daemon's socket, never by its command line. */
#include "pm2.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 1400
#define DAEMON_NS (20ll * 1000000000) /* for a daemon to come up */
#define FIXED_PATH "/usr/local/bin:/usr/bin:/bin"

/* ---- One method for every process of a name ---- */

struct sweep {
  struct watchman *w;
  const char *method;
  char name[NAME_BYTES + 32];
  int64_t last_id; /* ids are taken in rising order */
  void (*done)(void *ctx, const char *error);
  void *ctx;
};

static void sweep_next(struct sweep *s);

static void swept_one(void *ctx, bp_json result, const char *error) {
  (void)result;
  (void)error; /* it is gone already, or is seen in the next list */
  sweep_next(ctx);
}

static void sweep_next(struct sweep *s) {
  int64_t next = -1;
  char id[24];
  for (uint32_t i = 0; i < s->w->count; i++)
    if (strcmp(s->w->list[i].name, s->name) == 0 && s->w->list[i].pm_id > s->last_id && (next < 0 || s->w->list[i].pm_id < next))
      next = s->w->list[i].pm_id;
  if (next < 0) {
    struct sweep copy = *s;
    free(s);
    copy.done(copy.ctx, NULL);
    return;
  }
  s->last_id = next;
  snprintf(id, sizeof(id), "%" PRId64, next);
  pm2_call(s->w, s->method, str_z(id), swept_one, s);
}

static void sweep_listed(void *ctx, const char *error) {
  struct sweep *s = ctx;
  if (!error) {
    sweep_next(s);
    return;
  }
  struct sweep copy = *s;
  free(s);
  copy.done(copy.ctx, error);
}

static void sweep_begin(struct watchman *w, const char *method, const char *name, void (*done)(void *ctx, const char *error), void *ctx) {
  struct sweep *s = calloc(1, sizeof(*s));
  if (!s) {
    done(ctx, "out of memory");
    return;
  }
  *s = (struct sweep){.w = w, .method = method, .last_id = -1, .done = done, .ctx = ctx};
  snprintf(s->name, sizeof(s->name), "%s", name);
  pm2_refresh(w, sweep_listed, s);
}

/* ---- Starting ---- */

struct preparation {
  struct preparation *next; /* of those that wait for the daemon */
  struct watchman *w;
  int64_t id, deadline_ns;
  char *text; /* the argument of prepare; it holds the environment */
};

static void preparation_free(struct preparation *p) {
  if (p->text)
    explicit_bzero(p->text, strlen(p->text));
  free(p->text);
  free(p);
}

static void fail_start(struct running *running, const char *error) {
  const struct ending ending = {.code = 1};
  running->is_changing = false;
  supervisor_output(running, 1, str_z(error));
  supervisor_ended(running, &ending);
}

static void on_prepared(void *ctx, bp_json result, const char *error) {
  struct preparation *p = ctx;
  struct running *running = running_find(p->w->module, p->id);
  (void)result;
  if (running && error)
    fail_start(running, error);
  else if (running)
    running->is_changing = false;
  if (!error)
    pm2_refresh(p->w, NULL, NULL);
  preparation_free(p);
}

/* What had this name before is gone. */
static void on_cleared(void *ctx, const char *error) {
  struct preparation *p = ctx;
  struct running *running = running_find(p->w->module, p->id);
  if (!error) {
    pm2_call(p->w, "prepare", str_z(p->text), on_prepared, p);
    return;
  }
  if (running)
    fail_start(running, error);
  preparation_free(p);
}

static void put_path(const struct watchman *w, bp_json_writer out, const char *member, const char *folder, bp_str name, const char *suffix) {
  char path[PATH_BYTES];
  snprintf(path, sizeof(path), "%s/%s/%.*s%s", w->home, folder, (int)name.len, name.ptr, suffix);
  put_text(w->module->json, out, member, path);
}

/* A name without a slash is looked for on the path that children of the host have. */
static void put_program(const bp_json_1 *json, bp_json_writer out, bp_str program, bp_str cwd, bool is_file) {
  static const char *const folders[] = {"/usr/local/bin", "/usr/bin", "/bin"};
  char path[PATH_BYTES];
  if (program.len && program.ptr[0] == '/')
    snprintf(path, sizeof(path), "%.*s", (int)program.len, program.ptr);
  else
    snprintf(path, sizeof(path), "%.*s/%.*s", (int)cwd.len, cwd.ptr, (int)program.len, program.ptr);
  bool is_name = !is_file && !memchr(program.ptr, '/', program.len);
  for (unsigned i = 0; is_name && i < sizeof(folders) / sizeof(folders[0]); i++) {
    snprintf(path, sizeof(path), "%s/%.*s", folders[i], (int)program.len, program.ptr);
    if (access(path, X_OK) == 0)
      break;
  }
  put_text(json, out, "pm_exec_path", path);
}

static void put_environment(const struct launch *launch, const bp_json_1 *json, bp_json_writer out) {
  const char *home = getenv("HOME");
  json->key(out, BP_LIT("env"));
  json->object_begin(out);
  put_text(json, out, "PATH", FIXED_PATH);
  put_text(json, out, "LANG", "C.UTF-8");
  if (home)
    put_text(json, out, "HOME", home);
  for (size_t i = 0; i < launch->env->count; i++)
    if (strcmp(launch->env->variables[i].name, "LANG") != 0)
      put_text(json, out, launch->env->variables[i].name, launch->env->variables[i].value);
  json->object_end(out);
}

/* Everything that the daemon reads without asking whether it is there: it dies of what is missing. */
static void put_preparation(const struct watchman *w, const struct launch *launch, bp_json_writer out) {
  const struct deployments *d = w->module;
  const bp_json_1 *json = d->json;
  const bp_str *argv = launch->argv.ptr;
  uint32_t first = launch->is_cluster ? 1 : 0;
  bp_str policy = BP_LIT("");
  d->config->string(d->self, BP_LIT("restart"), &policy);
  json->object_begin(out);
  json_text_member(json, out, BP_LIT("name"), launch->name);
  put_text(json, out, "namespace", "default");
  put_text(json, out, "exec_mode", launch->is_cluster ? "cluster_mode" : "fork_mode");
  put_program(json, out, argv[first], launch->cwd, launch->is_cluster);
  put_text(json, out, "exec_interpreter", launch->is_cluster ? "node" : "none");
  json_text_member(json, out, BP_LIT("pm_cwd"), launch->cwd);
  json->key(out, BP_LIT("args"));
  json->array_begin(out);
  for (uint32_t i = first + 1; i < launch->argv.count; i++)
    json->put_string(out, argv[i]);
  json->array_end(out);
  json->key(out, BP_LIT("node_args"));
  json->array_begin(out);
  json->array_end(out);
  json->key(out, BP_LIT("autostart"));
  json->put_boolean(out, 1);
  json->key(out, BP_LIT("autorestart"));
  json->put_boolean(out, !kit_same(policy, "never"));
  if (kit_same(policy, "on-failure")) {
    json->key(out, BP_LIT("stop_exit_codes"));
    json->array_begin(out);
    json->put_integer(out, 0);
    json->array_end(out);
  }
  put_number(json, out, "instances", launch->is_cluster ? launch->instances : 1);
  put_text(json, out, "instance_var", "NODE_APP_INSTANCE");
  json->key(out, BP_LIT("merge_logs"));
  json->put_boolean(out, 1);
  json->key(out, BP_LIT("vizion"));
  json->put_boolean(out, 0);
  json->key(out, BP_LIT("treekill")); /* npm has a child */
  json->put_boolean(out, 1);
  put_number(json, out, "exp_backoff_restart_delay", 100);
  put_path(w, out, "pm_out_log_path", "logs", launch->name, "-out.log");
  put_path(w, out, "pm_err_log_path", "logs", launch->name, "-error.log");
  put_path(w, out, "pm_pid_path", "pids", launch->name, ".pid");
  put_environment(launch, json, out);
  json->object_end(out);
}

/* It is launched for this, or comes back by itself. */
static void await_daemon(struct preparation *p) {
  struct watchman *w = p->w;
  struct preparation **end = &w->preparations;
  while (*end)
    end = &(*end)->next;
  *end = p;
  p->deadline_ns = w->module->core->now_monotonic_ns() + DAEMON_NS;
  w->need = PM2_NEED_SOME;
}

static bp_status start(struct running *running, const struct launch *launch, bp_error *err) {
  struct watchman *w = running->module->pm2;
  const bp_json_1 *json = running->module->json;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  struct preparation *p = calloc(1, sizeof(*p));
  if (!p || json->writer_new(running->module->self, &out) != BP_OK) {
    free(p);
    return BP_E_NO_MEMORY;
  }
  put_preparation(w, launch, out);
  *p = (struct preparation){.w = w, .id = running->id};
  if (json->writer_text(out, &text, err) == BP_OK)
    p->text = str_dup(text);
  json->writer_free(out);
  if (!p->text) {
    preparation_free(p);
    return BP_E_NO_MEMORY;
  }
  snprintf(running->pm2_name, sizeof(running->pm2_name), "%.*s", (int)launch->name.len, launch->name.ptr);
  running->is_changing = true;
  running->pm2_restarts = 0;
  if (pm2_is_connected(w))
    sweep_begin(w, "deleteProcessId", running->pm2_name, on_cleared, p);
  else
    await_daemon(p);
  return BP_OK;
}

/* ---- Starts that wait for the daemon ---- */

void pm2_preparations_begin(struct watchman *w) {
  while (w->preparations && pm2_is_connected(w)) {
    struct preparation *p = w->preparations;
    struct running *running = running_find(w->module, p->id);
    w->preparations = p->next;
    if (running)
      sweep_begin(w, "deleteProcessId", running->pm2_name, on_cleared, p);
    else
      preparation_free(p);
  }
}

void pm2_preparations_expire(struct watchman *w) {
  int64_t now_ns = w->module->core->now_monotonic_ns();
  while (w->preparations && w->preparations->deadline_ns < now_ns) { /* the oldest is first */
    struct preparation *p = w->preparations;
    struct running *running = running_find(w->module, p->id);
    w->preparations = p->next;
    if (running)
      fail_start(running, "the PM2 daemon does not answer");
    preparation_free(p);
  }
}

void pm2_preparations_release(struct watchman *w) {
  while (w->preparations) {
    struct preparation *next = w->preparations->next;
    preparation_free(w->preparations);
    w->preparations = next;
  }
}

/* ---- Stopping ---- */

struct ending_wait {
  struct watchman *w;
  int64_t id;
};

static void on_stopped(void *ctx, const char *error) {
  struct ending_wait wait = *(struct ending_wait *)ctx;
  struct running *running = running_find(wait.w->module, wait.id);
  const struct ending ending = {.was_asked = true};
  free(ctx);
  if (!running)
    return;
  running->is_changing = false;
  if (error)
    wait.w->module->log->write(wait.w->module->self, BP_LOG_WARN, str_z(error), (bp_array){NULL, 0, 0});
  supervisor_ended(running, &ending);
}

static void stop(struct running *running) {
  struct ending_wait *wait = malloc(sizeof(*wait));
  if (!wait)
    return;
  *wait = (struct ending_wait){running->module->pm2, running->id};
  running->is_changing = true;
  sweep_begin(wait->w, "stopProcessId", running->pm2_name, on_stopped, wait);
}

/* ---- Taking over, forgetting ---- */

static bool adopt(struct running *running, const struct row *row) {
  const struct watchman *w = running->module->pm2;
  row_process_name(row, running->pm2_name);
  for (uint32_t i = 0; i < w->count; i++) {
    const struct pm2_process *p = &w->list[i];
    if (strcmp(p->name, running->pm2_name) == 0 && strcmp(p->status, "online") == 0 && p->pid > 0) {
      running->pm2_restarts = p->restarts;
      running->started_ms = p->uptime_ms;
      running->leader_ticks = metrics_started_ticks(p->pid);
      supervisor_online(running, p->pid);
      return true;
    }
  }
  return false;
}

struct removal {
  char files[2][PATH_BYTES];
};

static void remove_files(void *ctx) {
  const struct removal *removal = ctx;
  for (unsigned i = 0; i < 2; i++)
    unlink(removal->files[i]);
}

static void removal_done(void *ctx, bp_status status) {
  (void)status;
  free(ctx);
}

static void on_forgotten(void *ctx, const char *error) {
  (void)ctx;
  (void)error; /* it does not run, and nobody names it */
}

static void forget(struct deployments *d, int64_t id, bp_str name) {
  struct removal *removal = calloc(1, sizeof(*removal));
  (void)id;
  sweep_begin(d->pm2, "deleteProcessId", name.ptr, on_forgotten, NULL);
  if (!removal)
    return;
  snprintf(removal->files[0], PATH_BYTES, "%s/logs/%s-out.log", d->pm2->home, name.ptr);
  snprintf(removal->files[1], PATH_BYTES, "%s/logs/%s-error.log", d->pm2->home, name.ptr);
  if (d->loop->work(d->self, remove_files, removal_done, removal) != BP_OK)
    free(removal);
}

static bool log_files(const struct deployments *d, const struct row *row, char files[STREAM_COUNT][LOG_PATH_BYTES]) {
  char name[NAME_BYTES + 32];
  row_process_name(row, name);
  return snprintf(files[0], LOG_PATH_BYTES, "%s/logs/%s-out.log", d->pm2->home, name) < LOG_PATH_BYTES &&
         snprintf(files[1], LOG_PATH_BYTES, "%s/logs/%s-error.log", d->pm2->home, name) < LOG_PATH_BYTES;
}

static void sample(struct deployments *d, void (*done)(void *ctx, const char *error), void *ctx) {
  pm2_refresh(d->pm2, done, ctx);
}

const struct supervisor pm2_supervisor = {
    .name = "pm2", .start = start, .stop = stop, .adopt = adopt, .forget = forget, .log_files = log_files, .sample = sample};
