/* The user's own global configuration: read for commits, shown and changed by /api/git-config. Everything else in it stays out of the
 * commands we run, which see a file of our own. */
#include "identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_BYTES (1u << 20)

/* ---- One `git config --global …` ---- */

struct global_run {
  struct git *git;
  struct text out, err;
  global_done_fn done;
  void *ctx;
};

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str data) {
  struct global_run *run = ctx;
  struct text *text = stream == BP_PROC_STDOUT ? &run->out : &run->err;
  (void)proc;
  if (text->len + data.len <= OUTPUT_BYTES)
    text_put_str(text, data);
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *exit) {
  struct global_run *run = ctx;
  (void)proc;
  run->done(run->ctx, exit->why == BP_PROC_ENDED ? exit->code : -1, text_str(&run->out), text_str(&run->err));
  text_release(&run->out);
  text_release(&run->err);
  free(run);
}

/* The user's own places, where the host was told of others than usual. */
static void put_places(const struct git *git, struct words *env) {
  static const char *const names[] = {"GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"};
  words_add_z(env, "HOME");
  words_add_z(env, git->home);
  words_add_z(env, "GIT_CONFIG_NOSYSTEM");
  words_add_z(env, "1");
  if (git->agent_socket) { /* for ssh, when a connection is tried */
    words_add_z(env, "SSH_AUTH_SOCK");
    words_add_z(env, git->agent_socket);
  }
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *value = getenv(names[i]);
    if (value && value[0]) {
      words_add_z(env, names[i]);
      words_add_z(env, value);
    }
  }
}

bp_status global_run(struct git *git, const bp_str *argv, uint32_t count, global_done_fn done, void *ctx) {
  static const bp_proc_events events = {.size = sizeof(events), .output = on_output, .exited = on_exited};
  struct global_run *run = calloc(1, sizeof(*run));
  struct words env = {0};
  bp_proc proc;
  put_places(git, &env);
  bp_proc_env *pairs = environment_pairs(&env);
  bp_status status = run && pairs ? BP_OK : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    *run = (struct global_run){.git = git, .done = done, .ctx = ctx};
    const bp_proc_spec spec = {
        .size = sizeof(spec),
        .lifetime = BP_PROC_BOUND,
        .flags = BP_PROC_RAW_OUTPUT,
        .name = BP_LIT("git-config"),
        .argv = {argv, count, (uint32_t)sizeof(*argv)},
        .cwd = str_z(git->private_home),
        .env = {pairs, (uint32_t)(env.count / 2), (uint32_t)sizeof(*pairs)},
        .timeout_ms = 10000,
    };
    status = git->proc->spawn(git->self, &spec, &events, run, &proc, NULL);
  }
  if (status != BP_OK)
    free(run);
  free(pairs);
  words_release(&env);
  return status;
}

/* ---- Whether it has changed ---- */

static uint64_t mixed(uint64_t hash, uint64_t value) {
  return (hash ^ value) * 0x100000001B3ULL + 1;
}

static uint64_t stamp_of(uint64_t hash, const char *folder, const char *rest) {
  struct stat info;
  struct text path = {0};
  text_put(&path, folder);
  text_put(&path, rest);
  if (path.data && stat(path.data, &info) == 0) {
    hash = mixed(mixed(hash, (uint64_t)info.st_dev), (uint64_t)info.st_ino);
    hash = mixed(mixed(hash, (uint64_t)info.st_size), (uint64_t)info.st_mtim.tv_sec * 1000000000 + (uint64_t)info.st_mtim.tv_nsec);
    hash = mixed(hash, (uint64_t)info.st_ctim.tv_sec * 1000000000 + (uint64_t)info.st_ctim.tv_nsec);
  }
  text_release(&path);
  return mixed(hash, 1);
}

uint64_t identity_stamp(const struct git *git) {
  const char *file = getenv("GIT_CONFIG_GLOBAL"), *folder = getenv("XDG_CONFIG_HOME");
  uint64_t hash = 0xCBF29CE484222325ULL;
  if (file && file[0])
    return stamp_of(hash, file, "");
  hash = stamp_of(hash, git->home, "/.gitconfig");
  return folder && folder[0] ? stamp_of(hash, folder, "/git/config") : stamp_of(hash, git->home, "/.config/git/config");
}

static void read_again(void *ctx) {
  runner_go_on(ctx);
}

void identity_check(struct git *git, uint64_t stamp) {
  struct identity *identity = &git->identity;
  if (!identity->is_known || identity->stamp == stamp)
    return;
  identity->stamp = stamp;
  identity->is_known = false;
  identity_load(git, read_again, git);
}

/* ---- Reading it ---- */

