/* The life of a running server: secrets, spawn, handshake, idle, end. */
#include "instance.h"
#include "control.h"
#include "process.h"
#include "remote.h"
#include "session.h"
#include "upward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BREAKER_FIRST_MS 500
#define BREAKER_MOST_MS 30000

static void fail_start(struct instance *instance, const char *why);

/* ---- Bookkeeping ---- */

static void leave_start(struct instance *instance) {
  if (!instance->is_starting)
    return;
  instance->is_starting = false;
  instance->m->starting_count--;
}

static void tell_list(struct waiter **list, struct instance *result, const char *failure) {
  while (*list) {
    struct waiter *waiter = *list;
    *list = waiter->next;
    waiter->done(waiter->ctx, result, failure);
    free(waiter);
  }
}

static void tell_waiters(struct instance *instance, struct instance *result, const char *failure) {
  tell_list(&instance->starters, result, failure);
  tell_list(&instance->waiters, result, failure);
}

static void end_remote(struct instance *instance) {
  struct remote *remote = instance->remote;
  if (!remote)
    return;
  instance->remote = NULL;
  remote_close(remote);
  if (!instance->owner && !instance->server->is_deleted)
    server_tell_status(instance->server, "stop");
}

void instance_free(struct instance *instance) {
  struct mcp *m = instance->m;
  struct server *server = instance->server;
  for (struct instance **at = &m->instances; *at; at = &(*at)->next)
    if (*at == instance) {
      *at = instance->next;
      break;
    }
  m->instance_count--;
  server->instance_count--;
  if (server->main == instance)
    server->main = NULL;
  leave_start(instance);
  end_remote(instance);
  tell_waiters(instance, NULL, instance->failure);
  instance_fail_pending(instance, instance->failure);
  while (instance->asks)
    ask_drop(instance->asks);
  manifest_release(m, &instance->manifest);
  if (instance->init)
    m->json->release(m->self, instance->init);
  text_release(&instance->input);
  text_release(&instance->errors);
  text_release(&instance->output);
  free(instance);
  control_ended(m, server);
  server_let_go(server);
  instance_begin_queued(m);
}

/* The breaker: a server that fails again and again is left alone for longer and longer. */
static void note_failure(struct server *server, const char *why) {
  int64_t wait_ms = BREAKER_FIRST_MS;
  snprintf(server->failure, sizeof(server->failure), "%s", why);
  for (unsigned i = 0; i < server->failures && wait_ms < BREAKER_MOST_MS; i++)
    wait_ms *= 2;
  server->failures++;
  server->retry_at_ns = (now_ms(server->m) + (wait_ms < BREAKER_MOST_MS ? wait_ms : BREAKER_MOST_MS)) * 1000000;
}

/* ---- The end ---- */

void instance_stop(struct instance *instance, const char *why) {
  if (instance->phase == INSTANCE_ENDING)
    return;
  instance->phase = INSTANCE_ENDING;
  instance->is_stopped = true;
  snprintf(instance->failure, sizeof(instance->failure), "%s", why);
  leave_start(instance);
  if (instance->server->main == instance && !instance->has_proc)
    instance->server->main = NULL;
  tell_waiters(instance, NULL, instance->failure);
  instance_fail_pending(instance, instance->failure);
  if (instance->has_proc)
    instance->m->proc->stop(instance->proc);
  end_remote(instance);
  /* without a process it ends when the secrets come, or in the next tick */
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *exit) {
  struct instance *instance = ctx;
  struct server *server = instance->server;
  bool is_shared = server->main == instance;
  (void)proc;
  instance->has_proc = false;
  process_flush(instance);
  if (!instance->is_stopped) {
    if (exit->why == BP_PROC_NOT_STARTED)
      snprintf(instance->failure, sizeof(instance->failure), "\"%.80s\" could not be started: %.80s", server->command, strerror(exit->code));
    else if (exit->signal)
      snprintf(instance->failure, sizeof(instance->failure), "the server ended with signal %d", exit->signal);
    else
      snprintf(instance->failure, sizeof(instance->failure), "the server ended with exit code %d", exit->code);
    if (instance->phase != INSTANCE_READY) /* one that has worked is woken again at once */
      note_failure(server, instance->failure);
  }
  instance->phase = INSTANCE_ENDING;
  if (is_shared)
    server->main = NULL;
  if (is_shared && !server->is_deleted)
    server_tell_status(server, "stop");
  if (instance->owner)
    session_instance_ended(instance->owner, instance);
  instance_free(instance);
}

