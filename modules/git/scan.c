/* Reading a repository's configuration; see scan.h. Keys come from git in lower case, but for the middle part of three. */
#include "scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(char **to, const char *text, bp_str key) {
  if (*to)
    return;
  int shown = key.len > 80 ? 80 : (int)key.len;
  if (asprintf(to, "%s: %.*s", text, shown, key.ptr ? key.ptr : "") < 0)
    *to = NULL;
}

static bool ends(bp_str s, const char *end) {
  size_t len = strlen(end);
  return s.len >= len && memcmp(s.ptr + s.len - len, end, len) == 0;
}

static void inject(struct words *to, bp_str key, const char *value) {
  words_add(to, key);
  words_add_z(to, value);
}

/* filter.x.required for filter.x.clean, so that a filter that is off is no error. */
static void inject_beside(struct words *to, bp_str key, const char *last, const char *value) {
  size_t stem = key.len;
  while (stem > 0 && key.ptr[stem - 1] != '.')
    stem--;
  struct text name = {0};
  text_append(&name, key.ptr, stem);
  text_put(&name, last);
  inject(to, text_str(&name), value);
  text_release(&name);
}

/* ---- Keys by name: what begins and ends so is overridden with a value that does nothing ---- */

static const struct {
  const char *start, *end, *value;
} harmless[] = {
    {"credential.", ".helper", ""}, {"diff.", ".command", "true"},          {"diff.", ".textconv", "cat"},  {"diff.external", "", "true"},
    {"gpg.", "program", "false"},   {"gpg.", "defaultkeycommand", "false"}, {"http.", "cookiefile", ""},    {"http.", "curloptresolve", ""},
    {"http.", "proxy", ""},         {"http.", "savecookies", "false"},      {"http.", "sslverify", "true"}, {"http.", "sslcainfo", ""},
    {"http.", "sslcapath", ""},     {"merge.", ".driver", "false"},         {"remote.", ".proxy", ""},

    {"trailer.", ".cmd", "true"},   {"trailer.", ".command", "true"},       {"tar.", ".command", "false"},
};

static void take_harmful(struct scan *scan, bp_str key) {
  for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
    if (str_begins(key, harmless[i].start) && ends(key, harmless[i].end))
      inject(&scan->overrides, key, harmless[i].value);
}

static void take_filter(struct scan *scan, bp_str key) {
  if (!str_begins(key, "filter.") || !(ends(key, ".clean") || ends(key, ".smudge") || ends(key, ".process") || ends(key, ".required")))
    return;
  if (!ends(key, ".required"))
    inject(&scan->filters, key, "");
  inject_beside(&scan->filters, key, "required", "false");
}

/* ---- Keys that refuse ---- */

static void take_extension(struct scan *scan, bp_str key) {
  static const char *const known[] = {"noop", "objectformat", "partialclone", "preciousobjects", "worktreeconfig"};
  if (!str_begins(key, "extensions."))
    return;
  bp_str name = bp_str_make(key.ptr + 11, key.len - 11);
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (kit_same(name, known[i]))
      return;
  say(&scan->refusal, "The repository's configuration has an extension that is not on the list", key);
}

static void take_include(struct scan *scan, bp_str key, bool is_trusted) {
  if (!is_trusted && (str_begins(key, "include.") || str_begins(key, "includeif.")))
    say(&scan->refusal, "The repository's configuration includes another file; an administrator may trust the repository", key);
}

static void take_rewrite(struct scan *scan, bp_str key, bool is_trusted) {
  if (!is_trusted && str_begins(key, "url."))
    say(&scan->network_refusal, "The repository's configuration rewrites addresses; an administrator may trust the repository", key);
  /* Of these git takes the first value it reads, so nothing injected could override them. */
  if (str_begins(key, "remote.") && (ends(key, ".vcs") || ends(key, ".receivepack") || ends(key, ".uploadpack")))
    say(&scan->network_refusal, "The repository's configuration names a program for a remote", key);
}

/* What another repository's fetch or push would run here, where our injected values do not reach. */
static void take_served(struct scan *scan, bp_str key, bp_str value) {
  static const char *const starts[] = {"core.alternaterefscommand",
                                       "core.editor",
                                       "core.fsmonitor",
                                       "core.gitproxy",
                                       "core.hookspath",
                                       "core.sshcommand",
                                       "core.worktree",
                                       "diff.",
                                       "extensions.",
                                       "filter.",
                                       "gc.",
                                       "gpg.",
                                       "include",
                                       "maintenance.",
                                       "merge.",
                                       "pager.",
                                       "receive.",
                                       "uploadpack."};
  static const char *const fine[] = {"receive.denydeletes", "receive.denynonfastforwards", "receive.fsckobjects", "extensions.objectformat",
                                     "gc.auto"};
  for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
    if (kit_same(key, fine[i]))
      return;
  if (kit_same(key, "receive.denycurrentbranch") && !kit_same(value, "updateInstead"))
    return;
  for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
    if (str_begins(key, starts[i]))
      say(&scan->served_refusal, "The remote's own configuration has a key that could run a program", key);
}

