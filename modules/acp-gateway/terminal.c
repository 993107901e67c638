/* The terminal methods: commands an agent runs through us. The output kept is bounded, its beginning goes first. */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_DEFAULT (1 << 20)
#define OUTPUT_MOST (8 << 20)
#define WORDS_MAX 256
#define WAITS_MAX 8

struct terminal {
  struct terminal *next;
  struct session *session; /* NULL once released */
  struct gateway *gw;
  char id[ID_BYTES];
  bp_proc proc;
  struct kit_buf output;
  size_t limit;
  bool is_truncated, has_ended;
  int32_t code, signal;
  char *waits[WAITS_MAX]; /* requests that wait for the end */
  unsigned wait_count;
};

struct creation {
  struct session *session;
  char *rpc_id, *cwd;
  struct kit_buf words; /* argv, each with its NUL */
  struct kit_buf env;   /* name NUL value NUL */
  unsigned word_count, env_count;
  int64_t limit;
};

static void creation_free(struct creation *c) {
  session_unref(c->session);
  free(c->rpc_id);
  free(c->cwd);
  kit_buf_free(&c->words);
  kit_buf_free(&c->env);
  free(c);
}

static void terminal_free(struct terminal *t) {
  for (unsigned i = 0; i < t->wait_count; i++)
    free(t->waits[i]);
  kit_buf_free(&t->output);
  free(t);
}

static struct terminal *find(struct session *session, const char *rpc_id, bp_json params) {
  bp_str id = {NULL, 0};
  get_text(session->gw, params, "terminalId", &id);
  for (struct terminal *t = session->terminals; t; t = t->next)
    if (kit_same(id, t->id))
      return t;
  rpc_error(session->process, rpc_id, RPC_NOT_FOUND, "no such terminal");
  return NULL;
}

/* ---- The child ---- */

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str data) {
  struct terminal *t = ctx;
  (void)proc;
  (void)stream;
  kit_buf_add(&t->output, data, SIZE_MAX / 2);
  if (t->output.len <= t->limit)
    return;
  size_t drop = t->output.len - t->limit;
  while (drop < t->output.len && ((unsigned char)t->output.ptr[drop] & 0xC0) == 0x80)
    drop++;
  memmove(t->output.ptr, t->output.ptr + drop, t->output.len - drop);
  t->output.len -= drop;
  t->is_truncated = true;
}

static const char *signal_name(int32_t number, char out[16]) {
  const char *name = sigabbrev_np(number);
  (void)snprintf(out, 16, name ? "SIG%s" : "%s", name ? name : "unknown");
  return out;
}

static void put_exit(const struct terminal *t, bp_json_writer w) {
  const struct gateway *gw = t->gw;
  char name[16];
  gw->json->key(w, BP_LIT("exitCode"));
  if (t->signal || t->code < 0)
    gw->json->put_null(w);
  else
    gw->json->put_integer(w, t->code);
  bp_str none = {NULL, 0};
  put_text_or_null(gw, w, "signal", t->signal ? str_z(signal_name(t->signal, name)) : none);
}

static void answer_exit(const struct terminal *t, const char *rpc_id) {
  bp_json_writer w = t->session->process ? writer(t->gw) : 0;
  if (!w)
    return;
  t->gw->json->object_begin(w);
  put_exit(t, w);
  t->gw->json->object_end(w);
  rpc_result(t->session->process, rpc_id, w);
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *ended) {
  struct terminal *t = ctx;
  (void)proc;
  t->proc = 0;
  t->has_ended = true;
  t->code = ended->code;
  t->signal = ended->signal;
  if (!t->session) {
    terminal_free(t);
    return;
  }
  timeline_process(t->session, t->id, bp_str_make(NULL, 0), 0, t->code == 0 ? "done" : "failed");
  for (unsigned i = 0; i < t->wait_count; i++) {
    answer_exit(t, t->waits[i]);
    free(t->waits[i]);
  }
  t->wait_count = 0;
}

static const bp_proc_events events = {.size = sizeof(events), .output = on_output, .exited = on_exited};

