/* Permissions: what an agent asks for is decided by a rule, or held until a person answers; silence denies. */
#include "gateway.h"

#include <stdlib.h>
#include <string.h>

#define FACT_MAX 8192

struct permission {
  struct permission *next;
  struct session *session;
  char id[ID_BYTES];
  char *rpc_id, *options, *event; /* JSON texts */
  char *approval;                 /* of the host's own, or NULL */
  bp_timer timer;
};

/* ---- The rules ---- */

struct question {
  struct session *session;
  allowed_fn done;
  void *ctx;
};

/* The words of `bytes` that fit a fact. */
static bp_str cut(bp_str bytes) {
  while (bytes.len > FACT_MAX || (bytes.len > 0 && bytes.len == FACT_MAX && ((unsigned char)bytes.ptr[bytes.len - 1] & 0x80)))
    bytes.len = bytes.len > FACT_MAX ? FACT_MAX : bytes.len - 1;
  return bytes;
}

static bp_json_writer facts_begin(const struct session *session, const char *action, const char *kind) {
  const struct gateway *gw = session->gw;
  bp_json_writer w = writer(gw);
  if (!w)
    return 0;
  gw->json->object_begin(w);
  put_text(gw, w, "module", BP_LIT("acp-gateway"));
  put_text(gw, w, "action", str_z(action));
  put_text(gw, w, "agent", str_z(session->agent->id));
  put_text(gw, w, "session", str_z(session->id));
  put_text(gw, w, "working_directory", str_z(session->cwd));
  put_text(gw, w, "kind", str_z(kind));
  return w;
}

static bool decide(struct session *session, bp_json_writer w, bp_verdict_fn done, void *ctx) {
  const struct gateway *gw = session->gw;
  bp_str facts = {NULL, 0};
  bool is_asked = w && gw->json->writer_text(w, &facts, NULL) == BP_OK &&
                  gw->policy->decide(gw->self, BP_LIT("acp"), bp_str_make(NULL, 0), facts, 0, done, ctx) == BP_OK;
  if (w)
    gw->json->writer_free(w);
  return is_asked;
}

static void on_allowed(void *ctx, const bp_verdict *verdict) {
  struct question *q = ctx;
  char reason[300] = {0};
  memcpy(reason, verdict->reason.ptr ? verdict->reason.ptr : "", verdict->reason.len < sizeof(reason) ? verdict->reason.len : sizeof(reason) - 1);
  q->done(q->ctx, verdict->verdict == BP_VERDICT_ALLOW && !q->session->is_closed, reason[0] ? reason : "a rule does not allow it");
  session_unref(q->session);
  free(q);
}

void policy_ask(struct session *session, const char *kind, bp_str title, bp_str path, bp_str command, allowed_fn done, void *ctx) {
  struct question *q = calloc(1, sizeof(*q));
  bp_json_writer w = q ? facts_begin(session, "tool", kind) : 0;
  if (w) {
    *q = (struct question){.session = session_ref(session), .done = done, .ctx = ctx};
    put_text(session->gw, w, "title", cut(title));
    if (path.ptr)
      put_text(session->gw, w, "path", cut(path));
    if (command.ptr)
      put_text(session->gw, w, "command", cut(command));
    session->gw->json->object_end(w);
    if (decide(session, w, on_allowed, q))
      return;
    session_unref(session);
  }
  free(q);
  done(ctx, false, "the rules could not be asked");
}

/* ---- Answers to the agent ---- */

static void permission_free(struct permission *p) {
  session_unref(p->session);
  free(p->rpc_id);
  free(p->options);
  free(p->event);
  free(p->approval);
  free(p);
}

static bool kind_of(const struct gateway *gw, bp_json option, const char *kind) {
  bp_str text = {NULL, 0};
  return get_text(gw, option, "kind", &text) && kit_same(text, kind);
}

/* The option to select: the one asked for, else by kind. False: there is none, so the answer is "cancelled". */
static bool choose(const struct gateway *gw, bp_json options, bool is_granted, bp_str wanted, bp_str *ret) {
  static const char *const kinds[2][2] = {{"reject_once", "reject_always"}, {"allow_once", "allow_always"}};
  bp_json option = 0;
  for (uint32_t i = 0; wanted.len && gw->json->at(options, i, &option) == BP_OK; i++)
    if (get_text(gw, option, "optionId", ret) && str_eq(*ret, wanted))
      return true;
  for (int k = 0; k < 2; k++)
    for (uint32_t i = 0; gw->json->at(options, i, &option) == BP_OK; i++)
      if (kind_of(gw, option, kinds[is_granted][k]) && get_text(gw, option, "optionId", ret))
        return true;
  return false;
}

