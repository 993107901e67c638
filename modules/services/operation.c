/* One change of one service: its end, and the look at its container before it begins. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verbs[ACTION_COUNT] = {"install", "uninstall", "start", "stop", "restart", "get logs of"};

static void answer_problem(const struct operation *op, uint32_t status, const char *text) {
  if (op->request)
    kit_problem(op->module->http, op->request, status, str_z(text));
}

static void finish_job(const struct operation *op, bp_status status, const char *text) {
  const bp_json_1 *json = op->module->json;
  bp_json_writer out = 0;
  bp_str result = BP_LIT("null");
  if (!op->job || json->writer_new(op->module->self, &out) != BP_OK)
    return;
  json->put_string(out, str_z(text));
  json->writer_text(out, &result, NULL);
  op->module->job->finish(op->job, status, result);
  json->writer_free(out);
}

void operation_release(struct operation *op) {
  if (op->action != ACTION_LOGS)
    op->service->is_busy = false;
  explicit_bzero(op->password, sizeof(op->password));
  free(op->environment);
  free(op->volumes);
  free(op->lines);
  free(op);
}

void operation_problem(struct operation *op, uint32_t status, const char *text) {
  finish_job(op, BP_E_INVALID, text);
  answer_problem(op, status, text);
  operation_release(op);
}

void operation_fail(struct operation *op, const char *text) {
  char sentence[FAULT_BYTES + 64];
  snprintf(sentence, sizeof(sentence), "Failed to %s service: %s", verbs[op->action], text);
  finish_job(op, BP_E_IO, sentence);
  answer_problem(op, 500, sentence);
  operation_release(op);
}

void operation_fail_docker(struct operation *op, const struct docker_answer *answer) {
  char text[FAULT_BYTES];
  docker_fault(op->module, answer, text);
  operation_fail(op, text);
}

static void put_message(const struct operation *op, bp_json_writer out) {
  static const char *const endings[ACTION_COUNT] = {
      "installed and started successfully", "completely removed", "started", "stopped", "restarted", ""};
  char message[128];
  snprintf(message, sizeof(message), "%s %s", op->service->entry->name, endings[op->action]);
  json_text_member(op->module->json, out, BP_LIT("message"), str_z(message));
  if (op->job)
    json_text_member(op->module->json, out, BP_LIT("jobId"), op->module->job->id(op->job));
}

static void answer_done(const struct operation *op) {
  const bp_json_1 *json = op->module->json;
  bp_json_writer out = 0;
  if (!op->request || json->writer_new(op->module->self, &out) != BP_OK)
    return;
  json->object_begin(out);
  json->key(out, BP_LIT("success"));
  json->put_boolean(out, 1);
  put_message(op, out);
  json->object_end(out);
  op->module->http->reply_json(op->request, 200, out);
  json->writer_free(out);
}

void operation_done(struct operation *op, const char *status) {
  static const char *const actions[ACTION_COUNT] = {"install", "uninstall", "start", "stop", "restart", "logs"};
  event_updated(op->module, op->service, actions[op->action], status);
  op->service->was_running = strcmp(status, "running") == 0; /* so that follow.c does not tell it again */
  answer_done(op);
  finish_job(op, BP_OK, op->service->entry->name);
  operation_release(op);
}

/* ---- The container ---- */

struct look {
  struct operation *op;
  void (*next)(struct operation *op);
};

static void on_container(void *ctx, const struct docker_answer *answer) {
  struct look look = *(struct look *)ctx;
  struct operation *op = look.op;
  const struct services *s = op->module;
  bp_json root = 0;
  free(ctx);
  if (answer->status == BP_OK && answer->http == 404) {
    snprintf(op->fault, sizeof(op->fault), "%s is not installed", op->service->entry->name);
    operation_problem(op, 400, op->fault);
    return;
  }
  if (answer->status != BP_OK || answer->http != 200 || s->json->parse(s->self, answer->body, &root, NULL) != BP_OK) {
    operation_fail_docker(op, answer);
    return;
  }
  bool is_ours = docker_is_ours(s, root);
  s->json->release(s->self, root);
  if (is_ours) {
    look.next(op);
    return;
  }
  snprintf(op->fault, sizeof(op->fault), "the container \"%s\" is not one of ours: it has no label %s=true", op->service->container, LABEL);
  operation_fail(op, op->fault);
}

void operation_need_container(struct operation *op, void (*next)(struct operation *op)) {
  char path[128];
  struct look *look = malloc(sizeof(*look));
  if (!look) {
    operation_fail(op, "no memory");
    return;
  }
  *look = (struct look){op, next};
  snprintf(path, sizeof(path), "/containers/%s/json", op->service->container);
  docker_call(op->module, "GET", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_container, look);
}
