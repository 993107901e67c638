/* Start, stop and restart. */
#include "services.h"

#include <stdio.h>

static void on_run(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  bool is_done = answer->status == BP_OK && (answer->http == 204 || answer->http == 304); /* 304: it was so already */
  if (is_done)
    operation_done(op, op->action == ACTION_STOP ? "stopped" : "running");
  else
    operation_fail_docker(op, answer);
}

static void run(struct operation *op) {
  static const char *const words[ACTION_COUNT] = {[ACTION_START] = "start", [ACTION_STOP] = "stop?t=10", [ACTION_RESTART] = "restart?t=10"};
  char path[128];
  snprintf(path, sizeof(path), "/containers/%s/%s", op->service->container, words[op->action]);
  docker_call(op->module, "POST", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_run, op);
}

void run_begin(struct operation *op) {
  operation_need_container(op, run);
}