static void answer_agent(struct permission *p, bool has_answer, bool is_granted, bp_str wanted) {
  struct gateway *gw = p->session->gw;
  bp_json options = 0;
  bp_str option = {NULL, 0};
  bp_json_writer w = writer(gw);
  if (!w || !p->session->process)
    goto out;
  bool is_selected =
      has_answer && gw->json->parse(gw->self, str_z(p->options), &options, NULL) == BP_OK && choose(gw, options, is_granted, wanted, &option);
  gw->json->object_begin(w);
  gw->json->key(w, BP_LIT("outcome"));
  gw->json->object_begin(w);
  put_text(gw, w, "outcome", is_selected ? BP_LIT("selected") : BP_LIT("cancelled"));
  if (is_selected)
    put_text(gw, w, "optionId", option);
  gw->json->object_end(w);
  gw->json->object_end(w);
  rpc_result(p->session->process, p->rpc_id, w);
  w = 0;
out:
  if (w)
    gw->json->writer_free(w);
  if (options)
    gw->json->release(gw->self, options);
}

static void tell_decided(const struct permission *p, const char *decision) {
  struct gateway *gw = p->session->gw;
  bp_json_writer w = writer(gw);
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "requestId", str_z(p->id));
  put_text(gw, w, "sessionId", str_z(p->session->id));
  put_text(gw, w, "decision", str_z(decision));
  gw->json->object_end(w);
  event_publish(gw, "permission_resolved", str_z(p->session->id), str_z(p->session->agent->id), w, NULL, NULL);
}

/* Takes it off the session, answers, and frees it. */
static void finish(struct permission *p, bool has_answer, bool is_granted, bp_str wanted, const char *decision) {
  struct session *session = p->session;
  for (struct permission **link = &session->permissions; *link; link = &(*link)->next)
    if (*link == p) {
      *link = p->next;
      session->permission_count--;
      break;
    }
  session->gw->loop->timer_cancel(p->timer);
  answer_agent(p, has_answer, is_granted, wanted);
  session_touch(session);
  if (!session->gw->is_draining)
    tell_decided(p, decision);
  permission_free(p);
}

void permissions_cancel(struct session *session) {
  while (session->permissions)
    finish(session->permissions, false, false, bp_str_make(NULL, 0), "cancelled");
}

static void on_silence(void *ctx, bp_timer timer) {
  (void)timer;
  finish(ctx, true, false, bp_str_make(NULL, 0), "timeout");
}

/* ---- A new one ---- */

static bool is_open(const struct permission *p) {
  for (const struct permission *other = p->session->permissions; other; other = other->next)
    if (other == p)
      return true;
  return false;
}

static void hold(struct permission *p) {
  struct gateway *gw = p->session->gw;
  bp_json_writer w = writer(gw);
  gw->loop->timer(gw->self, gw->permission_timeout_ms, 0, on_silence, p, &p->timer);
  if (!w)
    return;
  gw->json->put_raw(w, str_z(p->event));
  event_publish(gw, "permission_request", str_z(p->session->id), str_z(p->session->agent->id), w, NULL, NULL);
}

struct verdict_wait {
  struct session *session;
  char id[ID_BYTES];
};

static struct permission *find_in(struct session *session, bp_str id) {
  for (struct permission *p = session->permissions; p; p = p->next)
    if (kit_same(id, p->id))
      return p;
  return NULL;
}

