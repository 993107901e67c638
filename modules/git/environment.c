/* Environments; see environment.h. Each line here answers to a measured attack: see README.md. */
#include "environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const always[][2] = {
    {"GIT_ATTR_NOSYSTEM", "1"},
    {"GIT_CONFIG_NOSYSTEM", "1"},
    {"GIT_LITERAL_PATHSPECS", "1"},
    {"GIT_NO_LAZY_FETCH", "1"},
    {"GIT_NO_REPLACE_OBJECTS", "1"},
    {"GIT_OPTIONAL_LOCKS", "0"},
    {"GIT_PAGER", "cat"},
    {"GIT_PROTOCOL_FROM_USER", "0"},
    {"GIT_SEQUENCE_EDITOR", "false"},
    {"GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes"},
    {"GIT_SSH_VARIANT", "ssh"},
    {"GIT_TERMINAL_PROMPT", "0"},
    {"LANG", "C.UTF-8"},
};

/* What the repository's own configuration may not decide. */
static const char *const injected[][2] = {
    {"commit.gpgSign", "false"},
    {"core.alternateRefsCommand", "true"},
    {"core.askPass", "false"},
    {"core.attributesFile", "/dev/null"},
    {"core.editor", "false"},
    {"core.fsmonitor", "false"},
    {"core.gitProxy", ""},
    {"core.hooksPath", "/dev/null"},
    {"core.pager", "cat"},
    {"core.sshCommand", "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes"},
    {"credential.helper", ""},
    {"diff.ignoreSubmodules", "all"},
    {"fetch.recurseSubmodules", "false"},
    {"gc.auto", "0"},
    {"gpg.program", "false"},
    {"gpg.ssh.defaultKeyCommand", "false"},
    {"gpg.ssh.program", "false"},
    {"gpg.x509.program", "false"},
    {"interactive.diffFilter", ""},
    {"log.showSignature", "false"},
    {"maintenance.auto", "false"},
    {"merge.verifySignatures", "false"},
    {"protocol.allow", "never"},
    {"protocol.https.allow", "always"},
    {"protocol.ssh.allow", "always"},
    {"push.gpgSign", "false"},
    {"push.recurseSubmodules", "no"},
    {"safe.bareRepository", "explicit"},
    {"sequence.editor", "false"},
    {"submodule.recurse", "false"},
    {"tag.forceSignAnnotated", "false"},
    {"tag.gpgSign", "false"},
    {"transfer.fsckObjects", "true"},
};

static void put(struct words *env, const char *name, const char *value) {
  words_add_z(env, name);
  words_add_z(env, value);
}

static void put_config(struct words *env, unsigned *count, const char *key, const char *value) {
  char name[40];
  snprintf(name, sizeof(name), "GIT_CONFIG_KEY_%u", *count);
  put(env, name, key);
  snprintf(name, sizeof(name), "GIT_CONFIG_VALUE_%u", *count);
  put(env, name, value);
  (*count)++;
}

static void put_list(struct words *env, unsigned *count, const struct words *list) {
  for (size_t i = 0; i + 1 < list->count; i += 2)
    put_config(env, count, list->at[i], list->at[i + 1]);
}

static void put_injected(const struct environment_wish *wish, struct words *env) {
  char number[16];
  unsigned count = 0;
  for (size_t i = 0; i < sizeof(injected) / sizeof(injected[0]); i++)
    put_config(env, &count, injected[i][0], injected[i][1]);
  if (wish->may_use_files)
    put_config(env, &count, "protocol.file.allow", "always");
  if (wish->scan) {
    put_list(env, &count, &wish->scan->overrides);
    if (!wish->is_trusted)
      put_list(env, &count, &wish->scan->filters);
  }
  snprintf(number, sizeof(number), "%u", count);
  put(env, "GIT_CONFIG_COUNT", number);
}

static void put_network(const struct git *git, const struct environment_wish *wish, struct words *env) {
  bool is_network = wish->flags & RUN_NETWORK;
  const char *askpass = is_network && git->askpass ? git->askpass : "false";
  put(env, "GIT_ASKPASS", askpass);
  put(env, "SSH_ASKPASS", askpass);
  if (is_network && git->agent_socket)
    put(env, "SSH_AUTH_SOCK", git->agent_socket);
  put(env, "GIT_ALLOW_PROTOCOL", wish->may_use_files ? "https:ssh:file" : "https:ssh");
}

void environment_make(const struct git *git, const struct environment_wish *wish, struct words *ret) {
  for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
    put(ret, always[i][0], always[i][1]);
  put(ret, "HOME", git->private_home);
  put(ret, "GIT_CONFIG_GLOBAL", git->global_file);
  put(ret, "GIT_EDITOR", wish->flags & RUN_EDITOR_TRUE ? "true" : "false");
  put_network(git, wish, ret);
  if (wish->repo) {
    put(ret, "GIT_CEILING_DIRECTORIES", wish->repo->root);
    put(ret, "GIT_DIR", wish->repo->git_dir);
    put(ret, "GIT_COMMON_DIR", wish->repo->common_dir);
    put(ret, "GIT_WORK_TREE", wish->repo->work_tree);
  } else {
    put(ret, "GIT_CEILING_DIRECTORIES", wish->folder);
  }
  put_injected(wish, ret);
}

bp_proc_env *environment_pairs(const struct words *pairs) {
  size_t count = pairs->count / 2;
  bp_proc_env *env = pairs->has_failed ? NULL : calloc(count ? count : 1, sizeof(*env));
  for (size_t i = 0; env && i < count; i++)
    env[i] = (bp_proc_env){.size = sizeof(*env), .is_secret = 0, .name = str_z(pairs->at[i * 2]), .value = str_z(pairs->at[i * 2 + 1]), .is_own = 1};
  return env;
}
