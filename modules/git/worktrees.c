/* A work tree for each session, beside the repository: NAME.worktrees/SESSION, on a branch session/SESSION. */
#include "git.h"
#include "handlers.h"
#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a session's work tree is; NULL: no memory, or it would lie outside the roots. */
static char *tree_path(const struct git *git, const char *repo, bp_str session) {
  char *path = NULL;
  if (asprintf(&path, "%s.worktrees/%.*s", repo, (int)session.len, session.ptr) < 0)
    return NULL;
  if (root_of(&git->roots, path))
    return path;
  free(path);
  return NULL;
}

/* ---- List ---- */

static void put_tree(const bp_json_1 *json, bp_json_writer out, bp_str *listing) {
  bp_str line, word;
  json->object_begin(out);
  while (str_cut_at(listing, '\0', &line) && line.len) {
    bp_str rest = line;
    if (!str_cut_at(&rest, ' ', &word))
      continue;
    if (kit_same(word, "worktree")) {
      const char *slash = memrchr(rest.ptr, '/', rest.len);
      bool is_ours = memmem(rest.ptr, rest.len, ".worktrees/", 11) != NULL;
      parse_put(json, out, "path", rest);
      if (is_ours && slash)
        parse_put(json, out, "session", bp_str_make(slash + 1, rest.len - (size_t)(slash + 1 - rest.ptr)));
    } else if (kit_same(word, "HEAD")) {
      parse_put(json, out, "oid", rest);
    } else if (kit_same(word, "branch")) {
      parse_put(json, out, "branch", rest.len > 11 ? bp_str_make(rest.ptr + 11, rest.len - 11) : rest);
    }
  }
  json->object_end(out);
}

static void answer_list(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  const bp_json_1 *json = call->git->json;
  bp_str listing = result->out;
  if (call_refused(call, result))
    return;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  json->key(out, BP_LIT("worktrees"));
  json->array_begin(out);
  while (listing.len)
    put_tree(json, out, &listing);
  json->array_end(out);
  call_json(call, out);
}

void worktrees_list(void *state, bp_request request) {
  struct call *call = call_read(state, request);
  if (!call)
    return;
  CALL_ARGS(call, "worktree", "list", "--porcelain", "-z");
  call_run(call, 0, answer_list);
}

/* ---- Create and remove ---- */

static bp_status facts_of(const struct git *git, bp_request request, bp_json_writer out, const char *action, bool is_create) {
  struct words args = {0};
  struct text branch = {0};
  bp_str session = body_text(git, request, "session"), base = body_text(git, request, "base");
  char *repo = place_resolve(git, body_text(git, request, "repoPath"));
  char *path = repo && place_is_name(session) ? tree_path(git, repo, session) : NULL;
  facts_begin(git, request, out, action);
  if (session.len)
    json_text_member(git->json, out, BP_LIT("session"), session);
  if (path && (base.len == 0 || place_is_revision(base))) {
    text_put(&branch, "session/");
    text_put_str(&branch, session);
    words_add_z(&args, "worktree");
    words_add_z(&args, is_create ? "add" : "remove");
    if (is_create) {
      words_add_z(&args, "-b");
      words_add(&args, text_str(&branch));
    } else if (body_flag(git, request, "force")) {
      words_add_z(&args, "--force");
    }
    words_add_z(&args, path);
    if (is_create)
      words_add(&args, base.len ? base : BP_LIT("HEAD"));
    facts_command(git, out, body_text(git, request, "repoPath"), &args, FACTS_PLUMBING);
  }
  git->json->object_end(out);
  words_release(&args);
  text_release(&branch);
  free(path);
  free(repo);
  return BP_OK;
}

bp_status facts_of_worktree_create(void *state, bp_request request, bp_json_writer facts) {
  return facts_of(state, request, facts, "worktree.create", true);
}

bp_status facts_of_worktree_remove(void *state, bp_request request, bp_json_writer facts) {
  return facts_of(state, request, facts, "worktree.remove", false);
}

static void answer_change(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  if (strcmp(call->args.at[1], "add") == 0) {
    json_text_member(call->git->json, out, BP_LIT("path"), str_z(call->args.at[4]));
    json_text_member(call->git->json, out, BP_LIT("branch"), str_z(call->args.at[3]));
  } else {
    json_text_member(call->git->json, out, BP_LIT("message"), BP_LIT("Worktree removed"));
  }
  call_json(call, out);
}

void worktrees_change(void *state, bp_request request) {
  struct call *call =
      call_change(state, request,
                  "session must be a name of letters, digits, '.', '_' and '-', base a commit, and the place beside the repository inside a root");
  if (call)
    call_run(call, 0, answer_change);
}