/* A rule allows by rewriting "decision" to "allow"; that nothing is against it (true) leaves it to a person. */
static void on_verdict(void *ctx, const bp_verdict *verdict) {
  struct verdict_wait *wait = ctx;
  struct gateway *gw = wait->session->gw;
  struct permission *p = find_in(wait->session, str_z(wait->id));
  bp_json facts = 0;
  bp_str decision = {NULL, 0};
  if (p && verdict->verdict == BP_VERDICT_DENY) {
    finish(p, true, false, bp_str_make(NULL, 0), "denied by a rule");
  } else if (p) {
    if (verdict->verdict == BP_VERDICT_ALLOW && gw->json->parse(gw->self, verdict->facts, &facts, NULL) == BP_OK &&
        get_text(gw, facts, "decision", &decision) && kit_same(decision, "allow")) {
      finish(p, true, true, bp_str_make(NULL, 0), "allowed by a rule");
    } else {
      if (verdict->verdict == BP_VERDICT_ASK && verdict->approval_id.len)
        p->approval = str_dup(verdict->approval_id);
      hold(p);
    }
    if (facts)
      gw->json->release(gw->self, facts);
  }
  session_unref(wait->session);
  free(wait);
}

/* What of a tool call a person and a rule want to know. */
struct subject {
  bp_str kind, title, path, command, tool_id;
  struct kit_buf joined; /* a command given as a list */
};

static void read_command(const struct gateway *gw, bp_json input, struct subject *s) {
  bp_json command = get_value(gw, input, "command"), word = 0;
  bp_str text = {NULL, 0};
  if (get_text(gw, input, "command", &s->command) || !command)
    return;
  for (uint32_t i = 0; gw->json->at(command, i, &word) == BP_OK; i++)
    if (gw->json->string(word, &text) == BP_OK) {
      if (i)
        kit_buf_add(&s->joined, BP_LIT(" "), FACT_MAX);
      kit_buf_add(&s->joined, text, FACT_MAX);
    }
  s->command = kit_buf_str(&s->joined);
}

static void read_subject(const struct gateway *gw, bp_json tool_call, struct subject *s) {
  static const char *const names[] = {"path", "file_path", "filePath", "abs_path", "filename"};
  bp_json locations = get_value(gw, tool_call, "locations"), first = 0, input = get_value(gw, tool_call, "rawInput");
  s->kind = BP_LIT("other");
  get_text(gw, tool_call, "kind", &s->kind);
  get_text(gw, tool_call, "title", &s->title);
  get_text(gw, tool_call, "toolCallId", &s->tool_id);
  if (locations && gw->json->at(locations, 0, &first) == BP_OK)
    get_text(gw, first, "path", &s->path);
  for (size_t i = 0; !s->path.ptr && i < sizeof(names) / sizeof(names[0]); i++)
    get_text(gw, input, names[i], &s->path);
  read_command(gw, input, s);
}

static char *event_text(const struct permission *p, const struct subject *s, bp_json tool_call) {
  const struct gateway *gw = p->session->gw;
  bp_json_writer w = writer(gw);
  bp_str text = {NULL, 0};
  char *copy = NULL;
  char *whole = json_copy(gw, tool_call);
  if (!w)
    return NULL;
  gw->json->object_begin(w);
  put_text(gw, w, "requestId", str_z(p->id));
  put_text(gw, w, "sessionId", str_z(p->session->id));
  put_text(gw, w, "permission", s->kind);
  put_text(gw, w, "description", cut(s->title.ptr ? s->title : s->kind));
  if (s->path.ptr)
    put_text(gw, w, "path", cut(s->path));
  if (s->command.ptr)
    put_text(gw, w, "command", cut(s->command));
  put_raw_or_null(gw, w, "options", p->options);
  if (whole && strlen(whole) <= EVENT_MAX / 2)
    put_raw_or_null(gw, w, "toolCall", whole);
  gw->json->object_end(w);
  if (gw->json->writer_text(w, &text, NULL) == BP_OK)
    copy = str_dup(text);
  gw->json->writer_free(w);
  free(whole);
  return copy;
}

static bool ask_rules(struct permission *p, const struct subject *s) {
  const struct gateway *gw = p->session->gw;
  struct verdict_wait *wait = calloc(1, sizeof(*wait));
  char kind[64] = {0};
  memcpy(kind, s->kind.ptr, s->kind.len < sizeof(kind) ? s->kind.len : sizeof(kind) - 1);
  bp_json_writer w = wait ? facts_begin(p->session, "permission", kind) : 0;
  if (!w) {
    free(wait);
    return false;
  }
  wait->session = session_ref(p->session);
  memcpy(wait->id, p->id, sizeof(wait->id));
  put_text(gw, w, "decision", BP_LIT("ask"));
  put_text(gw, w, "permission_id", str_z(p->id));
  put_text(gw, w, "title", cut(s->title.ptr ? s->title : BP_LIT("")));
  if (s->path.ptr)
    put_text(gw, w, "path", cut(s->path));
  if (s->command.ptr)
    put_text(gw, w, "command", cut(s->command));
  gw->json->object_end(w);
  if (decide(p->session, w, on_verdict, wait))
    return true;
  session_unref(wait->session);
  free(wait);
  return false;
}

