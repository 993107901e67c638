/* Event streams for our clients: a remote gateway's bytes as they come, or views of the built-in one's events. */
#include "acp.h"

#include <stdlib.h>
#include <string.h>

#define WAITING_MOST (256u << 10)
#define PING_TOPIC "acp-gateway.ping"
#define SESSION_PING_TOPIC "acp-gateway.session_ping"

/* ---- A remote one ---- */

struct relay {
  struct acp *m;
  struct call *call; /* until the stream has begun */
  bp_exchange exchange;
  bp_stream stream;
};

static void on_drained(void *ctx, bp_stream stream) {
  struct relay *r = ctx;
  (void)stream;
  r->m->client->pause(r->exchange, 0);
}

static void on_closed(void *ctx, bp_stream stream, bp_status status) {
  struct relay *r = ctx;
  (void)stream;
  (void)status;
  r->stream = 0;
  r->m->client->cancel(r->exchange);
}

static void on_head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  static const bp_stream_events events = {.size = sizeof(events), .drained = on_drained, .closed = on_closed};
  struct relay *r = ctx;
  (void)headers;
  if (status != 200 || r->call->is_answered) {
    r->m->client->cancel(exchange);
    return;
  }
  bp_request request = r->call->request;
  r->m->http->header_add(request, BP_LIT("Cache-Control"), BP_LIT("no-cache"));
  r->m->http->header_add(request, BP_LIT("X-Accel-Buffering"), BP_LIT("no"));
  r->call->is_answered = true;
  if (r->m->stream->begin(request, 200, BP_LIT("text/event-stream"), &events, r, &r->stream) != BP_OK) {
    r->stream = 0;
    r->m->client->cancel(exchange);
  }
}

static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  struct relay *r = ctx;
  while (r->stream && bytes.len) {
    bp_str piece = bp_str_make(bytes.ptr, bytes.len < WAITING_MOST ? bytes.len : WAITING_MOST);
    if (r->m->stream->write(r->stream, piece) != BP_OK) {
      r->m->client->cancel(exchange);
      return;
    }
    bytes = bp_str_make(bytes.ptr + piece.len, bytes.len - piece.len);
  }
  if (r->stream && r->m->stream->buffered(r->stream) > WAITING_MOST)
    r->m->client->pause(exchange, 1);
}

static void on_done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct relay *r = ctx;
  (void)exchange;
  (void)status;
  (void)http_status;
  (void)body;
  (void)err;
  if (r->stream)
    r->m->stream->end(r->stream);
  call_problem(r->call, 500, "", "Could not create event stream"); /* where nothing has been answered yet */
  free(r);
}

static void relay(struct call *call, const char *url, const char *acp_id) {
  struct acp *m = call->m;
  struct kit_buf target = {0};
  struct relay *r = calloc(1, sizeof(*r));
  bp_str last = {NULL, 0};
  bool has_last = m->http->header(call->request, BP_LIT("Last-Event-ID"), &last) == BP_OK && last.len < 200;
  kit_buf_add(&target, str_z(url), URL_BYTES * 4);
  kit_buf_add(&target, acp_id ? BP_LIT("/events/") : BP_LIT("/events"), URL_BYTES * 4);
  if (acp_id)
    percent_add(&target, str_z(acp_id));
  const bp_client_header headers[] = {
      {.size = sizeof(bp_client_header), .name = BP_STR("Accept"), .value = BP_STR("text/event-stream")},
      {.size = sizeof(bp_client_header), .name = BP_STR("Last-Event-ID"), .value = last},
  };
  const bp_client_request wanted = {.size = sizeof(wanted),
                                    .method = BP_STR("GET"),
                                    .url = kit_buf_str(&target),
                                    .headers = {headers, has_last ? 2 : 1, (uint32_t)sizeof(headers[0])},
                                    .connect_timeout_ms = 5000,
                                    .idle_timeout_ms = 3600000};
  const bp_client_events events = {.size = sizeof(events), .head = on_head, .chunk = on_chunk, .done = on_done};
  bp_status status = BP_E_NO_MEMORY;
  if (r) {
    *r = (struct relay){.m = m, .call = call};
    status = m->client->send(m->self, &wanted, &events, r, &r->exchange, NULL);
  }
  kit_buf_free(&target);
  if (status != BP_OK) {
    free(r);
    call_problem(call, 500, "", "Could not create event stream");
    return;
  }
  call->exchange = r->exchange;
}

