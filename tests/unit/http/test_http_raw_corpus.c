/* Every row of the attack corpus http-raw.jsonl against a real listener with a minimal application: GET /health, POST
 * /api/echo, a Host list. The corpus lies in ${BACKPLANE_SHARED}/attack-corpus, or beside the tree in ../shared. */
#include "http/loopback.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKEN "corpus-token"

static unsigned answered, smuggled;

/* ---- The application ---- */

static void answer(struct http_exchange *x, unsigned status, const char *text) {
  exchange_reply(x, status, BP_LIT("text/plain"), str_from(text));
}

static bool host_is_listed(const struct http_exchange *x) {
  char host[32];
  snprintf(host, sizeof(host), "127.0.0.1:%u", loopback_port);
  return str_eq(x->host, str_from(host));
}

static bool has_token(const struct http_exchange *x) {
  bp_str value;
  return exchange_header(x, "authorization", &value) && str_eq(value, BP_LIT("Bearer " TOKEN));
}

static void on_request(struct http_exchange *x) {
  bp_str encoding;
  answered++;
  smuggled += str_eq(x->path, BP_LIT("/smuggled"));
  if (!host_is_listed(x))
    answer(x, 421, "this host is not served here");
  else if (!str_eq(x->path, BP_LIT("/health")) && !str_eq(x->path, BP_LIT("/api/echo")))
    answer(x, 404, "not found");
  else if (x->method == HTTP_GET)
    answer(x, 200, "ok");
  else if (x->method != HTTP_POST || str_eq(x->path, BP_LIT("/health")))
    answer(x, 405, "method not allowed");
  else if (!has_token(x))
    answer(x, 401, "no token");
  else if (exchange_header(x, "content-encoding", &encoding))
    answer(x, 415, "encoded bodies are not taken");
  else
    exchange_body_buffer(x, 1024 * 1024);
}

static void on_body(struct http_exchange *x, bp_str body) {
  exchange_reply(x, 200, BP_LIT("application/json"), body);
}

static void on_gone(struct http_exchange *x, enum http_gone why) {
  (void)x;
  (void)why;
}

static void on_finished(struct http_exchange *x) {
  (void)x;
}

static void on_wire_error(struct http_exchange *x, unsigned status, bp_str text) {
  exchange_reply(x, status, BP_LIT("text/plain"), text);
}

static const struct http_handler handler = {
    .request = on_request, .body = on_body, .gone = on_gone, .finished = on_finished, .wire_error = on_wire_error};

/* ---- Rows ---- */

static int base64_digit(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

static void decode_base64(const char *text, struct buf *into) {
  unsigned bits = 0, value = 0;
  for (; base64_digit(*text) >= 0; text++) {
    value = value << 6 | (unsigned)base64_digit(*text);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      buf_append_char(into, (char)(value >> bits & 0xff));
    }
  }
}

static void replace(struct buf *b, const char *from, const char *to) {
  struct buf out = {0};
  const char *at = b->data, *end = b->data + b->len, *hit;
  while ((hit = memmem(at, (size_t)(end - at), from, strlen(from)))) {
    buf_append(&out, at, (size_t)(hit - at));
    buf_append_z(&out, to);
    at = hit + strlen(from);
  }
  buf_append(&out, at, (size_t)(end - at));
  buf_release(b);
  *b = out;
}

static const char *text_of(json_t *row, const char *name) {
  const char *text = json_string_value(json_object_get(row, name));
  return text ? text : "";
}

static unsigned status_of(const struct buf *in) {
  if (in->len < 12 || memcmp(in->data, "HTTP/1.1 ", 9) != 0)
    return 0;
  return (unsigned)((in->data[9] - '0') * 100 + (in->data[10] - '0') * 10 + in->data[11] - '0');
}

static bool allows(const char *expect, const char *word) {
  bp_str rest = str_from(expect), wanted = str_from(word);
  for (;;) {
    ptrdiff_t bar = str_find(rest, '|');
    bp_str part = bar < 0 ? rest : bp_str_make(rest.ptr, (size_t)bar);
    if (str_eq(part, wanted))
      return true;
    if (bar < 0)
      return false;
    rest = bp_str_make(rest.ptr + bar + 1, rest.len - (size_t)bar - 1);
  }
}

/* A version that is not spoken is refused with 505 and a closed connection. */
static bool is_expected(const char *expect, unsigned status, bool is_open) {
  char exact[8];
  snprintf(exact, sizeof(exact), "%u", status);
  if (status == 0)
    return !is_open && allows(expect, "close");
  return (allows(expect, "ok") && answered && status < 500) || (allows(expect, "4xx") && status >= 400 && status < 500) || allows(expect, exact) ||
         (status == 505 && !is_open && allows(expect, "close"));
}

