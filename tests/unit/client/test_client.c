/* Unit tests of bp.client/1 over real connections: answers, failures, redirects, pausing, limits, the end with the plugin. */
#include "web.h"

static struct plugin *plugin;
static char folder[64];

/* What came of the last request. */
static struct {
  unsigned heads, chunks, dones;
  uint32_t head_status, status_code, header_count;
  char one[64]; /* the header X-One, or "none" */
  bp_status status;
  struct buf body;
  char message[256];
  size_t chunk_bytes;
} got;

static int setup(void **state) {
  (void)state;
  snprintf(folder, sizeof(folder), "/tmp/backplane-client-XXXXXX");
  if (!mkdtemp(folder) || !loop_init())
    return -1;
  memset(&got, 0, sizeof(got));
  plugin = plugin_add(BP_LIT("test.client"), "/test.so");
  web_start(folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  plugin_revoke_all(plugin);
  multi_release();
  web_stop();
  loop_release();
  plugin_registry_release();
  buf_release(&got.body);
  return rmdir(folder);
}

static void on_head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  assert_ptr_equal(ctx, &got);
  assert_true(exchange != 0);
  got.heads++;
  got.head_status = status;
  got.header_count = headers.count;
  snprintf(got.one, sizeof(got.one), "none");
  for (uint32_t i = 0; i < headers.count; i++) {
    const bp_client_header *header = (const bp_client_header *)((const char *)headers.ptr + (size_t)i * headers.stride);
    if (str_ieq(header->name, BP_LIT("x-one")))
      snprintf(got.one, sizeof(got.one), "%.*s", (int)header->value.len, header->value.ptr);
  }
}

static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  assert_ptr_equal(ctx, &got);
  assert_true(exchange != 0 && bytes.len > 0);
  got.chunks++;
  got.chunk_bytes += bytes.len;
}

static void on_done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  assert_ptr_equal(ctx, &got);
  assert_int_equal(client_table.cancel(exchange), BP_E_STALE);
  got.dones++;
  got.status = status;
  got.status_code = http_status;
  buf_clear(&got.body);
  buf_append_str(&got.body, body);
  buf_append_char(&got.body, '\0');
  snprintf(got.message, sizeof(got.message), "%s", err->message);
  loop_stop();
}

static const bp_client_events collecting = {.size = sizeof(bp_client_events), .head = on_head, .done = on_done};
static const bp_client_events streaming = {.size = sizeof(bp_client_events), .head = on_head, .chunk = on_chunk, .done = on_done};

static bp_client_request get(const char *url, uint32_t flags) {
  return (bp_client_request){.size = sizeof(bp_client_request), .flags = flags, .method = BP_LIT("GET"), .url = str_from(url)};
}

static bp_exchange begin(const bp_client_request *request, const bp_client_events *events) {
  bp_error err = BP_ERROR_INIT;
  bp_exchange exchange = 0;
  unsigned dones = got.dones;
  if (client_table.send(plugin->handle, request, events, &got, &exchange, &err) != BP_OK)
    fail_msg("%s", err.message);
  assert_int_equal(got.dones, dones);
  return exchange;
}

/* Sends and waits for the end. */
static bp_status fetch(const bp_client_request *request) {
  (void)begin(request, &collecting);
  loop_run();
  assert_int_equal(got.dones, 1);
  got.dones = 0;
  return got.status;
}

static bp_status fetch_path(const char *path, uint32_t flags) {
  const bp_client_request request = get(web_url(path), flags);
  return fetch(&request);
}

static bp_status refused(const bp_client_request *request) {
  bp_error err = BP_ERROR_INIT;
  bp_exchange exchange = 7;
  bp_status status = client_table.send(plugin->handle, request, &collecting, &got, &exchange, &err);
  assert_int_equal(exchange, 7);
  assert_true(status == BP_OK || err.message[0] != '\0');
  return status;
}

static void test_an_answer_with_its_head_and_body(void **state) {
  (void)state;
  assert_int_equal(fetch_path("/missing", 0), BP_OK);
  assert_int_equal(got.status_code, 404);
  assert_int_equal(got.head_status, 404);
  assert_string_equal(got.one, "a");
  assert_string_equal(got.body.data, "none");
  assert_int_equal(fetch_path("/early", 0), BP_OK);
  assert_int_equal(got.heads, 2);
  assert_int_equal(got.head_status, 200);
}

