/* JSON-RPC of an agent, one message a line: framing however the bytes come, its cap, lines that are no messages, and the answers to
 * requests of ours. The pipe and the dispatch are played here; the JSON is the host's. */
#include "../../../modules/kit/kit.c"
#include "../../../modules/kit/lenient.c"
#define str_eq gateway_str_eq /* the host has one of that name too */
#include "../../../modules/acp-gateway/rpc.c"
#include "../../../modules/acp-gateway/text.c"
#undef str_eq
#include "loader/tables.h"
#include "unit.h"

static struct {
  char heard[4096]; /* "method id params|" of each message */
  size_t longest;
  unsigned messages, stops, notes, answers;
  int64_t code;
  char answer[256];
  struct kit_buf written;
  int64_t clock_ms;
} at;

/* ---- What the module calls ---- */

void dispatch_incoming(struct process *process, const char *id, bp_str method, bp_json params) {
  char *text = json_copy(process->gw, params);
  at.messages++;
  if (text && strlen(text) > at.longest)
    at.longest = strlen(text);
  if (strlen(at.heard) + 600 < sizeof(at.heard))
    snprintf(at.heard + strlen(at.heard), 600, "%.*s %.300s %.100s|", (int)method.len, method.ptr, id ? id : "-", text ? text : "-");
  free(text);
  if (kit_same(method, "end"))
    rpc_gone(process);
}

struct process *process_ref(struct process *process) {
  process->references++;
  return process;
}

void process_unref(struct process *process) {
  process->references--;
}

void process_stop(struct process *process) {
  process->is_stopping = true;
  at.stops++;
}

void process_write(struct process *process, bp_str bytes) {
  (void)process;
  assert_true(kit_buf_add(&at.written, bytes, 1u << 20));
}

static void fake_log(bp_plugin self, uint32_t level, bp_str message, bp_array fields) {
  (void)self;
  (void)level;
  (void)message;
  (void)fields;
  at.notes++;
}

static int64_t fake_clock(void) {
  return at.clock_ms * 1000000;
}

static const bp_core_1 fake_core = {.size = sizeof(fake_core), .now_wall_ns = fake_clock};
static const bp_log_1 fake = {.size = sizeof(fake), .write = fake_log};
static struct gateway gateway = {.self = 7, .core = &fake_core, .json = &json_table, .log = &fake};
static char name[] = "agent";
static struct agent agent = {.gw = &gateway, .id = name};
static struct process process;

/* ---- What the agent does; a piece is copied, so that reading past it is seen ---- */

static void give(const char *bytes, size_t len) {
  char *copy = malloc(len ? len : 1);
  memcpy(copy, bytes, len);
  rpc_input(&process, bp_str_make(copy, len));
  free(copy);
}

static void give_text(const char *text) {
  give(text, strlen(text));
}

static void give_many(char byte, size_t count) {
  char piece[8192];
  memset(piece, byte, sizeof(piece));
  for (; count > sizeof(piece); count -= sizeof(piece))
    give(piece, sizeof(piece));
  give(piece, count);
}

static int set_up(void **state) {
  (void)state;
  memset(&at, 0, sizeof(at));
  process = (struct process){.gw = &gateway, .agent = &agent, .references = 1, .proc = 1};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  rpc_gone(&process);
  kit_buf_free(&process.inbox);
  kit_buf_free(&at.written);
  return process.references == 1 && process.pending_count == 0 ? 0 : -1;
}

/* ---- Framing ---- */

#define GOOD "{\"jsonrpc\":\"2.0\",\"method\":\"go\"}"

struct reading {
  const char *bytes, *heard;
  unsigned garbage;
};