static void send_row(int fd, json_t *row, const struct buf *raw) {
  if (*text_of(row, "chunks") == '\0') {
    loopback_send(fd, buf_str(raw));
    return;
  }
  for (size_t i = 0; i < raw->len; i++) {
    loopback_send(fd, bp_str_make(raw->data + i, 1));
    loopback_run_for(1);
  }
}

/* Reads answers until the wanted number has come or the server closed. Returns whether it is open. */
static bool read_answers(int fd, struct buf *in, unsigned wanted) {
  int64_t end_ms = loopback_now_ms() + WAIT_MAX_MS;
  bool is_open = true;
  while (is_open && loopback_count(in, "HTTP/1.1 ") < wanted && loopback_now_ms() < end_ms) {
    loopback_rest();
    is_open = loopback_receive(fd, in);
  }
  loopback_run_for(3);
  return is_open && loopback_receive(fd, in);
}

static bool answers_again(int fd) {
  struct buf in = {0};
  char request[96];
  snprintf(request, sizeof(request), "GET /health HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", loopback_port);
  loopback_send_z(fd, request);
  read_answers(fd, &in, 1);
  bool is_ok = status_of(&in) == 200;
  buf_release(&in);
  return is_ok;
}

static bool closes(int fd, struct buf *in) {
  int64_t end_ms = loopback_now_ms() + WAIT_MAX_MS;
  bool is_open = true;
  while (is_open && loopback_now_ms() < end_ms) {
    loopback_rest();
    is_open = loopback_receive(fd, in);
  }
  return !is_open;
}

/* What went wrong, or NULL. */
static const char *run_row(json_t *row) {
  struct buf raw = {0}, in = {0};
  char port[8];
  snprintf(port, sizeof(port), ":%u", loopback_port);
  decode_base64(text_of(row, "raw_b64"), &raw);
  replace(&raw, "${TOKEN}", TOKEN);
  replace(&raw, ":8700", port);
  answered = 0;
  int fd = loopback_connect();
  send_row(fd, row, &raw);
  json_int_t wanted = json_integer_value(json_object_get(row, "responses"));
  bool is_open = read_answers(fd, &in, wanted ? (unsigned)wanted : 1);
  const char *after = text_of(row, "after"), *problem = NULL;
  if (!is_expected(text_of(row, "expect"), status_of(&in), is_open))
    problem = "unexpected answer";
  else if (wanted && loopback_count(&in, "HTTP/1.1 200") != (unsigned)wanted)
    problem = "not every request was answered";
  else if (strcmp(after, "keep") == 0 && !answers_again(fd))
    problem = "the connection was not kept";
  else if (strcmp(after, "close") == 0 && !closes(fd, &in))
    problem = "the connection was not closed";
  else if (smuggled)
    problem = "the smuggled request was answered";
  else if (loopback_has(&in, "X-Injected"))
    problem = "client bytes reached a header";
  if (problem)
    print_error("%s: %s (%s): %.*s\n", text_of(row, "id"), problem, text_of(row, "why"), in.len < 200 ? (int)in.len : 200, in.data ? in.data : "");
  close(fd);
  buf_release(&raw);
  buf_release(&in);
  return problem;
}

static FILE *open_corpus(void) {
  char path[4096];
  const char *shared = getenv("BACKPLANE_SHARED");
  snprintf(path, sizeof(path), "%s/attack-corpus/http-raw.jsonl", shared ? shared : TEST_SOURCE_DIR "/../shared");
  FILE *file = fopen(path, "re");
  if (!file)
    print_message("skipped: \"%s\" is not there; name its parent in BACKPLANE_SHARED\n", path);
  return file;
}

static void test_every_row_holds(void **state) {
  (void)state;
  FILE *file = open_corpus();
  if (!file)
    skip();
  const struct http_limits saved = http_limits;
  http_limits.body_idle_ms = 400;
  http_limits.keep_alive_ms = 1500;
  assert_true(loop_init());
  http_set_handler(&handler);
  loopback_listen();
  char *line = NULL;
  size_t room = 0;
  unsigned rows = 0, failures = 0;
  while (getline(&line, &room, file) > 0) {
    json_t *row = json_loads(line, 0, NULL);
    assert_non_null(row);
    rows++;
    failures += run_row(row) != NULL;
    json_decref(row);
  }
  free(line);
  fclose(file);
  print_message("%u rows\n", rows);
  http_unlisten(loopback_listener);
  loopback_until(http_counters()->connections == 0);
  loop_release();
  http_limits = saved;
  assert_true(rows > 0);
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_row_holds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