/* ---- The built-in one ---- */

struct project_view {
  struct project_view *next;
  struct acp *m;
  char project[NAME_BYTES]; /* empty: of one session, which the key chooses */
  bp_live_view view;
};

static const bp_str all_topics[] = {BP_STR(GATEWAY_TOPIC), BP_STR(PING_TOPIC)};
static const bp_str session_topics[] = {BP_STR(GATEWAY_TOPIC), BP_STR(SESSION_PING_TOPIC)};

static bool is_of_project(const struct project_view *view, bp_str key) {
  const struct watched *w = view->project[0] && key.len ? watched_of(view->m, key) : NULL;
  return !view->project[0] || key.len == 0 || (w && strcmp(w->project, view->project) == 0);
}

static uint32_t render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  static char name[64]; /* borrowed until the next call */
  const struct project_view *view = ctx;
  const struct acp *m = view->m;
  bp_json root = 0;
  bp_str type = BP_STR("message");
  if (event->flags & BP_LIVE_RESYNC) {
    m->json->put_raw(frame, BP_LIT("{\"type\":\"resync\"}"));
    *ret_name = BP_LIT("resync");
    return 1;
  }
  if (!kit_same(event->topic, GATEWAY_TOPIC)) {
    m->json->put_raw(frame, BP_LIT("ping"));
    *ret_name = BP_LIT("ping");
    return 1;
  }
  if (!is_of_project(view, event->key))
    return 0;
  if (m->json->parse(m->self, event->payload, &root, NULL) == BP_OK)
    get_text(m, root, "type", &type);
  copy_name(name, sizeof(name), type);
  *ret_name = str_z(name);
  if (root)
    m->json->release(m->self, root);
  m->json->put_raw(frame, event->payload);
  return 1;
}

/* Views are told apart by address: one a project, kept, and one for all sessions. */
static const bp_live_view *view_of(struct acp *m, const char *project) {
  for (struct project_view *view = m->views; view; view = view->next)
    if (strcmp(view->project, project) == 0)
      return &view->view;
  struct project_view *view = calloc(1, sizeof(*view));
  if (!view)
    return NULL;
  *view = (struct project_view){.next = m->views, .m = m};
  copy_name(view->project, NAME_BYTES, str_z(project));
  view->view = (bp_live_view){.size = sizeof(bp_live_view), .render = render, .ctx = view};
  if (project[0])
    view->view.topics = (bp_array)BP_ARRAY(all_topics);
  else
    view->view.topics = (bp_array)BP_ARRAY(session_topics);
  m->views = view;
  return &view->view;
}

void views_free(struct acp *m) {
  while (m->views) {
    struct project_view *view = m->views;
    m->views = view->next;
    free(view);
  }
}

static void serve(struct call *call, const char *acp_id) {
  struct acp *m = call->m;
  char url[URL_BYTES];
  const char *fault = NULL;
  if (!upstream_of(m, &call->project, url, &fault)) {
    call_problem(call, 500, "", fault);
    return;
  }
  const bp_live_view *view = url[0] ? NULL : view_of(m, acp_id ? "" : call->project.id);
  if (url[0]) {
    relay(call, url, acp_id);
    return;
  }
  if (view && !call->is_answered) {
    m->live->serve_sse(call->request, view, acp_id ? str_z(acp_id) : bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, BP_LIT(": connected\n\n"), 0);
    call->is_answered = true;
  }
  call_problem(call, 500, "", "Could not create event stream"); /* where nothing has been answered */
}

void run_events(struct call *call) {
  serve(call, NULL);
}

void run_session_events(struct call *call) {
  serve(call, call->session.acp_id);
}
