/* Decomposing with the Messages API (https://docs.anthropic.com/en/api/messages): one request, tried again where that may help,
 * after a rising pause or the one the server asks for. What the answer holds is read in answer.c. */
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ATTEMPTS_MOST 4u
#define MAX_TOKENS 1024
#define MAX_TOKENS_LONG 4096 /* after an answer that was cut off */
#define PAUSE_MS 500         /* doubled each time */
#define PAUSE_MOST_MS 20000
#define IDLE_MS 60000
#define ATTEMPT_MS 90000
#define ANSWER_BYTES (4u * 1024 * 1024)

static void put_system(const struct decomposition *d, bp_json_writer out) {
  char text[800];
  snprintf(text, sizeof(text),
           "You are a task decomposition assistant. Break the user's prompt into exactly %u independent tasks that %u agents can work on in "
           "parallel, without waiting for each other. Respond with JSON only, no other text: {\"todos\":[{\"description\":\"...\"}]} with exactly %u "
           "entries, each description complete in itself.",
           (unsigned)d->session->agent_count, (unsigned)d->session->agent_count, (unsigned)d->session->agent_count);
  json_text_member(d->module->json, out, BP_LIT("system"), str_z(text));
}

static struct kit_text request_body(const struct decomposition *d) {
  const struct swarm *w = d->module;
  const bp_json_1 *json = w->json;
  bp_json_writer out = 0;
  if (json->writer_new(w->self, &out) != BP_OK)
    return (struct kit_text){NULL, 0};
  json->object_begin(out);
  json_text_member(json, out, BP_LIT("model"), option_text(w, BP_LIT("model")));
  json->key(out, BP_LIT("max_tokens"));
  json->put_integer(out, d->max_tokens ? d->max_tokens : MAX_TOKENS);
  put_system(d, out);
  json->key(out, BP_LIT("messages"));
  json->array_begin(out);
  json->object_begin(out);
  json_text_member(json, out, BP_LIT("role"), BP_LIT("user"));
  json_text_member(json, out, BP_LIT("content"), kit_text_str(&d->session->prompt));
  json->object_end(out);
  json->array_end(out);
  json->object_end(out);
  return kit_text_of_writer(json, out);
}

/* ---- Trying again ---- */

static void ask_again(void *ctx, bp_timer timer) {
  struct decomposition *d = ctx;
  (void)timer;
  d->has_timer = false;
  claude_ask(d);
}

static void retry(struct decomposition *d, const char *why) {
  const struct swarm *w = d->module;
  int64_t pause_ms = d->retry_after_ms >= 0 ? d->retry_after_ms : (int64_t)PAUSE_MS << d->attempts;
  swarm_note(w, BP_LOG_WARN, why, d->session->id);
  if (++d->attempts >= ATTEMPTS_MOST) {
    decompose_done(d, NULL, 0);
    return;
  }
  d->has_timer = w->loop->timer(w->self, pause_ms > PAUSE_MOST_MS ? PAUSE_MOST_MS : pause_ms, 0, ask_again, d, &d->timer) == BP_OK;
  if (!d->has_timer)
    decompose_done(d, NULL, 0);
}

/* Retry-After (RFC 9110 section 10.2.3): seconds or a date. -1: neither. */
static int64_t retry_after(bp_str value) {
  char text[64];
  struct tm date = {0};
  if (value.len == 0 || value.len >= sizeof(text))
    return -1;
  memcpy(text, value.ptr, value.len);
  text[value.len] = '\0';
  char *end;
  double seconds = strtod(text, &end);
  if (end != text && seconds >= 0 && seconds < 86400)
    return (int64_t)(seconds * 1000);
  if (!strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &date))
    return -1;
  int64_t left_s = (int64_t)timegm(&date) - (int64_t)time(NULL);
  return left_s > 0 ? left_s * 1000 : 0;
}

static void head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  struct decomposition *d = ctx;
  (void)exchange, (void)status;
  for (uint32_t i = 0; i < headers.count; i++) {
    const bp_client_header *header = (const void *)((const char *)headers.ptr + (size_t)i * headers.stride);
    if (header->name.len == 11 && strncasecmp(header->name.ptr, "retry-after", 11) == 0)
      d->retry_after_ms = retry_after(header->value);
  }
}

/* ---- The answer ---- */

static void take_answer(struct decomposition *d, bp_str body) {
  struct kit_text descriptions[TODOS_MOST];
  bool is_truncated = false;
  uint32_t count = answer_read(d->module, body, descriptions, &is_truncated);
  if (count > 0) {
    decompose_done(d, descriptions, count);
    return;
  }
  d->retry_after_ms = 0;
  if (is_truncated)
    d->max_tokens = MAX_TOKENS_LONG;
  retry(d, is_truncated ? "the Messages API's answer was cut off" : "the Messages API's answer holds no todos");
}

static bool may_help(uint32_t status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

static void done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct decomposition *d = ctx;
  char text[160];
  (void)exchange;
  d->has_exchange = false;
  if (!d->session || status == BP_E_CANCELLED) {
    if (d->session)
      d->session->decomposition = NULL; /* the host ends: the next start decomposes */
    free(d);
    return;
  }
  if (status != BP_OK) {
    retry(d, err->message);
    return;
  }
  if (http_status == 200) {
    take_answer(d, body);
    return;
  }
  snprintf(text, sizeof(text), "the Messages API answered with %u", (unsigned)http_status);
  if (may_help(http_status)) {
    retry(d, text);
    return;
  }
  swarm_note(d->module, BP_LOG_WARN, text, d->session->id);
  decompose_done(d, NULL, 0);
}

void claude_ask(struct decomposition *d) {
  static const bp_client_events events = {.size = sizeof(events), .head = head, .done = done};
  const struct swarm *w = d->module;
  char url[1100];
  bp_error err = BP_ERROR_INIT;
  bp_str base = option_text(w, BP_LIT("anthropic_base_url"));
  struct kit_text body = request_body(d);
  while (base.len > 0 && base.ptr[base.len - 1] == '/')
    base.len--;
  snprintf(url, sizeof(url), "%.*s/v1/messages", (int)base.len, base.ptr);
  const bp_client_header headers[] = {
      {sizeof(bp_client_header), 1, BP_STR("x-api-key"), option_text(w, BP_LIT("anthropic_api_key"))},
      {sizeof(bp_client_header), 0, BP_STR("anthropic-version"), BP_STR("2023-06-01")},
      {sizeof(bp_client_header), 0, BP_STR("content-type"), BP_STR("application/json")},
      {sizeof(bp_client_header), 0, BP_STR("accept"), BP_STR("application/json")},
  };
  const bp_client_request request = {.size = sizeof(request),
                                     .method = BP_LIT("POST"),
                                     .url = str_z(url),
                                     .headers = BP_ARRAY(headers),
                                     .body = kit_text_str(&body),
                                     .idle_timeout_ms = IDLE_MS,
                                     .total_timeout_ms = ATTEMPT_MS,
                                     .response_limit_bytes = ANSWER_BYTES};
  d->retry_after_ms = -1;
  bp_status status = body.ptr ? w->client->send(w->self, &request, &events, d, &d->exchange, &err) : BP_E_NO_MEMORY;
  d->has_exchange = status == BP_OK;
  kit_text_free(&body);
  if (status != BP_OK)
    retry(d, err.message);
}
