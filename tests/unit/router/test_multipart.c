/* Unit tests of host/router/multipart.c and multipart_head.c: the same result however the body is cut, and what is refused. */
#include "router/multipart.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* Everything the events said, as text: "part(name|filename|type)data(...)end". */
struct transcript {
  struct buf text;
  bool is_in_data;
  bool stops;
};

static bool on_part(void *ctx, const struct multipart_head *head) {
  struct transcript *t = ctx;
  buf_append_z(&t->text, head->is_file ? "file(" : "field(");
  buf_append_str(&t->text, head->name);
  buf_append_char(&t->text, '|');
  buf_append_str(&t->text, head->filename);
  buf_append_char(&t->text, '|');
  buf_append_str(&t->text, head->content_type);
  buf_append_char(&t->text, ')');
  return !t->stops;
}

static bool on_data(void *ctx, bp_str bytes) {
  struct transcript *t = ctx;
  assert_true(bytes.len > 0);
  buf_append_str(&t->text, bytes);
  return true;
}

static bool on_end(void *ctx) {
  buf_append_z(&((struct transcript *)ctx)->text, "<end>");
  return true;
}

static const struct multipart_events events = {on_part, on_data, on_end};

/* Feeds the body in pieces: [0, cut) and then `step` bytes at a time. */
static bool run(bp_str body, size_t cut, size_t step, struct transcript *t, struct multipart *m) {
  multipart_init(m, BP_LIT("XX"), &events, t);
  bool is_ok = multipart_feed(m, bp_str_make(body.ptr, cut));
  for (size_t at = cut; is_ok && at < body.len; at += step)
    is_ok = multipart_feed(m, bp_str_make(body.ptr + at, body.len - at < step ? body.len - at : step));
  return is_ok && multipart_finish(m);
}

static void check_good(bp_str body, const char *expected) {
  for (size_t cut = 0; cut <= body.len; cut++)
    for (size_t step = 1; step <= body.len + 1; step += body.len > 0 ? body.len : 1) {
      struct transcript t = {0};
      struct multipart m;
      if (!run(body, cut, step, &t, &m))
        fail_msg("cut at %zu, step %zu: %s", cut, step, m.error);
      if (!str_eq(buf_str(&t.text), str_from(expected)))
        fail_msg("cut at %zu, step %zu: %.*s", cut, step, (int)t.text.len, t.text.data);
      buf_release(&t.text);
      multipart_release(&m);
    }
}

static void check_bad(bp_str body, bool is_limit) {
  for (size_t step = 1; step <= body.len + 1; step += body.len > 0 ? body.len : 1) {
    struct transcript t = {0};
    struct multipart m;
    if (run(body, 0, step, &t, &m))
      fail_msg("accepted: %.*s", (int)body.len, body.ptr);
    assert_non_null(m.error);
    assert_int_equal(m.is_limit, is_limit);
    buf_release(&t.text);
    multipart_release(&m);
  }
}

#define GOOD(body, expected) check_good(BP_LIT(body), (expected))
#define BAD(body) check_bad(BP_LIT(body), false)
#define HEAD "--XX\r\nContent-Disposition: form-data; name=\"a\""
#define END "\r\n--XX--\r\n"

static void test_parts_come_whole_however_the_body_is_cut(void **state) {
  (void)state;
  GOOD(HEAD "\r\n\r\nhello" END, "field(a||)hello<end>");
  GOOD(HEAD "\r\n\r\n" END, "field(a||)<end>");
  GOOD("\r\n" HEAD "\r\n\r\nx" END "ignored\r\n--XX\r\n", "field(a||)x<end>");
  GOOD(HEAD "\r\n\r\n1\r\n" HEAD "; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n2" END, "field(a||)1<end>file(a|f.txt|text/plain)2<end>");
  GOOD("--XX--", "");
  GOOD("--XX  \t\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--XX--", "field(a||)x<end>");
}

static void test_data_that_resembles_a_boundary_is_data(void **state) {
  (void)state;
  GOOD(HEAD "\r\n\r\n\r\n\r\r\n-\r\n--\r\n--X\r\n--Xy--XX\r\n" END, "field(a||)\r\n\r\r\n-\r\n--\r\n--X\r\n--Xy--XX\r\n<end>");
  GOOD(HEAD "\r\n\r\n--XX" END, "field(a||)--XX<end>");
  GOOD(HEAD "\r\n\r\n\r\r" END, "field(a||)\r\r<end>");
}

static void test_names_are_unquoted_and_decoded(void **state) {
  (void)state;
  GOOD(HEAD "; filename=\"a\\\"b\\\\c\\d\"\r\n\r\n" END, "file(a|a\"b\\c\\d|)<end>");
  GOOD(HEAD "; filename=\"\xC3\xBC.txt\"\r\n\r\n" END, "file(a|\xC3\xBC.txt|)<end>");
  GOOD(HEAD "; filename=plain; filename*=UTF-8'de'%C3%BC%20x\r\n\r\n" END, "file(a|\xC3\xBC x|)<end>");
  GOOD(HEAD "; filename=\"\"\r\n\r\n" END, "file(a||)<end>");
  GOOD("--XX\r\ncontent-disposition:form-data;NAME=a;\r\nX-Other: y\r\nContent-Transfer-Encoding: Binary\r\n\r\n" END, "field(a||)<end>");
}

