/* JSON-RPC with one running server: requests to it, its answers, and what it sends by itself. */
#include "instance.h"
#include "remote.h"
#include "session.h"
#include "upward.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_BYTES_MOST (16u << 20)

/* ---- Sending ---- */

/* Takes the message over. False: the server does not read, or is gone. */
bool instance_send(struct instance *instance, struct text *message) {
  struct mcp *m = instance->m;
  if (instance->remote) {
    bool is_taken = message->len > 0 && remote_send(instance->remote, text_str(message));
    text_release(message);
    return is_taken;
  }
  bool is_sent = message->len > 0 && instance->has_proc && text_add(message, BP_LIT("\n"));
  if (is_sent && instance->output.len) {
    is_sent = instance->output.len + message->len <= OUTPUT_BYTES_MOST && text_add(&instance->output, text_str(message));
  } else if (is_sent) {
    bp_status status = m->proc->write(instance->proc, text_str(message));
    is_sent = status == BP_OK || (status == BP_E_BUSY && text_add(&instance->output, text_str(message)));
  }
  text_release(message);
  return is_sent;
}

void instance_drained(struct instance *instance) {
  struct text waiting = instance->output;
  instance->output = (struct text){0};
  if (waiting.len && instance->has_proc)
    instance->m->proc->write(instance->proc, text_str(&waiting));
  text_release(&waiting);
}

void instance_notify(struct instance *instance, const char *method, bp_str params) {
  struct text message = rpc_notification(instance->m, method, params);
  instance_send(instance, &message);
}

int64_t instance_next_id(const struct instance *instance) {
  return instance->next_id;
}

static struct text request_text(const struct mcp *m, int64_t id, const char *method, bp_str params) {
  bp_json_writer out = rpc_begin(m);
  if (!out)
    return (struct text){0};
  m->json->key(out, BP_LIT("id"));
  m->json->put_integer(out, id);
  json_text_member(m->json, out, BP_LIT("method"), str_z(method));
  if (params.len) {
    m->json->key(out, BP_LIT("params"));
    m->json->put_raw(out, params);
  }
  return rpc_end(m, out);
}

int64_t instance_request(struct instance *instance, const char *method, bp_str params, int64_t timeout_ms, struct call *call, outcome_fn done,
                         void *ctx) {
  struct mcp *m = instance->m;
  struct pending *pending = instance->pending_count < PENDING_MOST ? calloc(1, sizeof(*pending)) : NULL;
  if (!pending)
    return 0;
  int64_t id = instance->next_id++;
  struct text message = request_text(m, id, method, params);
  *pending = (struct pending){
      .next = instance->pending, .id = id, .deadline_ms = now_ms(m) + timeout_ms, .timeout_ms = timeout_ms, .done = done, .ctx = ctx, .call = call};
  if (!instance_send(instance, &message)) {
    free(pending);
    return 0;
  }
  instance->pending = pending;
  instance->pending_count++;
  instance->used_ms = now_ms(m);
  return id;
}

/* ---- Requests that wait ---- */

static struct pending *take_pending(struct instance *instance, int64_t id) {
  for (struct pending **at = &instance->pending; *at; at = &(*at)->next)
    if ((*at)->id == id) {
      struct pending *found = *at;
      *at = found->next;
      instance->pending_count--;
      instance->used_ms = now_ms(instance->m);
      return found;
    }
  return NULL;
}

void instance_forget(struct instance *instance, int64_t id) {
  free(take_pending(instance, id));
}

static void end_pending(struct pending *pending, const struct outcome *outcome) {
  pending->done(pending->ctx, outcome);
  free(pending);
}

void instance_fail_pending(struct instance *instance, const char *why) {
  const struct outcome outcome = {.failure = why[0] ? why : "the server ended"};
  while (instance->pending)
    end_pending(take_pending(instance, instance->pending->id), &outcome);
}

void instance_fail_request(struct instance *instance, int64_t id, const char *why) {
  const struct outcome outcome = {.failure = why};
  struct pending *pending = take_pending(instance, id);
  if (pending)
    end_pending(pending, &outcome);
}

static void tell_cancelled(struct instance *instance, int64_t id, const char *reason) {
  char params[128];
  snprintf(params, sizeof(params), "{\"requestId\":%" PRId64 ",\"reason\":\"%s\"}", id, reason);
  instance_notify(instance, "notifications/cancelled", str_z(params));
}

void instance_expire_pending(struct instance *instance, int64_t now) {
  const struct outcome outcome = {.failure = "the server did not answer in time"};
  struct pending *late;
  do {
    for (late = instance->pending; late && late->deadline_ms > now;)
      late = late->next;
    if (!late)
      continue;
    if (instance->phase == INSTANCE_READY)
      tell_cancelled(instance, late->id, "timeout");
    end_pending(take_pending(instance, late->id), &outcome);
  } while (late);
}

/* ---- What it asks ---- */

void ask_drop(struct ask *ask) {
  for (struct ask **at = &ask->instance->asks; *at; at = &(*at)->next)
    if (*at == ask) {
      *at = ask->next;
      ask->instance->ask_count--;
      break;
    }
  free(ask->child_id);
  free(ask->progress_token);
  free(ask);
}

void ask_answer(struct ask *ask, bp_json message) {
  const struct mcp *m = ask->instance->m;
  bp_json_writer out = rpc_begin(m);
  if (out) {
    bp_json result = json_member(m, message, "result"), error = json_member(m, message, "error");
    m->json->key(out, BP_LIT("id"));
    m->json->put_raw(out, str_z(ask->child_id));
    m->json->key(out, error ? BP_LIT("error") : BP_LIT("result"));
    m->json->put_value(out, error ? error : result);
    struct text text = rpc_end(m, out);
    instance_send(ask->instance, &text);
  }
  ask->instance->used_ms = now_ms(m);
  ask_drop(ask);
}

