/* What a repository's configuration is found to say. */
#include "unit.h"

#include "../../../modules/git/scan.c"
#include "../../../modules/git/text.c"
#include "../../../modules/kit/kit.c"
#include "../../../modules/kit/lenient.c"

#define LOCAL(key, value) "local\0" key "\n" value "\0"
#define READ(scan, text, is_trusted) scan_read(scan, bp_str_make(text, sizeof(text) - 1), is_trusted)

static bool injects(const struct words *list, const char *key, const char *value) {
  for (size_t i = 0; i + 1 < list->count; i += 2)
    if (strcmp(list->at[i], key) == 0 && strcmp(list->at[i + 1], value) == 0)
      return true;
  return false;
}

static void test_harmless_configuration(void **state) {
  struct scan scan = {0};
  (void)state;
  READ(&scan,
       LOCAL("core.bare", "false") LOCAL("remote.a.b.url", "https://example.org/r") LOCAL("branch.main.remote", "a.b") "global\0filter.x.clean\nx\0",
       false);
  assert_null(scan.refusal);
  assert_null(scan.network_refusal);
  assert_null(scan.served_refusal);
  assert_int_equal(scan.keys, 3);
  assert_int_equal(scan.filters.count, 0);
  assert_true(injects(&scan.remotes, "a.b", "https://example.org/r"));
  assert_string_equal(scan.tracking.at[0], "a.b");
  scan_release(&scan);
}

static void test_programs_are_overridden(void **state) {
  struct scan scan = {0};
  (void)state;
  READ(&scan,
       LOCAL("filter.a.b.clean", "x") LOCAL("filter.a.b.process", "x") LOCAL("merge.m.driver", "x") LOCAL("diff.external", "x")
           LOCAL("diff.d.textconv", "x") LOCAL("credential.https://h.helper", "!x") LOCAL("gpg.ssh.program", "x")
               LOCAL("http.https://h.sslverify", "false") "worktree\0diff.e.command\nx\0",
       false);
  assert_null(scan.refusal);
  assert_true(injects(&scan.filters, "filter.a.b.clean", ""));
  assert_true(injects(&scan.filters, "filter.a.b.required", "false"));
  assert_true(injects(&scan.filters, "filter.a.b.process", ""));
  assert_true(injects(&scan.overrides, "merge.m.driver", "false"));
  assert_true(injects(&scan.overrides, "diff.external", "true"));
  assert_true(injects(&scan.overrides, "diff.d.textconv", "cat"));
  assert_true(injects(&scan.overrides, "diff.e.command", "true"));
  assert_true(injects(&scan.overrides, "credential.https://h.helper", ""));
  assert_true(injects(&scan.overrides, "gpg.ssh.program", "false"));
  assert_true(injects(&scan.overrides, "http.https://h.sslverify", "true"));
  assert_non_null(scan.served_refusal);
  scan_release(&scan);
}

static void test_refusals(void **state) {
  struct scan include = {0}, trusted = {0}, extension = {0}, rewrite = {0}, program = {0}, cut = {0};
  (void)state;
  READ(&include, LOCAL("include.path", "x"), false);
  assert_non_null(include.refusal);
  READ(&trusted, LOCAL("includeif.gitdir:/.path", "x") LOCAL("url.a.insteadof", "b"), true);
  assert_null(trusted.refusal);
  assert_null(trusted.network_refusal);
  READ(&extension, LOCAL("extensions.worktreeconfig", "true") LOCAL("extensions.evil", "true"), true);
  assert_non_null(strstr(extension.refusal, "extensions.evil"));
  READ(&rewrite, LOCAL("url.ext::x.insteadof", "b"), false);
  assert_null(rewrite.refusal);
  assert_non_null(rewrite.network_refusal);
  READ(&program, LOCAL("remote.o.uploadpack", "touch x"), true);
  assert_non_null(program.network_refusal);
  scan_read(&cut, BP_LIT("local\0core.bare\nfal"), false);
  assert_non_null(cut.refusal);
  scan_release(&include);
  scan_release(&trusted);
  scan_release(&extension);
  scan_release(&rewrite);
  scan_release(&program);
  scan_release(&cut);
}

static void test_addresses(void **state) {
  static const char *const good[] = {"https://example.org/r", "https://git@example.org/r", "ssh://me@example.org:22/r", "git@example.org:a/b",
                                     "host:r"};
  static const char *const bad[] = {"ext::sh -c x",
                                    "fd::3",
                                    "http://h/r",
                                    "git://h/r",
                                    "https://u:p@h/r",
                                    "https://t@h/r",
                                    "-x:r",
                                    "ssh://-oP=x/r",
                                    "ssh://-x@h/r",
                                    "../r",
                                    "r",
                                    "./a:b",
                                    "h::r",
                                    "",
                                    "https://h/%0ar",
                                    "https://h/\nr",
                                    "file://host/r",
                                    "ssh://u:p@h:1/r",
                                    "https:///r"};
  bool is_path;
  (void)state;
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    assert_null(scan_bad_url(good[i], &is_path));
    assert_false(is_path);
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_non_null(scan_bad_url(bad[i], &is_path));
  assert_null(scan_bad_url("/srv/with space/r.git", &is_path));
  assert_true(is_path);
  assert_null(scan_bad_url("file:///srv/r.git", &is_path));
  assert_true(is_path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_harmless_configuration),
      cmocka_unit_test(test_programs_are_overridden),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
