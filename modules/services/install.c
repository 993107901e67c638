/* Installation, step by step: is there nothing yet? the image (pulled when missing), the password, volumes, the container, its start. What
 * has been made is taken away again where a later step fails; volumes stay. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE BP_LIT("application/json")
#define LINE_BYTES_MAX 4096u

struct lines {
  size_t len;
  uint64_t layers_done, layers;
  char text[LINE_BYTES_MAX];
};

static void fail_plain(struct operation *op, const char *text) {
  operation_fail(op, text);
}

/* ---- Undoing ---- */

static void on_undone(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  (void)answer; /* the fault told is the first one */
  fail_plain(op, op->fault);
}

static void give_up(struct operation *op) {
  char path[128];
  if (!op->is_created) {
    fail_plain(op, op->fault);
    return;
  }
  snprintf(path, sizeof(path), "/containers/%s?force=true&v=true", op->service->container);
  docker_call(op->module, "DELETE", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_undone, op);
}

static void give_up_docker(struct operation *op, const struct docker_answer *answer) {
  docker_fault(op->module, answer, op->fault);
  give_up(op);
}

/* ---- The end: what is known of it is on disk before the answer ---- */

static void on_saved(void *ctx, bp_status status) {
  struct operation *op = ctx;
  if (status != BP_OK) {
    snprintf(op->fault, sizeof(op->fault), "services.json cannot be written");
    give_up(op);
    return;
  }
  operation_done(op, "running");
}

static void take(char **to, char **from) {
  free(*to);
  *to = *from;
  *from = NULL;
}

/* Stored values of variables that look like secrets are masked; the password is in bp.secret. */
static char *masked(const struct services *s, const char *environment) {
  bp_json root = 0, value = 0;
  bp_json_writer out = 0;
  uint64_t cursor = 0;
  bp_str key, text;
  char *copy = NULL;
  if (!environment || s->json->parse(s->self, str_z(environment), &root, NULL) != BP_OK)
    return NULL;
  if (s->json->writer_new(s->self, &out) == BP_OK) {
    s->json->object_begin(out);
    while (s->json->next(root, &cursor, &key, &value) == BP_OK) {
      s->json->string(value, &text);
      json_text_member(s->json, out, key, is_secret_name(key) ? BP_LIT("********") : text);
    }
    s->json->object_end(out);
    if (s->json->writer_text(out, &text, NULL) == BP_OK)
      copy = str_dup(text);
    s->json->writer_free(out);
  }
  s->json->release(s->self, root);
  return copy;
}

static void remember(struct operation *op) {
  struct service *service = op->service;
  char *environment = masked(op->module, op->environment);
  service->port = op->port;
  service->is_stored = true;
  take(&service->environment, &environment);
  take(&service->volumes, &op->volumes);
  state_save(op->module, on_saved, op);
}

/* ---- Start ---- */

static void on_started(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  if (answer->status == BP_OK && (answer->http == 204 || answer->http == 304))
    remember(op);
  else
    give_up_docker(op, answer);
}

static void start(struct operation *op) {
  char path[128];
  snprintf(path, sizeof(path), "/containers/%s/start", op->service->container);
  docker_call(op->module, "POST", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_started, op);
}

static void on_configured(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  if (answer->status == BP_OK && answer->http == 200)
    start(op);
  else
    give_up_docker(op, answer);
}

/* Redis takes its password from a file: an argument would be seen by everybody on the machine. */
static void configure_redis(struct operation *op) {
  char path[128], text[PASSWORD_MAX + 128], tar[TAR_BYTES];
  int len = snprintf(text, sizeof(text), "bind * -::*\ndir /data\nrequirepass \"%s\"\n", op->password);
  tar_one(tar, REDIS_CONFIG, bp_str_make(text, (size_t)len));
  snprintf(path, sizeof(path), "/containers/%s/archive?path=/etc", op->service->container);
  docker_call(op->module, "PUT", path, BP_LIT("application/x-tar"), bp_str_make(tar, sizeof(tar)), on_configured, op);
  explicit_bzero(text, sizeof(text));
  explicit_bzero(tar, sizeof(tar));
}

