/* What runs under PM2's daemon, read anew after each of its events, and what that means for deployments: begun, gone, again. */
#include "pm2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORPHAN_GRACE_MS 3000

struct pm2_wait {
  struct pm2_wait *next;
  void (*done)(void *ctx, const char *error);
  void *ctx;
};

/* ---- Reading ---- */

static int64_t number_of(const bp_json_1 *json, bp_json object, const char *name) {
  bp_json value = 0;
  int64_t number = 0;
  double real = 0;
  if (json->get(object, str_z(name), &value) != BP_OK)
    return 0;
  if (json->integer(value, &number) != BP_OK && json->real(value, &real) == BP_OK)
    number = (int64_t)real;
  return number;
}

static void text_of(const bp_json_1 *json, bp_json object, const char *name, char *text, size_t bytes) {
  bp_json value = 0;
  bp_str content;
  text[0] = '\0';
  if (json->get(object, str_z(name), &value) == BP_OK && json->string(value, &content) == BP_OK)
    snprintf(text, bytes, "%.*s", content.len < bytes ? (int)content.len : (int)bytes - 1, content.ptr);
}

/* Name and id are read off the outer object: variables of the program may stand over members of pm2_env. */
static void read_process(const bp_json_1 *json, bp_json entry, struct pm2_process *ret) {
  bp_json env = 0, monit = 0, cpu = 0;
  *ret = (struct pm2_process){.pm_id = number_of(json, entry, "pm_id"), .pid = number_of(json, entry, "pid")};
  text_of(json, entry, "name", ret->name, sizeof(ret->name));
  if (json->get(entry, BP_LIT("monit"), &monit) == BP_OK) {
    ret->memory_bytes = number_of(json, monit, "memory");
    if (json->get(monit, BP_LIT("cpu"), &cpu) == BP_OK)
      json->real(cpu, &ret->cpu_percent);
  }
  if (json->get(entry, BP_LIT("pm2_env"), &env) != BP_OK)
    return;
  text_of(json, env, "status", ret->status, sizeof(ret->status));
  text_of(json, env, "exec_mode", ret->mode, sizeof(ret->mode));
  ret->uptime_ms = number_of(json, env, "pm_uptime");
  ret->restarts = number_of(json, env, "restart_time");
  ret->instances = number_of(json, env, "instances");
}

static const char *read_list(struct watchman *w, bp_json result) {
  const bp_json_1 *json = w->module->json;
  bp_json entry = 0;
  uint32_t count = json->count(result) > PM2_PROCESSES_MOST ? PM2_PROCESSES_MOST : json->count(result);
  struct pm2_process *list = calloc(count ? count : 1, sizeof(*list));
  if (!list)
    return "out of memory";
  for (uint32_t i = 0; i < count; i++)
    if (json->at(result, i, &entry) == BP_OK)
      read_process(json, entry, &list[i]);
  free(w->list);
  w->list = list;
  w->count = count;
  return NULL;
}

/* ---- What it means ---- */

struct sum {
  uint32_t count, online, errored, stopped;
  int64_t pid, restarts, memory_bytes, started_ms;
  double cpu_percent;
};

static struct sum sum_up(const struct watchman *w, const char *name) {
  struct sum sum = {0};
  for (uint32_t i = 0; i < w->count; i++) {
    const struct pm2_process *p = &w->list[i];
    if (strcmp(p->name, name) != 0)
      continue;
    bool is_online = strcmp(p->status, "online") == 0 && p->pid > 0;
    sum.count++;
    sum.errored += strcmp(p->status, "errored") == 0;
    sum.stopped += strcmp(p->status, "stopped") == 0;
    sum.restarts += p->restarts;
    if (!is_online)
      continue;
    if (sum.online++ == 0) {
      sum.pid = p->pid;
      sum.started_ms = p->uptime_ms;
    }
    sum.memory_bytes += p->memory_bytes;
    sum.cpu_percent += p->cpu_percent;
  }
  return sum;
}

/* A daemon that was killed leaves what it ran behind, on its ports: that is stopped before it is started anew. */
struct orphan {
  struct deployments *module;
  int64_t id;
};