/* ---- Remotes ---- */

static void take_remote(struct scan *scan, bp_str key, bp_str value) {
  bool is_url = ends(key, ".url") || ends(key, ".pushurl");
  if (str_begins(key, "remote.") && is_url) {
    size_t end = key.len;
    while (key.ptr[end - 1] != '.')
      end--;
    words_add(&scan->remotes, bp_str_make(key.ptr + 7, end - 1 > 7 ? end - 8 : 0));
    words_add(&scan->remotes, value);
  }
  if ((str_begins(key, "branch.") && (ends(key, ".remote") || ends(key, ".pushremote"))) || kit_same(key, "remote.pushdefault"))
    words_add(&scan->tracking, value);
}

static void take_key(struct scan *scan, bp_str key, bp_str value, bool is_trusted) {
  take_extension(scan, key);
  take_include(scan, key, is_trusted);
  take_rewrite(scan, key, is_trusted);
  take_harmful(scan, key);
  take_filter(scan, key);
  take_served(scan, key, value);
  take_remote(scan, key, value);
  if (kit_same(key, "core.worktree")) {
    free(scan->work_tree);
    scan->work_tree = str_dup(value);
  }
}

/* ---- The listing: scope NUL key LF value NUL ---- */

void scan_read(struct scan *scan, bp_str output, bool is_trusted) {
  bp_str scope, entry;
  unsigned count = 0;
  if (output.len && output.ptr[output.len - 1] != '\0')
    say(&scan->refusal, "The repository's configuration could not be read", bp_str_make("it is cut", 9));
  while (str_cut_at(&output, '\0', &scope) && str_cut_at(&output, '\0', &entry)) {
    if (!kit_same(scope, "local") && !kit_same(scope, "worktree"))
      continue;
    if (++count > SCAN_KEYS)
      say(&scan->refusal, "The repository's configuration has too many keys", bp_str_make(NULL, 0));
    const char *line = entry.len ? memchr(entry.ptr, '\n', entry.len) : NULL;
    bp_str key = bp_str_make(entry.ptr, line ? (size_t)(line - entry.ptr) : entry.len);
    bp_str value = line ? bp_str_make(line + 1, entry.len - key.len - 1) : bp_str_make("", 0);
    if (count <= SCAN_KEYS)
      take_key(scan, key, value, is_trusted);
  }
  scan->keys = count;
  if (scan->overrides.has_failed || scan->filters.has_failed || scan->remotes.has_failed || scan->tracking.has_failed)
    say(&scan->refusal, "No memory for the repository's configuration", bp_str_make(NULL, 0));
}

void scan_release(struct scan *scan) {
  free(scan->refusal);
  free(scan->network_refusal);
  free(scan->served_refusal);
  free(scan->work_tree);
  words_release(&scan->overrides);
  words_release(&scan->filters);
  words_release(&scan->remotes);
  words_release(&scan->tracking);
  *scan = (struct scan){0};
}

/* ---- Addresses ---- */

static const char *bad_host(bp_str authority, bool may_have_user) {
  const char *at = authority.len ? memrchr(authority.ptr, '@', authority.len) : NULL;
  bp_str user = at ? bp_str_make(authority.ptr, (size_t)(at - authority.ptr)) : bp_str_make("", 0);
  bp_str host = at ? bp_str_make(at + 1, authority.len - user.len - 1) : authority;
  if (host.len == 0 || host.ptr[0] == '-' || (user.len && user.ptr[0] == '-'))
    return "its address has no proper host";
  if (user.len && (memchr(user.ptr, ':', user.len) || (!may_have_user && !kit_same(user, "git"))))
    return "its address holds a password or token: use ssh keys or the askpass instead";
  return NULL;
}

const char *scan_bad_url(const char *url, bool *ret_is_path) {
  bp_str text = str_z(url);
  *ret_is_path = false;
  for (const unsigned char *p = (const unsigned char *)url; *p; p++)
    if (*p < 0x20 || *p == 0x7F || (*p == ' ' && url[0] != '/'))
      return "its address holds a blank or control character";
  if (strcasestr(url, "%0a") || strcasestr(url, "%0d") || strcasestr(url, "%00"))
    return "its address holds an encoded line end";
  if (url[0] == '/') {
    *ret_is_path = true;
    return NULL;
  }
  if (str_begins(text, "file:///")) {
    *ret_is_path = true;
    return NULL;
  }
  bool is_https = str_begins(text, "https://"), is_ssh = str_begins(text, "ssh://");
  if (is_https || is_ssh) {
    const char *start = url + (is_https ? 8 : 6);
    return bad_host(bp_str_make(start, strcspn(start, "/?#")), is_ssh);
  }
  const char *colon = strchr(url, ':'), *slash = strchr(url, '/');
  if (strstr(url, "://") || !colon || colon[1] == ':' || (slash && slash < colon))
    return "its address is neither https nor ssh nor an absolute path";
  return bad_host(bp_str_make(url, (size_t)(colon - url)), true);
}
