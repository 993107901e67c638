/* The last lines a service has written. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES "100"

struct text {
  char *data;
  size_t len;
};

static void on_piece(void *ctx, unsigned stream, bp_str piece) {
  struct text *text = ctx;
  (void)stream;
  memcpy(text->data + text->len, piece.ptr, piece.len);
  text->len += piece.len;
}

static void answer(const struct operation *op, bp_str logs) {
  const bp_json_1 *json = op->module->json;
  bp_json_writer out = 0;
  if (!op->request || json->writer_new(op->module->self, &out) != BP_OK)
    return;
  json->object_begin(out);
  json->key(out, BP_LIT("success"));
  json->put_boolean(out, 1);
  json_text_member(json, out, BP_LIT("logs"), logs);
  json->object_end(out);
  op->module->http->reply_json(op->request, 200, out);
  json->writer_free(out);
}

static void on_logs(void *ctx, const struct docker_answer *docker) {
  struct operation *op = ctx;
  struct frames frames = {0};
  struct text text = {.data = malloc(docker->body.len + 16)};
  if (docker->status != BP_OK || docker->http != 200 || !text.data) {
    free(text.data);
    operation_fail_docker(op, docker);
    return;
  }
  frames_feed(&frames, docker->body, on_piece, &text);
  if (text.len > LOG_BYTES_MAX) { /* the end is what is looked for */
    memmove(text.data, text.data + text.len - LOG_BYTES_MAX, LOG_BYTES_MAX);
    text.len = LOG_BYTES_MAX;
  }
  kit_mark_bad(text.data, text.len);
  text_mask(text.data, text.len, op->is_admin ? NULL : op->service->password);
  answer(op, bp_str_make(text.data, text.len));
  free(text.data);
  operation_release(op);
}

static void get(struct operation *op) {
  char path[128];
  snprintf(path, sizeof(path), "/containers/%s/logs?stdout=1&stderr=1&tail=" LINES, op->service->container);
  docker_call(op->module, "GET", path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_logs, op);
}

void logs_begin(struct operation *op) {
  operation_need_container(op, get);
}
