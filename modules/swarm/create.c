/* POST /api/sessions: the session is stored first, then its prompt is decomposed; the answer comes when todos and agents are stored. */
#include "statements.h"
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct creation {
  struct kit_call kit;
  struct swarm *module;
  char id[KIT_UUID_BYTES];
  struct kit_text prompt;
  uint32_t agent_count;
};

/* What JavaScript's trim takes for space; the length of the one at the beginning, or 0. */
static size_t space_at(const char *at, size_t left) {
  static const char *const wide[] = {"\u00a0", "\u1680", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"};
  if (left > 0 && ((*at >= 9 && *at <= 13) || *at == ' '))
    return 1;
  if (left >= 3 && memcmp(at, "\xe2\x80", 2) == 0 && (unsigned char)at[2] >= 0x80 && (unsigned char)at[2] <= 0x8a)
    return 3;
  for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
    size_t len = strlen(wide[i]);
    if (left >= len && memcmp(at, wide[i], len) == 0)
      return len;
  }
  return 0;
}

static bp_str trim(bp_str text) {
  size_t len;
  while ((len = space_at(text.ptr, text.len)) > 0)
    text = bp_str_make(text.ptr + len, text.len - len);
  for (size_t back = 1; back <= 3 && back <= text.len; back++)
    if (space_at(text.ptr + text.len - back, back) == back) {
      text.len -= back;
      back = 0;
    }
  return text;
}

/* NULL, or the sentence that says what is wrong. */
static const char *read_facts(const struct swarm *w, bp_json facts, bp_str *ret_prompt, uint32_t *ret_agent_count) {
  bp_json value = 0;
  double count = 0;
  if (w->json->get(facts, BP_LIT("prompt"), &value) != BP_OK || w->json->string(value, ret_prompt) != BP_OK)
    return "Prompt is required";
  *ret_prompt = trim(*ret_prompt);
  if (ret_prompt->len == 0)
    return "Prompt is required";
  bool is_number = w->json->get(facts, BP_LIT("agent_count"), &value) == BP_OK && w->json->real(value, &count) == BP_OK;
  if (!is_number || count < 1 || count > AGENTS_MOST || count != (double)(uint32_t)count)
    return "agentCount must be between 1 and 4";
  *ret_agent_count = (uint32_t)count;
  return NULL;
}

/* ---- The answer ---- */

void create_answer(struct session *s, bool is_decomposed) {
  const struct swarm *w = s->module;
  bp_request request = s->request;
  bp_json_writer out = 0;
  s->request = 0;
  if (!request)
    return;
  if (!is_decomposed) {
    kit_problem(w->http, request, 500, BP_LIT("Failed to decompose prompt"));
    return;
  }
  bp_status status = w->json->writer_new(w->self, &out);
  if (status != BP_OK) {
    w->http->reply_failure(request, status, NULL);
    return;
  }
  w->json->object_begin(out);
  json_text_member(w->json, out, BP_LIT("sessionId"), str_z(s->id));
  w->json->object_end(out);
  w->http->reply_json(request, 201, out);
  w->json->writer_free(out);
}

void create_answer_stopping(struct swarm *w) {
  for (struct session *s = w->sessions; s; s = s->next) {
    char text[KIT_UUID_BYTES + 80];
    if (!s->request)
      continue;
    snprintf(text, sizeof(text), "the module stops; session %s goes on when it is there again", s->id);
    kit_problem(w->http, s->request, 503, str_z(text));
    s->request = 0;
  }
}

/* ---- Storing ---- */

static void stored(void *ctx, const bp_db_outcome *outcome) {
  struct creation *creation = ctx;
  struct swarm *w = creation->module;
  struct kit_text prompt = creation->prompt;
  if (!kit_call_failed(creation, outcome)) {
    struct session *s = session_new(w, creation->id, kit_text_str(&prompt), creation->agent_count);
    if (s) {
      s->request = creation->kit.request;
      free(creation);
      timeline_session(s);
      decompose_start(s);
    } else {
      kit_call_refuse(creation, BP_E_NO_MEMORY, NULL); /* stored; the next start takes it up */
    }
  }
  kit_text_free(&prompt);
}

static uint32_t drop_old(const struct swarm *w, bp_db_value *before, bp_db_step *steps) {
  static const uint32_t statements[] = {DROP_OLD_EVENTS, DROP_OLD_TODOS, DROP_OLD_AGENTS, DROP_OLD_SESSIONS};
  int64_t days = 0;
  w->config->integer(w->self, BP_LIT("retention_days"), &days);
  if (days == 0)
    return 0;
  *before = db_integer(now_ms(w) - days * 86400000);
  for (uint32_t i = 0; i < 4; i++)
    steps[i] = db_exec(statements[i], before, 1);
  return 4;
}

void sessions_create(void *state, bp_request request) {
  struct swarm *w = state;
  bp_json facts = 0;
  bp_str prompt = {NULL, 0};
  uint32_t agent_count = 0;
  w->http->facts(request, &facts);
  const char *fault = read_facts(w, facts, &prompt, &agent_count);
  if (fault || w->session_count >= SESSIONS_MOST) {
    kit_problem(w->http, request, fault ? 400 : 503, str_z(fault ? fault : "1000 sessions have not ended; try again when one has"));
    return;
  }
  struct creation *creation = kit_call_new(w->self, w->http, w->db, request, sizeof(*creation));
  if (!creation)
    return;
  creation->module = w;
  creation->agent_count = agent_count;
  creation->prompt = kit_text_copy(prompt);
  kit_uuid(w->core, creation->id);
  bp_db_value before;
  const bp_db_value values[] = {db_text(str_z(creation->id)), db_text(prompt), db_integer(agent_count), db_integer(now_ms(w))};
  bp_db_step steps[5];
  steps[0] = db_exec(ADD_SESSION, values, 4);
  uint32_t count = 1 + drop_old(w, &before, steps + 1);
  bp_status status = w->db->write(w->self, (bp_array){steps, count, sizeof(steps[0])}, stored, creation);
  if (status == BP_OK)
    return;
  kit_text_free(&creation->prompt);
  kit_call_refuse(creation, status, NULL);
}
