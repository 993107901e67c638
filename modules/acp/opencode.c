/* The older OpenCode proxy: any method below /api/projects/{id}/opencode/ goes to the project's own URL and back, streaming. What is
 * passed is made anew on both sides: no hop-by-hop header, no Authorization, no cookie. */
#include "acp.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_MOST (8u << 20)
#define WAITING_MOST (256u << 10)

struct pass {
  struct acp *m;
  bp_request request;
  bp_exchange exchange;
  bp_stream stream;
  char project[NAME_BYTES], method[16];
  struct kit_text target, type, accept, language, last_id;
  struct kit_buf body;
  bool has_begun, is_gone;
};

static void pass_free(struct pass *p) {
  kit_text_free(&p->target);
  kit_text_free(&p->type);
  kit_text_free(&p->accept);
  kit_text_free(&p->language);
  kit_text_free(&p->last_id);
  kit_buf_free(&p->body);
  free(p);
}

static void refuse(struct pass *p, uint32_t status, const char *text) {
  if (!p->is_gone)
    kit_problem(p->m->http, p->request, status, str_z(text));
  pass_free(p);
}

/* ---- The answer ---- */

static void on_drained(void *ctx, bp_stream stream) {
  struct pass *p = ctx;
  (void)stream;
  p->m->client->pause(p->exchange, 0);
}

static void on_closed(void *ctx, bp_stream stream, bp_status status) {
  struct pass *p = ctx;
  (void)stream;
  (void)status;
  p->stream = 0;
  p->m->client->cancel(p->exchange);
}

/* What a client needs of the answer's headers; the rest belongs to the connection or to the host. */
static bool is_kept(bp_str name) {
  static const char *const kept[] = {"Cache-Control", "Content-Disposition", "Content-Language", "ETag", "Last-Modified", "Link", "Location", "Vary"};
  for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
    if (name.len == strlen(kept[i]) && strncasecmp(name.ptr, kept[i], name.len) == 0)
      return true;
  return (name.len > 11 && strncasecmp(name.ptr, "x-opencode-", 11) == 0) || (name.len == 13 && strncasecmp(name.ptr, "x-next-cursor", 13) == 0);
}

static void on_head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  static const bp_stream_events events = {.size = sizeof(events), .drained = on_drained, .closed = on_closed};
  struct pass *p = ctx;
  bp_str type = BP_STR("application/octet-stream");
  if (p->is_gone) {
    p->m->client->cancel(exchange);
    return;
  }
  for (uint32_t i = 0; i < headers.count; i++) {
    const bp_client_header *header = (const void *)((const char *)headers.ptr + (size_t)i * headers.stride);
    if (header->name.len == 12 && strncasecmp(header->name.ptr, "Content-Type", 12) == 0)
      type = header->value;
    else if (is_kept(header->name))
      p->m->http->header_add(p->request, header->name, header->value);
  }
  p->has_begun = true;
  if (status == 204 || status == 304) {
    p->m->http->reply_empty(p->request, status);
    return;
  }
  if (p->m->stream->begin(p->request, status, type, &events, p, &p->stream) != BP_OK) {
    p->stream = 0;
    p->m->client->cancel(exchange);
  }
}

static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  struct pass *p = ctx;
  while (p->stream && bytes.len) {
    bp_str piece = bp_str_make(bytes.ptr, bytes.len < WAITING_MOST ? bytes.len : WAITING_MOST);
    if (p->m->stream->write(p->stream, piece) != BP_OK) {
      p->m->client->cancel(exchange);
      return;
    }
    bytes = bp_str_make(bytes.ptr + piece.len, bytes.len - piece.len);
  }
  if (p->stream && p->m->stream->buffered(p->stream) > WAITING_MOST)
    p->m->client->pause(exchange, 1);
}

static void on_done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct pass *p = ctx;
  char text[400];
  (void)exchange;
  (void)http_status;
  (void)body;
  if (p->stream)
    p->m->stream->end(p->stream);
  if (p->has_begun || p->is_gone) {
    pass_free(p);
    return;
  }
  (void)snprintf(text, sizeof(text), "OpenCode request failed: %s", status != BP_OK && err->message[0] ? err->message : "no answer");
  refuse(p, 502, text);
}

/* ---- The question ---- */

static void add_header(bp_client_header *headers, uint32_t *count, const char *name, const struct kit_text *value) {
  if (value->len)
    headers[(*count)++] = (bp_client_header){.size = sizeof(bp_client_header), .name = str_z(name), .value = kit_text_str(value)};
}

