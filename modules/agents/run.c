/* POST /agents/{name}/run: the agent's command as a supervised child, shown as a session of the module observability.
 *
 *   session made -> noted in our table -> started -> session_start told, with the pid -> answered
 *   ended -> what it said told as a message -> session_stop told -> forgotten
 *
 * A run that a killed host has left in the table is told as ended at the next start; its child has ended with the host. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

/* ---- Telling observability ---- */

static void forget_row(const struct agents *a, bp_str session_id) {
  const bp_db_value id = db_text(session_id);
  const bp_db_step step = db_exec(DELETE_RUN, &id, 1);
  a->db->write(a->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, run_row_forgotten, NULL);
}

void run_row_forgotten(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  (void)outcome; /* what stays is told as ended once more at the next start */
}

static void run_free(struct run *run) {
  struct agents *a = run->module;
  struct run **at = &a->runs;
  while (*at && *at != run)
    at = &(*at)->next;
  if (*at)
    *at = run->next;
  a->run_count--;
  if (run->token_id[0])
    a->core->token_revoke(a->self, str_z(run->token_id));
  bytes_free(&run->output);
  bytes_free(&run->session_name);
  bytes_free(&run->reason);
  if (run->job)
    job_free(run->job);
  free(run);
}

static void put_event(const struct run *run, bp_json_writer out, const char *type) {
  const struct agents *a = run->module;
  char time[KIT_TIME_BYTES];
  a->json->object_begin(out);
  json_text_member(a->json, out, BP_LIT("event_type"), str_z(type));
  json_text_member(a->json, out, BP_LIT("session_id"), str_z(run->session_id));
  json_text_member(a->json, out, BP_LIT("session_name"), bytes_str(&run->session_name));
  json_text_member(a->json, out, BP_LIT("timestamp"), kit_time_text(a->core->now_wall_ns(), time));
}

/* Ends the object and calls the service; `done` is told in any case. */
static void call(struct run *run, const char *method, bp_json_writer out, bp_service_done_fn done) {
  const struct agents *a = run->module;
  bp_str text;
  a->json->object_end(out);
  bp_status status = a->json->writer_text(out, &text, NULL);
  if (status == BP_OK)
    status = a->service->call(a->self, BP_LIT("observability/1"), str_z(method), text, 0, done, run);
  a->json->writer_free(out);
  if (status != BP_OK)
    done(run, status, BP_LIT("observability cannot be told"));
}

static bp_json_writer new_writer(const struct agents *a) {
  bp_json_writer out = 0;
  a->json->writer_new(a->self, &out);
  return out;
}

/* ---- The end ---- */

static void on_stop_told(void *ctx, bp_status status, bp_str payload) {
  struct run *run = ctx;
  (void)payload;
  if (status == BP_OK)
    forget_row(run->module, str_z(run->session_id));
  run_free(run);
}

static void tell_stop(struct run *run) {
  const struct agents *a = run->module;
  bp_json_writer out = new_writer(a);
  put_event(run, out, "session_stop");
  a->json->key(out, BP_LIT("exit_code"));
  a->json->put_integer(out, run->exit_code);
  if (run->reason.ptr)
    json_text_member(a->json, out, BP_LIT("reason"), bytes_str(&run->reason));
  call(run, "event", out, on_stop_told);
}

static void on_message_told(void *ctx, bp_status status, bp_str payload) {
  (void)status, (void)payload;
  tell_stop(ctx);
}

/* What it printed is its answer: GET /sessions/{id}/result gives it. */
static void tell_end(struct run *run) {
  const struct agents *a = run->module;
  run_timeline(run, run->exit_code == 0 ? "done" : "failed");
  if (run->output.len == 0) {
    tell_stop(run);
    return;
  }
  bp_json_writer out = new_writer(a);
  put_event(run, out, "message");
  json_text_member(a->json, out, BP_LIT("role"), BP_LIT("assistant"));
  a->json->key(out, BP_LIT("content"));
  a->json->array_begin(out);
  a->json->object_begin(out);
  json_text_member(a->json, out, BP_LIT("type"), BP_LIT("text"));
  json_text_member(a->json, out, BP_LIT("text"), bytes_str(&run->output));
  a->json->object_end(out);
  a->json->array_end(out);
  call(run, "event", out, on_message_told);
}