static void on_created(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  op->is_created = answer->status == BP_OK && answer->http == 201;
  if (!op->is_created)
    give_up_docker(op, answer);
  else if (op->service->entry->password_key)
    start(op);
  else
    configure_redis(op);
}

/* ---- The container ---- */

static void create(struct operation *op) {
  const struct services *s = op->module;
  bp_json_writer out = 0;
  bp_str text;
  char path[128];
  if (s->json->writer_new(s->self, &out) != BP_OK) {
    fail_plain(op, "no memory");
    return;
  }
  container_put(op, out);
  snprintf(path, sizeof(path), "/containers/create?name=%s", op->service->container);
  if (s->json->writer_text(out, &text, NULL) == BP_OK)
    docker_call(op->module, "POST", path, JSON_TYPE, text, on_created, op);
  else
    fail_plain(op, "the request cannot be written");
  s->json->writer_free(out);
}

/* ---- Volumes: made before the container, because only so they get our label ---- */

static void next_volume(struct operation *op);

static void on_volume(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  if (answer->status != BP_OK || answer->http > 201) {
    give_up_docker(op, answer);
    return;
  }
  op->next++;
  next_volume(op);
}

static void next_volume(struct operation *op) {
  const struct services *s = op->module;
  char path[256], name[320];
  bp_json_writer out = 0;
  bp_str text;
  if (!volume_path(op, op->next, path)) {
    create(op);
    return;
  }
  if (s->json->writer_new(s->self, &out) != BP_OK) {
    fail_plain(op, "no memory");
    return;
  }
  volume_name(op, path, name);
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT("Name"), str_z(name));
  container_put_labels(s, out);
  s->json->object_end(out);
  if (s->json->writer_text(out, &text, NULL) == BP_OK)
    docker_call(op->module, "POST", "/volumes/create", JSON_TYPE, text, on_volume, op);
  else
    fail_plain(op, "the request cannot be written");
  s->json->writer_free(out);
}

/* ---- The password ---- */

/* From here on the volume may have been set up with it, also where the installation fails. */
static void keep_password(const struct operation *op) {
  struct service *service = op->service;
  if (service->password)
    explicit_bzero(service->password, strlen(service->password));
  free(service->password);
  service->password = str_dup(str_z(op->password));
}

static void on_secret(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct operation *op = ctx;
  (void)value;
  if (status == BP_OK) {
    keep_password(op);
    next_volume(op);
    return;
  }
  snprintf(op->fault, sizeof(op->fault), "the password cannot be stored: %.200s", err ? err->message : "");
  fail_plain(op, op->fault);
}

static void make_password(struct operation *op) {
  static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_ABCDEF";
  unsigned char random[PASSWORD_BYTES];
  op->module->core->random_bytes(random, sizeof(random));
  for (unsigned i = 0; i < PASSWORD_BYTES; i++)
    op->password[i] = letters[random[i] & 63];
  op->password[PASSWORD_BYTES] = '\0';
}

/* One that is known is of a container that was removed by other means, whose volume is there still: a database does not take another. */
static void choose_password(struct operation *op) {
  struct services *s = op->module;
  const char *known = op->service->password;
  if (!op->password[0] && known)
    snprintf(op->password, sizeof(op->password), "%s", known);
  if (!op->password[0])
    make_password(op);
  bp_status status = s->secret->put(s->self, BP_LIT("services"), str_z(op->service->entry->id), str_z(op->password), 0, on_secret, op);
  if (status != BP_OK)
    fail_plain(op, "the password cannot be stored");
}

/* ---- The image ---- */