/* Off the session; freed once its child is gone. */
static void let_go(struct terminal *t) {
  struct session *session = t->session;
  for (struct terminal **link = &session->terminals; *link; link = &(*link)->next)
    if (*link == t) {
      *link = t->next;
      session->terminal_count--;
      break;
    }
  if (t->proc && !t->gw->is_draining)
    timeline_process(session, t->id, bp_str_make(NULL, 0), 0, "cancelled");
  t->session = NULL;
  if (t->proc)
    t->gw->proc->stop(t->proc);
  else
    terminal_free(t);
}

void terminals_end(struct session *session) {
  while (session->terminals)
    let_go(session->terminals);
}

/* ---- Creating ---- */

static bool add_word(struct kit_buf *t, unsigned *count, bp_str word) {
  if (*count == WORDS_MAX || (word.len && memchr(word.ptr, '\0', word.len)))
    return false;
  ++*count;
  return kit_buf_add(t, word, 256u << 10) && kit_buf_add(t, bp_str_make("", 1), 256u << 10);
}

static bool read_words(struct creation *c, bp_json params) {
  const struct gateway *gw = c->session->gw;
  bp_json args = get_value(gw, params, "args"), env = get_value(gw, params, "env"), item = 0;
  bp_str word = {NULL, 0}, value = {NULL, 0};
  if (!get_text(gw, params, "command", &word) || word.len == 0 || !add_word(&c->words, &c->word_count, word))
    return false;
  for (uint32_t i = 0; args && gw->json->at(args, i, &item) == BP_OK; i++)
    if (gw->json->string(item, &word) != BP_OK || !add_word(&c->words, &c->word_count, word))
      return false;
  for (uint32_t i = 0; env && gw->json->at(env, i, &item) == BP_OK; i++)
    if (!get_text(gw, item, "name", &word) || !get_text(gw, item, "value", &value) || !add_word(&c->env, &c->env_count, word) ||
        !add_word(&c->env, &c->env_count, value))
      return false;
  return true;
}

static bp_status spawn(const struct creation *c, struct terminal *t, bp_error *err) {
  const struct gateway *gw = t->gw;
  bp_str argv[WORDS_MAX];
  bp_proc_env env[WORDS_MAX / 2];
  const char *word = c->words.ptr, *name = c->env.ptr;
  for (unsigned i = 0; i < c->word_count; i++, word += strlen(word) + 1)
    argv[i] = str_z(word);
  for (unsigned i = 0; i < c->env_count / 2; i++) {
    const char *value = name + strlen(name) + 1;
    env[i] = (bp_proc_env){.size = sizeof(bp_proc_env), .is_secret = 1, .name = str_z(name), .value = str_z(value)};
    name = value + strlen(value) + 1;
  }
  const bp_proc_spec spec = {.size = sizeof(spec),
                             .lifetime = BP_PROC_BOUND,
                             .flags = BP_PROC_RAW_OUTPUT | BP_PROC_MERGE_STDERR,
                             .name = str_z(t->id),
                             .argv = {argv, c->word_count, (uint32_t)sizeof(argv[0])},
                             .cwd = c->cwd ? str_z(c->cwd) : str_z(c->session->cwd),
                             .env = {env, c->env_count / 2, (uint32_t)sizeof(env[0])},
                             .grace_ms = 2000};
  return gw->proc->spawn(gw->self, &spec, &events, t, &t->proc, err);
}

static void answer_created(const struct creation *c, const struct terminal *t) {
  bp_json_writer w = writer(t->gw);
  if (!w)
    return;
  t->gw->json->object_begin(w);
  put_text(t->gw, w, "terminalId", str_z(t->id));
  t->gw->json->object_end(w);
  rpc_result(c->session->process, c->rpc_id, w);
}

static void on_allowed(void *ctx, bool is_allowed, const char *reason) {
  struct creation *c = ctx;
  struct session *session = c->session;
  bp_error err = BP_ERROR_INIT;
  struct terminal *t = is_allowed && session->process && session->terminal_count < TERMINALS_MAX ? calloc(1, sizeof(*t)) : NULL;
  if (!t) {
    if (session->process)
      rpc_error(session->process, c->rpc_id, RPC_INTERNAL, is_allowed ? "too many terminals are open: release one" : reason);
    creation_free(c);
    return;
  }
  *t = (struct terminal){.session = session, .gw = session->gw};
  t->limit = c->limit > 0 && c->limit < OUTPUT_MOST ? (size_t)c->limit : c->limit >= OUTPUT_MOST ? OUTPUT_MOST : OUTPUT_DEFAULT;
  random_id(t->gw, "term-", t->id);
  if (spawn(c, t, &err) == BP_OK) {
    t->next = session->terminals;
    session->terminals = t;
    session->terminal_count++;
    timeline_process(session, t->id, str_z(c->words.ptr), t->gw->proc->pid(t->proc), "running");
    answer_created(c, t);
  } else {
    rpc_error(session->process, c->rpc_id, RPC_INTERNAL, err.message);
    terminal_free(t);
  }
  creation_free(c);
}

