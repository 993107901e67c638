/* Stopping editors nobody uses: code-server's /healthz says when a browser was last connected. Off unless the option is set. */
#include "vscode.h"

#define CHECK_MOST_MS 30000
#define CHECK_LEAST_MS 1000

static int64_t idle_limit_ms(const struct vscode *v) {
  int64_t idle_s = 0;
  v->config->integer(v->self, BP_LIT("idle_stop_s"), &idle_s);
  return idle_s * 1000;
}

static bool is_in_use(const struct vscode *v, bp_json health) {
  bp_json value = 0;
  bp_str status = {NULL, 0};
  return v->json->get(health, BP_LIT("status"), &value) == BP_OK && v->json->string(value, &status) == BP_OK && kit_same(status, "alive");
}

static void on_health(struct editor *e, uint32_t status, bp_str body) {
  const struct vscode *v = e->module;
  bp_json health = 0;
  if (e->state != EDITOR_READY || status != 200 || v->json->parse(v->self, body, &health, NULL) != BP_OK)
    return;
  int64_t last_ms = member_number(v->json, health, "lastHeartbeat");
  int64_t since_ms = last_ms > e->ready_ms ? last_ms : e->ready_ms;
  bool is_idle = !is_in_use(v, health) && v->core->now_wall_ns() / 1000000 - since_ms > idle_limit_ms(v);
  v->json->release(v->self, health);
  if (!is_idle)
    return;
  v->log->write(v->self, BP_LOG_INFO, BP_LIT("an editor that nobody has used for the time of idle_stop_s is stopped"), (bp_array){NULL, 0, 0});
  editor_stop(e);
}

static void on_timer(void *ctx, bp_timer timer) {
  const struct vscode *v = ctx;
  (void)timer;
  for (struct editor *e = v->editors; e; e = e->next)
    if (e->state == EDITOR_READY)
      editor_ask_health(e, on_health);
}

void idle_start(struct vscode *v) {
  int64_t limit_ms = idle_limit_ms(v), every_ms = limit_ms / 4;
  if (limit_ms == 0)
    return;
  every_ms = every_ms > CHECK_MOST_MS ? CHECK_MOST_MS : every_ms < CHECK_LEAST_MS ? CHECK_LEAST_MS : every_ms;
  v->loop->timer(v->self, every_ms, every_ms, on_timer, v, &v->idle);
}
