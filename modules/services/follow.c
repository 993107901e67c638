/* While somebody listens: the output of running services as it comes, and changes that were not made here. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 2000
#define PIECE_BYTES_MAX 65536u /* of one event */

/* ---- Output ---- */

static void on_piece(void *ctx, unsigned stream, bp_str piece) {
  const struct service *service = ctx;
  while (piece.len) {
    size_t len = piece.len < PIECE_BYTES_MAX ? piece.len : PIECE_BYTES_MAX;
    char *text = malloc(len);
    if (!text)
      return;
    memcpy(text, piece.ptr, len);
    kit_mark_bad(text, len);
    text_mask(text, len, service->password);
    event_logs(service->module, service, stream, bp_str_make(text, len));
    free(text);
    piece = bp_str_make(piece.ptr + len, piece.len - len);
  }
}

static void on_chunk(void *ctx, bp_str bytes) {
  struct service *service = ctx;
  if (service->frames && events_wanted(service->module))
    frames_feed(service->frames, bytes, on_piece, service);
}

static void on_end(void *ctx, const struct docker_answer *answer) {
  struct service *service = ctx;
  (void)answer; /* the next look begins anew if it still runs */
  service->logs = 0;
}

static void follow(struct service *service) {
  static const struct docker_stream events = {on_chunk, on_end};
  char path[160];
  if (!service->frames)
    service->frames = malloc(sizeof(*service->frames));
  if (service->logs || !service->frames)
    return;
  *service->frames = (struct frames){0};
  snprintf(path, sizeof(path), "/containers/%s/logs?stdout=1&stderr=1&follow=1&tail=0", service->container);
  if (!docker_stream(service->module, "GET", path, &events, service, &service->logs))
    service->logs = 0;
}

static void unfollow(struct service *service) {
  if (service->logs)
    service->module->client->cancel(service->logs);
}

/* ---- State ---- */

static bool runs(const struct services *s, bp_json containers, const struct service *service) {
  bp_json container = 0;
  for (uint32_t i = 0; s->json->at(containers, i, &container) == BP_OK; i++)
    if (docker_has_name(s, container, service->container))
      return kit_same(kit_member_text(s->json, container, "State"), "running");
  return false;
}

static void compare(struct service *service, bool is_running) {
  bool has_changed = service->is_seen && service->was_running != is_running && !service->is_busy;
  if (has_changed)
    event_updated(service->module, service, is_running ? "start" : "stop", is_running ? "running" : "stopped");
  service->is_seen = true;
  if (!service->is_busy)
    service->was_running = is_running;
  if (is_running)
    follow(service);
}

static void on_containers(void *ctx, const struct docker_answer *answer) {
  struct services *s = ctx;
  bp_json root = 0;
  s->is_looking = false;
  if (s->is_draining || answer->status != BP_OK || answer->http != 200 || s->json->parse(s->self, answer->body, &root, NULL) != BP_OK)
    return;
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++)
    compare(&s->all[i], runs(s, root, &s->all[i]));
  s->json->release(s->self, root);
}

static void on_timer(void *ctx, bp_timer timer) {
  struct services *s = ctx;
  (void)timer;
  if (events_wanted(s)) {
    if (!s->is_looking) {
      s->is_looking = true;
      docker_call(s, "GET", DOCKER_OURS, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_containers, s);
    }
    return;
  }
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++) {
    unfollow(&s->all[i]);
    s->all[i].is_seen = false; /* what changes unheard is not told later */
  }
}

void follow_start(struct services *s) {
  s->loop->timer(s->self, LOOK_MS, LOOK_MS, on_timer, s, &s->follow_timer);
}

void follow_stop(struct services *s) {
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++)
    unfollow(&s->all[i]);
}