void terminal_create(struct session *session, const char *rpc_id, bp_json params) {
  struct gateway *gw = session->gw;
  bp_str cwd = {NULL, 0}, relative = {NULL, 0};
  struct creation *c = calloc(1, sizeof(*c));
  if (!c)
    return;
  *c = (struct creation){.session = session_ref(session), .rpc_id = str_dup(str_z(rpc_id))};
  get_integer(gw, params, "outputByteLimit", &c->limit);
  const char *fault = NULL;
  if (!read_words(c, params))
    fault = "command must be a text, args a list of texts, env a list of {name, value}";
  else if (get_text(gw, params, "cwd", &cwd) && cwd.len && !path_inside(session, cwd, &relative))
    fault = "cwd must be inside the session's working directory";
  if (fault || !c->rpc_id) {
    rpc_error(session->process, rpc_id, RPC_INVALID, fault ? fault : "out of memory");
    creation_free(c);
    return;
  }
  c->cwd = cwd.len ? str_dup(cwd) : NULL;
  struct kit_buf command = {0};
  kit_buf_add(&command, kit_buf_str(&c->words), SIZE_MAX / 2);
  for (size_t i = 0; i + 1 < command.len; i++)
    if (command.ptr[i] == '\0')
      command.ptr[i] = ' ';
  if (command.len)
    command.len--;
  policy_ask(session, "execute", BP_LIT("terminal/create"), cwd.len ? cwd : str_z(session->cwd), kit_buf_str(&command), on_allowed, c);
  kit_buf_free(&command);
}

/* ---- The other methods ---- */

void terminal_output(struct session *session, const char *rpc_id, bp_json params) {
  const struct gateway *gw = session->gw;
  const struct terminal *t = find(session, rpc_id, params);
  struct kit_buf shown = {0};
  bp_json_writer w = t ? writer(gw) : 0;
  if (!w)
    return;
  text_add_utf8(&shown, kit_buf_str(&t->output), SIZE_MAX / 2);
  gw->json->object_begin(w);
  put_text(gw, w, "output", kit_buf_str(&shown));
  put_flag(gw, w, "truncated", t->is_truncated);
  if (t->has_ended) {
    gw->json->key(w, BP_LIT("exitStatus"));
    gw->json->object_begin(w);
    put_exit(t, w);
    gw->json->object_end(w);
  }
  gw->json->object_end(w);
  kit_buf_free(&shown);
  rpc_result(session->process, rpc_id, w);
}

void terminal_wait(struct session *session, const char *rpc_id, bp_json params) {
  struct terminal *t = find(session, rpc_id, params);
  if (!t)
    return;
  if (t->has_ended)
    answer_exit(t, rpc_id);
  else if (t->wait_count < WAITS_MAX && (t->waits[t->wait_count] = str_dup(str_z(rpc_id))))
    t->wait_count++;
  else
    rpc_error(session->process, rpc_id, RPC_INTERNAL, "too many requests wait for this terminal");
}

void terminal_kill(struct session *session, const char *rpc_id, bp_json params) {
  struct terminal *t = find(session, rpc_id, params);
  if (!t)
    return;
  if (t->proc)
    t->gw->proc->stop(t->proc);
  rpc_result(session->process, rpc_id, 0);
}

void terminal_release(struct session *session, const char *rpc_id, bp_json params) {
  struct terminal *t = find(session, rpc_id, params);
  if (!t)
    return;
  for (unsigned i = 0; i < t->wait_count; i++)
    rpc_error(session->process, t->waits[i], RPC_INTERNAL, "the terminal was released");
  let_go(t);
  rpc_result(session->process, rpc_id, 0);
}
