/* GET routes that read a repository, answered as data: status, branches, log, diff. */
#include "git.h"
#include "handlers.h"
#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bp_str query_text(const struct call *call, const char *name) {
  bp_str text = {NULL, 0};
  call->git->http->param(call->request, str_z(name), &text);
  return text;
}

void view_answer_lines(struct call *call, const struct run_result *result, const char *member, view_put_fn put) {
  const bp_json_1 *json = call->git->json;
  bp_str rest = result->out, line;
  if (call_refused(call, result))
    return;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  json->key(out, str_z(member));
  json->array_begin(out);
  while (str_cut_at(&rest, '\n', &line))
    put(json, out, line);
  json->array_end(out);
  call_json(call, out);
}

/* ---- Status ---- */

static void answer_status(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  parse_status(call->git->json, out, result->out);
  call_json(call, out);
}

void view_status(void *state, bp_request request) {
  struct call *call = call_read(state, request);
  if (!call)
    return;
  CALL_ARGS(call, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all");
  call_run(call, 0, answer_status);
}

/* ---- Branches ---- */

static void put_branch(const bp_json_1 *json, bp_json_writer out, bp_str line) {
  bp_str head, ref, oid, upstream, date;
  if (!str_cut_at(&line, '\x1f', &head) || !str_cut_at(&line, '\x1f', &ref) || !str_cut_at(&line, '\x1f', &oid) ||
      !str_cut_at(&line, '\x1f', &upstream) || !str_cut_at(&line, '\x1f', &date))
    return;
  bool is_remote = str_begins(ref, "refs/remotes/");
  size_t prefix = is_remote ? 13 : 11;
  json->object_begin(out);
  parse_put(json, out, "name", ref.len > prefix ? bp_str_make(ref.ptr + prefix, ref.len - prefix) : ref);
  json->key(out, BP_LIT("current"));
  json->put_boolean(out, kit_same(head, "*"));
  json->key(out, BP_LIT("remote"));
  json->put_boolean(out, is_remote);
  parse_put(json, out, "oid", oid);
  if (upstream.len)
    parse_put(json, out, "upstream", upstream);
  parse_put(json, out, "date", date);
  parse_put(json, out, "subject", line);
  json->object_end(out);
}

static void answer_branches(void *ctx, const struct run_result *result) {
  view_answer_lines(ctx, result, "branches", put_branch);
}

void view_branches(void *state, bp_request request) {
  struct call *call = call_read(state, request);
  if (!call)
    return;
  CALL_ARGS(call, "for-each-ref", "--count=5000",
            "--format=%(HEAD)%1f%(refname)%1f%(objectname)%1f%(upstream:short)%1f%(committerdate:iso-strict)%1f%(contents:subject)", "refs/heads",
            "refs/remotes");
  call_run(call, 0, answer_branches);
}

/* ---- Log ---- */

#define LOG_MOST 500

static void put_parents(const bp_json_1 *json, bp_json_writer out, bp_str parents) {
  bp_str oid;
  json->key(out, BP_LIT("parents"));
  json->array_begin(out);
  while (str_cut_at(&parents, ' ', &oid))
    json->put_string(out, oid);
  json->array_end(out);
}

/* Nine fields end each with a unit separator; what is left is the body. */
static void put_commit(const bp_json_1 *json, bp_json_writer out, bp_str entry) {
  static const char *const names[] = {"oid", NULL, "authorName", "authorEmail", "authorDate", "committerName", "commitDate", "refs", "subject"};
  json->object_begin(out);
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    bp_str field = {"", 0};
    str_cut_at(&entry, '\x1f', &field);
    if (names[i])
      parse_put(json, out, names[i], field);
    else
      put_parents(json, out, field);
  }
  while (entry.len && entry.ptr[entry.len - 1] == '\n')
    entry.len--;
  parse_put(json, out, "body", entry);
  json->object_end(out);
}

/* A repository without a commit has an empty log, unless a commit was asked for. */
static bool has_no_commit(const struct call *call, const struct run_result *result) {
  static const char words[] = "bad revision 'HEAD'";
  return result->end == RUN_EXIT && query_text(call, "ref").len == 0 && result->err.len &&
         memmem(result->err.ptr, result->err.len, words, sizeof(words) - 1);
}

static void answer_log(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  const bp_json_1 *json = call->git->json;
  int64_t limit = 50, count = 0;
  bp_str rest = result->out, entry;
  call->git->http->param_integer(call->request, BP_LIT("limit"), &limit);
  if (!has_no_commit(call, result) && call_refused(call, result))
    return;
  call->run = NULL;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  json->key(out, BP_LIT("commits"));
  json->array_begin(out);
  while (str_cut_at(&rest, '\0', &entry))
    if (++count <= limit)
      put_commit(json, out, entry);
  json->array_end(out);
  json->key(out, BP_LIT("more"));
  json->put_boolean(out, count > limit || result->is_truncated);
  call_json(call, out);
}

void view_log(void *state, bp_request request) {
  struct call *call = call_read(state, request);
  int64_t limit = 50, skip = 0;
  char count[48], offset[48];
  if (!call)
    return;
  bp_str ref = query_text(call, "ref"), path = query_text(call, "path");
  if ((ref.len && !place_is_revision(ref)) || (path.len && !place_is_inside(path))) {
    call_problem(call, 400, "ref must name a commit, path a file inside the repository");
    return;
  }
  call->git->http->param_integer(request, BP_LIT("limit"), &limit);
  call->git->http->param_integer(request, BP_LIT("skip"), &skip);
  snprintf(count, sizeof(count), "--max-count=%lld", (long long)(limit > LOG_MOST ? LOG_MOST : limit) + 1);
  snprintf(offset, sizeof(offset), "--skip=%lld", (long long)skip);
  CALL_ARGS(call, "log", "-z", count, offset, "--no-color", "--decorate=short",
            "--format=%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%cI%x1f%D%x1f%s%x1f%b");
  words_add(&call->args, ref.len ? ref : BP_LIT("HEAD"));
  words_add_z(&call->args, "--");
  if (path.len)
    words_add(&call->args, path);
  call_run(call, 0, answer_log);
}

/* ---- Diff ---- */

void view_answer_diff(void *ctx, const struct run_result *result) {
  struct call *call = ctx;
  if (call_refused(call, result))
    return;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  parse_diff(call->git->json, out, result->out);
  call->git->json->key(out, BP_LIT("truncated"));
  call->git->json->put_boolean(out, result->is_truncated);
  call_json(call, out);
}

void view_diff_args(struct call *call) {
  CALL_ARGS(call, "diff", "--no-color", "-M", "--src-prefix=a/", "--dst-prefix=b/", "--no-relative");
}

void view_diff(void *state, bp_request request) {
  struct call *call = call_read(state, request);
  uint32_t is_staged = 0;
  if (!call)
    return;
  bp_str ref = query_text(call, "ref"), to = query_text(call, "to"), path = query_text(call, "path");
  if ((ref.len && !place_is_revision(ref)) || (to.len && (!ref.len || !place_is_revision(to))) || (path.len && !place_is_inside(path))) {
    call_problem(call, 400, "ref and to must name commits, path a file inside the repository");
    return;
  }
  call->git->http->param_boolean(request, BP_LIT("staged"), &is_staged);
  view_diff_args(call);
  if (is_staged)
    words_add_z(&call->args, "--cached");
  if (ref.len)
    words_add(&call->args, ref);
  if (to.len)
    words_add(&call->args, to);
  words_add_z(&call->args, "--");
  if (path.len)
    words_add(&call->args, path);
  call_run(call, 0, view_answer_diff);
}
