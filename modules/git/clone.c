/* Cloning: beside the folder the client named, whose parents are made, and then into the registry of repositories. */
#include "clone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- What is cloned, and where to ---- */

static bool takes_next(const char *word) {
  static const char *const valued[] = {"--branch", "--depth", "--origin", "--shallow-since", "-b", "-o"};
  for (size_t i = 0; i < sizeof(valued) / sizeof(valued[0]); i++)
    if (strcmp(word, valued[i]) == 0)
      return true;
  return false;
}

/* The last part of an address, as git names a clone after it: without a slash at the end, /.git and .git. */
static char *humanish(const char *url) {
  size_t len = strlen(url);
  while (len && url[len - 1] == '/')
    len--;
  if (len > 5 && memcmp(url + len - 5, "/.git", 5) == 0)
    len -= 5;
  if (len > 4 && memcmp(url + len - 4, ".git", 4) == 0)
    len -= 4;
  size_t start = len;
  while (start && url[start - 1] != '/' && url[start - 1] != ':')
    start--;
  return len > start ? str_dup(bp_str_make(url + start, len - start)) : NULL;
}

/* Splits the arguments into options and the one or two words. */
static void sort_words(const struct words *args, struct words *options, struct words *words) {
  bool is_over = false;
  for (size_t i = 1; i < args->count; i++) {
    const char *word = args->at[i];
    if (!is_over && strcmp(word, "--") == 0) {
      is_over = true;
    } else if (!is_over && word[0] == '-') {
      words_add_z(options, word);
      if (takes_next(word) && i + 1 < args->count)
        words_add_z(options, args->at[++i]);
    } else {
      words_add_z(words, word);
    }
  }
}

bool clone_plan(const struct words *args, const char *parent, struct words *ret_args, char **ret_target, char **ret_url) {
  struct words options = {0}, words = {0};
  sort_words(args, &options, &words);
  char *name = words.count > 1 ? strdup(words.at[1]) : words.count ? humanish(words.at[0]) : NULL;
  *ret_target = NULL;
  *ret_url = words.count ? strdup(words.at[0]) : NULL;
  if (name && name[0] == '/')
    *ret_target = strdup(name);
  else if (name && asprintf(ret_target, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) < 0)
    *ret_target = NULL;
  words_add_z(ret_args, "clone");
  words_copy(ret_args, &options);
  words_add_z(ret_args, "--");
  if (*ret_url && *ret_target) {
    words_add_z(ret_args, *ret_url);
    words_add_z(ret_args, *ret_target);
  }
  bool is_good = *ret_url && *ret_target && !ret_args->has_failed && !options.has_failed && !words.has_failed;
  words_release(&options);
  words_release(&words);
  free(name);
  return is_good;
}

/* ---- The parents ---- */

int clone_make_parents(const struct git *git, const char *folder) {
  const char *root = root_of(&git->roots, folder);
  char *path = root ? strdup(folder) : NULL;
  if (!path)
    return root ? ENOMEM : EXDEV;
  for (char *at = path + strlen(root) + (strcmp(root, "/") == 0 ? 0 : 1); at < path + strlen(folder); at++) {
    at += strcspn(at, "/");
    char end = *at;
    *at = '\0';
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
      int error = errno;
      free(path);
      return error;
    }
    *at = end;
  }
  free(path);
  int fd = open_below(root, folder);
  if (fd < 0)
    return errno;
  close(fd);
  return 0;
}

/* ---- The registry ---- */

static void registered(void *ctx, bp_status status, bp_str payload) {
  struct git *git = ctx;
  if (status != BP_OK && status != BP_E_NOT_FOUND && status != BP_E_CANCELLED)
    git->log->write(git->self, BP_LOG_WARN, payload.len ? payload : BP_LIT("a clone could not be registered"), (bp_array){NULL, 0, 0});
}

