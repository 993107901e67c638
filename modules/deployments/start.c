/* Starting: the deployments it needs -> the repository -> its environment -> services it selected -> package.json and the port -> the
 * rules -> what should run is stored -> the program. It is answered when the program has lived for a moment, or has not. */
#include "command.h"
#include "deployments.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 500 /* a program that cannot start has said so by then */
#define SERVICE_MS 10000

static void ask_repository(struct operation *op);
static void read_environment(struct operation *op);
static void ask_services(struct operation *op);
static void inspect(struct operation *op);

void start_command_free(struct command *command) {
  if (command)
    command_release(command);
  free(command);
}

/* ---- What it needs first ---- */

/* 1: one was begun, and this operation goes on after it, or is gone already. */
static bool start_dependency(struct operation *op, bp_json list) {
  const struct deployments *d = op->module;
  for (; op->next_dependency < d->json->count(list); op->next_dependency++) {
    bp_json item = 0;
    int64_t id = 0;
    d->json->at(list, op->next_dependency, &item);
    d->json->integer(item, &id);
    const struct running *running = running_find(d, id);
    if (running && running->is_online)
      continue;
    op->next_dependency++;
    if (!operation_add(op->module, OPERATION_START, id, 0, op))
      operation_fail(op, BP_E_BUSY, NULL);
    return true;
  }
  return false;
}

static bool start_dependencies(struct operation *op) {
  const struct deployments *d = op->module;
  bp_json list = 0;
  if (d->json->parse(d->self, str_z(op->row.dependencies), &list, NULL) != BP_OK)
    return false;
  bool has_begun = start_dependency(op, list);
  d->json->release(d->self, list);
  return has_begun;
}

void start_begin(struct operation *op) {
  struct deployments *d = op->module;
  struct running *running = running_find(d, op->id);
  if (running && running->is_online) {
    operation_succeed(op); /* it runs already */
  } else if (running && !running->is_dead) {
    running->operation = op; /* it waits to be started again: that start is given up for this one */
    running->is_starting = false;
    d->supervisor->stop(running);
  } else {
    start_cleared(op);
  }
}

void start_cleared(struct operation *op) {
  struct running *running = running_find(op->module, op->id);
  if (running) {
    op->row.restarts = running->restarts > op->row.restarts ? running->restarts : op->row.restarts;
    running_drop(op->module, running);
  }
  if (!start_dependencies(op))
    ask_repository(op);
}

/* ---- A start that fails is stored ---- */

static void on_failure_stored(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  char message[MESSAGE_BYTES];
  snprintf(message, sizeof(message), "%s", op->failure);
  if (operation_failed(op, outcome))
    return;
  event_updated(op->module, op->id, "start", "error", NULL);
  operation_problem(op, op->failure_status, message);
}

/* It stays wanted where nobody asked just now: a later start of the host tries again. */
static void give_up(struct operation *op, uint32_t status, const char *why) {
  retry_drop(op->module, op->id);
  const bp_db_value state[] = {db_integer(op->id), db_text(BP_LIT("error"))};
  const bp_db_value want[] = {db_integer(op->id), db_integer(op->request == 0)};
  snprintf(op->failure, sizeof(op->failure), "%s", why);
  op->failure_status = status;
  const bp_db_step steps[] = {db_exec(SET_STATE, state, 2), db_publish(BP_LIT("deployments.updated"), BP_LIT(""), 0), db_exec(WANT_ENTRY, want, 2)};
  operation_write(op, steps, 3, on_failure_stored);
}

/* For what may be different in a moment. A client is told at once; what the host began by itself is tried again. */
static void give_up_for_now(struct operation *op, const char *why) {
  char message[MESSAGE_BYTES];
  snprintf(message, sizeof(message), "%s", why);
  if (op->request == 0 && retry_later(op->module, op->id, message))
    operation_postponed(op, message);
  else
    give_up(op, 500, message);
}

void start_lacks(struct operation *op, const char *why) {
  give_up_for_now(op, why);
}

/* ---- The repository ---- */

