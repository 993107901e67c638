/* What a policy decides on: the argv as an array, the repository resolved, who asks. Handlers act on these and on nothing else. */
#include "git.h"
#include "handlers.h"
#include "split.h"

#include <stdlib.h>
#include <string.h>

bp_str body_text(const struct git *git, bp_request request, const char *name) {
  bp_json body = 0, value = 0;
  bp_str text = {NULL, 0};
  if (git->http->body(request, &body) == BP_OK && git->json->get(body, str_z(name), &value) == BP_OK)
    git->json->string(value, &text);
  return text;
}

bool body_words(const struct git *git, bp_request request, const char *name, struct words *ret) {
  bp_json body = 0, value = 0, item = 0;
  bp_str text;
  if (git->http->body(request, &body) != BP_OK || git->json->get(body, str_z(name), &value) != BP_OK)
    return true;
  if (git->json->string(value, &text) == BP_OK) {
    words_add(ret, text);
    return true;
  }
  if (git->json->type(value) != BP_JSON_ARRAY)
    return false;
  for (uint32_t i = 0; git->json->at(value, i, &item) == BP_OK; i++) {
    if (git->json->string(item, &text) != BP_OK)
      return false;
    words_add(ret, text);
  }
  return !ret->has_failed;
}

static void put_words(const bp_json_1 *json, bp_json_writer out, const char *name, const struct words *words) {
  json->key(out, str_z(name));
  json->array_begin(out);
  for (size_t i = 0; i < words->count; i++)
    json->put_string(out, str_z(words->at[i]));
  json->array_end(out);
}

void facts_begin(const struct git *git, bp_request request, bp_json_writer out, const char *action) {
  git->json->object_begin(out);
  json_text_member(git->json, out, BP_LIT("module"), BP_LIT("git"));
  json_text_member(git->json, out, BP_LIT("action"), str_z(action));
  json_text_member(git->json, out, BP_LIT("principal"), git->http->principal(request));
}

/* The folder that holds `path`. */
static bp_str parent_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == path ? bp_str_make("/", 1) : bp_str_make(path, (size_t)(slash - path));
}

void facts_command(const struct git *git, bp_json_writer out, bp_str repo_path, const struct words *args, uint32_t flags) {
  const bp_json_1 *json = git->json;
  char *repo = place_resolve(git, repo_path);
  if (repo) {
    json_text_member(json, out, BP_LIT("repo"), str_z(repo));
    json_text_member(json, out, BP_LIT("cwd"), flags & FACTS_CREATES ? parent_of(repo) : str_z(repo));
  }
  put_words(json, out, "roots", &git->roots);
  put_words(json, out, "args", args);
  if (args->count)
    json_text_member(json, out, BP_LIT("subcommand"), str_z(args->at[0]));
  if (flags & FACTS_PLUMBING) {
    json->key(out, BP_LIT("is_plumbing"));
    json->put_boolean(out, 1);
  }
  free(repo);
}

/* Control characters other than a tab and a line end, which a message may hold. */
static bool has_control(const struct words *words) {
  for (size_t i = 0; i < words->count; i++)
    for (const char *p = words->at[i]; *p; p++)
      if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7F)
        return true;
  return false;
}

/* The arguments of POST /api/git: `args` as they are, or `command` split. NULL, or what is wrong. */
const char *command_words(const struct git *git, bp_request request, struct words *ret, char *ret_what) {
  bp_str command = body_text(git, request, "command");
  *ret_what = '\0';
  if (!body_words(git, request, "args", ret))
    return "args must be a list of texts";
  const char *fault = ret->count == 0 && command.len ? split_command(command, ret, ret_what) : NULL;
  return fault ? fault : has_control(ret) ? "An argument holds a control character" : NULL;
}

bp_status facts_of_command(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  struct words args = {0};
  char what;
  facts_begin(git, request, facts, "command");
  if (command_words(git, request, &args, &what) == NULL && body_text(git, request, "repoPath").len && !args.has_failed &&
      (args.count || body_text(git, request, "command").len))
    facts_command(git, facts, body_text(git, request, "repoPath"), &args, args.count && strcmp(args.at[0], "clone") == 0 ? FACTS_CREATES : 0);
  git->json->object_end(facts);
  words_release(&args);
  return BP_OK;
}