static void test_what_is_sent(void **state) {
  (void)state;
  const bp_client_header headers[] = {{sizeof(headers[0]), 1, BP_STR("X-Key"), BP_STR("v 1")}, {sizeof(headers[0]), 0, BP_STR("X-Nil"), BP_STR("")}};
  bp_client_request request = get(web_url("/echo?a=b"), 0);
  request.method = BP_LIT("PATCH");
  request.headers = (bp_array){headers, 2, sizeof(headers[0])};
  request.body = BP_LIT("{\"a\":1}");
  assert_int_equal(fetch(&request), BP_OK);
  assert_true(strncmp(got.body.data, "PATCH /echo?a=b HTTP/1.1\r\n", 26) == 0);
  assert_non_null(strstr(got.body.data, "X-Key: v 1\r\n"));
  assert_non_null(strstr(got.body.data, "X-Nil:"));
  assert_non_null(strstr(got.body.data, "User-Agent: backplane/"));
  assert_null(strstr(got.body.data, "Content-Type:"));
  assert_null(strstr(got.body.data, "Expect:"));
  assert_non_null(strstr(got.body.data, "\r\n\r\n{\"a\":1}"));
}

static void test_a_unix_socket(void **state) {
  (void)state;
  bp_client_request request = get("http://localhost/over-unix", 0);
  request.unix_socket = str_from(web.socket_path);
  assert_int_equal(fetch(&request), BP_OK);
  assert_non_null(strstr(got.body.data, "GET /over-unix"));
  assert_non_null(strstr(got.body.data, "Host: localhost\r\n"));
  request.flags = BP_CLIENT_PUBLIC_ONLY;
  assert_int_equal(refused(&request), BP_E_INVALID);
}

static void test_what_cannot_be_asked_for(void **state) {
  (void)state;
  static const char *const urls[] = {"",
                                     "file:///etc/passwd",
                                     "ftp://example.org/",
                                     "http://user:x@127.0.0.1/",
                                     "http://user@127.0.0.1/",
                                     "gopher://x/",
                                     "http://a b/",
                                     "http://127.0.0.1/\r\nX: y",
                                     "/relative",
                                     "http://"};
  for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
    const bp_client_request request = get(urls[i], 0);
    if (refused(&request) != BP_E_INVALID)
      fail_msg("\"%s\" was taken", urls[i]);
  }
  static const bp_client_header bad[] = {{sizeof(bad[0]), 0, BP_STR("X-A"), BP_STR("a\r\nX-B: c")},
                                         {sizeof(bad[0]), 0, BP_STR("X-A: x\r\nX-B"), BP_STR("c")},
                                         {sizeof(bad[0]), 0, BP_STR(""), BP_STR("c")},
                                         {sizeof(bad[0]), 0, BP_STR("X A"), BP_STR("c")},
                                         {sizeof(bad[0]), 0, BP_STR("X-A"), BP_STR("a\0b")},
                                         {sizeof(bad[0]), 0, BP_STR("X-A"), BP_STR("a\nb")}};
  bp_client_request request = get(web_url("/"), 0);
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    request.headers = (bp_array){&bad[i], 1, sizeof(bad[0])};
    assert_int_equal(refused(&request), BP_E_INVALID);
  }
  static const bp_client_header framing[] = {{sizeof(framing[0]), 0, BP_STR("Content-Length"), BP_STR("3")},
                                             {sizeof(framing[0]), 0, BP_STR("transfer-encoding"), BP_STR("chunked")}};
  for (size_t i = 0; i < 2; i++) {
    request.headers = (bp_array){&framing[i], 1, sizeof(framing[0])};
    assert_int_equal(refused(&request), BP_E_DENIED);
  }
  request = get(web_url("/"), 0);
  request.method = BP_LIT("GET / HTTP/1.1\r\nX: ");
  assert_int_equal(refused(&request), BP_E_INVALID);
}

static void test_servers_that_misbehave(void **state) {
  (void)state;
  assert_int_equal(fetch_path("/half", 0), BP_E_IO);
  assert_int_equal(fetch_path("/nonsense", 0), BP_E_PARSE);
  assert_int_equal(fetch_path("/heads", 0), BP_E_LIMIT);
  const bp_client_request request = get("http://127.0.0.1:1/", 0);
  assert_int_equal(fetch(&request), BP_E_IO);
  assert_non_null(strstr(got.message, "127.0.0.1:1"));
}

static void test_time_outs(void **state) {
  (void)state;
  bp_client_request request = get(web_url("/slow"), 0);
  request.idle_timeout_ms = 50;
  assert_int_equal(fetch(&request), BP_E_TIMEOUT);
  request.url = str_from(web_url("/trickle"));
  assert_int_equal(fetch(&request), BP_E_TIMEOUT);
  request.idle_timeout_ms = 0;
  request.total_timeout_ms = 50;
  assert_int_equal(fetch(&request), BP_E_TIMEOUT);
}

