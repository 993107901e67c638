/* One operation that somebody asked for, over HTTP or as a call of the service, and how each of them is answered. */
#include "gateway.h"

#include <stdlib.h>

struct call *call_copy(const struct call *call) {
  struct call *copy = malloc(sizeof(*copy));
  if (!copy)
    return NULL;
  *copy = *call;
  copy->args = 0;
  copy->path_id = bp_str_make(NULL, 0);
  copy->previous = NULL;
  copy->next = call->gw->calls;
  if (copy->next)
    copy->next->previous = copy;
  call->gw->calls = copy;
  if (copy->request)
    copy->gw->http->defer(copy->request, NULL, NULL);
  return copy;
}

void call_free(struct call *call) {
  if (!call)
    return;
  if (call->next)
    call->next->previous = call->previous;
  if (call->previous)
    call->previous->next = call->next;
  else
    call->gw->calls = call->next;
  if (call->process)
    process_unref(call->process);
  if (call->session)
    session_unref(call->session);
  free(call->text1);
  free(call->text2);
  free(call);
}

void calls_free(struct gateway *gw) {
  while (gw->calls)
    call_free(gw->calls);
}

void call_answer_raw(struct call *call, bp_str data) {
  const struct gateway *gw = call->gw;
  if (call->service) {
    gw->service->answer(call->service, BP_OK, data);
    return;
  }
  bp_json_writer out = writer(gw);
  if (!out) {
    gw->http->reply_failure(call->request, BP_E_NO_MEMORY, NULL);
    return;
  }
  gw->json->object_begin(out);
  put_flag(gw, out, "success", true);
  gw->json->key(out, BP_LIT("data"));
  gw->json->put_raw(out, data);
  gw->json->object_end(out);
  gw->http->reply_json(call->request, 200, out);
  gw->json->writer_free(out);
}

void call_answer(struct call *call, bp_json_writer data) {
  bp_str text = {NULL, 0};
  if (data && call->gw->json->writer_text(data, &text, NULL) == BP_OK)
    call_answer_raw(call, text);
  else
    call_fail(call, 500, BP_E_NO_MEMORY, "", "out of memory");
  if (data)
    call->gw->json->writer_free(data);
}

void call_fail(struct call *call, uint32_t http_status, bp_status status, const char *code, const char *message) {
  if (call->service) {
    call->gw->service->answer(call->service, status, str_z(message));
    return;
  }
  bp_problem problem = {.size = sizeof(problem), .status = http_status, .message = str_z(message), .code = str_z(code)};
  call->gw->http->reply_problem(call->request, &problem);
}
