/* clone, pull and push as jobs: answered at once with an id; progress and cancel are at /jobs/{id} and on the topic bp.job. */
#include "clone.h"
#include "handlers.h"
#include "parse.h"

#include <stdlib.h>
#include <string.h>

#define JOBS_MOST 16u

struct work {
  struct git *git;
  bp_job job;
  struct run *run;
  struct words args;
  char *folder, *target, *url; /* the last two of a clone */
  struct text line;            /* of progress, until its end */
  int error;
  bool is_cancelled;
};

static unsigned open_jobs; /* of the one module there is in a process */

static void work_free(struct work *work) {
  words_release(&work->args);
  text_release(&work->line);
  free(work->folder);
  free(work->target);
  free(work->url);
  free(work);
  open_jobs--;
}

/* ---- Ends ---- */

static void finish(struct work *work, bp_status status, const char *member, bp_str text) {
  struct git *git = work->git;
  bp_json_writer out = 0;
  bp_str result = BP_LIT("null");
  struct text masked = {0};
  text_put_masked(&masked, text);
  if (git->json->writer_new(git->self, &out) == BP_OK) {
    if (status == BP_OK) {
      git->json->object_begin(out);
      parse_put(git->json, out, member, text_str(&masked));
      if (work->target)
        json_text_member(git->json, out, BP_LIT("path"), str_z(work->target));
      git->json->object_end(out);
    } else {
      struct text clean = {0};
      text_put_utf8(&clean, text_str(&masked));
      git->json->put_string(out, text_str(&clean));
      text_release(&clean);
    }
    git->json->writer_text(out, &result, NULL);
  }
  git->job->finish(work->job, status, result);
  if (out)
    git->json->writer_free(out);
  text_release(&masked);
  work_free(work);
}

static void ended(void *ctx, const struct run_result *result) {
  struct work *work = ctx;
  work->run = NULL;
  if (result->end == RUN_OK && work->target)
    clone_register(work->git, work->target, work->url, NULL, NULL);
  if (result->end == RUN_OK)
    finish(work, BP_OK, "output", result->out.len ? result->out : result->err);
  else if (result->end == RUN_CANCELLED)
    finish(work, BP_E_CANCELLED, "", BP_LIT("cancelled"));
  else
    finish(work, result->end == RUN_REFUSED ? BP_E_DENIED : BP_E_IO, "", result->sentence[0] ? str_z(result->sentence) : result->err);
}

/* ---- Progress: "Receiving objects:  42% (42/100), …" ended by a carriage return or a line end ---- */

static void tell(struct work *work) {
  struct text clean = {0}, masked = {0};
  bp_str line = text_str(&work->line);
  const char *percent = line.len ? memchr(line.ptr, '%', line.len) : NULL;
  uint64_t done = 0;
  const char *digits = percent;
  while (digits && digits > line.ptr && digits[-1] >= '0' && digits[-1] <= '9')
    digits--;
  if (percent)
    done = (uint64_t)parse_number(bp_str_make(digits, (size_t)(percent - digits)));
  text_put_masked(&masked, line);
  text_put_utf8(&clean, text_str(&masked));
  work->git->job->progress(work->job, percent ? done : 0, percent ? 100 : 0, text_str(&clean));
  text_release(&masked);
  text_release(&clean);
  work->line.len = 0;
}

static void on_progress(void *ctx, bp_str bytes) {
  struct work *work = ctx;
  for (size_t i = 0; i < bytes.len; i++) {
    char c = bytes.ptr[i];
    if (c != '\r' && c != '\n' && work->line.len < 500)
      text_append(&work->line, &c, 1);
    else if (work->line.len && (c == '\r' || c == '\n'))
      tell(work);
  }
}

static void on_cancel(void *ctx, bp_job job) {
  struct work *work = ctx;
  (void)job;
  work->is_cancelled = true;
  if (work->run)
    run_cancel(work->run);
}

/* ---- Starting ---- */

static void run(struct work *work) {
  const struct run_spec spec = {.folder = work->folder,
                                .args = &work->args,
                                .flags = run_flags_of(&work->args) | RUN_LONG,
                                .progress = on_progress,
                                .done = ended,
                                .ctx = work};
  work->run = work->is_cancelled ? NULL : run_start(work->git, &spec);
  if (!work->run)
    finish(work, work->is_cancelled ? BP_E_CANCELLED : BP_E_BUSY, "", BP_LIT("it was not started"));
}

static void make_parents(void *ctx) {
  struct work *work = ctx;
  work->error = clone_make_parents(work->git, work->folder);
}

