/* Unit tests of host/auth/checks.c: every row of the origins corpus, and the rules that no row covers. */
#include "auth/checks.h"
#include "auth/tokens.h"
#include "http/listener.h"
#include "loop/loop.h"
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX 16
#define PORT 8700

static char good_token[65];

/* A request as the wire would hand it up, and the listener it came in by. */
struct request {
  struct http_listener listener;
  struct http_header headers[HEADERS_MAX];
  struct http_exchange x;
};

static void request_init(struct request *r, enum listener_auth auth, const char *method, const char *target) {
  *r = (struct request){.listener = {.port = PORT, .is_main = true, .auth = auth}};
  const char *query = strchr(target, '?');
  r->x.listener = &r->listener;
  r->x.headers = r->headers;
  r->x.method_text = str_from(method);
  r->x.method = strcmp(method, "GET") == 0 ? HTTP_GET : strcmp(method, "OPTIONS") == 0 ? HTTP_OPTIONS : HTTP_POST;
  r->x.target = str_from(target);
  r->x.path = query == NULL ? str_from(target) : bp_str_make(target, (size_t)(query - target));
  r->x.query = str_from(query == NULL ? NULL : query + 1);
}

static void request_header(struct request *r, const char *name, const char *value) {
  assert_true(r->x.header_count < HEADERS_MAX);
  r->headers[r->x.header_count++] = (struct http_header){str_from(name), str_from(value)};
  r->x.header_lengths |= header_length_bit(strlen(name));
  if (strcasecmp(name, "Host") == 0 && r->x.host.len == 0)
    r->x.host = str_from(value);
}

static struct gate_answer ask(struct request *r, bool is_same_user) {
  struct auth_peer peer = {.is_known = is_same_user, .uid = geteuid()};
  return gate_decide(&r->x, &peer);
}

/* A GET of a path that needs identity, by the same user, with these headers (name, value, …, NULL). */
static unsigned verdict_of(const char *host, ...) {
  struct request r;
  va_list headers;
  request_init(&r, LISTENER_AUTH_PEER, "GET", "/sessions");
  request_header(&r, "Host", host);
  va_start(headers, host);
  for (const char *name; (name = va_arg(headers, const char *)) != NULL;)
    request_header(&r, name, va_arg(headers, const char *));
  va_end(headers);
  struct gate_answer answer = ask(&r, true);
  return answer.verdict == AUTH_REFUSE ? answer.status : 200;
}

/* ---- The corpus ---- */

static void request_from_row(struct request *r, const json_t *row, char authorization[128]) {
  request_init(r, LISTENER_AUTH_TOKEN, json_string_value(json_object_get(row, "method")), json_string_value(json_object_get(row, "path")));
  const json_t *headers = json_object_get(row, "headers");
  for (size_t i = 0; i < json_array_size(headers); i++) {
    const json_t *header = json_array_get(headers, i);
    request_header(r, json_string_value(json_array_get(header, 0)), json_string_value(json_array_get(header, 1)));
  }
  if (json_is_string(json_object_get(row, "upgrade"))) {
    request_header(r, "Connection", "Upgrade");
    request_header(r, "Upgrade", json_string_value(json_object_get(row, "upgrade")));
  }
  const char *token = json_string_value(json_object_get(row, "token"));
  (void)snprintf(authorization, 128, "Bearer %s", strcmp(token, "ok") == 0 ? good_token : "0000");
  if (strcmp(token, "none") != 0)
    request_header(r, "Authorization", authorization);
}

/* The content type is the router's business: the gate lets that row pass. */
static bool is_decided_later(const char *id) {
  return strcmp(id, "origin-066") == 0;
}

static void check_row(const json_t *row) {
  struct request r;
  char authorization[128];
  const char *id = json_string_value(json_object_get(row, "id"));
  request_from_row(&r, row, authorization);
  struct gate_answer answer = ask(&r, false);
  bool is_expected = is_decided_later(id) || strcmp(json_string_value(json_object_get(row, "expect")), "allow") == 0;
  if ((answer.verdict != AUTH_REFUSE) != is_expected)
    fail_msg("%s: answered %u, expected to be %s (%s)", id, answer.status, is_expected ? "allowed" : "refused",
             json_string_value(json_object_get(row, "why")));
  if (answer.verdict == AUTH_REFUSE) {
    assert_true(answer.status == 401 || answer.status == 403 || answer.status == 421);
    assert_true(answer.text.len > 0);
  }
}

