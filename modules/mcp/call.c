/* A request that a server answers: decided on, the server woken, the request sent under an id of ours, the answer brought back. */
#include "hub.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call *call_new(struct mcp *m, struct session *session, bp_str id, bp_str method, bp_json params) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call)
    return NULL;
  *call = (struct call){.m = m, .session = session, .id = str_copy(id), .method = str_copy(method)};
  char *copy = params ? json_copy(m, params) : NULL;
  if (copy)
    m->json->parse(m->self, str_z(copy), &call->params, NULL);
  free(copy);
  call->token = json_copy(m, json_member(m, json_member(m, call->params, "_meta"), "progressToken"));
  if (session) {
    call->next = session->calls;
    session->calls = call;
    session->call_count++;
  }
  return call;
}

void call_free(struct call *call) {
  struct mcp *m = call->m;
  for (struct call **at = call->session ? &call->session->calls : NULL; at && *at; at = &(*at)->next)
    if (*at == call) {
      *at = call->next;
      call->session->call_count--;
      break;
    }
  if (call->params)
    m->json->release(m->self, call->params);
  char *const texts[] = {call->id, call->token, call->method, call->server_id, call->name, call->arguments};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    free(texts[i]);
  free(call);
}

/* ---- Answers ---- */

static void answer_feed(struct call *call, struct text *message) {
  if (!call->feed) {
    text_release(message);
    return;
  }
  bool is_taken = feed_put(call->feed, message, false);
  if (!is_taken && call->feed) {
    struct text error = rpc_error(call->m, str_z(call->id), RPC_INTERNAL, BP_LIT("the answer does not fit the session's buffer: read the streams"));
    feed_put(call->feed, &error, false);
  }
  if (call->feed)
    feed_end(call->feed);
}

static void answer_request(struct call *call, bp_json result) {
  const struct mcp *m = call->m;
  bp_json_writer out = answer_begin(m, call->request);
  if (!out)
    return;
  m->json->key(out, BP_LIT("result"));
  m->json->put_value(out, result);
  answer_end(m, call->request, out);
}

void call_fail(struct call *call, int32_t code, const char *message) {
  if (call->request) {
    kit_problem(call->m->http, call->request, 500, str_z(message));
  } else {
    struct text text = rpc_error(call->m, str_z(call->id), code, str_z(message));
    answer_feed(call, &text);
  }
  call_free(call);
}

static void note_success(struct call *call) {
  bp_str uri = kit_member_text(call->m->json, call->params, "uri");
  char *text = uri.ptr && call->session && call->server_id ? str_copy(uri) : NULL;
  if (text && strcmp(call->method, "resources/subscribe") == 0)
    session_subscribe(call->session, call->server_id, text, call->instance);
  else if (text && strcmp(call->method, "resources/unsubscribe") == 0)
    session_unsubscribe(call->session, call->server_id, text);
  free(text);
}

static void on_outcome(void *ctx, const struct outcome *outcome) {
  struct call *call = ctx;
  const struct mcp *m = call->m;
  call->pending = 0;
  if (outcome->failure) {
    call_fail(call, RPC_SERVER, outcome->failure);
    return;
  }
  if (call->request && outcome->error) {
    char message[300];
    bp_str text = kit_member_text(m->json, outcome->error, "message");
    snprintf(message, sizeof(message), "%.*s", (int)(text.len < 280 ? text.len : 280), text.ptr ? text.ptr : "the server answered with an error");
    call_fail(call, 0, message);
    return;
  }
  if (call->request) {
    answer_request(call, outcome->result);
    call_free(call);
    return;
  }
  if (outcome->result)
    note_success(call);
  bp_json_writer out = rpc_begin(m);
  if (out) {
    m->json->key(out, BP_LIT("id"));
    m->json->put_raw(out, str_z(call->id));
    m->json->key(out, outcome->error ? BP_LIT("error") : BP_LIT("result"));
    m->json->put_value(out, outcome->error ? outcome->error : outcome->result);
  }
  struct text text = rpc_end(m, out);
  answer_feed(call, &text);
  call_free(call);
}

/* ---- Sending ---- */

static void put_meta(const struct call *call, bp_json_writer out, int64_t id) {
  const struct mcp *m = call->m;
  bp_json meta = json_member(m, call->params, "_meta");
  if (!meta && !call->token)
    return;
  m->json->key(out, BP_LIT("_meta"));
  m->json->object_begin(out);
  json_put_members(m, out, meta, "progressToken", NULL);
  if (call->token) {
    m->json->key(out, BP_LIT("progressToken"));
    m->json->put_integer(out, id);
  }
  m->json->object_end(out);
}

