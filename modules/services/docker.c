/* Calls of the Docker Engine API on its Unix socket (https://docs.docker.com/reference/api/engine/). No version in the paths: the
 * engine's own is spoken, of which only what has not changed since 1.24 is used. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_IDLE_MS 120000u         /* a stop waits for the program's grace */
#define STREAM_IDLE_MS 0x7fffffffu   /* a container may be silent for long */
#define ANSWER_BYTES_MAX (32u << 20) /* a list of very many containers */
#define URL_BYTES 1024

struct call {
  struct services *module;
  docker_fn done;
  const struct docker_stream *stream;
  void *ctx;
  uint32_t http;
  char *refusal; /* of a stream: the engine's error */
  size_t refusal_len;
};

static void on_done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http, bp_str body, const bp_error *err) {
  struct call *call = ctx;
  struct docker_answer answer = {status, http, call->stream ? bp_str_make(call->refusal, call->refusal_len) : body, err};
  (void)exchange;
  call->done(call->ctx, &answer);
  free(call->refusal);
  free(call);
}

static void on_head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  struct call *call = ctx;
  (void)exchange;
  (void)headers;
  call->http = status;
}

/* The body of a refusal is for `done`. */
static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  struct call *call = ctx;
  (void)exchange;
  if (call->http < 400) {
    call->stream->chunk(call->ctx, bytes);
    return;
  }
  size_t len = call->refusal_len + bytes.len;
  char *grown = len <= 4096 ? realloc(call->refusal, len) : NULL;
  if (!grown)
    return;
  call->refusal = grown;
  memcpy(grown + call->refusal_len, bytes.ptr, bytes.len);
  call->refusal_len = len;
}

static bp_status send(struct call *call, const char *method, const char *path, bp_str type, bp_str body, bp_exchange *ret, bp_error *err) {
  static const bp_client_events whole = {.size = sizeof(whole), .done = on_done};
  static const bp_client_events pieces = {.size = sizeof(pieces), .head = on_head, .chunk = on_chunk, .done = on_done};
  struct services *s = call->module;
  char url[URL_BYTES];
  bp_client_header headers[] = {{sizeof(bp_client_header), 0, BP_STR("Content-Type"), type}};
  snprintf(url, sizeof(url), "http://docker%s", path);
  bp_client_request request = {.size = sizeof(request),
                               .method = str_z(method),
                               .url = str_z(url),
                               .unix_socket = str_z(s->socket),
                               .body = body,
                               .connect_timeout_ms = 5000,
                               .idle_timeout_ms = call->stream ? STREAM_IDLE_MS : CALL_IDLE_MS,
                               .response_limit_bytes = call->stream ? 0 : ANSWER_BYTES_MAX};
  if (type.len)
    request.headers = (bp_array){headers, 1, (uint32_t)sizeof(headers[0])};
  return s->client->send(s->self, &request, call->stream ? &pieces : &whole, call, ret, err);
}

void docker_call(struct services *s, const char *method, const char *path, bp_str type, bp_str body, docker_fn done, void *ctx) {
  bp_error err = BP_ERROR_INIT;
  bp_exchange exchange;
  struct call *call = calloc(1, sizeof(*call));
  bp_status status = call ? BP_OK : BP_E_NO_MEMORY;
  if (call) {
    *call = (struct call){.module = s, .done = done, .ctx = ctx};
    status = send(call, method, path, type, body, &exchange, &err);
  }
  if (status == BP_OK)
    return;
  free(call);
  done(ctx, &(struct docker_answer){.status = status, .err = &err});
}

bool docker_stream(struct services *s, const char *method, const char *path, const struct docker_stream *events, void *ctx, bp_exchange *ret) {
  bp_error err = BP_ERROR_INIT;
  struct call *call = calloc(1, sizeof(*call));
  if (!call)
    return false;
  *call = (struct call){.module = s, .stream = events, .done = events->done, .ctx = ctx};
  if (send(call, method, path, bp_str_make(NULL, 0), bp_str_make(NULL, 0), ret, &err) == BP_OK)
    return true;
  free(call);
  return false;
}

void docker_fault(const struct services *s, const struct docker_answer *answer, char text[FAULT_BYTES]) {
  bp_json root = 0;
  if (answer->status != BP_OK) {
    snprintf(text, FAULT_BYTES, "Docker is not available at %.100s: is it installed and running, and may this user use it? (%.200s)", s->socket,
             answer->err && answer->err->message[0] ? answer->err->message : "no answer");
    return;
  }
  snprintf(text, FAULT_BYTES, "Docker answered %u", (unsigned)answer->http);
  if (s->json->parse(s->self, answer->body, &root, NULL) != BP_OK)
    return;
  bp_str message = kit_member_text(s->json, root, "message");
  if (message.len)
    snprintf(text, FAULT_BYTES, "%.*s", message.len > 250 ? 250 : (int)message.len, message.ptr);
  s->json->release(s->self, root);
}

bool docker_is_ours(const struct services *s, bp_json object) {
  bp_json labels = 0, config = 0;
  if (s->json->get(object, BP_LIT("Labels"), &labels) != BP_OK &&
      (s->json->get(object, BP_LIT("Config"), &config) != BP_OK || s->json->get(config, BP_LIT("Labels"), &labels) != BP_OK))
    return false;
  return kit_same(kit_member_text(s->json, labels, LABEL), "true");
}

bool docker_has_name(const struct services *s, bp_json container, const char *wanted) {
  bp_json names = 0, item = 0;
  bp_str name;
  s->json->get(container, BP_LIT("Names"), &names);
  for (uint32_t i = 0; s->json->at(names, i, &item) == BP_OK; i++)
    if (s->json->string(item, &name) == BP_OK && name.len > 1 && kit_same(bp_str_make(name.ptr + 1, name.len - 1), wanted))
      return true;
  return false;
}
