/* One code-server: its process, until when it counts as ready, who waits for it, and its end. */
#include "vscode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 2000
#define POLL_MS 200
#define HEALTH_BYTES 4096

struct editor *editor_find(const struct vscode *v, int64_t id) {
  struct editor *at = v->editors;
  while (at && at->id != id)
    at = at->next;
  return at;
}

struct editor *editor_add(struct vscode *v, int64_t id, int64_t port, bp_str path) {
  unsigned count = 0;
  for (const struct editor *at = v->editors; at; at = at->next)
    count++;
  struct editor *e = count < LIMIT_EDITORS ? calloc(1, sizeof(*e)) : NULL;
  char *copy = e ? str_dup(path) : NULL;
  if (!copy) {
    free(e);
    return NULL;
  }
  *e = (struct editor){.next = v->editors, .module = v, .id = id, .port = port, .path = copy};
  v->editors = e;
  return e;
}

static void drop(struct editor *e) {
  struct editor **at = &e->module->editors;
  while (*at && *at != e)
    at = &(*at)->next;
  if (*at)
    *at = e->next;
  free(e->path);
  free(e);
}

void editors_release(struct vscode *v) {
  while (v->editors)
    drop(v->editors);
}

bp_str editor_url(const struct editor *e, char text[64]) {
  snprintf(text, 64, "http://localhost:%" PRId64, e->port);
  return str_z(text);
}

/* ---- Who waits ---- */

bool waiting_add(struct waiting *waiting, bp_request request) {
  if (waiting->count == LIMIT_WAITING)
    return false;
  waiting->requests[waiting->count++] = request;
  return true;
}

static void reply_started(const struct editor *e, bp_request request) {
  const struct vscode *v = e->module;
  bp_json_writer out = 0;
  char url[64];
  bp_status status = v->json->writer_new(v->self, &out);
  if (status != BP_OK) {
    v->http->reply_failure(request, status, NULL);
    return;
  }
  v->json->object_begin(out);
  v->json->key(out, BP_LIT("success"));
  v->json->put_boolean(out, 1);
  put_text(v->json, out, "message", "Code-server started");
  json_text_member(v->json, out, BP_LIT("url"), editor_url(e, url));
  put_number(v->json, out, "port", e->port);
  put_number(v->json, out, "pid", e->pid);
  put_number(v->json, out, "repoId", e->id);
  v->json->object_end(out);
  v->http->reply_json(request, 200, out);
  v->json->writer_free(out);
}

static void refuse_all(const struct editor *e, struct waiting *waiting, uint32_t status, const char *message) {
  for (unsigned i = 0; i < waiting->count; i++)
    kit_problem(e->module->http, waiting->requests[i], status, str_z(message));
  waiting->count = 0;
}

static void answer_stopped(const struct editor *e) {
  const struct vscode *v = e->module;
  for (unsigned i = 0; i < e->stoppers.count; i++)
    v->http->reply_text(e->stoppers.requests[i], 200, BP_LIT("application/json; charset=utf-8"),
                        BP_LIT("{\"success\":true,\"message\":\"Code-server stopped\"}"));
}

/* Whoever asked for a start meanwhile gets a new one. */
static void leave(struct editor *e) {
  struct vscode *v = e->module;
  if (e->followers.count == 0 || v->is_draining) {
    drop(e);
    return;
  }
  struct editor *fresh = editor_add(v, e->id, e->port, str_z(e->path));
  if (!fresh) {
    refuse_all(e, &e->followers, 503, "Too many editors run already");
    drop(e);
    return;
  }
  fresh->starters = e->followers;
  memcpy(fresh->principal, e->principal, sizeof(fresh->principal));
  drop(e);
  prepare_begin(fresh);
}

void editor_fail(struct editor *e, uint32_t status, const char *message) {
  refuse_all(e, &e->starters, status, message);
  answer_stopped(e);
  leave(e);
}

/* ---- Ended ---- */

static void on_end_noted(void *ctx, bp_status status, bp_str payload) {
  struct editor *e = ctx;
  char message[2 * WORDS_BYTES + 50];
  (void)status;
  (void)payload;
  event_updated(e, "stop", false);
  const char *what = e->fault[0] ? e->fault : "code-server ended before it was ready";
  snprintf(message, sizeof(message), "%s%s%s", what, e->words[0] ? "; it said: " : "", e->words);
  editor_fail(e, 500, message);
}

static void note_end(struct editor *e) {
  if (!repository_note(e->module, e->id, 0, BP_LIT(""), on_end_noted, e))
    on_end_noted(e, BP_E_BUSY, BP_LIT(""));
}

/* ---- Ready ---- */

static void on_ready_noted(void *ctx, bp_status status, bp_str payload) {
  struct editor *e = ctx;
  (void)status; /* the editor runs; the registry says so when it is asked the next time */
  (void)payload;
  e->is_noting = false;
  if (e->has_ended) {
    note_end(e);
    return;
  }
  event_updated(e, "start", true);
  for (unsigned i = 0; i < e->starters.count; i++)
    reply_started(e, e->starters.requests[i]);
  e->starters.count = 0;
}

