/* One event stream of a remote gateway (WHATWG HTML 9.2), opened again with rising delays when it ends, from the last id it gave. */
#include "acp.h"

#include <stdlib.h>
#include <string.h>

#define EVENT_MOST (2u << 20)
#define DELAY_FIRST_MS 500
#define DELAY_MOST_MS 10000
#define READY_MS 2000
#define IDLE_MS 95000 /* gateways ping every 30 s */
#define WAITS_MOST 8

struct sse {
  struct acp *m;
  struct watched *watched; /* NULL: closed, to be freed when the exchange is done */
  bp_exchange exchange;
  bool is_open;
  int64_t delay_ms;
  bp_timer retry, ready;
  struct kit_buf line, data, last_id;
  bool is_too_long;
  struct {
    watch_ready_fn done;
    void *ctx;
  } waits[WAITS_MOST];
  unsigned wait_count;
};

static void connect_now(struct sse *sse);

static void tell_ready(struct sse *sse) {
  unsigned count = sse->wait_count;
  sse->wait_count = 0;
  if (sse->ready)
    sse->m->loop->timer_cancel(sse->ready);
  sse->ready = 0;
  for (unsigned i = 0; i < count; i++)
    sse->waits[i].done(sse->waits[i].ctx);
}

static void sse_free(struct sse *sse) {
  kit_buf_free(&sse->line);
  kit_buf_free(&sse->data);
  kit_buf_free(&sse->last_id);
  free(sse);
}

/* ---- Lines ---- */

static bool begins(bp_str line, const char *name, bp_str *ret_value) {
  size_t len = strlen(name);
  if (line.len < len + 1 || memcmp(line.ptr, name, len) != 0 || line.ptr[len] != ':')
    return false;
  *ret_value = bp_str_make(line.ptr + len + 1, line.len - len - 1);
  if (ret_value->len && ret_value->ptr[0] == ' ')
    *ret_value = bp_str_make(ret_value->ptr + 1, ret_value->len - 1);
  return true;
}

static void take_line(struct sse *sse, bp_str line) {
  bp_str value = {NULL, 0};
  if (line.len && line.ptr[line.len - 1] == '\r')
    line.len--;
  if (line.len == 0) {
    if (sse->data.len && !sse->is_too_long && sse->watched)
      intake(sse->watched, kit_buf_str(&sse->data));
    kit_buf_free(&sse->data);
    sse->is_too_long = false;
  } else if (begins(line, "data", &value)) {
    if (sse->data.len)
      kit_buf_add(&sse->data, BP_LIT("\n"), EVENT_MOST);
    sse->is_too_long |= !kit_buf_add(&sse->data, value, EVENT_MOST);
  } else if (begins(line, "id", &value) && value.len < 200) {
    kit_buf_free(&sse->last_id);
    kit_buf_add(&sse->last_id, value, 200);
  }
}

static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  struct sse *sse = ctx;
  (void)exchange;
  while (bytes.len && sse->watched) {
    const char *end = memchr(bytes.ptr, '\n', bytes.len);
    size_t used = end ? (size_t)(end - bytes.ptr) : bytes.len;
    if (!kit_buf_add(&sse->line, bp_str_make(bytes.ptr, used), EVENT_MOST)) {
      sse->is_too_long = true;
      kit_buf_free(&sse->line);
    }
    if (end) {
      take_line(sse, kit_buf_str(&sse->line));
      kit_buf_free(&sse->line);
      used++;
    }
    bytes = bp_str_make(bytes.ptr + used, bytes.len - used);
  }
}

/* ---- The connection ---- */

static void on_head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  struct sse *sse = ctx;
  (void)exchange;
  (void)headers;
  if (status != 200)
    return;
  sse->is_open = true;
  sse->delay_ms = DELAY_FIRST_MS;
  tell_ready(sse);
}

static void on_retry(void *ctx, bp_timer timer) {
  struct sse *sse = ctx;
  (void)timer;
  sse->retry = 0;
  connect_now(sse);
}

