/* The event stream: once a second what has changed, the statistics, and a heartbeat; each rendered once for all clients.
 *
 * A client that comes gets the present state at once. What changed since the last tick goes to the others first, so that nobody sees
 * a change twice or not at all. The ticker runs only while somebody listens. */
#include "monitor.h"

#include <stdlib.h>
#include <string.h>

#define TOPIC BP_LIT("monitor.stream")
#define TICK_MS 1000
#define LOOK_TICKS 5 /* a writer that keeps its file open is not told of by the kernel until it closes it: look anyway */
#define STREAM_MESSAGES 10

static uint32_t render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  const struct monitor *m = ctx;
  if (event->flags & BP_LIVE_RESYNC)
    return 0; /* the next tick says all that counts */
  m->json->put_raw(frame, event->payload);
  *ret_name = event->key;
  return 1;
}

void stream_init(struct monitor *m) {
  static const bp_str topics[] = {BP_STR("monitor.stream")};
  m->view = (bp_live_view){.size = sizeof(m->view), .flags = BP_VIEW_NO_IDS, .topics = BP_ARRAY(topics), .render = render, .ctx = m};
}

/* ---- Telling everybody ---- */

static void publish_error(const struct monitor *m, const char *what) {
  char text[TIMESTAMP_BYTES];
  bp_json_writer out = 0;
  bp_str payload;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("error"), str_z(what));
  json_text_member(m->json, out, BP_LIT("timestamp"), timestamp_now(m, text));
  m->json->object_end(out);
  if (m->json->writer_text(out, &payload, NULL) == BP_OK)
    m->live->publish(m->self, TOPIC, BP_LIT("error"), payload);
  m->json->writer_free(out);
}

static void publish(const struct monitor *m, const char *name, bp_json_writer body) {
  bp_str payload;
  if (!body) {
    publish_error(m, "out of memory");
    return;
  }
  if (m->json->writer_text(body, &payload, NULL) != BP_OK || m->live->publish(m->self, TOPIC, str_z(name), payload) != BP_OK)
    publish_error(m, "an update is too large for the stream; ask for it with GET");
  m->json->writer_free(body);
}

static void publish_changes(struct monitor *m) {
  if (m->agents_changed)
    publish(m, "agents", render_agents(m));
  if (m->locks_changed)
    publish(m, "locks", render_locks(m));
  if (m->messages_changed)
    publish(m, "messages", render_messages(m, STREAM_MESSAGES));
  m->agents_changed = m->locks_changed = m->messages_changed = false;
}

static void looked(void *ctx, bp_status status) {
  if (status != BP_OK && status != BP_E_CANCELLED && status != BP_E_STALE)
    publish_error(ctx, "the files could not be read");
}

static void tick(void *ctx, bp_timer timer) {
  struct monitor *m = ctx;
  if (m->live->listeners(TOPIC) == 0) {
    m->loop->timer_cancel(timer);
    m->is_ticking = false;
    return;
  }
  publish_changes(m);
  publish(m, "stats", render_stats(m));
  publish(m, "heartbeat", render_timestamp(m, NULL));
  if (++m->ticks % LOOK_TICKS == 0)
    state_refresh(m, looked, m);
}

/* ---- A client that comes ---- */

/* Appends a frame to the text; the writer is freed. */
static bool append_frame(const struct monitor *m, struct kit_text *to, const char *name, bp_json_writer body) {
  bp_str data;
  bool is_added = false;
  if (body && m->json->writer_text(body, &data, NULL) == BP_OK) {
    size_t name_len = strlen(name), len = to->len + name_len + data.len + 17; /* "event: " "\ndata: " "\n\n" */
    char *grown = realloc(to->ptr, len + 1);
    if (grown) {
      char *at = stpcpy(grown + to->len, "event: ");
      at = stpcpy(at, name);
      at = stpcpy(at, "\ndata: ");
      memcpy(at, data.ptr, data.len);
      at = stpcpy(at + data.len, "\n\n");
      to->ptr = grown;
      to->len = (size_t)(at - grown);
      is_added = true;
    }
  }
  if (body)
    m->json->writer_free(body);
  return is_added;
}

static bool first_frames(const struct monitor *m, struct kit_text *to) {
  return append_frame(m, to, "connected", render_timestamp(m, "connected")) &&
         (!m->agents.exists || append_frame(m, to, "agents", render_agents(m))) &&
         (m->locks.signature == 0 || append_frame(m, to, "locks", render_locks(m))) &&
         (!m->log_exists || append_frame(m, to, "messages", render_messages(m, STREAM_MESSAGES))) && append_frame(m, to, "stats", render_stats(m)) &&
         append_frame(m, to, "heartbeat", render_timestamp(m, NULL));
}

static bp_status start_ticking(struct monitor *m) {
  if (m->is_ticking)
    return BP_OK;
  bp_status status = m->loop->timer(m->self, TICK_MS, TICK_MS, tick, m, &m->ticker);
  m->is_ticking = status == BP_OK;
  return status;
}

struct opening {
  struct monitor *module;
  bp_request request;
};

static void open_now(void *ctx, bp_status status) {
  struct opening *opening = ctx;
  struct monitor *m = opening->module;
  struct kit_text first = {NULL, 0};
  if (m->is_ticking)
    publish_changes(m);
  m->agents_changed = m->locks_changed = m->messages_changed = false;
  if (status == BP_OK)
    status = first_frames(m, &first) ? start_ticking(m) : BP_E_NO_MEMORY;
  if (status == BP_OK)
    m->live->serve_sse(opening->request, &m->view, bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, kit_text_str(&first), 0);
  else
    m->http->reply_failure(opening->request, status, NULL);
  kit_text_free(&first);
  free(opening);
}

void stream_open(void *state, bp_request request) {
  struct monitor *m = state;
  if (!guard_pass(m, request))
    return;
  struct opening *opening = malloc(sizeof(*opening));
  if (!opening) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  *opening = (struct opening){m, request};
  m->http->defer(request, NULL, NULL);
  state_refresh(m, open_now, opening);
}