static void made_parents(void *ctx, bp_status status) {
  struct work *work = ctx;
  if (status != BP_OK)
    finish(work, BP_E_CANCELLED, "", BP_LIT("cancelled"));
  else if (work->error)
    finish(work, BP_E_IO, "", str_z(strerror(work->error)));
  else
    run(work);
}

/* Takes the call's arguments; with a clone, plans where it goes. */
static bool plan(struct work *work, struct call *call) {
  bool is_clone = strcmp(call->args.at[0], "clone") == 0;
  if (!is_clone) {
    work->folder = str_dup(str_z(call->folder));
    words_copy(&work->args, &call->args);
    return work->folder && !work->args.has_failed;
  }
  const char *slash = strrchr(call->folder, '/');
  work->folder = slash == call->folder ? strdup("/") : str_dup(bp_str_make(call->folder, (size_t)(slash - call->folder)));
  return work->folder && clone_plan(&call->args, work->folder, &work->args, &work->target, &work->url);
}

static void answer_id(struct call *call, bp_job job) {
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  json_text_member(call->git->json, out, BP_LIT("jobId"), call->git->job->id(job));
  call_json(call, out);
}

void job_begin(void *state, bp_request request) {
  struct git *git = state;
  struct call *call = call_change(git, request, "url is required");
  if (!call)
    return;
  if (open_jobs >= JOBS_MOST) {
    call_problem(call, 503, "Too many jobs are running");
    return;
  }
  struct work *work = calloc(1, sizeof(*work));
  struct text title = {0}, kind = {0};
  if (!work) {
    call_failure(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  open_jobs++;
  work->git = git;
  text_put(&kind, "git.");
  text_put(&kind, call->args.at[0]);
  text_put(&title, "git ");
  text_put(&title, call->args.at[0]);
  text_put(&title, " in ");
  text_put(&title, call->folder);
  bp_status status = plan(work, call) ? BP_OK : BP_E_NO_MEMORY;
  if (status == BP_OK)
    status = git->job->open(git->self, text_str(&kind), text_str(&title), git->http->principal(request), on_cancel, work, &work->job);
  text_release(&kind);
  text_release(&title);
  if (status != BP_OK) {
    work_free(work);
    call_failure(call, status, NULL);
    return;
  }
  answer_id(call, work->job);
  if (!work->target)
    run(work);
  else if (git->loop->work(git->self, make_parents, made_parents, work) != BP_OK)
    finish(work, BP_E_BUSY, "", BP_LIT("too much work is waiting"));
}

/* ---- Facts ---- */

static bp_status end_facts(const struct git *git, bp_request request, bp_json_writer out, const char *action, struct words *args, uint32_t flags) {
  facts_begin(git, request, out, action);
  if (args->count && !args->has_failed && body_text(git, request, "repoPath").len)
    facts_command(git, out, body_text(git, request, "repoPath"), args, flags);
  git->json->object_end(out);
  words_release(args);
  return BP_OK;
}

static void add_text(const struct git *git, bp_request request, const char *name, const char *option, struct words *args) {
  bp_str value = body_text(git, request, name);
  if (!value.len)
    return;
  if (option)
    words_add_z(args, option);
  words_add(args, value);
}

bp_status facts_of_clone_job(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  struct words args = {0};
  bp_str url = body_text(git, request, "url"), path = body_text(git, request, "repoPath");
  char *target = place_resolve(git, path);
  if (url.len) {
    words_add_z(&args, "clone");
    words_add_z(&args, "--progress");
    add_text(git, request, "branch", "--branch", &args);
    add_text(git, request, "depth", "--depth", &args);
    words_add_z(&args, "--");
    words_add(&args, url);
    words_add_z(&args, target ? target : "");
  }
  free(target);
  return end_facts(git, request, facts, "clone", &args, FACTS_CREATES);
}

bp_status facts_of_pull_job(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  struct words args = {0};
  words_add_z(&args, "pull");
  words_add_z(&args, "--progress");
  words_add_z(&args, "--no-edit");
  if (body_flag(git, request, "rebase"))
    words_add_z(&args, "--rebase");
  add_text(git, request, "remote", NULL, &args);
  add_text(git, request, "branch", NULL, &args);
  return end_facts(git, request, facts, "pull", &args, 0);
}

bp_status facts_of_push_job(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  struct words args = {0};
  words_add_z(&args, "push");
  words_add_z(&args, "--progress");
  if (body_flag(git, request, "setUpstream"))
    words_add_z(&args, "--set-upstream");
  if (body_flag(git, request, "forceWithLease"))
    words_add_z(&args, "--force-with-lease");
  add_text(git, request, "remote", NULL, &args);
  add_text(git, request, "branch", NULL, &args);
  return end_facts(git, request, facts, "push", &args, 0);
}
