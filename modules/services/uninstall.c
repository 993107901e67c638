/* Removal: the container, the volumes that have our label, the password, the entry in services.json. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUR_VOLUMES "/volumes?" DOCKER_LABEL_FILTER

/* The names of the volumes that go, one after another. */
struct removal {
  struct operation *op;
  char *names[VOLUMES_MAX * 2];
  uint32_t count, next;
};

static void removal_free(struct removal *removal) {
  for (uint32_t i = 0; i < removal->count; i++)
    free(removal->names[i]);
  free(removal);
}

static void on_saved(void *ctx, bp_status status) {
  struct operation *op = ctx;
  if (status == BP_OK)
    operation_done(op, "stopped");
  else
    operation_fail(op, "services.json cannot be written");
}

static void on_secret_gone(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct operation *op = ctx;
  struct service *service = op->service;
  (void)status; /* a password that was never stored is gone as well */
  (void)value;
  (void)err;
  if (service->password)
    explicit_bzero(service->password, strlen(service->password));
  free(service->password);
  free(service->environment);
  free(service->volumes);
  service->password = service->environment = service->volumes = NULL;
  service->port = service->entry->port;
  service->is_stored = false;
  state_save(op->module, on_saved, op);
}

static void forget(struct operation *op) {
  struct services *s = op->module;
  bp_status status = s->secret->remove(s->self, BP_LIT("services"), str_z(op->service->entry->id), on_secret_gone, op);
  if (status != BP_OK)
    operation_fail(op, "the password cannot be removed");
}

static void next_volume(struct removal *removal);

static void on_volume_gone(void *ctx, const struct docker_answer *answer) {
  struct removal *removal = ctx;
  struct operation *op = removal->op;
  bool is_gone = answer->status == BP_OK && (answer->http == 204 || answer->http == 404);
  if (is_gone) {
    next_volume(removal);
    return;
  }
  removal_free(removal);
  operation_fail_docker(op, answer);
}

static void next_volume(struct removal *removal) {
  struct operation *op = removal->op;
  char path[400];
  if (removal->next == removal->count) {
    removal_free(removal);
    forget(op);
    return;
  }
  snprintf(path, sizeof(path), "/volumes/%s", removal->names[removal->next++]);
  docker_call(op->module, "DELETE", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_volume_gone, removal);
}

/* Ours are "<container>-…" with our label. */
static void collect(struct removal *removal, bp_json root) {
  const struct operation *op = removal->op;
  const struct services *s = op->module;
  bp_json list = 0, volume = 0;
  size_t len = strlen(op->service->container);
  s->json->get(root, BP_LIT("Volumes"), &list);
  for (uint32_t i = 0; removal->count < VOLUMES_MAX * 2 && s->json->at(list, i, &volume) == BP_OK; i++) {
    bp_str name = kit_member_text(s->json, volume, "Name");
    bool is_its = name.len > len && name.len < 320 && memcmp(name.ptr, op->service->container, len) == 0 && name.ptr[len] == '-';
    if (is_its && docker_is_ours(s, volume) && (removal->names[removal->count] = str_dup(name)))
      removal->count++;
  }
}

static void on_volumes(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  const struct services *s = op->module;
  bp_json root = 0;
  struct removal *removal = calloc(1, sizeof(*removal));
  if (!removal || answer->status != BP_OK || answer->http != 200 || s->json->parse(s->self, answer->body, &root, NULL) != BP_OK) {
    free(removal);
    operation_fail_docker(op, answer);
    return;
  }
  removal->op = op;
  collect(removal, root);
  s->json->release(s->self, root);
  next_volume(removal);
}

static void on_removed(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  if (answer->status == BP_OK && (answer->http == 204 || answer->http == 404))
    docker_call(op->module, "GET", OUR_VOLUMES, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_volumes, op);
  else
    operation_fail_docker(op, answer);
}

static void remove_container(struct operation *op) {
  char path[128];
  snprintf(path, sizeof(path), "/containers/%s?force=true&v=true", op->service->container);
  docker_call(op->module, "DELETE", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_removed, op);
}

void uninstall_begin(struct operation *op) {
  operation_need_container(op, remove_container);
}