static void test_every_row_of_the_corpus(void **state) {
  (void)state;
  FILE *corpus = fopen(TEST_SOURCE_DIR "/tests/corpus/origins.jsonl", "r");
  char line[4096];
  unsigned rows = 0;
  assert_non_null(corpus);
  while (fgets(line, sizeof(line), corpus) != NULL) {
    json_t *row = json_loads(line, 0, NULL);
    assert_non_null(row);
    check_row(row);
    json_decref(row);
    rows++;
  }
  fclose(corpus);
  assert_int_equal(rows, 45);
}

/* ---- Host ---- */

static void test_host_is_exact(void **state) {
  (void)state;
  struct http_listener listener = {.port = PORT};
  assert_true(gate_host_matches(&listener, BP_LIT("localhost:8700")));
  assert_true(gate_host_matches(&listener, BP_LIT("LocalHost:8700")));
  assert_true(gate_host_matches(&listener, BP_LIT("[::1]:8700")));
  static const char *const foreign[] = {"",         ":8700",           "localhost", "127.0.0.1:08700", "127.0.0.1:8700 ", "x@localhost:8700",
                                        "::1:8700", "192.168.0.2:8700"};
  for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
    assert_false(gate_host_matches(&listener, str_from(foreign[i])));
  listener.port = 80;
  assert_true(gate_host_matches(&listener, BP_LIT("localhost")));
  assert_true(gate_host_matches(&listener, BP_LIT("[::1]")));
  assert_false(gate_host_matches(&listener, BP_LIT("")));
}

static void test_a_public_listener_answers_to_its_address(void **state) {
  (void)state;
  struct http_listener listener = {.port = PORT, .is_public = true, .address = (char[]){"192.168.0.2"}};
  assert_true(gate_host_matches(&listener, BP_LIT("192.168.0.2:8700")));
  assert_false(gate_host_matches(&listener, BP_LIT("192.168.0.3:8700")));
  listener.address = (char[]){"0.0.0.0"};
  assert_true(gate_host_matches(&listener, BP_LIT("192.168.0.3:8700")));
  assert_false(gate_host_matches(&listener, BP_LIT("evil.example:8700")));
  listener.address = (char[]){"fe80::1"};
  assert_true(gate_host_matches(&listener, BP_LIT("[fe80::1]:8700")));
}

/* ---- Origin and Fetch-Metadata ---- */

static void test_origins_and_fetch_metadata(void **state) {
  (void)state;
  const char *own = "localhost:8700";
  assert_int_equal(verdict_of(own, NULL), 200);
  assert_int_equal(verdict_of(own, "Origin", "null", NULL), 403);
  assert_int_equal(verdict_of(own, "Origin", "", NULL), 403);
  assert_int_equal(verdict_of(own, "Origin", "https://localhost:8700", NULL), 403);
  assert_int_equal(verdict_of(own, "Origin", "http://localhost:8700", NULL), 200);
  assert_int_equal(verdict_of(own, "Origin", "http://localhost:8700", "Sec-Fetch-Site", "same-site", NULL), 403);
  assert_int_equal(verdict_of(own, "Origin", "http://localhost:8700", "Sec-Fetch-Site", "none", NULL), 403);
  assert_int_equal(verdict_of(own, "Origin", "http://localhost:5173", "Sec-Fetch-Site", "cross-site", NULL), 200);
  assert_int_equal(verdict_of(own, "Sec-Fetch-Site", "same-site", NULL), 403);
  assert_int_equal(verdict_of(own, "Sec-Fetch-Site", "none", "Sec-Fetch-Site", "cross-site", NULL), 403);
  assert_int_equal(verdict_of(own, "Sec-Fetch-Site", "none", NULL), 200);
}