static void answer_raw(struct instance *instance, bp_str id, bp_str result) {
  struct text text = rpc_result_raw(instance->m, id, result);
  instance_send(instance, &text);
}

static void refuse(struct instance *instance, bp_str id, int32_t code, const char *message) {
  struct text text = rpc_error(instance->m, id, code, str_z(message));
  instance_send(instance, &text);
}

static void take_request(struct instance *instance, bp_str method, bp_json message, bp_json id_value) {
  const struct mcp *m = instance->m;
  char *id = json_copy(m, id_value);
  if (!id)
    return;
  if (kit_same(method, "ping"))
    answer_raw(instance, str_z(id), BP_LIT("{}"));
  else if (kit_same(method, "roots/list") && !(instance->owner && instance->owner->has_roots))
    answer_raw(instance, str_z(id), BP_LIT("{\"roots\":[]}"));
  else if (!instance->owner || !session_can_answer(instance->owner, method))
    refuse(instance, str_z(id), RPC_NO_METHOD, "the client of this call cannot answer that");
  else if (instance->ask_count >= ASKS_MOST || !up_ask(instance, method, message, id))
    refuse(instance, str_z(id), RPC_INTERNAL, "too many requests wait for the client");
  free(id);
}

/* ---- What it says ---- */

static void take_progress(struct instance *instance, bp_json params) {
  const struct mcp *m = instance->m;
  int64_t token = 0;
  bp_json value = json_member(m, params, "progressToken");
  if (!value || m->json->integer(value, &token) != BP_OK)
    return;
  for (struct pending *p = instance->pending; p; p = p->next)
    if (p->id == token) {
      p->deadline_ms = now_ms(m) + p->timeout_ms;
      if (p->call)
        up_progress(p->call, params);
      return;
    }
}

static void take_notification(struct instance *instance, bp_str method, bp_json message) {
  const struct mcp *m = instance->m;
  bp_json params = json_member(m, message, "params");
  if (kit_same(method, "notifications/progress"))
    take_progress(instance, params);
  else if (kit_same(method, "notifications/message"))
    up_message(instance, message, params);
  else if (kit_same(method, "notifications/cancelled"))
    up_cancelled(instance, params);
  else if (kit_same(method, "notifications/resources/updated"))
    up_resource_updated(instance, message, kit_member_text(m->json, params, "uri"));
  else if (kit_same(method, "notifications/tools/list_changed") || kit_same(method, "notifications/prompts/list_changed") ||
           kit_same(method, "notifications/resources/list_changed"))
    up_lists_stale(instance);
  else if (instance->owner)
    up_other(instance, method, message);
}

static void take_answer(struct instance *instance, bp_json message, bp_json id_value) {
  const struct mcp *m = instance->m;
  int64_t id = 0;
  if (m->json->integer(id_value, &id) != BP_OK)
    return;
  struct pending *pending = take_pending(instance, id);
  if (!pending) /* cancelled, timed out, or never asked */
    return;
  struct outcome outcome = {.result = json_member(m, message, "result"), .error = json_member(m, message, "error")};
  if (outcome.error)
    outcome.result = 0;
  else if (!outcome.result)
    outcome.failure = "the server's answer has neither a result nor an error";
  end_pending(pending, &outcome);
}

static bool read_digits(bp_str text, int64_t *ret) {
  int64_t value = 0;
  size_t i = 0;
  for (; i < text.len && i < 18 && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
    value = value * 10 + (text.ptr[i] - '0');
  *ret = value;
  return i > 0;
}

/* An answer beyond what JSON may be here (depth, members, numbers): its request must not wait for its time-out. The id stands at the
 * beginning or at the end of what the SDKs write. */
static void fail_unreadable(struct instance *instance, bp_str line) {
  static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":", mark[] = "\"id\":";
  const size_t mark_len = sizeof(mark) - 1, tail_len = line.len < 40 ? line.len : 40;
  const char *found = NULL;
  int64_t id;
  if (!line.len || line.ptr[0] != '{')
    return;
  if (str_starts(line, start))
    found = line.ptr + sizeof(start) - 1;
  for (size_t i = line.len - tail_len; !found && i + mark_len < line.len; i++)
    if (memcmp(line.ptr + i, mark, mark_len) == 0)
      found = line.ptr + i + mark_len;
  if (found && read_digits(bp_str_make(found, line.len - (size_t)(found - line.ptr)), &id))
    instance_fail_request(instance, id, "the server's answer is JSON beyond the limits here (64 levels, 1024 members, 64-bit integers)");
}

void instance_receive(struct instance *instance, bp_str line) {
  struct mcp *m = instance->m;
  bp_json message = 0;
  bp_status status = m->json->parse(m->self, line, &message, NULL);
  if (status != BP_OK || m->json->type(message) != BP_JSON_OBJECT) {
    log_line(instance->server, BP_PROC_STDOUT, line); /* no JSON-RPC: something it prints */
    fail_unreadable(instance, line);
  } else {
    bp_json id = json_member(m, message, "id");
    bp_str method = kit_member_text(m->json, message, "method");
    if (method.ptr && id)
      take_request(instance, method, message, id);
    else if (method.ptr)
      take_notification(instance, method, message);
    else if (id)
      take_answer(instance, message, id);
    else
      log_line(instance->server, BP_PROC_STDOUT, line);
  }
  if (status == BP_OK)
    m->json->release(m->self, message);
}
