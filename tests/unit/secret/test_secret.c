/* host/secret: values that last and are not found in any file, whose key may be lost, changed, or come from a passphrase. */
#include "store/store_fixture.h"

#include "host.h"
#include "loop/workers.h"
#include "secret/secret.h"

#include <fcntl.h>
#include <sys/stat.h>

#define USER BP_LIT("alice")
#define NAME BP_LIT("token")

struct told {
  uint32_t calls;
  bp_status status;
  char value[64], message[256], hint[256];
};

struct rotated {
  uint32_t calls;
  bp_status status;
  struct secret_rotated result;
};

static char key_file[128], new_key_file[128];

static void tell(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct told *t = ctx;
  t->calls++;
  t->status = status;
  snprintf(t->value, sizeof(t->value), "%.*s", (int)value.len, value.ptr ? value.ptr : "");
  snprintf(t->message, sizeof(t->message), "%s", err->message);
  snprintf(t->hint, sizeof(t->hint), "%s", err->hint);
}

static void wait_told(const uint32_t *calls) {
  fixture_wait(calls, 1);
}

static struct told put(const char *name, const char *value, int64_t expires_s) {
  struct told t = {0};
  assert_int_equal(secret_table.put(box->handle, USER, str_from(name), str_from(value), expires_s, tell, &t), BP_OK);
  assert_int_equal(t.calls, 0);
  wait_told(&t.calls);
  return t;
}

static struct told get(const char *name) {
  struct told t = {0};
  assert_int_equal(secret_table.get(box->handle, USER, str_from(name), tell, &t), BP_OK);
  wait_told(&t.calls);
  return t;
}

static void note_rotated(void *arg, bp_status status, const struct secret_rotated *ret, const bp_error *err) {
  struct rotated *r = arg;
  (void)err;
  r->calls++;
  r->status = status;
  if (ret)
    r->result = *ret;
}

static struct rotated rotate(void) {
  struct rotated r = {0};
  assert_int_equal(secret_rotate(note_rotated, &r), BP_OK);
  assert_int_equal(secret_rotate(note_rotated, &r), BP_E_BUSY);
  wait_told(&r.calls);
  return r;
}

static bp_status open_secrets(bp_error *err) {
  host_run.state_dir = fixture_folder;
  snprintf(key_file, sizeof(key_file), "%s/secret.key", fixture_folder);
  snprintf(new_key_file, sizeof(new_key_file), "%s/secret.key.new", fixture_folder);
  return secrets_open(err);
}

static int set_up(void **state) {
  return fixture_setup_with(state, open_secrets);
}

static int tear_down(void **state) {
  plugin_revoke_all(box);
  fixture_remove_box();
  store_close();
  workers_stop();
  secrets_release();
  return fixture_folder_remove(state);
}

/* Stops the host and starts it again on the same folder. */
static void restart(void) {
  bp_error err = BP_ERROR_INIT;
  plugin_revoke_all(box);
  fixture_remove_box();
  store_close();
  secrets_release();
  assert_int_equal(fixture_open(&err), BP_OK);
  assert_int_equal(secrets_open(&err), BP_OK);
  fixture_add_box();
  store_ready();
}