static void end_with(struct run *run, int64_t exit_code, bp_str reason) {
  run->exit_code = exit_code;
  if (reason.len)
    bytes_copy(&run->reason, reason);
  run->is_over = true;
  if (run->is_started)
    tell_end(run);
}

/* ---- The child ---- */

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str line) {
  struct run *run = ctx;
  (void)proc;
  if (stream != BP_PROC_STDOUT || run->output.len + line.len + 1 > RUN_OUTPUT_BYTES)
    return;
  char *grown = realloc(run->output.ptr, run->output.len + line.len + 2);
  if (!grown)
    return;
  run->output.ptr = grown;
  if (run->output.len)
    grown[run->output.len++] = '\n';
  if (line.len)
    memcpy(grown + run->output.len, line.ptr, line.len);
  run->output.len += line.len;
  grown[run->output.len] = '\0';
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *exit) {
  static const char *const reasons[] = {"", "stopped", "timed out", "wrote too much", "could not be started"};
  struct run *run = ctx;
  (void)proc;
  const char *reason = exit->why < sizeof(reasons) / sizeof(reasons[0]) ? reasons[exit->why] : "";
  end_with(run, exit->signal ? 128 + exit->signal : exit->code, str_z(exit->signal && !reason[0] ? "ended by a signal" : reason));
}

static void answer_running(struct run *run) {
  const struct agents *a = run->module;
  bp_json_writer out = new_writer(a);
  a->json->object_begin(out);
  a->json->key(out, BP_LIT("success"));
  a->json->put_boolean(out, 1);
  json_text_member(a->json, out, BP_LIT("session_id"), str_z(run->session_id));
  json_text_member(a->json, out, BP_LIT("session_name"), bytes_str(&run->session_name));
  json_text_member(a->json, out, BP_LIT("agent_name"), str_z(run->job->name));
  a->json->key(out, BP_LIT("pid"));
  a->json->put_integer(out, run->pid);
  json_text_member(a->json, out, BP_LIT("status"), BP_LIT("running"));
  a->json->object_end(out);
  a->http->reply_json(run->job->request, 201, out);
  a->json->writer_free(out);
}

static void on_start_told(void *ctx, bp_status status, bp_str payload) {
  struct run *run = ctx;
  (void)status, (void)payload;
  answer_running(run);
  run_timeline(run, "running");
  run->is_started = true;
  if (run->is_over)
    tell_end(run);
}

static void refuse(struct run *run, uint32_t status, bp_str message) {
  kit_problem(run->module->http, run->job->request, status, message);
  run->is_started = true;
  end_with(run, -1, message);
}

static void spawn(struct run *run) {
  static const bp_proc_events events = {.size = sizeof(events), .output = on_output, .exited = on_exited};
  const struct agents *a = run->module;
  bp_error err = BP_ERROR_INIT;
  char token[65] = "";
  bp_status status = a->core->token_new(a->self, str_z(run->job->name), BP_LIT("read write"), token, run->token_id);
  if (status == BP_OK)
    status = run_spawn(run, str_z(token), &events, &err);
  explicit_bzero(token, sizeof(token));
  if (status != BP_OK) {
    refuse(run, status == BP_E_LIMIT ? 429 : 500, err.message[0] ? str_z(err.message) : BP_LIT("the agent cannot be started"));
    return;
  }
  run->pid = a->proc->pid(run->proc);
  bp_json_writer out = new_writer(a);
  put_event(run, out, "session_start");
  a->json->key(out, BP_LIT("pid"));
  a->json->put_integer(out, run->pid);
  call(run, "event", out, on_start_told);
}

/* ---- The beginning ---- */

static void on_noted(void *ctx, const bp_db_outcome *outcome) {
  struct run *run = ctx;
  if (outcome->status == BP_OK)
    spawn(run);
  else
    refuse(run, outcome->status == BP_E_FULL ? 507 : 503, BP_LIT("the run cannot be stored"));
}

static void note(struct run *run) {
  const struct agents *a = run->module;
  const bp_db_value values[] = {db_text(str_z(run->session_id)), db_text(bytes_str(&run->session_name))};
  const bp_db_step step = db_exec(INSERT_RUN, values, 2);
  if (a->db->write(a->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, on_noted, run) != BP_OK)
    refuse(run, 503, BP_LIT("the run cannot be stored"));
}