/* completion/complete names its prompt inside `ref`. */
static void put_ref(const struct call *call, bp_json_writer out) {
  const struct mcp *m = call->m;
  m->json->key(out, BP_LIT("ref"));
  m->json->object_begin(out);
  json_put_members(m, out, json_member(m, call->params, "ref"), "name", NULL);
  json_text_member(m->json, out, BP_LIT("name"), str_z(call->name));
  m->json->object_end(out);
}

static void put_params(const struct call *call, bp_json_writer out, int64_t id) {
  const struct mcp *m = call->m;
  bool is_completion = strcmp(call->method, "completion/complete") == 0;
  uint64_t cursor = 0;
  bp_str key;
  bp_json value;
  m->json->object_begin(out);
  if (call->name && !is_completion)
    json_text_member(m->json, out, BP_LIT("name"), str_z(call->name));
  if (call->name && is_completion)
    put_ref(call, out);
  if (call->arguments) {
    m->json->key(out, BP_LIT("arguments"));
    m->json->put_raw(out, str_z(call->arguments));
  }
  while (call->params && m->json->next(call->params, &cursor, &key, &value) == BP_OK) {
    bool is_replaced =
        kit_same(key, "_meta") || (call->name && kit_same(key, is_completion ? "ref" : "name")) || (call->arguments && kit_same(key, "arguments"));
    if (is_replaced)
      continue;
    m->json->key(out, key);
    m->json->put_value(out, value);
  }
  put_meta(call, out, id);
  m->json->object_end(out);
}

/* Others still want the resource: the server is not told. */
static bool is_kept_subscription(const struct call *call) {
  bp_str uri = kit_member_text(call->m->json, call->params, "uri");
  if (strcmp(call->method, "resources/unsubscribe") != 0 || !uri.ptr || !call->session || call->instance->owner)
    return false;
  char *text = str_copy(uri);
  bool is_kept = text && sessions_subscribed(call->m, call->server_id, text, call->session);
  free(text);
  return is_kept;
}

static void send_call(struct call *call) {
  const struct mcp *m = call->m;
  bp_json_writer out = 0;
  bp_str params = BP_LIT("{}");
  if (is_kept_subscription(call)) {
    bp_json empty = 0;
    m->json->parse(m->self, BP_LIT("{}"), &empty, NULL);
    on_outcome(call, &(struct outcome){.result = empty});
    m->json->release(m->self, empty);
    return;
  }
  if (m->json->writer_new(m->self, &out) != BP_OK) {
    call_fail(call, RPC_INTERNAL, "out of memory");
    return;
  }
  put_params(call, out, instance_next_id(call->instance));
  if (m->json->writer_text(out, &params, NULL) == BP_OK)
    call->pending = instance_request(call->instance, call->method, params, m->call_timeout_ms, call, on_outcome, call);
  m->json->writer_free(out);
  if (!call->pending)
    call_fail(call, RPC_SERVER, "the server takes no more requests right now");
}

static void on_woken(void *ctx, struct instance *instance, const char *failure) {
  struct call *call = ctx;
  call->is_waking = false;
  call->instance = instance;
  if (instance)
    send_call(call);
  else
    call_fail(call, RPC_SERVER, failure);
}

void call_start(struct call *call, struct server *server) {
  free(call->server_id);
  call->server_id = str_copy(str_z(server->id));
  call->is_waking = true;
  wake(server, call->session, on_woken, call);
}

/* ---- Tools, by the policy ---- */

/* The model sees why, as the result of its call. */
static void deny(struct call *call, bp_str reason, bp_str approval) {
  const struct mcp *m = call->m;
  bp_json_writer out = rpc_begin(m);
  struct text sentence = {0};
  text_add(&sentence, BP_LIT("denied: "));
  text_add(&sentence, reason.len ? reason : BP_LIT("by the policy"));
  if (approval.len) {
    text_add(&sentence, BP_LIT(" (a person must approve "));
    text_add(&sentence, approval);
    text_add(&sentence, BP_LIT("; then call again)"));
  }
  if (out) {
    m->json->key(out, BP_LIT("id"));
    m->json->put_raw(out, str_z(call->id));
    m->json->key(out, BP_LIT("result"));
    rpc_put_text_result(m, out, text_str(&sentence), true);
  }
  struct text text = rpc_end(m, out);
  text_release(&sentence);
  answer_feed(call, &text);
  call_free(call);
}