static void test_a_preflight_needs_no_identity(void **state) {
  (void)state;
  struct request r;
  request_init(&r, LISTENER_AUTH_TOKEN, "OPTIONS", "/sessions");
  request_header(&r, "Host", "localhost:8700");
  assert_int_equal(ask(&r, false).status, 401);
  request_header(&r, "Origin", "http://localhost:5173");
  assert_int_equal(ask(&r, false).status, 401);
  request_header(&r, "Access-Control-Request-Method", "PUT");
  assert_int_equal(ask(&r, false).verdict, AUTH_PREFLIGHT);
  assert_true(r.x.who.origin_allowed);
  assert_int_equal(r.x.who.scopes, 0);
}

/* ---- Identity ---- */

static void test_the_same_user_needs_no_token(void **state) {
  (void)state;
  struct request r;
  char principal[48];
  request_init(&r, LISTENER_AUTH_PEER, "POST", "/sessions");
  request_header(&r, "Host", "localhost:8700");
  assert_int_equal(ask(&r, true).verdict, AUTH_PASS);
  assert_int_equal(r.x.who.scopes, SCOPE_READ | SCOPE_WRITE);
  (void)snprintf(principal, sizeof(principal), "uid:%lu", (unsigned long)geteuid());
  assert_string_equal(r.x.who.principal, principal);
  assert_int_equal(ask(&r, false).status, 401);
  assert_int_equal(r.x.who.scopes, 0);
  struct auth_peer other = {.is_known = true, .uid = geteuid() + 1};
  assert_int_equal(gate_decide(&r.x, &other).status, 401);
  assert_int_equal(gate_decide(&r.x, NULL).status, 401);
}

static void test_a_forwarded_request_is_nobodys(void **state) {
  (void)state;
  assert_int_equal(verdict_of("localhost:8700", "Via", "1.1 proxy", NULL), 401);
  assert_int_equal(verdict_of("localhost:8700", "forwarded", "for=10.0.0.1", NULL), 401);
  assert_int_equal(verdict_of("localhost:8700", "x-forwarded-anything", "", NULL), 401);
}

static void test_the_peer_counts_only_where_the_listener_says(void **state) {
  (void)state;
  struct request r;
  request_init(&r, LISTENER_AUTH_TOKEN, "GET", "/sessions");
  request_header(&r, "Host", "localhost:8700");
  assert_int_equal(ask(&r, true).status, 401);
  r.listener.auth = LISTENER_AUTH_PEER;
  r.listener.is_public = true;
  assert_int_equal(ask(&r, true).status, 401);
}

static void test_a_unix_socket_takes_any_host_and_root(void **state) {
  (void)state;
  struct request r;
  request_init(&r, LISTENER_AUTH_PEER, "GET", "/sessions");
  r.listener.is_unix = r.listener.is_control = true;
  request_header(&r, "Host", "anything");
  struct auth_peer root = {.is_known = true, .is_unix = true, .uid = 0}, other = {.is_known = true, .is_unix = true, .uid = 65533};
  assert_int_equal(gate_decide(&r.x, &root).verdict, AUTH_PASS);
  assert_int_equal(r.x.who.scopes, SCOPE_READ | SCOPE_WRITE);
  assert_int_equal(gate_decide(&r.x, &other).status, 401);
}

static void test_a_wrong_token_is_not_forgiven_to_the_same_user(void **state) {
  (void)state;
  assert_int_equal(verdict_of("localhost:8700", "Authorization", "Bearer wrong", NULL), 401);
  assert_int_equal(verdict_of("localhost:8700", "Authorization", "Basic dXNlcg==", NULL), 200);
  assert_int_equal(verdict_of("localhost:8700", "Authorization", "Basic dXNlcg==", "Authorization", "Basic eA==", NULL), 401);
}

static void test_a_family_may_read_authorization_itself(void **state) {
  (void)state;
  struct request r;
  request_init(&r, LISTENER_AUTH_PEER, "GET", "/api/projects");
  r.listener.leaves_authorization = true;
  request_header(&r, "Host", "localhost:8700");
  request_header(&r, "Authorization", "Bearer a-token-of-the-family");
  assert_int_equal(ask(&r, true).verdict, AUTH_PASS);
  assert_memory_equal(r.x.who.principal, "uid:", 4);
  assert_int_equal(ask(&r, false).status, 401);
}

