/* Answering a list: at once from what is kept, or after servers that nobody knows yet have been started once. */
#include "hub.h"

#include <stdlib.h>

struct listing {
  struct mcp *m;
  bp_request request;
  char session[SESSION_ID_BYTES];
  char *principal, *id;
  enum list_kind kind;
  unsigned waiting;
  bp_timer timer; /* ends the wait */
};

static void answer(struct mcp *m, struct session *session, bp_request request, bp_str id, enum list_kind kind) {
  bp_json_writer out = rpc_begin(m);
  if (out) {
    m->json->key(out, BP_LIT("id"));
    m->json->put_raw(out, id);
    m->json->key(out, BP_LIT("result"));
    m->json->object_begin(out);
    m->json->key(out, str_z(list_members[kind]));
    aggregate_list(session, kind, out);
    m->json->object_end(out);
  }
  struct text text = rpc_end(m, out);
  reply_rpc(m, request, session, 200, &text);
}

static void finish(struct listing *l) {
  struct session *session = session_find(l->m, str_z(l->session), str_z(l->principal));
  if (session) {
    answer(l->m, session, l->request, str_z(l->id), l->kind);
  } else {
    struct text text = rpc_error(l->m, str_z(l->id), RPC_GONE, BP_LIT("Session not found"));
    reply_rpc(l->m, l->request, NULL, 404, &text);
  }
  if (l->timer)
    l->m->loop->timer_cancel(l->timer);
  free(l->principal);
  free(l->id);
  free(l);
}

/* Those that are too slow come later, with a notification. */
static void on_late(void *ctx, bp_timer timer) {
  struct listing *l = ctx;
  (void)timer;
  l->timer = 0;
  wake_cancel(l->m, l);
  for (struct server *server = l->m->servers; server; server = server->next)
    server->is_late = server->is_late || !server->manifest.is_known;
  finish(l);
}

/* One that does not start is left out: the others are not to suffer. */
static void on_woken(void *ctx, struct instance *instance, const char *failure) {
  struct listing *l = ctx;
  (void)instance;
  (void)failure;
  if (--l->waiting == 0)
    finish(l);
}

static bool is_unknown(const struct session *session, const struct server *server) {
  return scope_has(session->m, &session->scope, server) && !server->is_deleted && !server->manifest.is_known;
}

void listing_begin(const struct incoming *in, enum list_kind kind) {
  struct mcp *m = in->m;
  unsigned unknown = 0;
  for (struct server *server = m->servers; server; server = server->next)
    unknown += is_unknown(in->session, server);
  struct listing *l = unknown ? calloc(1, sizeof(*l)) : NULL;
  if (!l) {
    answer(m, in->session, in->request, in->id, kind);
    return;
  }
  *l = (struct listing){.m = m, .request = in->request, .principal = str_copy(str_z(in->session->principal)), .id = str_copy(in->id), .kind = kind};
  for (size_t i = 0; i < SESSION_ID_BYTES; i++)
    l->session[i] = in->session->id[i];
  m->http->defer(in->request, NULL, NULL);
  l->waiting = 1;
  m->loop->timer(m->self, m->list_wait_ms, 0, on_late, l, &l->timer);
  for (struct server *server = m->servers; server; server = server->next)
    if (is_unknown(in->session, server)) {
      l->waiting++;
      wake(server, NULL, on_woken, l);
    }
  on_woken(l, NULL, NULL);
}