static void take_line(struct operation *op, bp_str line) {
  const struct services *s = op->module;
  bp_json root = 0;
  char text[160];
  if (s->json->parse(s->self, line, &root, NULL) != BP_OK)
    return;
  bp_str error = kit_member_text(s->json, root, "error"), status = kit_member_text(s->json, root, "status"),
         layer = kit_member_text(s->json, root, "id");
  if (error.len)
    snprintf(op->fault, sizeof(op->fault), "%.*s", error.len > 250 ? 250 : (int)error.len, error.ptr);
  op->lines->layers += kit_same(status, "Pulling fs layer");
  op->lines->layers_done += kit_same(status, "Pull complete");
  if (op->job && status.len) {
    snprintf(text, sizeof(text), "%.*s %.*s", layer.len > 40 ? 40 : (int)layer.len, layer.len ? layer.ptr : "",
             status.len > 100 ? 100 : (int)status.len, status.ptr);
    s->job->progress(op->job, op->lines->layers_done, op->lines->layers, str_z(text));
  }
  s->json->release(s->self, root);
}

/* A line beyond the limit is cut: it is a report, and its errors are short. */
static void on_pull_chunk(void *ctx, bp_str bytes) {
  struct operation *op = ctx;
  struct lines *lines = op->lines;
  for (size_t i = 0; i < bytes.len; i++) {
    if (bytes.ptr[i] == '\n') {
      take_line(op, bp_str_make(lines->text, lines->len));
      lines->len = 0;
    } else if (lines->len < LINE_BYTES_MAX) {
      lines->text[lines->len++] = bytes.ptr[i];
    }
  }
}

static void on_pulled(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  if (op->lines->len)
    take_line(op, bp_str_make(op->lines->text, op->lines->len));
  if (answer->status != BP_OK || answer->http != 200)
    operation_fail_docker(op, answer);
  else if (op->fault[0])
    fail_plain(op, op->fault);
  else
    choose_password(op);
}

static void pull(struct operation *op) {
  static const struct docker_stream events = {on_pull_chunk, on_pulled};
  char path[256];
  bp_exchange exchange;
  const char *image = op->service->entry->image, *colon = strchr(image, ':');
  snprintf(path, sizeof(path), "/images/create?fromImage=%.*s&tag=%s", (int)(colon - image), image, colon + 1);
  op->lines = calloc(1, sizeof(*op->lines));
  if (!op->lines || !docker_stream(op->module, "POST", path, &events, op, &exchange))
    fail_plain(op, "the image cannot be asked for");
}

static void on_image(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  if (answer->status == BP_OK && answer->http == 200)
    choose_password(op);
  else if (answer->status == BP_OK && answer->http == 404)
    pull(op);
  else
    operation_fail_docker(op, answer);
}

/* ---- Is there nothing yet? ---- */

static void refuse_existing(struct operation *op, const struct docker_answer *answer) {
  const struct services *s = op->module;
  bp_json root = 0;
  bool is_ours = s->json->parse(s->self, answer->body, &root, NULL) == BP_OK && docker_is_ours(s, root);
  if (root)
    s->json->release(s->self, root);
  snprintf(op->fault, sizeof(op->fault), is_ours ? "%s is already installed" : "a container of the name of %s's is there that is not ours",
           op->service->entry->name);
  operation_problem(op, 400, op->fault);
}

static void on_container(void *ctx, const struct docker_answer *answer) {
  struct operation *op = ctx;
  char path[128];
  if (answer->status == BP_OK && answer->http == 200) {
    refuse_existing(op, answer);
  } else if (answer->status == BP_OK && answer->http == 404) {
    snprintf(path, sizeof(path), "/images/%s/json", op->service->entry->image);
    docker_call(op->module, "GET", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_image, op);
  } else {
    operation_fail_docker(op, answer);
  }
}

void install_begin(struct operation *op) {
  struct services *s = op->module;
  char text[128];
  snprintf(text, sizeof(text), "Install %s", op->service->entry->name);
  s->job->open(s->self, BP_LIT("services.install"), str_z(text), s->http->principal(op->request), NULL, op, &op->job);
  snprintf(text, sizeof(text), "/containers/%s/json", op->service->container);
  docker_call(s, "GET", text, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_container, op);
}