static void send(struct pass *p, const char *base) {
  struct kit_buf url = {0};
  bp_client_header headers[4];
  uint32_t count = 0;
  bp_error err = BP_ERROR_INIT;
  add_header(headers, &count, "Content-Type", &p->type);
  add_header(headers, &count, "Accept", &p->accept);
  add_header(headers, &count, "Accept-Language", &p->language);
  add_header(headers, &count, "Last-Event-ID", &p->last_id);
  kit_buf_add(&url, str_z(base), URL_BYTES * 4);
  kit_buf_add(&url, kit_text_str(&p->target), URL_BYTES * 4);
  const bp_client_request request = {.size = sizeof(request),
                                     .method = str_z(p->method),
                                     .url = kit_buf_str(&url),
                                     .headers = {headers, count, (uint32_t)sizeof(headers[0])},
                                     .body = kit_buf_str(&p->body),
                                     .connect_timeout_ms = 5000,
                                     .idle_timeout_ms = 300000};
  const bp_client_events events = {.size = sizeof(events), .head = on_head, .chunk = on_chunk, .done = on_done};
  bp_status status = p->m->client->send(p->m->self, &request, &events, p, &p->exchange, &err);
  kit_buf_free(&url);
  if (status != BP_OK)
    refuse(p, 502, err.message[0] ? err.message : "too many requests are under way");
}

static void on_project(void *ctx, const bp_db_outcome *outcome) {
  struct pass *p = ctx;
  const bp_db_1 *db = p->m->db;
  char base[URL_BYTES];
  bp_db_value port = {.size = sizeof(port)};
  if (outcome->status != BP_OK || db->rows(outcome->result, 0) == 0) {
    refuse(p, outcome->status == BP_OK ? 404 : 503, outcome->status == BP_OK ? "Project not found" : outcome->error->message);
    return;
  }
  bp_str url = db_column(db, outcome, 0, 0, 0);
  db->value(outcome->result, 0, 0, 1, &port);
  while (url.len && url.ptr[url.len - 1] == '/')
    url.len--;
  if (url.len)
    copy_name(base, sizeof(base), url);
  else if (port.type == BP_DB_INTEGER)
    (void)snprintf(base, sizeof(base), "http://localhost:%lld", (long long)port.integer);
  else {
    refuse(p, 503, "The project has neither fqdnUrl nor containerPort");
    return;
  }
  send(p, base);
}

static void on_left(void *ctx, bp_request request, uint32_t reason) {
  struct pass *p = ctx;
  (void)request;
  (void)reason;
  p->is_gone = true;
  if (p->exchange)
    p->m->client->cancel(p->exchange);
}

static void on_body(void *ctx, bp_request request, bp_str bytes) {
  struct pass *p = ctx;
  (void)request;
  kit_buf_add(&p->body, bytes, BODY_MOST);
}

static void on_end(void *ctx, bp_request request) {
  struct pass *p = ctx;
  p->m->http->defer(request, on_left, p);
  const bp_db_value id = db_text(str_z(p->project));
  const bp_db_query query = {.size = sizeof(query), .statement = PROJECT_BY_ID, .max_rows = 1, .params = {&id, 1, (uint32_t)sizeof(id)}};
  if (p->m->db->read(p->m->self, (bp_array){&query, 1, (uint32_t)sizeof(query)}, 0, on_project, p) != BP_OK)
    refuse(p, 503, "the store is busy");
}

static void on_failed(void *ctx, bp_request request, bp_status status) {
  (void)request;
  (void)status;
  pass_free(ctx);
}

static struct kit_text header_copy(const struct acp *m, bp_request request, bp_str name) {
  bp_str value = {NULL, 0};
  return m->http->header(request, name, &value) == BP_OK ? kit_text_copy(value) : (struct kit_text){NULL, 0};
}

/* What follows "/opencode" in the target as it was sent, with its query. */
static bp_str rest_of(bp_str target) {
  static const char word[] = "/opencode";
  for (size_t i = 0; i + sizeof(word) - 1 <= target.len; i++)
    if (memcmp(target.ptr + i, word, sizeof(word) - 1) == 0)
      return bp_str_make(target.ptr + i + sizeof(word) - 1, target.len - i - (sizeof(word) - 1));
  return bp_str_make("/", 1);
}

void opencode_pass(void *state, bp_request request) {
  static const bp_body_sink sink = {.size = sizeof(sink), .chunk = on_body, .end = on_end, .failed = on_failed};
  struct acp *m = state;
  bp_str text = {NULL, 0};
  struct pass *p = calloc(1, sizeof(*p));
  if (!p) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  *p = (struct pass){.m = m, .request = request};
  m->http->param(request, BP_LIT("projectId"), &text);
  copy_name(p->project, NAME_BYTES, text);
  copy_name(p->method, sizeof(p->method), m->http->method(request));
  p->target = kit_text_copy(rest_of(m->http->target(request)));
  p->type = header_copy(m, request, BP_LIT("Content-Type"));
  p->accept = header_copy(m, request, BP_LIT("Accept"));
  p->language = header_copy(m, request, BP_LIT("Accept-Language"));
  p->last_id = header_copy(m, request, BP_LIT("Last-Event-ID"));
  bp_status status = m->stream->body_read(request, &sink, p);
  if (status != BP_OK) {
    m->http->reply_failure(request, status, NULL);
    pass_free(p);
  }
}
