/* Unit tests of host/auth/tokens.c, token_file.c, token_store.c and session.c: what is stored, what passes, what ends. */
#include "auth/gate.h"
#include "auth/tokens.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *in_folder(const char *name) {
  static char path[128];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  return path;
}

static void read_text(const char *name, char *text, size_t size) {
  FILE *file = fopen(in_folder(name), "r");
  assert_non_null(file);
  size_t len = fread(text, 1, size - 1, file);
  text[len] = '\0';
  fclose(file);
}

static void write_text(const char *name, const char *text, mode_t mode) {
  (void)unlink(in_folder(name));
  int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_EXCL, mode);
  assert_true(fd >= 0);
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
}

static bool passes(const char *token, struct auth_identity *who) {
  bool is_limited;
  *who = (struct auth_identity){0};
  return token_check(str_from(token), who, &is_limited);
}

static void reopen(void) {
  bp_error err = BP_ERROR_INIT;
  auth_release();
  assert_int_equal(auth_init(folder, &err), BP_OK);
}

static void count_one(void *ctx, bp_str id, bp_str name, uint32_t scopes, int64_t created_s, int64_t expires_s) {
  (void)id, (void)scopes, (void)created_s, (void)expires_s;
  assert_str_eq(name, "laptop");
  ++*(unsigned *)ctx;
}