static void test_a_response_has_a_limit(void **state) {
  (void)state;
  bp_client_request request = get(web_url("/endless"), 0);
  request.response_limit_bytes = 100000;
  assert_int_equal(fetch(&request), BP_E_LIMIT);
  request.response_limit_bytes = 0;
  assert_int_equal(fetch(&request), BP_E_LIMIT); /* 64 MiB where collected */
  assert_int_equal(got.body.len, 1);
}

static void test_redirects_are_followed_where_wanted(void **state) {
  (void)state;
  snprintf(web.redirect, sizeof(web.redirect), "/landed");
  assert_int_equal(fetch_path("/redirect", 0), BP_OK);
  assert_int_equal(got.status_code, 302);
  assert_string_equal(got.body.data, "ignored");
  assert_int_equal(fetch_path("/redirect", BP_CLIENT_FOLLOW), BP_OK);
  assert_int_equal(got.heads, 2);
  assert_int_equal(got.status_code, 200);
  assert_true(strncmp(got.body.data, "GET /landed ", 12) == 0);
  snprintf(web.redirect, sizeof(web.redirect), "/redirect");
  assert_int_equal(fetch_path("/redirect", BP_CLIENT_FOLLOW), BP_E_LIMIT);
}

static void test_redirects_change_the_method_as_browsers_do(void **state) {
  (void)state;
  bp_client_request request = get(web_url("/redirect"), BP_CLIENT_FOLLOW);
  snprintf(web.redirect, sizeof(web.redirect), "/landed");
  request.method = BP_LIT("POST");
  request.body = BP_LIT("data");
  assert_int_equal(fetch(&request), BP_OK);
  assert_true(strncmp(got.body.data, "GET /landed ", 12) == 0);
  assert_null(strstr(got.body.data, "data"));
  request.url = str_from(web_url("/keep-method"));
  assert_int_equal(fetch(&request), BP_OK);
  assert_true(strncmp(got.body.data, "POST /landed ", 13) == 0);
  assert_non_null(strstr(got.body.data, "\r\n\r\ndata"));
}

static void test_redirects_do_not_leave_http_or_carry_credentials_away(void **state) {
  (void)state;
  static const char *const refused_targets[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "http://user:x@127.0.0.1/", "gopher://127.0.0.1/"};
  for (size_t i = 0; i < sizeof(refused_targets) / sizeof(refused_targets[0]); i++) {
    snprintf(web.redirect, sizeof(web.redirect), "%s", refused_targets[i]);
    assert_int_equal(fetch_path("/redirect", BP_CLIENT_FOLLOW), BP_E_DENIED);
  }
  static const bp_client_header headers[] = {{sizeof(headers[0]), 0, BP_STR("Authorization"), BP_STR("Bearer t0")},
                                             {sizeof(headers[0]), 1, BP_STR("X-Api-Key"), BP_STR("k0")},
                                             {sizeof(headers[0]), 0, BP_STR("X-Plain"), BP_STR("p0")}};
  bp_client_request request = get(web_url("/redirect"), BP_CLIENT_FOLLOW);
  request.headers = (bp_array)BP_ARRAY(headers);
  snprintf(web.redirect, sizeof(web.redirect), "/same");
  assert_int_equal(fetch(&request), BP_OK);
  assert_non_null(strstr(got.body.data, "Bearer t0"));
  assert_non_null(strstr(got.body.data, "k0"));
  snprintf(web.redirect, sizeof(web.redirect), "http://localhost:%u/other", web.port);
  assert_int_equal(fetch(&request), BP_OK);
  assert_null(strstr(got.body.data, "t0"));
  assert_null(strstr(got.body.data, "k0"));
  assert_non_null(strstr(got.body.data, "p0"));
  request.unix_socket = str_from(web.socket_path);
  snprintf(web.redirect, sizeof(web.redirect), "http://example.org/");
  assert_int_equal(fetch(&request), BP_E_DENIED);
}

static void test_only_public_addresses_where_asked(void **state) {
  (void)state;
  static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]", "2130706433", "0", "127.1", "[::ffff:127.0.0.1]"};
  char url[128];
  assert_int_equal(fetch_path("/", 0), BP_OK); /* a connection that must not be used again */
  for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
    snprintf(url, sizeof(url), "http://%s:%u/", hosts[i], web.port);
    const bp_client_request request = get(url, BP_CLIENT_PUBLIC_ONLY | BP_CLIENT_FOLLOW);
    if (fetch(&request) != BP_E_DENIED)
      fail_msg("%s: %s", url, got.message);
  }
}