/* ---- The handshake ---- */

static void become_ready(struct instance *instance) {
  leave_start(instance);
  instance->phase = INSTANCE_READY;
  instance->used_ms = now_ms(instance->m);
  instance->server->failures = 0;
  if (instance->owner)
    session_instance_ready(instance->owner, instance);
  else
    sessions_shared_ready(instance);
  tell_waiters(instance, instance, NULL);
  instance_begin_queued(instance->m);
}

static void on_discovered(struct instance *instance, unsigned changed) {
  if (instance->phase == INSTANCE_INITIALIZING)
    become_ready(instance);
  if (instance->server->is_late)
    changed = CHANGED_ALL;
  instance->server->is_late = false;
  if (changed)
    up_lists_changed(instance, changed);
}

void instance_rediscover(struct instance *instance) {
  if (instance->phase == INSTANCE_READY && !instance->discovery)
    manifest_discover(instance, on_discovered);
  else
    instance->is_stale = true;
}

static void on_initialized(void *ctx, const struct outcome *outcome) {
  struct instance *instance = ctx;
  struct mcp *m = instance->m;
  if (instance->phase != INSTANCE_INITIALIZING)
    return;
  char *text = outcome->result ? json_copy(m, outcome->result) : NULL;
  if (!text || m->json->parse(m->self, str_z(text), &instance->init, NULL) != BP_OK) {
    free(text);
    char why[180];
    bp_str message = outcome->error ? kit_member_text(m->json, outcome->error, "message") : bp_str_make(NULL, 0);
    if (!message.ptr)
      message = str_z("it is no MCP server, or too slow");
    snprintf(why, sizeof(why), "the server did not answer initialize: %.*s", (int)(message.len < 100 ? message.len : 100), message.ptr);
    fail_start(instance, why);
    return;
  }
  free(text);
  instance_notify(instance, "notifications/initialized", BP_LIT(""));
  if (instance->remote)
    remote_listen(instance->remote);
  manifest_discover(instance, on_discovered);
}

/* A private instance may be asked what its client can answer; the shared one nothing. */
static struct text initialize_params(const struct instance *instance) {
  const struct mcp *m = instance->m;
  struct text params = {0};
  text_add(&params, BP_LIT("{\"protocolVersion\":\"" MCP_PROTOCOL "\",\"capabilities\":"));
  text_add(&params,
           instance->owner && instance->owner->capabilities ? str_z(instance->owner->capabilities) : BP_LIT("{\"sampling\":{},\"elicitation\":{}}"));
  text_add(&params, BP_LIT(",\"clientInfo\":{\"name\":\"backplane\",\"version\":\""));
  text_add(&params, m->core->host_version());
  text_add(&params, BP_LIT("\"}}"));
  return params;
}

static void greet(struct instance *instance) {
  const struct mcp *m = instance->m;
  instance->phase_since_ms = now_ms(m);
  instance->phase = INSTANCE_INITIALIZING;
  if (instance->server->main == instance)
    server_tell_status(instance->server, "start");
  tell_list(&instance->starters, instance, NULL);
  struct text params = initialize_params(instance);
  int64_t id = instance_request(instance, "initialize", text_str(&params), m->start_timeout_ms, NULL, on_initialized, instance);
  text_release(&params);
  if (!id)
    fail_start(instance, "the server cannot be written to");
}