static const struct reading readings[] = {
    {GOOD "\n", "go - -|", 0},
    {GOOD "\n" GOOD "\n", "go - -|go - -|", 0},
    {GOOD "\r\n" GOOD " \r\n", "go - -|go - -|", 0},
    {"\n\r\n \n  \r\n\t\n" GOOD "\n\n", "go - -|", 0},
    {GOOD, "", 0},
    {GOOD "\n{\"method\":", "go - -|", 0},
    {"{\"method\":\"a\",\"id\":1,\"params\":{\"x\":[1]}}\n{\"method\":\"b\",\"id\":\"q\\n\"}\n{\"method\":\"c\",\"id\":null}\n",
     "a 1 {\"x\":[1]}|b \"q\\n\" -|c null -|", 0},
    {"  " GOOD "  \n", "go - -|", 0},
    {"{\"method\":\"\xE2\x82\xAC\"}\n", "\xE2\x82\xAC - -|", 0},
    {"starting...\n" GOOD "\n{\"method\":\n[]\n[" GOOD "]\n\"x\"\n7\nnull\n{}\n{\"method\":7}\n" GOOD "\n", "go - -|go - -|", 9},
    {GOOD GOOD "\n" GOOD "\n", "go - -|", 1},
    {"{\"method\":\"\xFF\"}\n" GOOD "\n", "\xEF\xBF\xBD - -|go - -|", 0},
    {"{\"method\":\"a\\ud83d\",\"params\":\"\\\\ud83d \\ud83d\\ude00\"}\n", "a\xEF\xBF\xBD - \"\\\\ud83d \xF0\x9F\x98\x80\"|", 0},
    {"{\"method\":\"a\r\nb\"}\n" GOOD "\n", "go - -|", 2},
};

static void expect(const struct reading *reading) {
  if (strcmp(at.heard, reading->heard) != 0 || process.garbage_count != reading->garbage)
    fail_msg("%s was read as %s and %u lines of garbage", reading->bytes, at.heard, process.garbage_count);
}

static void lines_are_read_however_they_are_split(void **state) {
  for (unsigned i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
    size_t len = strlen(readings[i].bytes);
    for (size_t cut = 0; cut <= len; cut++) {
      set_up(state);
      give(readings[i].bytes, cut);
      give(readings[i].bytes + cut, len - cut);
      expect(&readings[i]);
      assert_int_equal(tear_down(state), 0);
    }
    set_up(state);
    for (size_t byte = 0; byte < len; byte++)
      give(readings[i].bytes + byte, 1);
    expect(&readings[i]);
    assert_int_equal(tear_down(state), 0);
  }
  set_up(state);
}

static void a_nul_byte_is_garbage(void **state) {
  static const char bytes[] = "\0\n{\"method\":\"a\0b\"}\n" GOOD "\0\n" GOOD "\n";
  (void)state;
  give(bytes, sizeof(bytes) - 1);
  assert_string_equal(at.heard, "go - -|");
  assert_int_equal(process.garbage_count, 3);
}

#define HEAD "{\"method\":\"go\",\"params\":\""
#define TAIL "\"}"
#define AROUND (sizeof(HEAD TAIL) - 1)

static void give_message_of(size_t bytes, const char *line_end) {
  give_text(HEAD);
  give_many('x', bytes - AROUND);
  give_text(TAIL);
  give_text(line_end);
}

static void a_message_at_the_cap_is_read(void **state) {
  (void)state;
  give_message_of(MESSAGE_MAX - 1, "\r\n");
  give_message_of(MESSAGE_MAX, "\n");
  assert_int_equal(at.messages, 2);
  assert_int_equal(at.longest, MESSAGE_MAX - AROUND + 2);
  assert_int_equal(process.garbage_count, 0);
}

static void a_message_over_the_cap_is_skipped_alone(void **state) {
  (void)state;
  give_message_of(MESSAGE_MAX + 1, "\n" GOOD "\n");
  assert_string_equal(at.heard, "go - -|");
  give_message_of(2 * (size_t)MESSAGE_MAX, GOOD "\n" GOOD "\n");
  assert_string_equal(at.heard, "go - -|go - -|");
  assert_int_equal(at.notes, 2);
  assert_int_equal(process.garbage_count, 0);
}

static void a_message_over_the_cap_in_one_piece_is_skipped_alone(void **state) {
  size_t len = MESSAGE_MAX + 1;
  char *bytes = malloc(len + sizeof("\n" GOOD "\n"));
  (void)state;
  memset(bytes, '1', len);
  memcpy(bytes + len, "\n" GOOD "\n", sizeof("\n" GOOD "\n"));
  give_text(bytes);
  free(bytes);
  assert_string_equal(at.heard, "go - -|");
  assert_int_equal(process.garbage_count, 0);
}