static void test_the_environments_proxy_is_not_used(void **state) {
  (void)state;
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  assert_int_equal(fetch_path("/direct", 0), BP_OK);
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

static void stop(void *arg) {
  (void)arg;
  loop_stop();
}

static void turns(unsigned count) {
  while (count--) {
    loop_post(stop, NULL);
    loop_run();
    usleep(1000);
  }
}

/* Until the server has sent nothing more for a while: what it may still send fills the buffers between the two. */
static bool is_held_back(void) {
  size_t sent = 0;
  unsigned still = 0;
  for (unsigned i = 0; i < 60000 && still < 200; i++) {
    size_t now = __atomic_load_n(&web.endless_sent, __ATOMIC_RELAXED);
    still = now == sent ? still + 1 : 0;
    sent = now;
    turns(1);
  }
  return still == 200;
}

static void test_pausing_holds_the_peer_back(void **state) {
  (void)state;
  const bp_client_request request = get(web_url("/endless"), 0);
  bp_exchange exchange = begin(&request, &streaming);
  for (unsigned i = 0; i < 60000 && got.chunks < 10; i++)
    turns(1);
  assert_true(got.chunks >= 10);
  assert_int_equal(client_table.pause(exchange, 1), BP_OK);
  size_t bytes = got.chunk_bytes;
  assert_true(is_held_back());
  assert_int_equal(got.chunk_bytes, bytes);
  assert_int_equal(client_table.pause(exchange, 0), BP_OK);
  for (unsigned i = 0; i < 60000 && got.chunk_bytes < bytes + 10000000; i++)
    turns(1);
  assert_true(got.chunk_bytes >= bytes + 10000000);
  assert_int_equal(client_table.cancel(exchange), BP_OK);
  assert_int_equal(got.dones, 0);
  turns(5);
  assert_int_equal(got.dones, 1);
  assert_int_equal(got.status, BP_E_CANCELLED);
}

static void cancel_in_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  on_chunk(ctx, exchange, bytes);
  assert_int_equal(client_table.cancel(exchange), BP_OK);
}

static void revoke_in_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  on_chunk(ctx, exchange, bytes);
  plugin_revoke_all(plugin);
}

static void test_a_request_may_be_cancelled_anywhere(void **state) {
  (void)state;
  static const bp_client_events events = {.size = sizeof(events), .chunk = cancel_in_chunk, .done = on_done};
  bp_client_request request = get(web_url("/endless"), 0);
  (void)begin(&request, &events);
  loop_run();
  assert_int_equal(got.dones, 1);
  assert_int_equal(got.chunks, 1);
  assert_int_equal(got.status, BP_E_CANCELLED);
  request = get(web_url("/slow"), 0);
  bp_exchange exchange = begin(&request, &collecting);
  assert_int_equal(client_table.cancel(exchange), BP_OK); /* before it has begun */
  loop_run();
  assert_int_equal(got.dones, 2);
  assert_int_equal(client_table.pause(exchange, 1), BP_E_STALE);
}

static void test_a_drain_ends_them_all_once(void **state) {
  (void)state;
  const bp_client_request request = get(web_url("/slow"), 0);
  bp_error err = BP_ERROR_INIT;
  for (unsigned i = 0; i < 256; i++)
    (void)begin(&request, &collecting);
  assert_int_equal(client_table.send(plugin->handle, &request, &collecting, &got, NULL, &err), BP_E_BUSY);
  turns(5);
  plugin_revoke_all(plugin);
  assert_int_equal(got.dones, 256);
  assert_int_equal(got.status, BP_E_CANCELLED);
  turns(5);
  assert_int_equal(got.dones, 256);
  assert_int_equal(client_table.send(plugin->handle, &request, &collecting, &got, NULL, &err), BP_E_STALE);
}

static void test_a_drain_from_inside_a_chunk(void **state) {
  (void)state;
  static const bp_client_events events = {.size = sizeof(events), .chunk = revoke_in_chunk, .done = on_done};
  const bp_client_request request = get(web_url("/endless"), 0);
  (void)begin(&request, &events);
  loop_run();
  turns(5);
  assert_int_equal(got.dones, 1);
  assert_int_equal(got.chunks, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_an_answer_with_its_head_and_body),
      TEST(test_what_is_sent),
      TEST(test_a_unix_socket),
      TEST(test_what_cannot_be_asked_for),
      TEST(test_servers_that_misbehave),
      TEST(test_time_outs),
      TEST(test_a_response_has_a_limit),
      TEST(test_redirects_are_followed_where_wanted),
      TEST(test_redirects_change_the_method_as_browsers_do),
      TEST(test_redirects_do_not_leave_http_or_carry_credentials_away),
      TEST(test_only_public_addresses_where_asked),
      TEST(test_the_environments_proxy_is_not_used),
      TEST(test_pausing_holds_the_peer_back),
      TEST(test_a_request_may_be_cancelled_anywhere),
      TEST(test_a_drain_ends_them_all_once),
      TEST(test_a_drain_from_inside_a_chunk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