static void on_session(void *ctx, bp_status status, bp_str payload) {
  struct run *run = ctx;
  (void)payload;
  if (status == BP_OK) {
    note(run);
    return;
  }
  if (status == BP_E_EXISTS || status == BP_E_CONFLICT)
    kit_problem(run->module->http, run->job->request, 409, BP_LIT("Session already exists"));
  else if (status == BP_E_NOT_FOUND)
    kit_problem(run->module->http, run->job->request, 503, BP_LIT("An agent runs as a session: enable the module observability"));
  else
    run->module->http->reply_failure(run->job->request, status, NULL);
  run_free(run);
}

static void make_session(struct run *run) {
  const struct agents *a = run->module;
  bp_json_writer out = new_writer(a);
  a->json->object_begin(out);
  json_text_member(a->json, out, BP_LIT("session_id"), str_z(run->session_id));
  json_text_member(a->json, out, BP_LIT("session_name"), bytes_str(&run->session_name));
  json_text_member(a->json, out, BP_LIT("project_dir"), str_z(a->project));
  json_text_member(a->json, out, BP_LIT("agent_name"), str_z(run->job->name));
  call(run, "session", out, on_session);
}

/* The agent has been read. */
static void begin(struct job *job) {
  struct agents *a = job->module;
  struct run *run = job->status == BP_OK && a->run_count < RUNS_MOST ? run_new(job) : NULL;
  if (run) {
    make_session(run);
    return;
  }
  if (job->status == BP_E_STATE)
    kit_problem(a->http, job->request, 409, BP_LIT("Agent is inactive"));
  else if (job->status != BP_OK)
    job_answer_failure(job);
  else
    kit_problem(a->http, job->request, 429, BP_LIT("Too many agents run already: 64"));
  job_free(job);
}

void agents_run(void *state, bp_request request) {
  struct agents *a = state;
  if (a->config->entry_count(a->self, BP_LIT("run_command")) == 0) {
    kit_problem(a->http, request, 409, BP_LIT("No command is configured: set run_command of the module agents"));
    return;
  }
  struct job *job = job_begin_named(a, request, OP_RUN);
  if (!job)
    return;
  job->then = begin;
  job_start(job);
}

/* ---- After a kill ---- */

struct leftover {
  struct agents *module;
  char session_id[64];
};

static void on_leftover_told(void *ctx, bp_status status, bp_str payload) {
  struct leftover *left = ctx;
  (void)payload;
  if (status == BP_OK)
    forget_row(left->module, str_z(left->session_id));
  free(left);
}

static void tell_leftover(struct agents *a, bp_str session_id, bp_str session_name) {
  struct leftover *left = calloc(1, sizeof(*left));
  bp_json_writer out = new_writer(a);
  bp_str text;
  if (!left || session_id.len >= sizeof(left->session_id)) {
    a->json->writer_free(out);
    free(left);
    return;
  }
  left->module = a;
  memcpy(left->session_id, session_id.ptr, session_id.len);
  struct run run = {.module = a, .session_name = {(char *)(uintptr_t)session_name.ptr, session_name.len}};
  memcpy(run.session_id, left->session_id, sizeof(run.session_id));
  put_event(&run, out, "session_stop");
  json_text_member(a->json, out, BP_LIT("reason"), BP_LIT("the host was stopped"));
  a->json->object_end(out);
  bool is_called = a->json->writer_text(out, &text, NULL) == BP_OK &&
                   a->service->call(a->self, BP_LIT("observability/1"), BP_LIT("event"), text, 0, on_leftover_told, left) == BP_OK;
  a->json->writer_free(out);
  if (!is_called)
    free(left);
}

static void on_leftovers(void *ctx, const bp_db_outcome *outcome) {
  struct agents *a = ctx;
  for (uint32_t row = 0; outcome->status == BP_OK && row < a->db->rows(outcome->result, 0); row++)
    tell_leftover(a, db_column(a->db, outcome, 0, row, 0), db_column(a->db, outcome, 0, row, 1));
}

void runs_recover(struct agents *a) {
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_RUNS, .max_rows = 512};
  a->db->read(a->self, (bp_array){&query, 1, sizeof(query)}, 0, on_leftovers, a);
}
