/* Checkpoints: the work tree as it is, with its untracked files, as a commit under refs/backplane/checkpoints/. Neither the index nor any
 * branch is touched: a checkpoint is made with an index of its own. */
#include "git.h"
#include "handlers.h"
#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "refs/backplane/checkpoints/"

/* In call->more: what a chain of commands has found out so far. */
struct chain {
  char id[33];
  char tree[72], head[72], commit[72];
  char ref[80];
  char label[256];
  struct words env; /* GIT_INDEX_FILE */
  unsigned step;
  bool is_restore;
  char target[80]; /* of a restore: the checkpoint's ref */
};

static void chain_release(struct call *call) {
  struct chain *chain = call->more;
  if (chain)
    words_release(&chain->env);
}

static void take_oid(char *to, size_t room, bp_str out) {
  size_t len = 0;
  while (len < out.len && len + 1 < room && out.ptr[len] > ' ')
    len++;
  memcpy(to, out.ptr, len);
  to[len] = '\0';
}

/* ---- Steps of making one ---- */

static void next_step(struct call *call);

static void step_done(void *ctx, const struct run_result *result);

static void run_step(struct call *call, run_done_fn done) {
  struct chain *chain = call->more;
  const struct run_spec spec = {
      .folder = call->folder, .args = &call->args, .env = &chain->env, .flags = run_flags_of(&call->args) | RUN_WRITES, .done = done, .ctx = call};
  call->run = run_start(call->git, &spec);
  if (!call->run) {
    chain_release(call);
    call_failure(call, BP_E_BUSY, NULL);
  }
}

static void answer_made(struct call *call) {
  struct chain *chain = call->more;
  chain_release(call);
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  json_text_member(call->git->json, out, BP_LIT("id"), str_z(chain->id));
  json_text_member(call->git->json, out, BP_LIT("oid"), str_z(chain->commit));
  if (chain->is_restore)
    json_text_member(call->git->json, out, BP_LIT("message"), BP_LIT("Checkpoint restored; id names the state before"));
  call_json(call, out);
}

/* 0 where is HEAD and the index file · 1 fill the index from HEAD · 2 add all · 3 tree · 4 commit · 5 ref · 6 restore. */
static void next_step(struct call *call) {
  struct chain *chain = call->more;
  bool has_head = chain->head[0] != '\0';
  switch (chain->step) {
  case 0:
    CALL_ARGS(call, "rev-parse", "--verify", "--quiet", "HEAD^{commit}");
    break;
  case 1:
    if (has_head)
      CALL_ARGS(call, "read-tree", "HEAD");
    else
      CALL_ARGS(call, "read-tree", "--empty");
    break;
  case 2:
    CALL_ARGS(call, "add", "-A", "--", ".");
    break;
  case 3:
    CALL_ARGS(call, "write-tree");
    break;
  case 4:
    if (has_head)
      CALL_ARGS(call, "commit-tree", chain->tree, "-p", chain->head, "-m", chain->label);
    else
      CALL_ARGS(call, "commit-tree", chain->tree, "-m", chain->label);
    break;
  case 5:
    CALL_ARGS(call, "update-ref", chain->ref, chain->commit);
    break;
  default:
    if (!chain->is_restore || chain->step > 6) {
      answer_made(call);
      return;
    }
    words_release(&chain->env);
    CALL_ARGS(call, "restore", "--worktree", "--no-overlay", "--ignore-unmerged", chain->target, "--", ".");
    break;
  }
  run_step(call, step_done);
}

static void set_index(struct chain *chain, const struct repo *repo) {
  char *path = NULL;
  if (asprintf(&path, "%s/backplane-index-%s", repo->git_dir, chain->id) < 0)
    return;
  words_add_z(&chain->env, "GIT_INDEX_FILE");
  words_add_z(&chain->env, path);
  free(path);
}

static void remove_index(struct chain *chain) {
  if (chain->env.count == 2)
    unlink(chain->env.at[1]);
  words_release(&chain->env);
}

static void step_done(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  struct chain *chain = call->more;
  bool is_no_head = chain->step == 0 && result->end == RUN_EXIT;
  if (!is_no_head && result->end != RUN_OK) {
    remove_index(chain);
    call_refused(call, result);
    return;
  }
  if (chain->step == 0) {
    take_oid(chain->head, sizeof(chain->head), result->out);
    /* commands run in the whole work tree */
    free(call->folder);
    call->folder = strdup(result->repo->work_tree);
    set_index(chain, result->repo);
  } else if (chain->step == 3) {
    take_oid(chain->tree, sizeof(chain->tree), result->out);
  } else if (chain->step == 4) {
    take_oid(chain->commit, sizeof(chain->commit), result->out);
    remove_index(chain);
  }
  chain->step++;
  next_step(call);
}