static void on_repository(void *ctx, bp_status status, bp_str payload) {
  struct operation *op = ctx;
  const struct deployments *d = op->module;
  bp_json root = 0;
  bp_str path = {NULL, 0};
  if (status == BP_E_NOT_FOUND) {
    give_up(op, 404, "Repository not found");
    return;
  }
  if (status == BP_OK && d->json->parse(d->self, payload, &root, NULL) == BP_OK && kit_field_text(d->json, root, "path", &path) && path.len)
    op->path = str_dup(path);
  if (root)
    d->json->release(d->self, root);
  if (op->path)
    read_environment(op);
  else
    operation_fail(op, status == BP_OK ? BP_E_NO_MEMORY : status, NULL);
}

static void ask_repository(struct operation *op) {
  const struct deployments *d = op->module;
  char payload[48];
  snprintf(payload, sizeof(payload), "{\"id\":%lld}", (long long)op->row.repository_id);
  bp_status status = d->service->call(d->self, BP_LIT("repositories/1"), BP_LIT("get"), str_z(payload), SERVICE_MS, on_repository, op);
  if (status != BP_OK)
    operation_fail(op, status, NULL);
}

/* ---- The environment ---- */

static void on_environment(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct operation *op = ctx;
  const struct deployments *d = op->module;
  char text[MESSAGE_BYTES];
  bp_json root = 0;
  const char *fault = NULL;
  if (status == BP_E_DENIED || status == BP_E_NOT_FOUND) {
    give_up(op, 500, status == BP_E_DENIED ? err->message : "its environment variables are gone: delete it and create it again");
    return;
  }
  if (status == BP_OK && d->json->parse(d->self, value, &root, NULL) == BP_OK) {
    fault = env_read(&op->env, d->json, root, text, sizeof(text));
    d->json->release(d->self, root);
  }
  if (status != BP_OK)
    operation_fail(op, status, err);
  else if (fault)
    give_up(op, 500, fault);
  else
    ask_services(op);
}

static void read_environment(struct operation *op) {
  const struct deployments *d = op->module;
  if (!op->row.env_key[0]) {
    ask_services(op);
    return;
  }
  bp_status status = d->secret->get(d->self, BP_LIT("deployment"), str_z(op->row.env_key), on_environment, op);
  if (status != BP_OK)
    operation_fail(op, status, NULL);
}

/* ---- Connection strings of services it selected ---- */

static void on_services(void *ctx, bp_status status, bp_str payload) {
  struct operation *op = ctx;
  char text[MESSAGE_BYTES];
  const char *fault = status == BP_OK ? services_inject(op, payload, text, sizeof(text)) : NULL;
  if (status == BP_E_NOT_FOUND)
    give_up(op, 500, "it selects services, and no module offers any: enable the module services");
  else if (status != BP_OK)
    operation_fail(op, status, NULL);
  else if (fault)
    give_up_for_now(op, fault);
  else
    inspect(op);
}

static void ask_services(struct operation *op) {
  const struct deployments *d = op->module;
  if (kit_same(str_z(op->row.services), "[]")) {
    inspect(op);
    return;
  }
  bp_status status = d->service->call(d->self, BP_LIT("services/1"), BP_LIT("discovered"), BP_LIT("{}"), SERVICE_MS, on_services, op);
  if (status != BP_OK)
    operation_fail(op, status, NULL);
}

/* ---- package.json and the port ---- */

static void work(void *ctx) {
  const struct operation *op = ctx;
  command_inspect(op->command);
}

static void decide(struct operation *op);

static void on_inspected(void *ctx, bp_status status) {
  struct operation *op = ctx;
  const struct deployments *d = op->module;
  struct command *command = op->command;
  char port[16];
  if (status != BP_OK) {
    operation_fail(op, status, NULL);
    return;
  }
  if (command->is_port_taken) {
    give_up_for_now(op, command->fault);
    return;
  }
  if (command->fault[0] || !command_parse(command, d->json, d->self)) {
    give_up(op, 500, command->fault);
    return;
  }
  bool is_cluster = strcmp(op->row.mode, "cluster") == 0;
  if (is_cluster && !script_is_node_file(&command->script)) {
    give_up(op, 500, "cluster mode needs a start script of the form \"node FILE\": other programs cannot share a port");
    return;
  }
  snprintf(port, sizeof(port), "%lld", (long long)op->row.port);
  if (env_set(&op->env, BP_LIT("PORT"), str_z(port)) && env_default(&op->env, "NODE_ENV", BP_LIT("production")))
    decide(op);
  else
    give_up(op, 500, "too many environment variables");
}