static void a_line_without_end_takes_no_memory(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    give_many('{', MESSAGE_MAX);
    assert_true(process.inbox.cap <= 2 * (size_t)MESSAGE_MAX);
  }
  assert_int_equal(at.notes, 1);
  give_text(GOOD "\n" GOOD "\n");
  assert_string_equal(at.heard, "go - -|");
}

static void nesting_without_end_is_garbage(void **state) {
  (void)state;
  give_text("{\"method\":\"go\",\"params\":");
  give_many('[', 1u << 20);
  give_text("\n" GOOD "\n");
  assert_string_equal(at.heard, "go - -|");
  assert_int_equal(process.garbage_count, 1);
}

static void an_agent_of_nothing_but_garbage_is_ended_once(void **state) {
  (void)state;
  for (int i = 1; i < GARBAGE_MAX; i++)
    give_text("noise\n");
  assert_int_equal(at.stops, 0);
  give_text("noise\nnoise\nnoise\n");
  assert_int_equal(at.stops, 1);
  assert_int_equal(at.notes, 2);
}

static void an_agent_that_chats_between_its_messages_goes_on(void **state) {
  (void)state;
  for (int i = 0; i < 3 * GARBAGE_MAX; i++)
    give_text(i % 100 == 0 ? GOOD "\nnoise\n" : "noise\n");
  assert_int_equal(at.stops, 0);
  for (int i = 0; i < 3 * GARBAGE_MAX; i++) {
    at.clock_ms += 2 * GARBAGE_MS / GARBAGE_MAX;
    give_text("noise\n");
  }
  assert_int_equal(at.stops, 0);
  assert_int_equal(at.notes, 1);
}

static void random_bytes_do_no_harm(void **state) {
  static const char letters[] = "{}[]\",:\\ \r\n\n01aethodmidresult\xE2\xFF\0";
  uint32_t seed = 1;
  (void)state;
  for (int round = 0; round < 20000; round++) {
    char bytes[24];
    for (size_t i = 0; i < sizeof(bytes); i++) {
      seed = seed * 1664525u + 1013904223u;
      bytes[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
    }
    give(bytes, sizeof(bytes));
  }
  give_text("\n" GOOD "\n");
  assert_string_equal(at.heard, "go - -|");
}

/* ---- Ids and answers ---- */

static void on_answer(void *ctx, struct process *from, bp_json result, int64_t code, bp_str message) {
  (void)ctx;
  char *text = json_copy(from->gw, result);
  at.answers++;
  at.code = code;
  snprintf(at.answer, sizeof(at.answer), "%s", text ? text : "");
  if (!text)
    snprintf(at.answer, sizeof(at.answer), "%.*s", (int)message.len, message.ptr);
  free(text);
}

/* `rest`: the members after the id. */
static void expect_answer(const char *rest, int64_t code, const char *answer) {
  unsigned before = at.answers;
  char text[256];
  rpc_request(&process, "ask", 0, on_answer, NULL);
  snprintf(text, sizeof(text), "{\"id\":%d%s}\r\n", (int)process.next_id, rest);
  give_text(text);
  assert_int_equal(at.answers, before + 1);
  assert_int_equal(at.code, code);
  assert_string_equal(at.answer, answer);
  give_text(text); /* a second answer finds nobody */
  assert_int_equal(at.answers, before + 1);
}

static void answers_find_their_requests(void **state) {
  (void)state;
  expect_answer(",\"jsonrpc\":\"2.0\",\"result\":{\"a\":1}", 0, "{\"a\":1}");
  expect_answer(",\"result\":null", 0, "null");
  expect_answer(",\"error\":{\"code\":-32000,\"message\":\"log in\"}", RPC_AUTH_REQUIRED, "log in");
  expect_answer(",\"error\":{\"code\":-1,\"message\":\"m\"}", RPC_INTERNAL, "m");
  expect_answer(",\"error\":\"odd\"", RPC_INTERNAL, "the agent answered with an error");
  expect_answer(",\"error\":null,\"result\":[]", 0, "[]");
  expect_answer("", RPC_INTERNAL, "the agent's answer has neither result nor error");
  assert_int_equal(process.garbage_count, 0);
}

static void answers_nobody_waits_for_are_passed_over(void **state) {
  (void)state;
  rpc_request(&process, "ask", 0, on_answer, NULL);
  give_text("{\"id\":2,\"result\":1}\n{\"id\":\"1\",\"result\":1}\n{\"id\":-1,\"result\":1}\n{\"id\":1.5,\"result\":1}\n"
            "{\"id\":99999999999999999999,\"result\":1}\n{\"id\":null,\"error\":{}}\n{\"id\":[1],\"result\":1}\n");
  assert_int_equal(at.answers, 0);
  give_text("{\"id\":1,\"result\":true}\n");
  assert_int_equal(at.answers, 1);
  assert_string_equal(at.answer, "true");
}

static void answers_come_in_any_order_and_the_end_answers_the_rest(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++)
    rpc_request(&process, "ask", 0, on_answer, NULL);
  give_text("{\"id\":3,\"result\":3}\n{\"id\":1,\"result\":1}\n");
  assert_int_equal(at.answers, 2);
  assert_string_equal(at.answer, "1");
  give_text("{\"method\":\"end\"}\n{\"id\":2,\"result\":2}\n");
  assert_int_equal(at.answers, 3);
  assert_int_equal(at.code, RPC_GONE);
  process.proc = 0;
  rpc_request(&process, "ask", 0, on_answer, NULL);
  assert_int_equal(at.answers, 4);
  assert_int_equal(at.code, RPC_GONE);
}

