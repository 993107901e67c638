/* Repositories an administrator trusts: their filters, includes and rewritten addresses stay in force. Stored by path and inode, so
 * that another repository in the same place is not trusted. */
#include "handlers.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

struct trusted {
  char *path;
  uint64_t inode;
};

#define TRUSTED_MOST 1000u

bool trust_has(const struct git *git, const char *path, uint64_t inode) {
  for (size_t i = 0; i < git->trusted_count; i++)
    if (git->trusted[i].inode == inode && strcmp(git->trusted[i].path, path) == 0)
      return true;
  return false;
}

void trust_release(struct git *git) {
  for (size_t i = 0; i < git->trusted_count; i++)
    free(git->trusted[i].path);
  free(git->trusted);
  git->trusted = NULL;
  git->trusted_count = 0;
}

static void take_rows(struct git *git, const bp_db_outcome *outcome) {
  uint32_t rows = git->db->rows(outcome->result, 0);
  trust_release(git);
  git->trusted = calloc(rows ? rows : 1, sizeof(*git->trusted));
  for (uint32_t row = 0; git->trusted && row < rows; row++) {
    bp_db_value inode = {.size = sizeof(inode)};
    char *path = str_dup(db_column(git->db, outcome, 0, row, 0));
    if (path && git->db->value(outcome->result, 0, row, 1, &inode) == BP_OK)
      git->trusted[git->trusted_count++] = (struct trusted){path, (uint64_t)inode.integer};
    else
      free(path);
  }
}

static void loaded(void *ctx, const bp_db_outcome *outcome) {
  if (outcome->status == BP_OK)
    take_rows(ctx, outcome);
}

void trust_load(struct git *git) {
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_TRUSTED, .max_rows = TRUSTED_MOST};
  git->db->read(git->self, (bp_array){&query, 1, sizeof(query)}, 0, loaded, git);
}

/* ---- Handlers ---- */

static void put_list(struct git *git, bp_json_writer out) {
  git->json->key(out, BP_LIT("trusted"));
  git->json->array_begin(out);
  for (size_t i = 0; i < git->trusted_count; i++)
    git->json->put_string(out, str_z(git->trusted[i].path));
  git->json->array_end(out);
}

static void answer_list(struct call *call) {
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  put_list(call->git, out);
  call_json(call, out);
}

void trust_list(void *state, bp_request request) {
  struct call *call = call_new(state, request);
  if (call)
    answer_list(call);
}

static void reread(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (outcome->status != BP_OK) {
    call_failure(call, outcome->status, outcome->error);
    return;
  }
  take_rows(call->git, outcome);
  answer_list(call);
}

/* What counts is what is stored. */
static void changed(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct git *git = call->git;
  if (outcome->status != BP_OK) {
    call_failure(call, outcome->status, outcome->error);
    return;
  }
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_TRUSTED, .max_rows = TRUSTED_MOST};
  bp_status status = git->db->read(git->self, (bp_array){&query, 1, sizeof(query)}, 0, reread, call);
  if (status != BP_OK)
    call_failure(call, status, NULL);
}

static void write_step(struct call *call, uint32_t statement, const bp_db_value *values, uint32_t count) {
  const bp_db_step step = db_exec(statement, values, count);
  bp_status status = call->git->db->write(call->git->self, (bp_array){&step, 1, sizeof(step)}, changed, call);
  if (status != BP_OK)
    call_failure(call, status, NULL);
}

/* The repository was looked at; what is trusted is its .git folder with its inode. */
static void looked(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  if (call->git->trusted_count >= TRUSTED_MOST) {
    call_problem(call, 400, "Too many repositories are trusted");
    return;
  }
  const bp_db_value values[] = {db_text(str_z(result->repo->common_dir)), db_integer((int64_t)result->repo->inode)};
  write_step(call, TRUST, values, 2);
}

static struct call *begin(struct git *git, bp_request request, const char *command) {
  struct call *call = call_new(git, request);
  if (!call)
    return NULL;
  bp_str path = body_text(git, request, "repoPath");
  if (path.len == 0) {
    call_problem(call, 400, "repoPath is required");
    return NULL;
  }
  call->folder = place_resolve(git, path);
  words_add_z(&call->args, command);
  if (call->folder)
    return call;
  call_refuse_place(call, path);
  return NULL;
}

void trust_add(void *state, bp_request request) {
  struct call *call = begin(state, request, "rev-parse");
  if (call)
    call_run(call, RUN_INSPECT, looked);
}

/* By the path alone, so that a repository that is gone can be forgotten too. */
void trust_remove(void *state, bp_request request) {
  struct call *call = begin(state, request, "rev-parse");
  if (!call)
    return;
  struct text git_dir = {0};
  text_put(&git_dir, call->folder);
  text_put(&git_dir, "/.git");
  const bp_db_value values[] = {db_text(text_str(&git_dir)), db_text(str_z(call->folder))};
  write_step(call, DISTRUST, values, 2);
  text_release(&git_dir);
}

bp_status facts_of_trust(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  bool is_add = kit_same(git->http->method(request), "POST");
  char *repo = place_resolve(git, body_text(git, request, "repoPath"));
  facts_begin(git, request, facts, is_add ? "trust" : "distrust");
  if (repo)
    json_text_member(git->json, facts, BP_LIT("repo"), str_z(repo));
  git->json->object_end(facts);
  free(repo);
  return BP_OK;
}
