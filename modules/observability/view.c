/* The WebSocket at /ws: all sessions first, then everything that happens, in the original's message shapes. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>

struct message_kind {
  bp_str topic;
  bp_str type;   /* value of "type" */
  bp_str member; /* where the payload goes; empty: its own members are the message's */
};

static const struct message_kind kinds[] = {
    {BP_STR("observability.event"), BP_STR("event"), BP_STR("data")},
    {BP_STR("observability.session_created"), BP_STR("session_created"), BP_STR("session")},
    {BP_STR("observability.session_deleted"), BP_STR("session_deleted"), {NULL, 0}},
    {BP_STR("observability.session_updated"), BP_STR("session_updated"), BP_STR("session")},
};

static const struct message_kind *find_kind(bp_str topic) {
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (topic.len == kinds[i].topic.len && __builtin_memcmp(topic.ptr, kinds[i].topic.ptr, topic.len) == 0)
      return &kinds[i];
  return NULL;
}

static uint32_t render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  const struct observability *o = ctx;
  const bp_json_1 *json = o->json;
  const struct message_kind *kind = find_kind(event->topic);
  (void)ret_name;
  if (event->flags & BP_LIVE_RESYNC) {
    json->object_begin(frame);
    json->key(frame, BP_LIT("type"));
    json->put_string(frame, BP_LIT("resync"));
    json->object_end(frame);
    return 1;
  }
  if (!kind)
    return 0;
  json->object_begin(frame);
  json->key(frame, BP_LIT("type"));
  json->put_string(frame, kind->type);
  json->key(frame, kind->member.len ? kind->member : BP_LIT("session_id"));
  if (kind->member.len)
    json->put_raw(frame, event->payload);
  else
    json->put_string(frame, event->key);
  json->object_end(frame);
  return 1;
}

static const bp_str topics[] = {BP_STR("observability.*")};

void view_init(struct observability *o) {
  o->view = (bp_live_view){.size = sizeof(o->view), .topics = BP_ARRAY(topics), .render = render, .ctx = o};
}

static void open_view(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct observability *o = call->module;
  bp_json_writer out = 0;
  bp_str first = {NULL, 0};
  if (kit_call_failed(call, outcome))
    return;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("type"));
  o->json->put_string(out, BP_LIT("init"));
  sessions_write(o, out, outcome, o->db->rows(outcome->result, 0));
  o->json->object_end(out);
  o->json->writer_text(out, &first, NULL);
  o->live->serve_ws(call->kit.request, &o->view, bp_str_make(NULL, 0), call->from == BP_LIVE_FROM_NOW ? outcome->sequence : call->from, first);
  o->json->writer_free(out);
  free(call);
}

void view_connect(void *state, bp_request request) {
  struct observability *o = state;
  int64_t from = 0;
  struct call *call = call_new(o, request);
  if (!call)
    return;
  if (o->http->param_integer(request, BP_LIT("from"), &from) == BP_OK)
    call->from = (uint64_t)from;
  bp_db_value limit = db_integer(10000);
  bp_db_query query = {.size = sizeof(query), .statement = LIST_SESSIONS, .max_rows = 10000, .params = {&limit, 1, sizeof(limit)}};
  kit_call_read(call, &query, 1, open_view);
}