static void test_a_websocket_may_carry_its_token_as_a_protocol(void **state) {
  (void)state;
  struct request r;
  char protocols[128];
  request_init(&r, LISTENER_AUTH_TOKEN, "GET", "/ws");
  request_header(&r, "Host", "localhost:8700");
  (void)snprintf(protocols, sizeof(protocols), "bp.token.%s, live.v1", good_token);
  request_header(&r, "Sec-WebSocket-Protocol", protocols);
  assert_int_equal(ask(&r, false).status, 401);
  request_header(&r, "Upgrade", "h2c, WebSocket");
  assert_int_equal(ask(&r, false).verdict, AUTH_PASS);
  assert_memory_equal(r.x.who.principal, "token:", 6);
}

static void test_public_paths(void **state) {
  (void)state;
  struct request r;
  request_init(&r, LISTENER_AUTH_TOKEN, "GET", "/api/info");
  request_header(&r, "Host", "localhost:8700");
  assert_int_equal(ask(&r, false).status, 401);
  r.listener.family = (char[]){"acp"};
  assert_int_equal(ask(&r, false).verdict, AUTH_PASS);
  assert_int_equal(r.x.who.scopes, 0);
  r.x.path = BP_LIT("/health");
  r.x.method = HTTP_POST;
  assert_int_equal(ask(&r, false).status, 401);
  r.x.method = HTTP_GET;
  r.x.path = BP_LIT("/health/");
  assert_int_equal(ask(&r, false).status, 401);
}

static void test_origins_that_no_browser_sends_are_not_taken(void **state) {
  (void)state;
  static const bp_str list[] = {BP_STR("*"),        BP_STR("http://localhost:5173"), BP_STR("http://a.example/"), BP_STR("null"),
                                BP_STR("HTTP://x"), BP_STR("https://b.example")};
  auth_set_origins(list, sizeof(list) / sizeof(list[0]));
  assert_true(gate_origin_is_listed(list[1]));
  assert_true(gate_origin_is_listed(list[5]));
  assert_false(gate_origin_is_listed(list[0]));
  assert_false(gate_origin_is_listed(list[2]));
  assert_false(gate_origin_is_listed(list[3]));
  assert_false(gate_origin_is_listed(list[4]));
}

static int setup(void **state) {
  (void)state;
  static char folder[] = "/tmp/unit-gate-XXXXXX";
  char id[17];
  bp_error err = BP_ERROR_INIT;
  const bp_str origin = BP_STR("http://localhost:5173");
  if (!loop_init() || mkdtemp(folder) == NULL || auth_init(folder, &err) != BP_OK)
    return -1;
  auth_set_origins(&origin, 1);
  *state = folder;
  return token_create_transient(BP_LIT("test"), SCOPE_READ | SCOPE_WRITE, good_token, id) == BP_OK ? 0 : -1;
}

static int teardown(void **state) {
  char path[64];
  auth_release();
  (void)snprintf(path, sizeof(path), "%s/admin.token", (const char *)*state);
  (void)unlink(path);
  (void)rmdir(*state);
  loop_release();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_row_of_the_corpus),
      cmocka_unit_test(test_host_is_exact),
      cmocka_unit_test(test_a_public_listener_answers_to_its_address),
      cmocka_unit_test(test_origins_and_fetch_metadata),
      cmocka_unit_test(test_a_preflight_needs_no_identity),
      cmocka_unit_test(test_the_same_user_needs_no_token),
      cmocka_unit_test(test_a_forwarded_request_is_nobodys),
      cmocka_unit_test(test_the_peer_counts_only_where_the_listener_says),
      cmocka_unit_test(test_a_unix_socket_takes_any_host_and_root),
      cmocka_unit_test(test_a_wrong_token_is_not_forgiven_to_the_same_user),
      cmocka_unit_test(test_a_family_may_read_authorization_itself),
      cmocka_unit_test(test_a_websocket_may_carry_its_token_as_a_protocol),
      cmocka_unit_test(test_public_paths),
      cmocka_unit_test(test_origins_that_no_browser_sends_are_not_taken),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
