/* Calls of the daemon's methods. Answers come in any order and are told apart by id; each call ends, at the latest by time. */
#include "pm2.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_NS (20ll * 1000000000)
#define ID_BYTES 32

struct pm2_call {
  struct pm2_call *next;
  uint64_t id;
  int64_t deadline_ns;
  pm2_done_fn done;
  void *ctx;
};

static void end(struct watchman *w, struct pm2_call *call, bp_json result, const char *error) {
  struct pm2_call **at = &w->calls;
  while (*at != call)
    at = &(*at)->next;
  *at = call->next;
  struct pm2_call copy = *call;
  free(call);
  copy.done(copy.ctx, result, error);
}

/* ---- Asking ---- */

static bool send_call(struct watchman *w, uint64_t number, const char *method, bp_str argument) {
  const bp_json_1 *json = w->module->json;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  char id[ID_BYTES];
  size_t len = 0;
  if (json->writer_new(w->module->self, &out) != BP_OK)
    return false;
  json->object_begin(out);
  put_text(json, out, "type", "call");
  put_text(json, out, "method", method);
  json->key(out, BP_LIT("args"));
  json->array_begin(out);
  json->put_raw(out, argument);
  json->array_end(out);
  json->object_end(out);
  snprintf(id, sizeof(id), "bp:%" PRIu64, number);
  char *frame = json->writer_text(out, &text, NULL) == BP_OK ? amp_request(text, str_z(id), &len) : NULL;
  bool is_sent = frame && link_send(&w->rpc, frame, len);
  if (frame)
    explicit_bzero(frame, len); /* it may hold an environment */
  free(frame);
  json->writer_free(out);
  return is_sent;
}

void pm2_call(struct watchman *w, const char *method, bp_str argument, pm2_done_fn done, void *ctx) {
  unsigned count = 0;
  for (const struct pm2_call *at = w->calls; at; at = at->next)
    count++;
  struct pm2_call *call = count < PM2_CALLS_MOST ? malloc(sizeof(*call)) : NULL;
  if (!call || !send_call(w, ++w->last_id, method, argument)) {
    free(call);
    done(ctx, 0, "the PM2 daemon does not answer");
    return;
  }
  *call =
      (struct pm2_call){.next = w->calls, .id = w->last_id, .deadline_ns = w->module->core->now_monotonic_ns() + CALL_NS, .done = done, .ctx = ctx};
  w->calls = call;
}

/* ---- Being answered ---- */

static struct pm2_call *find(const struct watchman *w, bp_str id) {
  char text[ID_BYTES];
  uint64_t number = 0;
  snprintf(text, sizeof(text), "%.*s", id.len < ID_BYTES ? (int)id.len : 0, id.len ? id.ptr : "");
  if (sscanf(text, "bp:%" SCNu64, &number) != 1)
    return NULL;
  struct pm2_call *call = w->calls;
  while (call && call->id != number)
    call = call->next;
  return call;
}

static void answer(struct watchman *w, struct pm2_call *call, bp_json root) {
  const bp_json_1 *json = w->module->json;
  bp_json error = 0, args = 0, result = 0;
  bp_str text;
  char message[200] = "the PM2 daemon refused";
  if (json->get(root, BP_LIT("error"), &error) == BP_OK && json->string(error, &text) == BP_OK)
    snprintf(message, sizeof(message), "PM2: %.*s", text.len > 180 ? 180 : (int)text.len, text.ptr);
  else if (json->get(root, BP_LIT("args"), &args) == BP_OK && json->at(args, 0, &result) == BP_OK) {
    end(w, call, result, NULL);
    return;
  }
  end(w, call, 0, message);
}

void pm2_rpc_frame(void *ctx, const struct amp_frame *frame) {
  struct watchman *w = ctx;
  const struct deployments *d = w->module;
  struct pm2_call *call = find(w, amp_typed(frame, 1, 's'));
  bp_json root = 0;
  if (!call)
    return; /* it came after its time */
  if (d->json->parse(d->self, amp_typed(frame, 0, 'j'), &root, NULL) != BP_OK) {
    end(w, call, 0, "the PM2 daemon's answer cannot be read");
    return;
  }
  answer(w, call, root);
  d->json->release(d->self, root);
}

/* ---- Not being answered ---- */

void pm2_rpc_expire(struct watchman *w) {
  int64_t now_ns = w->module->core->now_monotonic_ns();
  for (struct pm2_call *call = w->calls; call;) {
    if (call->deadline_ns > now_ns) {
      call = call->next;
      continue;
    }
    end(w, call, 0, "the PM2 daemon does not answer in time");
    call = w->calls; /* the callback may have changed the list */
  }
}

void pm2_rpc_fail_all(struct watchman *w, const char *error) {
  struct pm2_call *call = w->calls;
  w->calls = NULL;
  while (call) {
    struct pm2_call copy = *call;
    free(call);
    copy.done(copy.ctx, 0, error);
    call = copy.next;
  }
}

void pm2_rpc_release(struct watchman *w) {
  while (w->calls) {
    struct pm2_call *next = w->calls->next;
    free(w->calls);
    w->calls = next;
  }
}
