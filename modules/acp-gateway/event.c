/* What happens, on the durable topic "acp-gateway.event", and its two views as event streams: of everything, and of one session. */
#include "gateway.h"
#include "statements.h"

#include <stdlib.h>

struct publication {
  struct gateway *gw;
  published_fn done;
  void *ctx;
};

static void on_written(void *ctx, const bp_db_outcome *outcome) {
  struct publication *publication = ctx;
  struct gateway *gw = publication->gw;
  gw->writes--;
  process_balance(gw);
  if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
    note(gw, BP_LOG_WARN, "something was not stored: %s", outcome->error->message);
  if (publication->done)
    publication->done(publication->ctx, outcome->status);
  free(publication);
}

void store_steps(struct gateway *gw, const bp_db_step *list, uint32_t count, published_fn done, void *ctx) {
  struct publication *publication = calloc(1, sizeof(*publication));
  const bp_array steps = {list, count, (uint32_t)sizeof(*list)};
  bp_status status = BP_E_NO_MEMORY;
  if (publication) {
    *publication = (struct publication){.gw = gw, .done = done, .ctx = ctx};
    gw->writes++;
    status = gw->db->write(gw->self, steps, on_written, publication);
  }
  if (status == BP_OK) {
    process_balance(gw);
    return;
  }
  if (publication)
    gw->writes--;
  free(publication);
  if (done)
    done(ctx, status);
}

void store_run(struct gateway *gw, uint32_t statement, const bp_db_value *values, uint32_t count) {
  const bp_db_step step = db_exec(statement, values, count);
  store_steps(gw, &step, 1, NULL, NULL);
}

void event_publish(struct gateway *gw, const char *type, bp_str session, bp_str agent, bp_json_writer data, published_fn done, void *ctx) {
  event_publish_with(gw, type, session, agent, data, NULL, done, ctx);
}

void event_publish_with(struct gateway *gw, const char *type, bp_str session, bp_str agent, bp_json_writer data, const bp_db_step *more,
                        published_fn done, void *ctx) {
  char time[KIT_TIME_BYTES];
  bp_json_writer w = writer(gw);
  bp_str text = {NULL, 0}, payload = {NULL, 0};
  bp_status status = w && data ? gw->json->writer_text(data, &text, NULL) : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    gw->json->object_begin(w);
    put_text(gw, w, "type", str_z(type));
    if (session.len)
      put_text(gw, w, "sessionId", session);
    if (agent.len)
      put_text(gw, w, "agentId", agent);
    gw->json->key(w, BP_LIT("data"));
    gw->json->put_raw(w, text);
    put_text(gw, w, "timestamp", time_text(now_ms(gw), time));
    gw->json->object_end(w);
    status = gw->json->writer_text(w, &payload, NULL);
  }
  if (status == BP_OK) {
    bp_db_step steps[2] = {{.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR(EVENT_TOPIC), .key = session, .payload = payload}};
    if (more)
      steps[1] = *more;
    store_steps(gw, steps, more ? 2 : 1, done, ctx);
  } else if (done) {
    done(ctx, status);
  }
  if (data)
    gw->json->writer_free(data);
  if (w)
    gw->json->writer_free(w);
}

void event_agent_status(struct agent *agent) {
  struct gateway *gw = agent->gw;
  bp_json_writer w = writer(gw);
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "agentId", str_z(agent->id));
  put_text(gw, w, "status", str_z(agent_status(agent)));
  if (agent->error)
    put_text(gw, w, "error", str_z(agent->error));
  gw->json->object_end(w);
  event_publish(gw, "agent_status", bp_str_make(NULL, 0), str_z(agent->id), w, NULL, NULL);
}

void event_error(struct gateway *gw, struct session *session, const char *message) {
  bp_json_writer w = writer(gw);
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "sessionId", str_z(session->id));
  put_text(gw, w, "error", str_z(message));
  gw->json->object_end(w);
  event_publish(gw, "error", str_z(session->id), str_z(session->agent->id), w, NULL, NULL);
}

/* ---- Views ---- */

static uint32_t render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  static char name[64]; /* borrowed until the next call */
  const struct gateway *gw = ctx;
  bp_json root = 0;
  bp_str type = BP_STR("message");
  if (event->flags & BP_LIVE_RESYNC) {
    gw->json->put_raw(frame, BP_LIT("{\"type\":\"resync\"}"));
    *ret_name = BP_LIT("resync");
    return 1;
  }
  if (!kit_same(event->topic, EVENT_TOPIC)) {
    gw->json->put_raw(frame, BP_LIT("ping"));
    *ret_name = BP_LIT("ping");
    return 1;
  }
  if (gw->json->parse(gw->self, event->payload, &root, NULL) == BP_OK)
    get_text(gw, root, "type", &type);
  size_t len = type.len < sizeof(name) ? type.len : sizeof(name);
  __builtin_memcpy(name, type.ptr, len);
  *ret_name = bp_str_make(name, len);
  if (root)
    gw->json->release(gw->self, root);
  gw->json->put_raw(frame, event->payload);
  return 1;
}

static const bp_str all_topics[] = {BP_STR(EVENT_TOPIC), BP_STR(PING_TOPIC)};
static const bp_str session_topics[] = {BP_STR(EVENT_TOPIC), BP_STR(SESSION_PING_TOPIC)};

void views_init(struct gateway *gw) {
  gw->all_view = (bp_live_view){.size = sizeof(bp_live_view), .topics = BP_ARRAY(all_topics), .render = render, .ctx = gw};
  gw->session_view = (bp_live_view){.size = sizeof(bp_live_view), .topics = BP_ARRAY(session_topics), .render = render, .ctx = gw};
}

#define OPENING BP_LIT(": connected\n\n")

void events_all(void *state, bp_request request) {
  struct gateway *gw = state;
  gw->live->serve_sse(request, &gw->all_view, bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, OPENING, 0);
}

void events_session(void *state, bp_request request) {
  struct gateway *gw = state;
  bp_str id = {NULL, 0};
  gw->http->param(request, BP_LIT("id"), &id);
  gw->live->serve_sse(request, &gw->session_view, id, BP_LIVE_FROM_NOW, OPENING, 0);
}
