/* Facts and policy of requests over real sockets: denials in both shapes, rewriting, and requests held for a person. */
#include "policy/approvals.h"
#include "policy/policy_fixture.h"
#include "serve.h"

static struct http_listener *listener;
static struct plugin *plugin;
static unsigned handled;

/* {"word": ...} as the body has it. */
static bp_status state_word(void *state, bp_request request, bp_json_writer facts) {
  bp_json body, word;
  bp_str text;
  (void)state;
  assert_int_equal(http_table.body(request, &body), BP_OK);
  assert_int_equal(json_table.get(body, BP_LIT("word"), &word), BP_OK);
  assert_int_equal(json_table.string(word, &text), BP_OK);
  json_table.object_begin(facts);
  json_table.key(facts, BP_LIT("word"));
  json_table.put_string(facts, text);
  json_table.object_end(facts);
  return BP_OK;
}

/* Answers with the word it was allowed, and the length of the body as it was sent. */
static void say_word(void *state, bp_request request) {
  bp_json facts, word;
  bp_str text, body;
  struct buf answer = {0};
  (void)state;
  handled++;
  assert_int_equal(http_table.facts(request, &facts), BP_OK);
  assert_int_equal(json_table.get(facts, BP_LIT("word"), &word), BP_OK);
  assert_int_equal(json_table.string(word, &text), BP_OK);
  assert_int_equal(http_table.body_text(request, &body), BP_OK);
  buf_append_str(&answer, text);
  buf_append_char(&answer, ' ');
  buf_append_u64(&answer, body.len);
  assert_int_equal(http_table.reply_text(request, 200, BP_LIT("text/plain"), buf_str(&answer)), BP_OK);
  buf_release(&answer);
}

static void has_no_facts(void *state, bp_request request) {
  bp_json facts;
  (void)state;
  assert_int_equal(http_table.facts(request, &facts), BP_E_NOT_FOUND);
  http_table.reply_text(request, 200, BP_LIT("text/plain"), BP_LIT("none"));
}

#define WORD_SCHEMA BP_STR("{\"type\":\"object\",\"required\":[\"word\"],\"properties\":{\"word\":{\"type\":\"string\"}}}")
#define WORD_ROUTE(at, id, set)                                                                                                                      \
  {                                                                                                                                                  \
    .size = sizeof(bp_route), .method = BP_STR("POST"), .path = BP_STR(at), .operation_id = BP_STR(id), .handle = say_word, .facts = state_word,     \
    .policy = BP_STR(set), .body_schema = WORD_SCHEMA                                                                                                \
  }
static const bp_route routes[] = {
    WORD_ROUTE("/guard", "guarded", "guard"),
    WORD_ROUTE("/valid", "validated", "validation"),
    WORD_ROUTE("/free", "unguarded", "nobody"),
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/none"),
     .operation_id = BP_STR("none"),
     .handle = has_no_facts,
     .policy = BP_STR("none")},
};

static const char guard[] = "local word = request.word\n"
                            "if word == 'no' then return deny('not this word') end\n"
                            "if word == 'ask' or word == 'else' then return ask('sure?') end\n"
                            "if word == 'up' then return rewrite { word = 'down' } end\n"
                            "if word == 'risky' then return rewrite { word = 'ask' } end\n"
                            "return true";

static int setup(void **state) {
  static const bp_array declared = BP_ARRAY(routes);
  int failed = fixture_make(state);
  fixture_rule("guard/a.lua", guard);
  fixture_rule("validation/a.lua", "if request.word == 'bad' then return deny('Word \"bad\" is bad', '/body/word') end return true");
  fixture_open();
  router_init();
  plugin = serve_plugin("words", declared, true);
  listener = serve_listen("detail");
  return failed;
}

static int teardown(void **state) {
  http_stop(1000, serve_stopped, NULL);
  loop_run();
  workers_stop();
  store_close();
  policy_release();
  router_release();
  return fixture_remove(state);
}

static void ask_word(struct ask *ask, const char *target, const char *word) {
  char body[64];
  snprintf(body, sizeof(body), "{\"word\":\"%s\"}", word);
  ask_start(ask, listener, "POST", target, JSON_TYPE, str_from(body));
}

static void expect_word(const char *target, const char *word, unsigned status, const char *answer) {
  struct ask ask = {0};
  ask_word(&ask, target, word);
  ask_wait(&ask);
  if (ask.status != status || strcmp(ask.body, answer) != 0)
    fail_msg("%s %s: %u %s", target, word, ask.status, ask.body);
  ask_end(&ask);
}

static void verdicts_are_answers(void **state) {
  (void)state;
  expect_word("/guard", "yes", 200, "yes 14");
  expect_word("/guard", "no", 403, "{\"detail\":\"not this word\"}");
  expect_word("/guard", "up", 200, "down 13");
  expect_word("/free", "no", 200, "no 13");
  expect_word("/valid", "no", 200, "no 13");
  expect_word("/valid", "bad", 422,
              "{\"detail\":[{\"type\":\"value_error\",\"loc\":[\"body\",\"word\"],\"msg\":\"Word \\\"bad\\\" is bad\",\"input\":\"bad\"}]}");
  expect(listener, "POST", "/none", 200, "none");
}

/* ---- A person ---- */

static char principal[32];

