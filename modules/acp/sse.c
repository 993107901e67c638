/* One event stream of a remote gateway (WHATWG HTML 9.2), opened again with rising delays when it ends, from the last id it gave. */
#include "acp.h"

#include <stdlib.h>
#include <string.h>

#define EVENT_MOST (2u << 20)
#define ID_MOST 200
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
  int64_t delay_ms, first_delay_ms;
  bp_timer retry, ready;
  struct kit_buf line;
  bool has_begun, is_after_cr, skips_line; /* past the first line; between CR and LF; inside a line that is too long */
  struct kit_buf data, id;                 /* of the event that is being read */
  bool has_data, has_id, is_too_long;
  struct kit_buf last_id; /* of the last event that was complete */
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
  kit_buf_free(&sse->id);
  kit_buf_free(&sse->last_id);
  free(sse);
}

/* ---- Lines ---- */

/* What a stream left unfinished is dropped with it, its id too: the next stream brings that event again. */
static void forget_event(struct sse *sse) {
  kit_buf_free(&sse->data);
  kit_buf_free(&sse->id);
  sse->has_data = sse->has_id = sse->is_too_long = false;
}

static void forget_stream(struct sse *sse) {
  forget_event(sse);
  kit_buf_free(&sse->line);
  sse->has_begun = sse->is_after_cr = sse->skips_line = false;
}

static void end_event(struct sse *sse) {
  if (sse->has_id) {
    kit_buf_free(&sse->last_id);
    sse->last_id = sse->id;
    sse->id = (struct kit_buf){0};
  }
  struct kit_buf data = sse->data;
  bool is_whole = sse->has_data && !sse->is_too_long;
  sse->data = (struct kit_buf){0};
  forget_event(sse);
  if (is_whole)
    intake(sse->watched, kit_buf_str(&data));
  kit_buf_free(&data);
}

/* It goes into a header later, so it is printable. */
static bool is_id(bp_str value) {
  for (size_t i = 0; i < value.len; i++)
    if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == '\x7f')
      return false;
  return value.len <= ID_MOST;
}

static void take_retry(struct sse *sse, bp_str value) {
  int64_t delay_ms = 0;
  for (size_t i = 0; i < value.len; i++) {
    if (value.ptr[i] < '0' || value.ptr[i] > '9')
      return;
    if (delay_ms < DELAY_MOST_MS)
      delay_ms = delay_ms * 10 + (value.ptr[i] - '0');
  }
  if (value.len == 0)
    return;
  delay_ms = delay_ms < DELAY_MOST_MS ? delay_ms : DELAY_MOST_MS;
  sse->first_delay_ms = sse->delay_ms = delay_ms > DELAY_FIRST_MS ? delay_ms : DELAY_FIRST_MS;
}

static void take_data(struct sse *sse, bp_str value) {
  if (sse->has_data)
    sse->is_too_long |= !kit_buf_add(&sse->data, BP_LIT("\n"), EVENT_MOST);
  sse->is_too_long |= !kit_buf_add(&sse->data, value, EVENT_MOST);
  sse->has_data = true;
  if (sse->is_too_long)
    kit_buf_free(&sse->data);
}

static void take_field(struct sse *sse, bp_str name, bp_str value) {
  if (kit_same(name, "data")) {
    take_data(sse, value);
  } else if (kit_same(name, "id") && is_id(value)) {
    kit_buf_free(&sse->id);
    sse->has_id = kit_buf_add(&sse->id, value, ID_MOST);
  } else if (kit_same(name, "retry")) {
    take_retry(sse, value);
  }
}

static void take_line(struct sse *sse, bp_str line) {
  if (!sse->has_begun && line.len >= 3 && memcmp(line.ptr, "\xEF\xBB\xBF", 3) == 0)
    line = bp_str_make(line.ptr + 3, line.len - 3);
  sse->has_begun = true;
  if (line.len == 0) {
    end_event(sse);
    return;
  }
  const char *colon = memchr(line.ptr, ':', line.len);
  size_t name_len = colon ? (size_t)(colon - line.ptr) : line.len, at = colon ? name_len + 1 : name_len;
  if (at < line.len && line.ptr[at] == ' ')
    at++;
  take_field(sse, bp_str_make(line.ptr, name_len), bp_str_make(line.ptr + at, line.len - at));
}

static void end_line(struct sse *sse) {
  struct kit_buf line = sse->line;
  bool is_skipped = sse->skips_line;
  sse->line = (struct kit_buf){0};
  sse->skips_line = false;
  if (!is_skipped)
    take_line(sse, kit_buf_str(&line));
  kit_buf_free(&line);
}

static void add_piece(struct sse *sse, bp_str piece) {
  if (sse->skips_line || kit_buf_add(&sse->line, piece, EVENT_MOST))
    return;
  sse->skips_line = sse->is_too_long = sse->has_begun = true;
  kit_buf_free(&sse->line);
}

/* Lines end with CR LF, LF or CR; a CR ends its line at once, so that an event need not wait for what follows. */
static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  struct sse *sse = ctx;
  (void)exchange;
  while (bytes.len && sse->watched && sse->is_open) {
    size_t used = 0;
    while (used < bytes.len && bytes.ptr[used] != '\n' && bytes.ptr[used] != '\r')
      used++;
    bool is_second = used == 0 && bytes.ptr[0] == '\n' && sse->is_after_cr;
    sse->is_after_cr = used < bytes.len && bytes.ptr[used] == '\r';
    if (used)
      add_piece(sse, bp_str_make(bytes.ptr, used));
    if (used < bytes.len) {
      if (!is_second)
        end_line(sse);
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
  sse->delay_ms = sse->first_delay_ms;
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
  forget_stream(sse);
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
  *sse = (struct sse){.m = w->m, .watched = w, .delay_ms = DELAY_FIRST_MS, .first_delay_ms = DELAY_FIRST_MS};
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