static void begin(struct call *call, const char *label, const char *restored) {
  struct chain *chain = calloc(1, sizeof(*chain));
  uint64_t parts[2];
  if (!chain) {
    call_failure(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  call->git->core->random_bytes(&parts[0], sizeof(parts[0]));
  parts[1] = (uint64_t)(call->git->core->now_wall_ns() / 1000000);
  snprintf(chain->id, sizeof(chain->id), "%012llx-%08llx", (unsigned long long)parts[1], (unsigned long long)(parts[0] & 0xFFFFFFFFu));
  snprintf(chain->ref, sizeof(chain->ref), PREFIX "%s", chain->id);
  snprintf(chain->label, sizeof(chain->label), "%s", label);
  if (restored) {
    chain->is_restore = true;
    snprintf(chain->target, sizeof(chain->target), "--source=" PREFIX "%s", restored);
  }
  call->more = chain;
  next_step(call);
}

/* ---- Routes ---- */

static bp_status facts_of(const struct git *git, bp_request request, bp_json_writer out, const char *action, bp_str subject) {
  struct words args = {0};
  facts_begin(git, request, out, action);
  words_add_z(&args, "checkpoint");
  words_add(&args, subject);
  if (body_text(git, request, "repoPath").len && !args.has_failed)
    facts_command(git, out, body_text(git, request, "repoPath"), &args, FACTS_PLUMBING);
  git->json->object_end(out);
  words_release(&args);
  return BP_OK;
}

bp_status facts_of_checkpoint_create(void *state, bp_request request, bp_json_writer facts) {
  bp_str label = body_text(state, request, "label");
  return facts_of(state, request, facts, "checkpoint.create", label.len ? label : BP_LIT("checkpoint"));
}

bp_status facts_of_checkpoint_restore(void *state, bp_request request, bp_json_writer facts) {
  bp_str id = {NULL, 0};
  ((const struct git *)state)->http->param(request, BP_LIT("id"), &id);
  return facts_of(state, request, facts, "checkpoint.restore", id);
}

void checkpoint_create(void *state, bp_request request) {
  struct call *call = call_change(state, request, "label must be a text");
  if (!call)
    return;
  if (strlen(call->args.at[1]) > 200)
    call_problem(call, 400, "label is longer than 200 bytes");
  else
    begin(call, call->args.at[1], NULL);
}

void checkpoint_restore(void *state, bp_request request) {
  struct call *call = call_change(state, request, "id is required");
  if (!call)
    return;
  if (place_is_name(str_z(call->args.at[1])) && strlen(call->args.at[1]) < 33)
    begin(call, "before a restore", call->args.at[1]);
  else
    call_problem(call, 404, "Checkpoint not found");
}

static void put_checkpoint(const bp_json_1 *json, bp_json_writer out, bp_str line) {
  bp_str id, oid, date;
  if (!str_cut_at(&line, '\x1f', &id) || !str_cut_at(&line, '\x1f', &oid) || !str_cut_at(&line, '\x1f', &date))
    return;
  json->object_begin(out);
  parse_put(json, out, "id", id.len > sizeof(PREFIX) - 1 ? bp_str_make(id.ptr + sizeof(PREFIX) - 1, id.len - (sizeof(PREFIX) - 1)) : id);
  parse_put(json, out, "oid", oid);
  parse_put(json, out, "createdAt", date);
  parse_put(json, out, "label", line);
  json->object_end(out);
}

static void answer_list(void *ctx, const struct run_result *result) {
  view_answer_lines(ctx, result, "checkpoints", put_checkpoint);
}

void checkpoint_list(void *state, bp_request request) {
  struct call *call = call_read(state, request);
  if (!call)
    return;
  CALL_ARGS(call, "for-each-ref", "--count=1000", "--sort=-refname",
            "--format=%(refname)%1f%(objectname)%1f%(committerdate:iso-strict)%1f%(contents:subject)", PREFIX);
  call_run(call, 0, answer_list);
}

/* What has changed in the work tree since. */
void checkpoint_diff(void *state, bp_request request) {
  struct call *call = call_read(state, request);
  bp_str id = {NULL, 0};
  struct text ref = {0};
  if (!call)
    return;
  call->git->http->param(request, BP_LIT("id"), &id);
  if (!place_is_name(id)) {
    call_problem(call, 404, "Checkpoint not found");
    return;
  }
  text_put(&ref, PREFIX);
  text_put_str(&ref, id);
  view_diff_args(call);
  words_add(&call->args, text_str(&ref));
  words_add_z(&call->args, "--");
  text_release(&ref);
  call_run(call, 0, view_answer_diff);
}