static void requests_under_way_have_a_limit(void **state) {
  (void)state;
  for (int i = 0; i < PENDING_MAX; i++)
    rpc_request(&process, "ask", 0, on_answer, NULL);
  assert_int_equal(at.answers, 0);
  rpc_request(&process, "ask", 0, on_answer, NULL);
  assert_int_equal(at.answers, 1);
  rpc_gone(&process);
  assert_int_equal(at.answers, PENDING_MAX + 1);
}

static void an_id_of_the_agent_has_a_limit(void **state) {
  (void)state;
  give_text("{\"method\":\"go\",\"id\":\"");
  give_many('i', RPC_ID_BYTES - 3);
  give_text("\"}\n");
  assert_int_equal(at.messages, 1);
  give_text("{\"method\":\"go\",\"id\":\"");
  give_many('i', RPC_ID_BYTES - 2);
  give_text("\"}\n");
  assert_int_equal(at.messages, 1);
}

static void what_is_written_is_one_line_each(void **state) {
  bp_json_writer params = writer(&gateway);
  (void)state;
  json_table.object_begin(params);
  put_text(&gateway, params, "text", BP_LIT("a\nb\r"));
  json_table.object_end(params);
  rpc_request(&process, "ask", params, on_answer, NULL);
  rpc_notify(&process, "tell", 0);
  rpc_result(&process, "\"x\"", 0);
  rpc_error(&process, "4", RPC_INVALID, "no\nway");
  assert_str_eq(kit_buf_str(&at.written), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"text\":\"a\\nb\\r\"}}\n"
                                          "{\"jsonrpc\":\"2.0\",\"method\":\"tell\",\"params\":{}}\n"
                                          "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}\n"
                                          "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32602,\"message\":\"no\\nway\"}}\n");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(lines_are_read_however_they_are_split),
      CASE(a_nul_byte_is_garbage),
      CASE(a_message_at_the_cap_is_read),
      CASE(a_message_over_the_cap_is_skipped_alone),
      CASE(a_message_over_the_cap_in_one_piece_is_skipped_alone),
      CASE(a_line_without_end_takes_no_memory),
      CASE(nesting_without_end_is_garbage),
      CASE(an_agent_of_nothing_but_garbage_is_ended_once),
      CASE(an_agent_that_chats_between_its_messages_goes_on),
      CASE(random_bytes_do_no_harm),
      CASE(answers_find_their_requests),
      CASE(answers_nobody_waits_for_are_passed_over),
      CASE(answers_come_in_any_order_and_the_end_answers_the_rest),
      CASE(requests_under_way_have_a_limit),
      CASE(an_id_of_the_agent_has_a_limit),
      CASE(what_is_written_is_one_line_each),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