static void inspect(struct operation *op) {
  const struct deployments *d = op->module;
  op->command = calloc(1, sizeof(*op->command));
  if (!op->command) {
    operation_fail(op, BP_E_NO_MEMORY, NULL);
    return;
  }
  *op->command = (struct command){.path = op->path, .port = op->row.port};
  op->path = NULL;
  bp_status status = d->loop->work(d->self, work, on_inspected, op);
  if (status != BP_OK)
    operation_fail(op, status, NULL);
}

/* ---- The rules ---- */

static void put_facts(const struct operation *op, bp_json_writer out) {
  const bp_json_1 *json = op->module->json;
  const struct script *script = &op->command->script;
  json->object_begin(out);
  put_text(json, out, "module", "deployments");
  put_text(json, out, "action", "run");
  put_number(json, out, "id", op->id);
  put_number(json, out, "repository_id", op->row.repository_id);
  put_text(json, out, "path", op->command->path);
  put_number(json, out, "port", op->row.port);
  put_text(json, out, "mode", op->row.mode);
  put_number(json, out, "instances", op->row.instances);
  json->key(out, BP_LIT("argv"));
  json->array_begin(out);
  for (unsigned i = 0; i < script->count; i++)
    json->put_string(out, script->words[i]);
  json->array_end(out);
  json->key(out, BP_LIT("env"));
  json->array_begin(out);
  for (size_t i = 0; i < op->env.count; i++)
    json->put_string(out, str_z(op->env.variables[i].name));
  json->array_end(out);
  json->object_end(out);
}

static void on_wanted(void *ctx, const bp_db_outcome *outcome);

static void on_verdict(void *ctx, const bp_verdict *verdict) {
  struct operation *op = ctx;
  char message[MESSAGE_BYTES];
  if (verdict->verdict != BP_VERDICT_ALLOW) {
    snprintf(message, sizeof(message), verdict->verdict == BP_VERDICT_ASK ? "this needs a person's approval: %.*s (approval %.*s)" : "%.*s",
             (int)verdict->reason.len, verdict->reason.ptr, (int)verdict->approval_id.len, verdict->approval_id.ptr);
    give_up(op, 403, message);
    return;
  }
  op->allowed = str_dup(verdict->facts);
  const bp_db_value values[] = {db_integer(op->id), db_integer(1)};
  const bp_db_step step = db_exec(WANT_ENTRY, values, 2);
  operation_write(op, &step, 1, on_wanted);
}

static void decide(struct operation *op) {
  const struct deployments *d = op->module;
  bp_json_writer out = 0;
  bp_str facts = {NULL, 0};
  bp_error err = BP_ERROR_INIT;
  bp_status status = d->json->writer_new(d->self, &out);
  if (status == BP_OK) {
    put_facts(op, out);
    status = d->json->writer_text(out, &facts, &err);
  }
  if (status == BP_OK)
    status = d->policy->decide(d->self, BP_LIT("deployments"), str_z(op->principal), facts, 0, on_verdict, op);
  if (out)
    d->json->writer_free(out);
  if (status != BP_OK)
    operation_fail(op, status, &err);
}

/* ---- The program ---- */

/* The argv of the facts that were allowed: a rule may have changed it. */
static uint32_t allowed_argv(const struct deployments *d, bp_json facts, bp_str argv[SCRIPT_ARGUMENTS_MOST]) {
  bp_json list = 0, item = 0;
  uint32_t count = 0;
  if (d->json->get(facts, BP_LIT("argv"), &list) != BP_OK)
    return 0;
  while (count < SCRIPT_ARGUMENTS_MOST && d->json->at(list, count, &item) == BP_OK && d->json->string(item, &argv[count]) == BP_OK)
    count++;
  return count;
}