static void on_done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct sse *sse = ctx;
  (void)exchange;
  (void)status;
  (void)http_status;
  (void)body;
  (void)err;
  sse->exchange = 0;
  sse->is_open = false;
  if (!sse->watched) {
    sse_free(sse);
    return;
  }
  kit_buf_free(&sse->line);
  kit_buf_free(&sse->data);
  tell_ready(sse);
  if (!sse->watched || sse->exchange || sse->retry || sse->m->is_draining)
    return;
  sse->m->loop->timer(sse->m->self, sse->delay_ms, 0, on_retry, sse, &sse->retry);
  sse->delay_ms = sse->delay_ms * 2 < DELAY_MOST_MS ? sse->delay_ms * 2 : DELAY_MOST_MS;
}

static void connect_now(struct sse *sse) {
  struct acp *m = sse->m;
  struct kit_buf url = {0};
  kit_buf_add(&url, str_z(sse->watched->url), URL_BYTES * 4);
  kit_buf_add(&url, BP_LIT("/events/"), URL_BYTES * 4);
  percent_add(&url, str_z(sse->watched->acp_id));
  const bp_client_header headers[] = {
      {.size = sizeof(bp_client_header), .name = BP_STR("Accept"), .value = BP_STR("text/event-stream")},
      {.size = sizeof(bp_client_header), .name = BP_STR("Last-Event-ID"), .value = kit_buf_str(&sse->last_id)},
  };
  const bp_client_request request = {.size = sizeof(request),
                                     .method = BP_STR("GET"),
                                     .url = kit_buf_str(&url),
                                     .headers = {headers, sse->last_id.len ? 2 : 1, (uint32_t)sizeof(headers[0])},
                                     .connect_timeout_ms = 5000,
                                     .idle_timeout_ms = IDLE_MS};
  const bp_client_events events = {.size = sizeof(events), .head = on_head, .chunk = on_chunk, .done = on_done};
  bp_status status = m->client->send(m->self, &request, &events, sse, &sse->exchange, NULL);
  kit_buf_free(&url);
  if (status == BP_OK)
    return;
  sse->exchange = 0;
  m->loop->timer(m->self, DELAY_MOST_MS, 0, on_retry, sse, &sse->retry);
}

struct sse *sse_open(struct watched *w) {
  struct sse *sse = calloc(1, sizeof(*sse));
  if (!sse)
    return NULL;
  *sse = (struct sse){.m = w->m, .watched = w, .delay_ms = DELAY_FIRST_MS};
  connect_now(sse);
  return sse;
}

void sse_close(struct sse *sse) {
  sse->watched = NULL;
  tell_ready(sse);
  if (sse->retry)
    sse->m->loop->timer_cancel(sse->retry);
  if (sse->exchange && !sse->m->is_draining)
    sse->m->client->cancel(sse->exchange); /* on_done frees it */
  else
    sse_free(sse);
}

bool sse_is_open(const struct sse *sse) {
  return sse && sse->is_open;
}

static void on_waited(void *ctx, bp_timer timer) {
  struct sse *sse = ctx;
  (void)timer;
  sse->ready = 0;
  tell_ready(sse);
}

void sse_ready(struct sse *sse, watch_ready_fn done, void *ctx) {
  if (sse->is_open || sse->wait_count == WAITS_MOST || (!sse->exchange && sse->retry)) {
    if (!sse->is_open && !sse->exchange && sse->retry) { /* between two tries: now is a good time */
      sse->m->loop->timer_cancel(sse->retry);
      sse->retry = 0;
      connect_now(sse);
    }
    if (sse->is_open || sse->wait_count == WAITS_MOST || !sse->exchange) {
      done(ctx);
      return;
    }
  }
  sse->waits[sse->wait_count].done = done;
  sse->waits[sse->wait_count++].ctx = ctx;
  if (!sse->ready)
    sse->m->loop->timer(sse->m->self, READY_MS, 0, on_waited, sse, &sse->ready);
}