static void become_ready(struct editor *e) {
  const struct vscode *v = e->module;
  char url[64];
  if (e->poll)
    v->loop->timer_cancel(e->poll);
  e->poll = 0;
  e->state = EDITOR_READY;
  e->ready_ms = v->core->now_wall_ns() / 1000000;
  e->is_noting = true;
  if (!repository_note(e->module, e->id, e->pid, editor_url(e, url), on_ready_noted, e))
    on_ready_noted(e, BP_E_BUSY, BP_LIT(""));
}

static void on_first_health(struct editor *e, uint32_t status, bp_str body) {
  (void)body;
  if (e->state != EDITOR_STARTING)
    return;
  if (status == 200) {
    become_ready(e);
  } else if (e->module->core->now_monotonic_ns() > e->deadline_ns) {
    snprintf(e->fault, sizeof(e->fault), "code-server did not become ready in time");
    editor_stop(e);
  }
}

static void on_poll(void *ctx, bp_timer timer) {
  (void)timer;
  editor_ask_health(ctx, on_first_health);
}

/* ---- Its health ---- */

struct question {
  struct vscode *module;
  int64_t id;
  bp_proc proc; /* tells this one from a later one of the repository */
  health_fn done;
};

static void on_health(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct question question = *(struct question *)ctx;
  struct editor *e = editor_find(question.module, question.id);
  (void)exchange;
  (void)err;
  free(ctx);
  if (!e || e->proc != question.proc || e->has_ended)
    return;
  e->is_asking = false;
  question.done(e, status == BP_OK ? http_status : 0, body);
}

void editor_ask_health(struct editor *e, health_fn done) {
  static const bp_client_events events = {.size = sizeof(events), .done = on_health};
  struct vscode *v = e->module;
  char url[64];
  bp_exchange exchange = 0;
  struct question *question = e->is_asking ? NULL : malloc(sizeof(*question));
  if (!question)
    return;
  *question = (struct question){v, e->id, e->proc, done};
  snprintf(url, sizeof(url), "http://127.0.0.1:%" PRId64 "/healthz", e->port);
  const bp_client_request request = {.size = sizeof(request),
                                     .method = BP_LIT("GET"),
                                     .url = str_z(url),
                                     .connect_timeout_ms = 2000,
                                     .idle_timeout_ms = 5000,
                                     .total_timeout_ms = 5000,
                                     .response_limit_bytes = HEALTH_BYTES};
  e->is_asking = v->client->send(v->self, &request, &events, question, &exchange, NULL) == BP_OK;
  if (!e->is_asking)
    free(question);
}

/* ---- The process ---- */

static void on_started(void *ctx, bp_proc proc, int64_t pid) {
  struct editor *e = ctx;
  const struct vscode *v = e->module;
  int64_t ready_s = 60;
  (void)proc;
  e->pid = pid;
  v->config->integer(v->self, BP_LIT("ready_timeout_s"), &ready_s);
  e->deadline_ns = v->core->now_monotonic_ns() + ready_s * 1000000000;
  if (e->state == EDITOR_READY)
    become_ready(e); /* taken over from an earlier run of the host */
  else if (e->state == EDITOR_STARTING)
    v->loop->timer(v->self, POLL_MS, POLL_MS, on_poll, e, &e->poll);
}

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str line) {
  struct editor *e = ctx;
  (void)proc;
  (void)stream;
  if (line.len)
    snprintf(e->words, sizeof(e->words), "%.*s", line.len > 300 ? 300 : (int)line.len, line.ptr);
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *exit) {
  struct editor *e = ctx;
  const struct vscode *v = e->module;
  (void)proc;
  (void)exit;
  e->has_ended = true;
  if (e->poll)
    v->loop->timer_cancel(e->poll);
  e->poll = 0;
  e->state = EDITOR_STOPPING;
  if (!e->is_noting) /* one after the other: the end takes the editor away */
    note_end(e);
}

static const bp_proc_events events = {.size = sizeof(events), .started = on_started, .output = on_output, .exited = on_exited};

static bp_str child_name(const struct editor *e, char text[32]) {
  snprintf(text, 32, "editor-%" PRId64, e->id);
  return str_z(text);
}

bp_status editor_spawn(struct editor *e, bp_array argv, bp_error *err) {
  const struct vscode *v = e->module;
  char name[32];
  const bp_proc_spec spec = {.size = sizeof(spec),
                             .lifetime = BP_PROC_SURVIVING,
                             .flags = BP_PROC_MERGE_STDERR,
                             .restart = BP_RESTART_NEVER,
                             .name = child_name(e, name),
                             .argv = argv,
                             .cwd = str_z(e->path),
                             .grace_ms = GRACE_MS};
  e->state = EDITOR_STARTING;
  return v->proc->spawn(v->self, &spec, &events, e, &e->proc, err);
}

bool editor_adopt(struct editor *e) {
  char name[32];
  e->state = EDITOR_READY;
  return e->module->proc->adopt(e->module->self, child_name(e, name), &events, e, &e->proc) == BP_OK;
}

void editor_stop(struct editor *e) {
  if (e->state == EDITOR_PREPARING) {
    e->is_unwanted = true;
    return;
  }
  if (e->state == EDITOR_STARTING && !e->fault[0])
    snprintf(e->fault, sizeof(e->fault), "it was stopped before it was ready");
  e->state = EDITOR_STOPPING;
  e->module->proc->stop(e->proc);
}