/* The commands `node` and `npm` may be configured to be somewhere else than on the path. */
static void place_program(const struct deployments *d, bp_str *program) {
  bp_str place = {NULL, 0};
  if ((kit_same(*program, "node") || kit_same(*program, "npm")) && d->config->string(d->self, *program, &place) == BP_OK && place.len)
    *program = place;
}

static bp_status launch(struct operation *op, struct running *running, bp_json facts, bp_error *err) {
  const struct deployments *d = op->module;
  char name[NAME_BYTES + 32];
  bp_str argv[SCRIPT_ARGUMENTS_MOST];
  uint32_t count = allowed_argv(d, facts, argv);
  if (count == 0)
    return BP_E_DENIED;
  place_program(d, &argv[0]);
  const struct launch what = {
      .id = op->id,
      .name = row_process_name(&op->row, name),
      .argv = {argv, count, (uint32_t)sizeof(argv[0])},
      .cwd = str_z(op->command->path),
      .env = &op->env,
      .is_cluster = strcmp(op->row.mode, "cluster") == 0,
      .instances = op->row.instances,
      .health_path = op->row.health_path ? str_z(op->row.health_path) : BP_LIT(""),
  };
  return d->supervisor->start(running, &what, err);
}

/* Nobody asked: it should run, as far as anybody knows it did, and it is gone. */
static bool is_resurrection(const struct operation *op) {
  return op->request == 0 && op->row.wants_running && strcmp(op->row.status, "running") == 0;
}

static void on_wanted(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  struct deployments *d = op->module;
  bp_json facts = 0;
  bp_error err = BP_ERROR_INIT;
  if (operation_failed(op, outcome))
    return;
  struct running *running = running_make(d, op->id);
  bp_status status = running && op->allowed ? d->json->parse(d->self, str_z(op->allowed), &facts, &err) : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    running->operation = op;
    running->is_starting = true;
    running->port = op->row.port;
    running->restarts = op->row.restarts + is_resurrection(op);
    status = launch(op, running, facts, &err);
    d->json->release(d->self, facts);
  }
  if (status == BP_OK)
    return;
  if (running)
    running_drop(d, running);
  give_up(op, 500, err.message[0] ? err.message : "the program could not be started");
}

/* ---- The moment after ---- */

static void on_online_stored(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  if (operation_failed(op, outcome))
    return;
  event_updated(op->module, op->id, op->kind == OPERATION_RESTART ? "restart" : "start", "running", running_find(op->module, op->id));
  operation_succeed(op);
}

static void on_settled(void *ctx, bp_timer timer) {
  struct operation *op = ctx;
  struct running *running = running_find(op->module, op->id);
  (void)timer;
  op->settle = 0;
  if (!running || !running->is_online || running->is_failing)
    return; /* its end is on its way */
  running->is_starting = false;
  running->operation = NULL;
  const bp_db_value values[] = {db_integer(op->id), db_integer(running->pid), db_integer(running->started_ms), db_integer(running->restarts)};
  const bp_db_step steps[] = {db_exec(ONLINE_ENTRY, values, 4), db_publish(BP_LIT("deployments.updated"), BP_LIT(""), 0)};
  operation_write(op, steps, 2, on_online_stored);
}

void start_online(struct operation *op) {
  const struct deployments *d = op->module;
  if (!op->settle && d->loop->timer(d->self, SETTLE_MS, 0, on_settled, op, &op->settle) != BP_OK)
    on_settled(op, 0);
}

void start_ended(struct operation *op, const char *why) {
  struct running *running = running_find(op->module, op->id);
  char message[MESSAGE_BYTES];
  if (op->settle)
    op->module->loop->timer_cancel(op->settle);
  op->settle = 0;
  if (running)
    running->operation = NULL;
  snprintf(message, sizeof(message), "%s", why);
  give_up(op, 500, message);
}