static void set_value(char **to, bp_str value) {
  free(*to);
  *to = str_dup(value);
}

static void read_listing(struct identity *identity, bp_str listing) {
  static const struct {
    const char *key;
    size_t offset;
  } keys[] = {{"user.name", offsetof(struct identity, name)},
              {"user.email", offsetof(struct identity, email)},
              {"core.excludesfile", offsetof(struct identity, excludes_file)}};
  bp_str entry;
  identity_forget(identity);
  while (str_cut_at(&listing, '\0', &entry)) {
    bp_str key;
    if (!str_cut_at(&entry, '\n', &key))
      continue;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
      if (kit_same(key, keys[i].key))
        set_value((char **)(void *)((char *)identity + keys[i].offset), entry);
  }
}

void identity_forget(struct identity *identity) {
  free(identity->name);
  free(identity->email);
  free(identity->excludes_file);
  identity->name = identity->email = identity->excludes_file = NULL;
}

/* ---- The file of our own ---- */

struct loading {
  struct git *git;
  void (*done)(void *ctx);
  void *ctx;
  struct text file;
};

static void put_quoted(struct text *file, const char *value) {
  text_put(file, "\"");
  for (; *value; value++) {
    if (*value == '"' || *value == '\\')
      text_put(file, "\\");
    if (*value == '\n')
      text_put(file, "\\n");
    else if ((unsigned char)*value >= ' ')
      text_append(file, value, 1);
  }
  text_put(file, "\"\n");
}

static void make_file(const struct git *git, struct text *file) {
  const struct identity *identity = &git->identity;
  const char *excludes = identity->excludes_file;
  text_put(file, "# Made by the git module at every start; GIT_CONFIG_GLOBAL of what it runs, and of what that runs on the other side.\n");
  text_put(file, "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\talternateRefsCommand = true\n");
  if (excludes && excludes[0] == '/') {
    text_put(file, "\texcludesFile = ");
    put_quoted(file, excludes);
  } else if (excludes && excludes[0] == '~' && excludes[1] == '/') {
    struct text path = {0};
    text_put(&path, git->home);
    text_put(&path, excludes + 1);
    text_put(file, "\texcludesFile = ");
    put_quoted(file, path.data ? path.data : "");
    text_release(&path);
  }
  text_put(file, "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[receive]\n\tautogc = false\n[init]\n\tdefaultBranch = "
                 "main\n[user]\n\tuseConfigOnly = true\n");
  if (identity->name) {
    text_put(file, "\tname = ");
    put_quoted(file, identity->name);
  }
  if (identity->email) {
    text_put(file, "\temail = ");
    put_quoted(file, identity->email);
  }
}

static void write_file(void *ctx) {
  struct loading *loading = ctx;
  struct text temporary = {0};
  text_put(&temporary, loading->git->global_file);
  text_put(&temporary, ".XXXXXX"); /* two readings may end at once */
  int fd = temporary.data && !temporary.has_failed ? mkostemp(temporary.data, O_CLOEXEC) : -1;
  bool is_written = fd >= 0 && write(fd, loading->file.data, loading->file.len) == (ssize_t)loading->file.len;
  if (fd >= 0)
    close(fd);
  if (fd >= 0 && (!is_written || rename(temporary.data, loading->git->global_file) != 0))
    unlink(temporary.data);
  text_release(&temporary);
}

static void file_written(void *ctx, bp_status status) {
  struct loading *loading = ctx;
  (void)status;
  loading->git->identity.is_known = true;
  if (loading->done)
    loading->done(loading->ctx);
  text_release(&loading->file);
  free(loading);
}

static void listed(void *ctx, int code, bp_str out, bp_str err) {
  struct loading *loading = ctx;
  struct git *git = loading->git;
  (void)err;
  read_listing(&git->identity, code == 0 ? out : bp_str_make("", 0));
  make_file(git, &loading->file);
  if (loading->file.has_failed || git->loop->work(git->self, write_file, file_written, loading) != BP_OK)
    file_written(loading, BP_E_BUSY);
}

void identity_load(struct git *git, void (*done)(void *ctx), void *ctx) {
  static const bp_str argv[] = {BP_STR("git"), BP_STR("config"), BP_STR("--global"), BP_STR("--includes"), BP_STR("--list"), BP_STR("-z")};
  struct loading *loading = calloc(1, sizeof(*loading));
  if (loading)
    *loading = (struct loading){.git = git, .done = done, .ctx = ctx};
  if (!loading || global_run(git, argv, sizeof(argv) / sizeof(argv[0]), listed, loading) != BP_OK) {
    free(loading);
    git->identity.is_known = true;
    if (done)
      done(ctx);
  }
}