char *facts_arguments(const struct mcp *m, bp_str facts_text) {
  bp_json facts = 0;
  if (m->json->parse(m->self, facts_text, &facts, NULL) != BP_OK)
    return NULL;
  bp_json arguments = json_member(m, facts, "arguments");
  char *text = arguments && m->json->type(arguments) == BP_JSON_OBJECT ? json_copy(m, arguments) : NULL;
  m->json->release(m->self, facts);
  return text;
}

/* What the rules allowed may name other arguments. */
static void take_facts(struct call *call, bp_str facts_text) {
  char *arguments = facts_arguments(call->m, facts_text);
  if (!arguments)
    return;
  free(call->arguments);
  call->arguments = arguments;
}

static void on_verdict(void *ctx, const bp_verdict *verdict) {
  struct call *call = ctx;
  call->is_deciding = false;
  struct server *server = server_find(call->m, str_z(call->server_id));
  if (call->is_cancelled) {
    call_free(call);
  } else if (verdict->verdict != BP_VERDICT_ALLOW) {
    deny(call, verdict->reason, verdict->verdict == BP_VERDICT_ASK ? verdict->approval_id : BP_LIT(""));
  } else if (!server) {
    call_fail(call, RPC_SERVER, "the server was deleted");
  } else {
    take_facts(call, verdict->facts);
    call_start(call, server);
  }
}

struct text call_facts(const struct mcp *m, const struct session *session, const char *server, const char *tool, const char *arguments) {
  struct text text = {0};
  bp_json_writer out = 0;
  bp_str written;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return text;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("module"), BP_LIT("mcp"));
  json_text_member(m->json, out, BP_LIT("action"), BP_LIT("call"));
  json_text_member(m->json, out, BP_LIT("server"), str_z(server));
  json_text_member(m->json, out, BP_LIT("tool"), str_z(tool));
  m->json->key(out, BP_LIT("arguments"));
  m->json->put_raw(out, arguments ? str_z(arguments) : BP_LIT("null"));
  json_text_member(m->json, out, BP_LIT("principal"), str_z(session->principal));
  json_text_member(m->json, out, BP_LIT("session"), str_z(session->id));
  if (session->scope.kind == SCOPE_GROUP)
    json_text_member(m->json, out, BP_LIT("group"), str_z(session->scope.name));
  m->json->object_end(out);
  if (m->json->writer_text(out, &written, NULL) == BP_OK)
    text_add(&text, written);
  m->json->writer_free(out);
  return text;
}

void call_tool(struct call *call, struct server *server) {
  struct mcp *m = call->m;
  call->server_id = str_copy(str_z(server->id));
  char *given = call->arguments ? NULL : json_copy(m, json_member(m, call->params, "arguments"));
  struct text facts = call_facts(m, call->session, server->id, call->name, call->arguments ? call->arguments : given);
  free(given);
  call->is_deciding = true;
  bp_status status = facts.len
                         ? m->policy->decide(m->self, BP_LIT("mcp"), str_z(call->session->principal), text_str(&facts), HOLD_MS, on_verdict, call)
                         : BP_E_NO_MEMORY;
  text_release(&facts);
  if (status == BP_OK)
    return;
  call->is_deciding = false;
  call_fail(call, RPC_SERVER, "the policy could not be asked");
}

void session_fail_undecided(struct session *session, const char *why) {
  for (struct call *call = session->calls; call; call = call->next) {
    if (!call->is_deciding || call->is_cancelled)
      continue;
    struct text text = rpc_error(call->m, str_z(call->id), RPC_SERVER, str_z(why));
    answer_feed(call, &text);
    call->feed = NULL;
    call->is_cancelled = true; /* on_verdict frees it */
  }
}

void call_cancel(struct call *call) {
  struct mcp *m = call->m;
  char params[96];
  call->is_cancelled = true;
  if (call->feed) {
    feed_end(call->feed);
    call->feed = NULL;
  }
  if (call->is_deciding) /* on_verdict frees it */
    return;
  if (call->is_waking)
    wake_cancel(m, call);
  if (call->pending) {
    instance_forget(call->instance, call->pending);
    snprintf(params, sizeof(params), "{\"requestId\":%" PRId64 "}", call->pending);
    instance_notify(call->instance, "notifications/cancelled", str_z(params));
  }
  call_free(call);
}