static void test_the_admin_token_is_made_once_and_private(void **state) {
  (void)state;
  char first[80], second[80];
  struct stat info;
  struct auth_identity who;
  assert_int_equal(stat(in_folder("admin.token"), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  read_text("admin.token", first, sizeof(first));
  assert_int_equal(strlen(first), 65);
  reopen();
  read_text("admin.token", second, sizeof(second));
  assert_string_equal(first, second);
  first[64] = '\0';
  assert_true(passes(first, &who));
  assert_int_equal(who.scopes, SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN);
  assert_string_equal(who.principal, "token:admin");
  assert_int_equal(token_revoke(BP_LIT("admin"), NULL), BP_E_NOT_FOUND);
}

static void test_a_token_survives_a_restart_and_ends_when_revoked(void **state) {
  (void)state;
  char token[65], id[17], stored[2048];
  struct auth_identity who;
  struct stat info;
  unsigned listed = 0;
  assert_int_equal(token_create(BP_LIT("laptop"), SCOPE_READ, 0, token, id, NULL), BP_OK);
  assert_true(passes(token, &who));
  reopen();
  assert_int_equal(stat(in_folder("tokens.json"), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  read_text("tokens.json", stored, sizeof(stored));
  assert_null(strstr(stored, token));
  assert_non_null(strstr(stored, id));
  assert_true(passes(token, &who));
  assert_int_equal(who.scopes, SCOPE_READ);
  assert_string_equal(who.principal + strlen("token:"), id);
  token_list(count_one, &listed);
  assert_int_equal(listed, 1);
  assert_int_equal(token_revoke(str_from(id), NULL), BP_OK);
  assert_false(passes(token, &who));
  assert_int_equal(who.scopes, 0);
  reopen();
  assert_false(passes(token, &who));
  assert_int_equal(token_revoke(str_from(id), NULL), BP_E_NOT_FOUND);
}

/* sha256("expired") and sha256("valid"), the first with an end in the past. */
static void test_an_expired_token_is_refused(void **state) {
  (void)state;
  struct auth_identity who;
  auth_release();
  write_text("tokens.json",
             "{\"tokens\":[{\"id\":\"0123456789abcdef\",\"name\":\"old\",\"scopes\":1,\"created_s\":1,\"expires_s\":2,"
             "\"sha256\":\"fa64ea1e82e1206f828ab2a02917c7e92accb98e3b95881a1b4ad52b914b66e3\"},"
             "{\"id\":\"fedcba9876543210\",\"name\":\"ok\",\"scopes\":1,\"created_s\":1,\"expires_s\":0,"
             "\"sha256\":\"ec654fac9599f62e79e2706abef23dfb7c07c08185aa86db4d8695f0b718d1b3\"}]}",
             0600);
  reopen();
  assert_true(passes("valid", &who));
  assert_false(passes("expired", &who));
  assert_int_equal(token_revoke(BP_LIT("0123456789abcdef"), NULL), BP_OK);
  assert_int_equal(token_revoke(BP_LIT("fedcba9876543210"), NULL), BP_OK);
}

static void test_a_transient_token_is_never_stored(void **state) {
  (void)state;
  char token[65], id[17];
  struct auth_identity who;
  assert_int_equal(token_create_transient(BP_LIT("child"), SCOPE_READ | SCOPE_WRITE, token, id), BP_OK);
  assert_true(passes(token, &who));
  reopen();
  assert_false(passes(token, &who));
}

static void test_a_code_opens_one_session(void **state) {
  (void)state;
  char code[65], token[65], id[17];
  struct auth_identity who;
  assert_int_equal(session_open_code(code), BP_OK);
  assert_false(passes(code, &who));
  assert_false(session_exchange(BP_LIT("nonsense"), token, id));
  assert_true(session_exchange(str_from(code), token, id));
  assert_false(session_exchange(str_from(code), token, id));
  assert_true(passes(token, &who));
  assert_int_equal(who.scopes, SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN);
  assert_memory_equal(who.principal, "session:", 8);
  assert_int_equal(token_revoke(str_from(id), NULL), BP_OK);
  assert_false(passes(token, &who));
}

static void test_failures_are_limited_but_right_tokens_pass(void **state) {
  (void)state;
  char token[65], id[17];
  struct auth_identity who = {0};
  bool is_limited = true;
  assert_int_equal(token_create_transient(BP_LIT("child"), SCOPE_READ, token, id), BP_OK);
  for (int i = 0; i < 10; i++) {
    assert_false(token_check(BP_LIT("wrong"), &who, &is_limited));
    assert_false(is_limited);
  }
  assert_false(token_check(BP_LIT("wrong"), &who, &is_limited));
  assert_true(is_limited);
  assert_true(token_check(str_from(token), &who, &is_limited));
  assert_false(is_limited);
}

static void test_bad_requests_for_tokens_are_refused(void **state) {
  (void)state;
  char token[65], id[17];
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(token_create(BP_LIT("x"), 0, 0, token, id, &err), BP_E_INVALID);
  assert_int_equal(token_create(BP_LIT("x"), 8, 0, token, id, &err), BP_E_INVALID);
  assert_int_equal(token_create(BP_LIT(""), SCOPE_READ, 0, token, id, &err), BP_E_INVALID);
  assert_int_equal(token_create(BP_LIT("x\xFF"), SCOPE_READ, 0, token, id, &err), BP_E_INVALID);
  assert_int_equal(token_create(BP_LIT("x"), SCOPE_READ, -1, token, id, &err), BP_E_INVALID);
}

static void assert_start_refused(bp_status expected) {
  bp_error err = BP_ERROR_INIT;
  auth_release();
  assert_int_equal(auth_init(folder, &err), expected);
  assert_true(err.message[0] != '\0' && err.hint[0] != '\0');
}

static void test_files_that_are_not_ours_alone_stop_the_start(void **state) {
  (void)state;
  const char *good = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
  write_text("admin.token", good, 0640);
  assert_start_refused(BP_E_DENIED);
  write_text("admin.token", "short\n", 0600);
  assert_start_refused(BP_E_INVALID);
  write_text("admin.token", good, 0600);
  write_text("tokens.json", "{\"tokens\":[{}]}", 0600);
  assert_start_refused(BP_E_PARSE);
  assert_int_equal(unlink(in_folder("tokens.json")), 0);
  write_text("elsewhere", good, 0600);
  assert_int_equal(unlink(in_folder("admin.token")), 0);
  assert_int_equal(symlink("elsewhere", in_folder("admin.token")), 0);
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(auth_init(folder, &err), BP_E_DENIED);
  assert_int_equal(unlink(in_folder("admin.token")), 0);
  assert_int_equal(unlink(in_folder("elsewhere")), 0);
}

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/unit-tokens-XXXXXX");
  bp_error err = BP_ERROR_INIT;
  return mkdtemp(folder) != NULL && auth_init(folder, &err) == BP_OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  workers_stop();
  auth_release();
  (void)unlink(in_folder("admin.token"));
  (void)unlink(in_folder("tokens.json"));
  return rmdir(folder);
}

static int start_loop(void **state) {
  (void)state;
  return loop_init() ? 0 : -1;
}

static int end_loop(void **state) {
  (void)state;
  workers_stop();
  loop_release();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_the_admin_token_is_made_once_and_private, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_token_survives_a_restart_and_ends_when_revoked, setup, teardown),
      cmocka_unit_test_setup_teardown(test_an_expired_token_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_transient_token_is_never_stored, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_code_opens_one_session, setup, teardown),
      cmocka_unit_test_setup_teardown(test_failures_are_limited_but_right_tokens_pass, setup, teardown),
      cmocka_unit_test_setup_teardown(test_bad_requests_for_tokens_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(test_files_that_are_not_ours_alone_stop_the_start, setup, teardown),
  };
  return cmocka_run_group_tests(tests, start_loop, end_loop);
}