static void on_orphan_gone(void *ctx, bp_status status) {
  struct orphan orphan = *(struct orphan *)ctx;
  struct running *running = running_find(orphan.module, orphan.id);
  const struct ending ending = {.is_unknown = true, .code = 1};
  (void)status; /* one that cannot be stopped keeps its port, and the start says so */
  free(ctx);
  if (!running || !running->is_changing)
    return;
  running->is_changing = false;
  supervisor_ended(running, &ending);
}

static bool stop_orphan(struct running *running) {
  struct deployments *d = running->module;
  struct orphan *orphan = running->leader_ticks ? malloc(sizeof(*orphan)) : NULL;
  if (!orphan)
    return false;
  *orphan = (struct orphan){d, running->id};
  running->is_changing = true;
  if (d->proc->stop_stranger(d->self, running->pid, running->leader_ticks, ORPHAN_GRACE_MS, on_orphan_gone, orphan) == BP_OK)
    return true;
  running->is_changing = false;
  free(orphan);
  return false;
}

static void gone(struct running *running, const struct sum *sum, bool was_daemon_lost) {
  struct ending ending = {.will_restart = sum->count > 0 && sum->errored + sum->stopped < sum->count};
  if (ending.will_restart && !running->is_online)
    return; /* that has been said */
  ending.is_unknown = sum->count == 0 && was_daemon_lost;
  ending.code = sum->errored > 0 || ending.is_unknown;
  if (ending.is_unknown && stop_orphan(running))
    return;
  supervisor_ended(running, &ending);
}

static void apply(struct running *running, const struct sum *sum, bool was_daemon_lost) {
  if (sum->online == 0) {
    gone(running, sum, was_daemon_lost);
    return;
  }
  bool is_new = !running->is_online || running->pid != sum->pid || sum->restarts > running->pm2_restarts;
  running->memory_bytes = sum->memory_bytes;
  running->cpu_percent = sum->cpu_percent;
  running->pm2_restarts = sum->restarts;
  if (!is_new)
    return;
  running->leader_ticks = metrics_started_ticks(sum->pid);
  running->pid = 0; /* another start, if there was one before */
  supervisor_online(running, sum->pid);
}

static void apply_all(struct watchman *w) {
  bool was_lost = w->was_lost;
  w->was_lost = false;
  for (struct running *at = w->module->running, *next; at; at = next) {
    next = at->next;
    if (at->is_dead || at->is_changing || !at->pm2_name[0])
      continue;
    struct sum sum = sum_up(w, at->pm2_name);
    apply(at, &sum, was_lost); /* may drop it */
  }
}

/* ---- Asking ---- */

static void ask(struct watchman *w);

static void tell_all(struct watchman *w, const char *error) {
  struct pm2_wait *wait = w->waits;
  w->waits = NULL;
  while (wait) {
    struct pm2_wait copy = *wait;
    free(wait);
    copy.done(copy.ctx, error);
    wait = copy.next;
  }
}

static void on_list(void *ctx, bp_json result, const char *error) {
  struct watchman *w = ctx;
  w->is_listing = false;
  if (!error)
    error = read_list(w, result);
  if (!error && !w->is_stale)
    apply_all(w);
  if (w->is_stale && !error) {
    ask(w); /* something happened while it was on its way */
    return;
  }
  w->is_stale = false;
  tell_all(w, error);
}

static void ask(struct watchman *w) {
  w->is_listing = true;
  w->is_stale = false;
  pm2_call(w, "getMonitorData", BP_LIT("{}"), on_list, w);
}

/* Where no daemon is and none is needed, nothing runs. */
static void clear(struct watchman *w) {
  free(w->list);
  w->list = NULL;
  w->count = 0;
}

void pm2_refresh(struct watchman *w, void (*done)(void *ctx, const char *error), void *ctx) {
  if (w->is_absent) {
    clear(w);
    if (done)
      done(ctx, NULL);
    return;
  }
  struct pm2_wait *wait = done ? malloc(sizeof(*wait)) : NULL;
  if (wait) {
    *wait = (struct pm2_wait){w->waits, done, ctx};
    w->waits = wait;
  } else if (done) {
    done(ctx, "out of memory");
    return;
  }
  if (w->is_listing)
    w->is_stale = true;
  else
    ask(w);
}

void pm2_list_release(struct watchman *w) {
  while (w->waits) {
    struct pm2_wait *next = w->waits->next;
    free(w->waits);
    w->waits = next;
  }
  free(w->list);
}