/* The pending approval of a word, by asking the same again. */
static bool find_pending(const char *word, char ret_id[APPROVAL_ID_BYTES]) {
  bp_error err = BP_ERROR_INIT;
  if (approvals_pending() == 0)
    return false;
  snprintf(principal, sizeof(principal), "uid:%u", (unsigned)getuid());
  json_t *facts = json_pack("{s:s}", "word", word);
  const struct approval_question question = {.set = BP_LIT("guard"), .principal = str_from(principal), .rule = "", .reason = "", .facts = facts};
  assert_int_equal(approvals_ask(&question, ret_id, &err), BP_OK);
  json_decref(facts);
  return true;
}

struct person {
  const char *word;
  bool approves;
  struct event *timer;
  char id[APPROVAL_ID_BYTES];
};

/* Looks every few milliseconds whether there is something to decide. */
static void look(evutil_socket_t fd, short what, void *arg) {
  struct person *person = arg;
  bp_error err = BP_ERROR_INIT;
  (void)fd;
  (void)what;
  if (!find_pending(person->word, person->id))
    return;
  assert_int_equal(approvals_decide(str_from(person->id), person->approves, BP_LIT("token:admin"), BP_LIT("so I say"), NULL, NULL, &err), BP_OK);
  event_del(person->timer);
}

static void person_come(struct person *person) {
  const struct timeval often = {.tv_usec = 2000};
  person->timer = event_new(loop_base(), -1, EV_PERSIST, look, person);
  event_add(person->timer, &often);
}

static void a_held_request_goes_on_when_approved(void **state) {
  struct ask ask = {0};
  struct person person = {.word = "ask", .approves = true};
  (void)state;
  person_come(&person);
  ask_word(&ask, "/guard", "ask");
  ask_wait(&ask);
  assert_int_equal(ask.status, 200);
  assert_string_equal(ask.body, "ask 14");
  event_free(person.timer);
  ask_end(&ask);
  assert_int_equal(approvals_pending(), 0);
}

static void a_held_request_is_denied_with_the_reason(void **state) {
  struct ask ask = {0};
  struct person person = {.word = "ask", .approves = false};
  (void)state;
  unsigned before = handled;
  person_come(&person);
  ask_word(&ask, "/guard", "ask");
  ask_wait(&ask);
  assert_int_equal(ask.status, 403);
  assert_string_equal(ask.body, "{\"detail\":\"so I say\"}");
  assert_int_equal(handled, before);
  event_free(person.timer);
  ask_end(&ask);
}

/* What is asked, approved and handed on is what the rule has made of it. */
static void rewritten_facts_are_what_is_approved(void **state) {
  struct ask ask = {0};
  struct person person = {.word = "ask", .approves = true};
  (void)state;
  person_come(&person);
  ask_word(&ask, "/guard", "risky");
  ask_wait(&ask);
  assert_int_equal(ask.status, 200);
  assert_string_equal(ask.body, "ask 16");
  event_free(person.timer);
  ask_end(&ask);
}

static void decided(void *ctx, bp_status status, const bp_error *err) {
  (void)err;
  assert_int_equal(status, BP_OK);
  ++*(unsigned *)ctx;
}

static void undecided_it_is_refused_with_the_id_and_passes_once_later(void **state) {
  struct ask ask = {0};
  char id[APPROVAL_ID_BYTES];
  bp_error err = BP_ERROR_INIT;
  unsigned written = 0;
  (void)state;
  fixture_config.hold_ms = 30;
  policy_configure(&fixture_config);
  ask_word(&ask, "/guard", "else");
  ask_wait(&ask);
  assert_int_equal(ask.status, 403);
  assert_true(find_pending("else", id));
  assert_non_null(strstr(ask.body, id));
  assert_true(ask_has_header(&ask, "Backplane-Approval: "));
  ask_end(&ask);
  assert_int_equal(approvals_decide(str_from(id), true, BP_LIT("token:admin"), BP_LIT(""), decided, &written, &err), BP_OK);
  fixture_wait(&written, 1);
  expect_word("/guard", "else", 200, "else 15");
  ask_word(&ask, "/guard", "else");
  ask_wait(&ask);
  assert_int_equal(ask.status, 403);
  ask_end(&ask);
  fixture_config.hold_ms = 25000;
  policy_configure(&fixture_config);
}

static void stop_when_idle(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  if (approvals_pending() > 0 && router_pending(plugin) == 0)
    loop_stop();
}

static void a_client_that_leaves_is_forgotten(void **state) {
  const struct timeval often = {.tv_usec = 5000};
  struct ask ask = {.leaves_early = true};
  (void)state;
  unsigned before = handled;
  struct event *timer = event_new(loop_base(), -1, EV_PERSIST, stop_when_idle, NULL);
  event_add(timer, &often);
  ask_word(&ask, "/guard", "ask");
  loop_run();
  pthread_join(ask.thread, NULL);
  event_free(timer);
  ask_end(&ask);
  assert_int_equal(handled, before);
}

static void drain_plugin(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  if (router_pending(plugin) == 1)
    router_cancel(plugin);
}

static void a_drain_ends_the_wait(void **state) {
  const struct timeval often = {.tv_usec = 5000};
  struct ask ask = {0};
  (void)state;
  struct event *timer = event_new(loop_base(), -1, EV_PERSIST, drain_plugin, NULL);
  event_add(timer, &often);
  ask_word(&ask, "/guard", "ask");
  ask_wait(&ask);
  assert_int_equal(ask.status, 503);
  event_free(timer);
  ask_end(&ask);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(verdicts_are_answers),
      T(a_held_request_goes_on_when_approved),
      T(a_held_request_is_denied_with_the_reason),
      T(rewritten_facts_are_what_is_approved),
      T(undecided_it_is_refused_with_the_id_and_passes_once_later),
      T(a_client_that_leaves_is_forgotten),
      T(a_drain_ends_the_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