void clone_register(struct git *git, const char *target, const char *url, bp_service_done_fn done, void *ctx) {
  bp_json_writer out = 0;
  bp_str text;
  struct text masked = {0};
  const char *slash = strrchr(target, '/');
  if (git->json->writer_new(git->self, &out) != BP_OK)
    return;
  text_put_masked(&masked, str_z(url));
  git->json->object_begin(out);
  json_text_member(git->json, out, BP_LIT("name"), str_z(slash ? slash + 1 : target));
  json_text_member(git->json, out, BP_LIT("path"), str_z(target));
  json_text_member(git->json, out, BP_LIT("type"), BP_LIT("git"));
  json_text_member(git->json, out, BP_LIT("url"), text_str(&masked));
  git->json->object_end(out);
  bp_status status = git->json->writer_text(out, &text, NULL);
  if (status == BP_OK)
    status = git->service->call(git->self, BP_LIT("repositories/1"), BP_LIT("add"), text, 10000, done ? done : registered, done ? ctx : git);
  if (status != BP_OK && done)
    done(ctx, status, BP_LIT(""));
  git->json->writer_free(out);
  text_release(&masked);
}

/* ---- As a command ---- */

/* In call->more. */
struct cloning {
  struct call *call;
  run_done_fn answer;
  int error;
  char *parent, *url;
  struct run_result result; /* of git, while the registry works */
  char *out, *err;
};

static void cloning_end(struct cloning *cloning, const struct run_result *result) {
  struct call *call = cloning->call;
  run_done_fn answer = cloning->answer;
  const struct run_result copy = *result; /* it may be the one in `cloning` */
  char *out = cloning->out, *err = cloning->err;
  free(cloning->parent);
  free(cloning->url);
  call->more = NULL;
  free(cloning);
  answer(call, &copy);
  free(out);
  free(err);
}

static void known(void *ctx, bp_status status, bp_str payload) {
  struct cloning *cloning = ctx;
  if (status != BP_OK)
    registered(cloning->call->git, status, payload);
  cloning_end(cloning, &cloning->result);
}

static void cloned(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  struct cloning *cloning = call->more;
  call->run = NULL;
  if (result->end != RUN_OK) {
    cloning_end(cloning, result);
    return;
  }
  cloning->out = str_dup(result->out);
  cloning->err = str_dup(result->err);
  cloning->result = *result;
  cloning->result.out = cloning->out ? str_z(cloning->out) : BP_LIT("");
  cloning->result.err = cloning->err ? str_z(cloning->err) : BP_LIT("");
  clone_register(call->git, call->target, cloning->url, known, cloning);
}

static void make_parents(void *ctx) {
  struct cloning *cloning = ctx;
  cloning->error = clone_make_parents(cloning->call->git, cloning->parent);
}

static void made_parents(void *ctx, bp_status status) {
  struct cloning *cloning = ctx;
  struct call *call = cloning->call;
  struct run_result result = {.end = RUN_CANCELLED, .sentence = ""};
  if (status != BP_OK) {
    cloning_end(cloning, &result);
    return;
  }
  if (cloning->error) {
    result.end = cloning->error == EXDEV || cloning->error == ELOOP ? RUN_REFUSED : RUN_BROKEN;
    result.sentence = result.end == RUN_REFUSED ? "Invalid repository path" : strerror(cloning->error);
    cloning_end(cloning, &result);
    return;
  }
  const struct run_spec spec = {.folder = cloning->parent, .args = &call->args, .flags = run_flags_of(&call->args), .done = cloned, .ctx = call};
  call->run = run_start(call->git, &spec);
  if (!call->run) {
    result.end = RUN_BUSY;
    cloning_end(cloning, &result);
  }
}

void clone_begin(struct call *call, run_done_fn answer) {
  struct cloning *cloning = calloc(1, sizeof(*cloning));
  struct words args = {0};
  struct run_result result = {.end = RUN_BROKEN, .sentence = "No memory for a clone"};
  const char *slash = strrchr(call->folder, '/');
  if (!cloning) {
    answer(call, &result);
    return;
  }
  *cloning = (struct cloning){.call = call, .answer = answer};
  call->more = cloning;
  cloning->parent = slash && slash != call->folder ? str_dup(bp_str_make(call->folder, (size_t)(slash - call->folder))) : strdup("/");
  bool is_planned = cloning->parent && clone_plan(&call->args, cloning->parent, &args, &call->target, &cloning->url);
  words_release(&call->args);
  call->args = args;
  if (!is_planned || call->git->loop->work(call->git->self, make_parents, made_parents, cloning) != BP_OK) {
    result.sentence = is_planned ? "Too much work is waiting" : "The clone has no address or no name";
    cloning_end(cloning, &result);
  }
}
