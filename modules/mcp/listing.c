/* Answering a list: at once from what is kept, or after servers that nobody knows yet have been started once. */
#include "hub.h"

#include <stdlib.h>

struct listing {
  struct mcp *m;
  bp_request request;
  char session[SESSION_ID_BYTES];
  char *principal, *id;
  enum list_kind kind;
  char *servers[MCP_SERVERS_MAX]; /* ids of those to start */
  unsigned count, at, waiting;
  bool is_going, is_answered;
  bp_timer timer; /* ends the wait; the servers are started all the same */
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

/* ---- Servers nobody knows yet ---- */

static void finish(struct listing *l) {
  struct session *session = session_find(l->m, str_z(l->session), str_z(l->principal));
  l->is_answered = true;
  if (session) {
    answer(l->m, session, l->request, str_z(l->id), l->kind);
  } else {
    struct text text = rpc_error(l->m, str_z(l->id), RPC_GONE, BP_LIT("Session not found"));
    reply_rpc(l->m, l->request, NULL, 404, &text);
  }
}

static void end(struct listing *l) {
  if (!l->is_answered)
    finish(l);
  if (l->timer)
    l->m->loop->timer_cancel(l->timer);
  for (unsigned i = 0; i < l->count; i++)
    free(l->servers[i]);
  free(l->principal);
  free(l->id);
  free(l);
}

/* Those that are too slow come later, with a notification. */
static void on_late(void *ctx, bp_timer timer) {
  struct listing *l = ctx;
  (void)timer;
  l->timer = 0;
  for (struct server *server = l->m->servers; server; server = server->next)
    server->is_late = server->is_late || !server->manifest.is_known;
  finish(l);
}

static void on_woken(void *ctx, struct instance *instance, const char *failure);

/* A few at a time: one that is known now makes room for the next, where processes_max allows no more. */
static void go_on(struct listing *l) {
  struct mcp *m = l->m;
  if (l->is_going)
    return;
  l->is_going = true;
  while (l->waiting < (unsigned)m->starts_at_once && l->at < l->count) {
    struct server *server = server_find(m, str_z(l->servers[l->at++]));
    if (!server || server->manifest.is_known)
      continue;
    l->waiting++;
    wake(server, NULL, on_woken, l);
  }
  l->is_going = false;
  if (l->waiting == 0)
    end(l);
}

/* One that does not start is left out: the others are not to suffer. */
static void on_woken(void *ctx, struct instance *instance, const char *failure) {
  struct listing *l = ctx;
  (void)instance;
  (void)failure;
  l->waiting--;
  go_on(l);
}

static bool is_unknown(const struct session *session, const struct server *server) {
  return scope_has(session->m, &session->scope, server) && !server->is_deleted && !server->manifest.is_known;
}

void listing_begin(const struct incoming *in, enum list_kind kind) {
  struct mcp *m = in->m;
  struct listing *l = NULL;
  for (struct server *server = m->servers; server; server = server->next) {
    if (!is_unknown(in->session, server))
      continue;
    if (!l && !(l = calloc(1, sizeof(*l))))
      break;
    if (l->count < MCP_SERVERS_MAX && (l->servers[l->count] = str_copy(str_z(server->id))))
      l->count++;
  }
  if (!l) {
    answer(m, in->session, in->request, in->id, kind);
    return;
  }
  l->m = m;
  l->request = in->request;
  l->principal = str_copy(str_z(in->session->principal));
  l->id = str_copy(in->id);
  l->kind = kind;
  for (size_t i = 0; i < SESSION_ID_BYTES; i++)
    l->session[i] = in->session->id[i];
  m->http->defer(in->request, NULL, NULL);
  m->loop->timer(m->self, m->list_wait_ms, 0, on_late, l, &l->timer);
  go_on(l);
}