static void test_broken_framing_is_refused(void **state) {
  (void)state;
  BAD("");
  BAD("preamble\r\n" HEAD "\r\n\r\nx" END);
  BAD("--YY\r\n");
  BAD(HEAD "\r\n\r\nx");
  BAD(HEAD "\r\n\r\nx\r\n--XX");
  BAD(HEAD "\r\n\r\nx\r\n--XX-");
  BAD(HEAD "\r\n\r\nx\r\n--XXmore\r\n");
  BAD("--XX\nContent-Disposition: form-data; name=a\n\nx\n--XX--");
  BAD("--XX \t-\r\n");
}

static void test_broken_headers_are_refused(void **state) {
  (void)state;
  BAD("--XX\r\n\r\nx" END);
  BAD("--XX\r\nContent-Type: text/plain\r\n\r\nx" END);
  BAD("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nx" END);
  BAD("--XX\r\nContent-Disposition: form-data\r\n\r\nx" END);
  BAD("--XX\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nx" END);
  BAD("--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx" END);
  BAD(HEAD "; name=b\r\n\r\nx" END);
  BAD(HEAD "; filename=x; filename=y\r\n\r\nx" END);
  BAD(HEAD " filename=x\r\n\r\nx" END);
  BAD(HEAD "; filename=\"a\x01\"\r\n\r\nx" END);
  BAD(HEAD "; filename=\"a\xFF\"\r\n\r\nx" END);
  BAD(HEAD "; filename*=UTF-8''%00\r\n\r\nx" END);
  BAD(HEAD "; filename*=UTF-8''%C3\r\n\r\nx" END);
  BAD(HEAD "; filename*=UTF-8''%2\r\n\r\nx" END);
  BAD(HEAD "; filename*=latin1''x\r\n\r\nx" END);
  BAD(HEAD "\r\nContent-Disposition: form-data; name=b\r\n\r\nx" END);
  BAD(HEAD "\r\nContent-Transfer-Encoding: base64\r\n\r\nx" END);
  BAD(HEAD "\r\n folded\r\n\r\nx" END);
  BAD(HEAD "\r\nBad Name: x\r\n\r\nx" END);
  BAD(HEAD "\r\nX: a\nb\r\n\r\nx" END);
  BAD(HEAD "\r\nX: a\0b\r\n\r\nx" END);
}

static void test_limits(void **state) {
  (void)state;
  struct buf body = {0};
  for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
    buf_append_z(&body, HEAD "\r\n\r\n\r\n");
  struct transcript t = {0};
  struct multipart m;
  buf_append_z(&body, "--XX--");
  assert_true(run(buf_str(&body), 0, body.len, &t, &m));
  multipart_release(&m);
  body.len -= strlen("--XX--");
  buf_append_z(&body, HEAD "\r\n\r\n" END);
  check_bad(buf_str(&body), true);
  buf_clear(&body);
  buf_append_z(&body, HEAD "\r\nX: ");
  for (int i = 0; i < MULTIPART_HEADER_BYTES_MAX; i++)
    buf_append_char(&body, 'x');
  buf_append_z(&body, "\r\n\r\n" END);
  check_bad(buf_str(&body), true);
  buf_release(&body);
  buf_release(&t.text);
}

static void test_an_event_may_stop_it(void **state) {
  (void)state;
  struct transcript t = {.stops = true};
  struct multipart m;
  assert_false(run(BP_LIT(HEAD "\r\n\r\nx" END), 0, 1, &t, &m));
  assert_null(m.error);
  buf_release(&t.text);
  multipart_release(&m);
}

static void assert_boundary(const char *content_type, bp_status status, const char *expected) {
  bp_str boundary = {0};
  assert_int_equal(multipart_boundary(str_from(content_type), &boundary), status);
  assert_true(str_eq(boundary, str_from(expected)));
}

static void test_the_boundary_of_a_content_type(void **state) {
  (void)state;
  assert_boundary("multipart/form-data; boundary=abc", BP_OK, "abc");
  assert_boundary("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b:c\" ;", BP_OK, "a b:c");
  assert_boundary("multipart/form-data; x=\"; boundary=no\"; boundary=yes", BP_OK, "yes");
  assert_boundary("multipart/form-data", BP_E_PARSE, NULL);
  assert_boundary("multipart/form-data; boundary=", BP_E_PARSE, NULL);
  assert_boundary("multipart/form-data; boundary=a; boundary=b", BP_E_PARSE, NULL);
  assert_boundary("multipart/form-data; boundary=\"a", BP_E_PARSE, NULL);
  assert_boundary("multipart/form-data; boundary=a\"b", BP_E_PARSE, NULL);
  assert_boundary("multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890x", BP_E_PARSE, NULL);
  assert_boundary("multipart/mixed; boundary=abc", BP_E_UNSUPPORTED, NULL);
  assert_boundary("application/json", BP_E_UNSUPPORTED, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts_come_whole_however_the_body_is_cut),
      cmocka_unit_test(test_data_that_resembles_a_boundary_is_data),
      cmocka_unit_test(test_names_are_unquoted_and_decoded),
      cmocka_unit_test(test_broken_framing_is_refused),
      cmocka_unit_test(test_broken_headers_are_refused),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_an_event_may_stop_it),
      cmocka_unit_test(test_the_boundary_of_a_content_type),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