static void on_started(void *ctx, bp_proc proc, int64_t pid) {
  struct instance *instance = ctx;
  instance->proc = proc;
  instance->pid = pid;
  if (instance->phase != INSTANCE_ENDING)
    greet(instance);
}

/* ---- The start ---- */

/* Started by hand it may be anything, and runs on; else it is ended. */
static void fail_start(struct instance *instance, const char *why) {
  leave_start(instance);
  snprintf(instance->failure, sizeof(instance->failure), "%s", why);
  log_line(instance->server, BP_PROC_STDERR, bp_str_make(why, strlen(why)));
  note_failure(instance->server, why);
  tell_waiters(instance, NULL, instance->failure);
  if (instance->is_wanted && instance->has_proc) {
    instance->is_silent = true;
    instance_begin_queued(instance->m);
  } else {
    instance_stop(instance, why);
  }
}

static void begin_with(struct instance *instance, bp_str secrets) {
  bp_error err = BP_ERROR_INIT;
  if (instance->server->url) {
    instance->remote = remote_open(instance, secrets);
    if (instance->remote)
      greet(instance);
    else
      fail_start(instance, "out of memory");
  } else if (process_spawn(instance, secrets, on_started, on_exited, &err) != BP_OK) {
    fail_start(instance, err.message[0] ? err.message : "the process could not be started");
  }
}

static void on_secret(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct instance *instance = ctx;
  instance->is_fetching = false;
  if (instance->phase == INSTANCE_ENDING) /* the tick frees it */
    return;
  if (status == BP_OK)
    begin_with(instance, value);
  else
    fail_start(instance, err && err->message[0] ? err->message : "the values of its environment cannot be read");
}

static void begin(struct instance *instance) {
  struct mcp *m = instance->m;
  instance->phase = INSTANCE_SPAWNING;
  instance->is_starting = true;
  instance->phase_since_ms = now_ms(m);
  m->starting_count++;
  if (!instance->server->secret) {
    begin_with(instance, BP_LIT(""));
    return;
  }
  bp_status status = m->secret->get(m->self, BP_LIT(""), str_z(instance->server->secret), on_secret, instance);
  instance->is_fetching = status == BP_OK;
  if (status != BP_OK)
    fail_start(instance, "the values of its environment cannot be read now");
}

/* Starts what waited for its turn. */
void instance_begin_queued(struct mcp *m) {
  for (;;) {
    struct instance *next = NULL; /* the list has the newest in front */
    for (struct instance *i = m->instances; i; i = i->next)
      if (i->phase == INSTANCE_QUEUED)
        next = i;
    if (!next || m->is_draining || m->starting_count >= (unsigned)m->starts_at_once)
      return;
    begin(next);
  }
}

struct instance *instance_new(struct server *server, struct session *owner) {
  struct mcp *m = server->m;
  struct instance *instance = calloc(1, sizeof(*instance));
  if (!instance)
    return NULL;
  *instance = (struct instance){.m = m, .server = server, .owner = owner, .next = m->instances, .next_id = 1, .used_ms = now_ms(m)};
  m->instances = instance;
  m->instance_count++;
  server->instance_count++;
  if (!owner)
    server->main = instance;
  return instance;
}

/* ---- Time ---- */

static bool is_idle(const struct instance *instance, int64_t now) {
  return instance_is_unused(instance) && instance->m->idle_ms > 0 && now - instance->used_ms > instance->m->idle_ms;
}

void instance_tick(struct instance *instance, int64_t now) {
  instance_expire_pending(instance, now);
  if (instance->remote)
    remote_tick(instance->remote);
  bool is_stuck = instance->phase == INSTANCE_INITIALIZING && !instance->is_silent && !instance->pending &&
                  now - instance->phase_since_ms > 3 * instance->m->start_timeout_ms;
  if (is_stuck)
    fail_start(instance, "the server does not read what is sent to it");
  if (is_idle(instance, now))
    instance_stop(instance, "the server was idle");
  if (instance->phase == INSTANCE_ENDING && !instance->has_proc && !instance->is_fetching)
    instance_free(instance);
}