static void test_put_get_remove(void **state) {
  (void)state;
  struct stat st;
  assert_int_equal(get("token").status, BP_E_NOT_FOUND);
  assert_int_equal(put("token", "one", 0).status, BP_OK);
  assert_int_equal(put("token", "two", 0).status, BP_OK);
  assert_string_equal(get("token").value, "two");
  restart();
  assert_string_equal(get("token").value, "two");
  assert_int_equal(stat(key_file, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  struct told t = {0};
  assert_int_equal(secret_table.remove(box->handle, USER, NAME, tell, &t), BP_OK);
  wait_told(&t.calls);
  assert_int_equal(t.status, BP_OK);
  assert_int_equal(get("token").status, BP_E_NOT_FOUND);
}

static void test_a_plugin_sees_only_its_own(void **state) {
  (void)state;
  struct told t = {0};
  struct plugin *other = plugin_add(BP_LIT("other"), "/other.so");
  put("token", "mine", 0);
  assert_int_equal(secret_table.get(other->handle, USER, NAME, tell, &t), BP_OK);
  wait_told(&t.calls);
  assert_int_equal(t.status, BP_E_NOT_FOUND);
}

static void test_expired_values_are_not_found(void **state) {
  (void)state;
  put("old", "x", 1);
  put("new", "y", INT64_C(4102444800));
  assert_int_equal(get("old").status, BP_E_NOT_FOUND);
  assert_string_equal(get("new").value, "y");
}

/* True if the bytes occur in any file of the state folder. */
static bool is_on_disk(const char *bytes) {
  bool is_found = false;
  DIR *folder = opendir(fixture_folder);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    static char text[1 << 20];
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", fixture_folder, entry->d_name);
    int fd = open(path, O_RDONLY);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    is_found = is_found || (len > 0 && memmem(text, (size_t)len, bytes, strlen(bytes)));
    if (fd >= 0)
      close(fd);
  }
  closedir(folder);
  return is_found;
}

static void test_nothing_readable_is_on_disk(void **state) {
  (void)state;
  put("token", "correct-horse-battery", 0);
  assert_false(is_on_disk("correct-horse-battery"));
  assert_true(is_on_disk("alice"));
}

static void test_a_lost_key_is_said(void **state) {
  (void)state;
  put("token", "x", 0);
  unlink(key_file);
  restart();
  struct told t = get("token");
  assert_int_equal(t.status, BP_E_DENIED);
  assert_non_null(strstr(t.message, "which is not here"));
  assert_non_null(strstr(t.hint, "put the old secret.key back"));
  assert_int_equal(put("token", "again", 0).status, BP_OK);
  assert_string_equal(get("token").value, "again");
}

static void test_an_open_key_file_is_refused(void **state) {
  (void)state;
  put("token", "x", 0);
  assert_int_equal(chmod(key_file, 0640), 0);
  restart();
  struct told t = get("token");
  assert_int_equal(t.status, BP_E_DENIED);
  assert_non_null(strstr(t.message, "open to others (mode 0640)"));
  assert_int_equal(chmod(key_file, 0600), 0);
  assert_string_equal(get("token").value, "x");
}

static void test_rotation(void **state) {
  (void)state;
  char name[16];
  for (int i = 0; i < 150; i++) {
    snprintf(name, sizeof(name), "n%d", i);
    put(name, name, 0);
  }
  struct rotated r = rotate();
  assert_int_equal(r.status, BP_OK);
  assert_int_equal(r.result.rotated, 150);
  assert_int_equal(r.result.left, 0);
  assert_int_not_equal(access(new_key_file, F_OK), 0);
  assert_string_equal(get("n149").value, "n149");
  restart();
  assert_string_equal(get("n0").value, "n0");
}

static void move(const char *from, const char *to) {
  assert_int_equal(rename(from, to), 0);
}

/* The host died after the commit and before the file was renamed: put back what was there then. */
static void test_a_rotation_cut_short_after_its_commit(void **state) {
  (void)state;
  char old_file[160];
  snprintf(old_file, sizeof(old_file), "%s.old", key_file);
  put("token", "x", 0);
  assert_int_equal(link(key_file, old_file), 0);
  assert_int_equal(rotate().status, BP_OK);
  move(key_file, new_key_file);
  move(old_file, key_file);
  restart();
  assert_string_equal(get("token").value, "x");
  assert_int_not_equal(access(new_key_file, F_OK), 0);
}

static void test_a_rotation_cut_short_before_its_commit(void **state) {
  (void)state;
  put("token", "x", 0);
  int fd = open(new_key_file, O_WRONLY | O_CREAT, 0600);
  assert_int_equal(write(fd, "0000000000000000000000000000000000000000000000000000000000000001\n", 65), 65);
  close(fd);
  restart();
  assert_string_equal(get("token").value, "x");
  assert_int_not_equal(access(new_key_file, F_OK), 0);
}

static void test_a_passphrase_and_its_successor(void **state) {
  (void)state;
  put("token", "x", 0); /* under the key file */
  setenv("ENCRYPTION_KEY", "a long enough passphrase", 1);
  restart();
  assert_null(getenv("ENCRYPTION_KEY"));
  assert_string_equal(get("token").value, "x");
  assert_int_equal(rotate().result.rotated, 1);
  setenv("ENCRYPTION_KEY", "another long passphrase", 1);
  restart();
  assert_int_equal(get("token").status, BP_E_DENIED);
  setenv("ENCRYPTION_KEY", "another long passphrase", 1);
  setenv("ENCRYPTION_KEY_PREVIOUS", "a long enough passphrase", 1);
  restart();
  assert_int_equal(rotate().result.rotated, 1);
  setenv("ENCRYPTION_KEY", "another long passphrase", 1);
  restart();
  assert_string_equal(get("token").value, "x");
}

static void test_a_draining_plugin_is_told_once(void **state) {
  (void)state;
  struct told t = {0};
  struct plugin *other = plugin_add(BP_LIT("other"), "/other.so");
  secret_table.put(other->handle, USER, NAME, BP_LIT("x"), 0, tell, &t);
  plugin_revoke_all(other);
  assert_int_equal(t.calls, 1);
  assert_int_equal(t.status, BP_E_CANCELLED);
  assert_int_equal(put("token", "y", 0).status, BP_OK);
  assert_int_equal(t.calls, 1);
}

static void test_what_is_wrong_is_refused(void **state) {
  (void)state;
  static char large[SECRET_LIMIT_VALUE_BYTES + 1];
  struct told t = {0};
  assert_int_equal(secret_table.put(box->handle, USER, NAME, bp_str_make(large, sizeof(large)), 0, tell, &t), BP_E_LIMIT);
  assert_int_equal(secret_table.put(box->handle, USER, BP_LIT(""), BP_LIT("x"), 0, tell, &t), BP_E_INVALID);
  assert_int_equal(secret_table.put(box->handle, USER, NAME, BP_LIT("x"), -1, tell, &t), BP_E_INVALID);
  assert_int_equal(secret_table.get(box->handle, BP_LIT("\xff"), NAME, tell, &t), BP_E_INVALID);
  assert_int_equal(secret_table.get(0, USER, NAME, tell, &t), BP_E_STALE);
  assert_int_equal(t.calls, 0);
  assert_int_equal(secret_table.put(box->handle, USER, NAME, bp_str_make(large, sizeof(large) - 1), 0, tell, &t), BP_OK);
  wait_told(&t.calls);
  assert_int_equal(t.status, BP_OK);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_put_get_remove),
      CASE(test_a_plugin_sees_only_its_own),
      CASE(test_expired_values_are_not_found),
      CASE(test_nothing_readable_is_on_disk),
      CASE(test_a_lost_key_is_said),
      CASE(test_an_open_key_file_is_refused),
      CASE(test_rotation),
      CASE(test_a_rotation_cut_short_after_its_commit),
      CASE(test_a_rotation_cut_short_before_its_commit),
      CASE(test_a_passphrase_and_its_successor),
      CASE(test_a_draining_plugin_is_told_once),
      CASE(test_what_is_wrong_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