/* ---- Events: topic and payload ---- */

static struct running *running_of(const struct watchman *w, bp_json payload) {
  const bp_json_1 *json = w->module->json;
  bp_json process = 0;
  char name[sizeof(((struct pm2_process *)0)->name)];
  if (json->get(payload, BP_LIT("process"), &process) != BP_OK)
    return NULL;
  text_of(json, process, "name", name, sizeof(name));
  struct running *at = w->module->running;
  while (at && strcmp(at->pm2_name, name) != 0)
    at = at->next;
  return name[0] ? at : NULL;
}

/* A piece may hold several lines, or a part of one. */
static void take_output(struct running *running, unsigned stream, bp_str text) {
  while (text.len > 0) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t len = end ? (size_t)(end - text.ptr) : text.len;
    supervisor_output(running, stream, bp_str_make(text.ptr, len));
    size_t taken = end ? len + 1 : len;
    text = bp_str_make(text.ptr + taken, text.len - taken);
  }
}

void pm2_pub_frame(void *ctx, const struct amp_frame *frame) {
  struct watchman *w = ctx;
  const struct deployments *d = w->module;
  bp_str topic = amp_typed(frame, 0, 's');
  bool is_out = kit_same(topic, "log:out"), is_err = kit_same(topic, "log:err");
  bp_json payload = 0, data = 0;
  bp_str text;
  if (kit_same(topic, "process:event")) {
    pm2_refresh(w, NULL, NULL);
    return;
  }
  if ((!is_out && !is_err) || d->json->parse(d->self, amp_typed(frame, 1, 'j'), &payload, NULL) != BP_OK)
    return;
  struct running *running = running_of(w, payload);
  if (running && d->json->get(payload, BP_LIT("data"), &data) == BP_OK && d->json->string(data, &text) == BP_OK)
    take_output(running, is_err, text);
  d->json->release(d->self, payload);
}

/* ---- GET /api/pm2-processes ---- */

struct showing {
  struct kit_call call;
  struct watchman *w;
};

static void put_process(const struct watchman *w, bp_json_writer out, const struct pm2_process *p) {
  const bp_json_1 *json = w->module->json;
  char id[24], time[32];
  snprintf(id, sizeof(id), "%lld", (long long)p->pm_id);
  json->object_begin(out);
  put_text(json, out, "id", id);
  put_text(json, out, "name", p->name);
  put_text(json, out, "status", p->status);
  json_text_member(json, out, BP_LIT("uptime"), kit_time_text(p->uptime_ms * 1000000, time));
  json->key(out, BP_LIT("cpu"));
  json->put_real(out, p->cpu_percent);
  put_number(json, out, "memory", p->memory_bytes);
  put_number(json, out, "restarts", p->restarts);
  put_number(json, out, "pid", p->pid);
  put_text(json, out, "mode", strcmp(p->mode, "cluster_mode") == 0 ? "cluster" : "fork");
  put_number(json, out, "instances", p->instances > 0 ? p->instances : 1);
  json->object_end(out);
}

static void show(void *ctx, const char *error) {
  struct showing *showing = ctx;
  const struct watchman *w = showing->w;
  const bp_json_1 *json = w->module->json;
  bp_json_writer out = 0;
  if (error) {
    kit_call_problem(showing, 500, str_z(error));
    return;
  }
  if (json->writer_new(w->module->self, &out) != BP_OK) {
    kit_call_refuse(showing, BP_E_NO_MEMORY, NULL);
    return;
  }
  json->object_begin(out);
  json->key(out, BP_LIT("success"));
  json->put_boolean(out, 1);
  json->key(out, BP_LIT("processes"));
  json->array_begin(out);
  for (uint32_t i = 0; i < w->count; i++)
    put_process(w, out, &w->list[i]);
  json->array_end(out);
  put_number(json, out, "count", w->count);
  json->object_end(out);
  kit_call_json(showing, 200, json, out);
}

void pm2_processes(void *state, bp_request request) {
  const struct deployments *d = state;
  struct showing *showing = kit_call_new(d->self, d->http, d->db, request, sizeof(*showing));
  if (!showing)
    return;
  showing->w = d->pm2;
  pm2_refresh(d->pm2, show, showing);
}