void permission_ask(struct session *session, const char *rpc_id, bp_json params) {
  struct gateway *gw = session->gw;
  bp_json tool_call = get_value(gw, params, "toolCall"), options = get_value(gw, params, "options");
  struct permission *p = session->permission_count < PERMISSIONS_MAX ? calloc(1, sizeof(*p)) : NULL;
  struct subject s = {0};
  if (!p || !tool_call || !options || gw->json->type(options) != BP_JSON_ARRAY) {
    rpc_error(session->process, rpc_id, RPC_INVALID, p ? "toolCall and options are required" : "too many permissions are open");
    free(p);
    return;
  }
  *p = (struct permission){.session = session_ref(session), .rpc_id = str_dup(str_z(rpc_id)), .options = json_copy(gw, options)};
  random_id(gw, "perm-", p->id);
  read_subject(gw, tool_call, &s);
  p->event = event_text(p, &s, tool_call);
  p->next = session->permissions;
  session->permissions = p;
  session->permission_count++;
  if (!p->rpc_id || !p->options || !p->event || (session->turn && session->turn->is_cancelled))
    finish(p, false, false, bp_str_make(NULL, 0), "cancelled");
  else if (!ask_rules(p, &s))
    finish(p, true, false, bp_str_make(NULL, 0), "the rules could not be asked");
  kit_buf_free(&s.joined);
}

/* ---- Operations ---- */

static struct permission *find(struct gateway *gw, bp_str id) {
  for (struct session *session = gw->sessions; session; session = session->next) {
    struct permission *p = find_in(session, id);
    if (p)
      return p;
  }
  return NULL;
}

void op_permission(struct call *call) {
  struct gateway *gw = call->gw;
  bp_json granted = get_value(gw, call->args, "granted");
  uint32_t is_granted = 0;
  bp_str option = {NULL, 0};
  if (!granted || gw->json->boolean(granted, &is_granted) != BP_OK) {
    call_fail(call, 400, BP_E_INVALID, "", "granted (boolean) is required");
    return;
  }
  struct permission *p = find(gw, call->path_id);
  if (!p) {
    call_fail(call, 404, BP_E_NOT_FOUND, "", "Permission request not found");
    return;
  }
  get_text(gw, call->args, "optionId", &option);
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "id", str_z(p->id));
    put_flag(gw, w, "granted", is_granted);
    gw->json->object_end(w);
  }
  finish(p, true, is_granted, option, is_granted ? "granted" : "denied");
  call_answer(call, w);
}

void op_permissions(struct call *call) {
  const struct gateway *gw = call->gw;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    gw->json->key(w, BP_LIT("permissions"));
    gw->json->array_begin(w);
    for (const struct session *session = gw->sessions; session; session = session->next)
      for (const struct permission *p = session->permissions; p; p = p->next)
        gw->json->put_raw(w, str_z(p->event));
    gw->json->array_end(w);
    gw->json->object_end(w);
  }
  call_answer(call, w);
}

/* A person decided with the host's own approvals ("backplane approvals approve ID"). */
void permission_approval(void *ctx, const bp_live_event *event) {
  struct gateway *gw = ctx;
  bp_json root = 0;
  bp_str id = {NULL, 0}, state = {NULL, 0};
  if (event->flags || gw->json->parse(gw->self, event->payload, &root, NULL) != BP_OK)
    return;
  bool is_decided =
      get_text(gw, root, "id", &id) && get_text(gw, root, "state", &state) && (kit_same(state, "approved") || kit_same(state, "denied"));
  for (struct session *session = is_decided ? gw->sessions : NULL; session; session = session->next)
    for (struct permission *p = session->permissions; p; p = p->next)
      if (p->approval && kit_same(id, p->approval) && is_open(p)) {
        finish(p, true, kit_same(state, "approved"), bp_str_make(NULL, 0), kit_same(state, "approved") ? "granted" : "denied");
        gw->json->release(gw->self, root);
        return;
      }
  gw->json->release(gw->self, root);
}
