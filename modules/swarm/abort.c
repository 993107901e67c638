/* DELETE /api/sessions/{id}: the workers are killed, the session has failed and stays readable. One that has ended is left as it is. */
#include "swarm.h"

#include <stdlib.h>

void sessions_delete(void *state, bp_request request) {
  struct swarm *w = state;
  bp_json facts = 0, value = 0;
  bp_str id = {NULL, 0};
  w->http->facts(request, &facts);
  if (w->json->get(facts, BP_LIT("session_id"), &value) == BP_OK)
    w->json->string(value, &id);
  struct session *s = session_find(w, id);
  if (!s || s->is_ended || s->aborting) {
    sessions_get(w, request); /* as it is, or 404 */
    return;
  }
  w->http->defer(request, NULL, NULL);
  s->aborting = request;
  session_abort(s);
  outbox_then(s, abort_answer);
}

void abort_answer(struct session *s) {
  bp_request request = s->aborting;
  s->aborting = 0;
  sessions_get(s->module, request);
}
