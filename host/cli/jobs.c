/* `backplane jobs`: long work of the running host. */
#include "base/buf.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <string.h>

static json_t *progress_text(const json_t *progress) {
  const json_t *total = json_object_get(progress, "total");
  const char *text = json_string_value(json_object_get(progress, "text"));
  struct buf out = {0};
  if (json_is_integer(total))
    buf_printf(&out, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(progress, "done")),
               json_integer_value(total));
  if (text && text[0])
    buf_printf(&out, "%s%s", out.len ? " " : "", text);
  json_t *value = json_stringn(out.data ? out.data : "", out.len);
  buf_release(&out);
  return value;
}

static void show_all(const json_t *jobs) {
  static const char *const headings[] = {"JOB", "MODULE", "KIND", "STATUS", "PROGRESS", "TITLE", "OPENED (UTC)"};
  json_t *rows = json_array();
  size_t index;
  const json_t *job;
  json_array_foreach(jobs, index, job) json_array_append_new(
      rows, json_pack("[O?, O?, O?, O?, o, O?, O?]", json_object_get(job, "id"), json_object_get(job, "module"), json_object_get(job, "kind"),
                      json_object_get(job, "status"), progress_text(json_object_get(job, "progress")), json_object_get(job, "title"),
                      json_object_get(job, "opened_at")));
  say_table(headings, 7, rows);
  json_decref(rows);
}

static void show_one(json_t *job) {
  static const char *const names[] = {"id", "module", "kind", "title", "principal", "status", "progress", "error", "opened_at", "finished_at", NULL};
  json_object_set_new(job, "progress", progress_text(json_object_get(job, "progress")));
  say_pairs(job, names);
}

static bool is_id(const char *id) {
  return id[0] && strlen(id) < 64 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(id);
}

static json_t *ask(const struct cli_call *call) {
  const char *id = call->words[0];
  bool cancels = cli_value(call, "--cancel") != NULL;
  struct buf target = {0};
  if (call->word_count == 0)
    return client_get(call, "/jobs");
  buf_printf(&target, "/jobs/%s%s", id, cancels ? "/cancel" : "");
  buf_append_char(&target, '\0');
  json_t *answer = client_request(call, cancels ? "POST" : "GET", target.data, NULL);
  buf_release(&target);
  return answer;
}

static int run(const struct cli_call *call) {
  if (call->word_count == 1 && !is_id(call->words[0]))
    return say_misuse("\"%s\" is no job's id; `backplane jobs` shows them", call->words[0]);
  if (call->word_count == 0 && cli_value(call, "--cancel"))
    return say_misuse("--cancel needs the id of a job");
  json_t *answer = ask(call);
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json)
    say_json(answer);
  else if (call->word_count)
    show_one(answer);
  else
    show_all(json_object_get(answer, "jobs"));
  json_decref(answer);
  return CLI_DONE;
}

static const struct cli_option options[] = {{"--cancel", NULL, NULL, "ask the job to end"}, {0}};

const struct cli_command command_jobs = {
    .name = "jobs",
    .synopsis = "[ID [--cancel]] [--json]",
    .summary = "show long work of the running host, or cancel it",
    .help = "Lists the newest 50 jobs, or shows one. A job is work of a module that takes a while, such as cloning a repository.\n"
            "--cancel asks it to end; it may take a moment. Finished jobs are kept for 7 days.",
    .words_max = 1,
    .options = options,
    .run = run,
};
