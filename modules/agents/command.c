/* What a run starts: the configured command with its placeholders filled in, and the environment it gets. */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MOST 64u
#define VARIABLES_MOST 64u
#define ARGUMENT_BYTES ((size_t)128 * 1024) /* the kernel takes no longer one */

/* ---- A new run ---- */

static bp_str body_text(const struct agents *a, bp_request request, const char *name) {
  bp_json body = 0, value = 0;
  bp_str text = {NULL, 0};
  if (a->http->body(request, &body) == BP_OK && a->json->get(body, str_z(name), &value) == BP_OK)
    a->json->string(value, &text);
  return text;
}

static void make_session_id(const struct agents *a, char ret[64]) {
  uint64_t random[2];
  a->core->random_bytes(random, sizeof(random));
  snprintf(ret, 64, "run-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

struct run *run_new(struct job *job) {
  struct agents *a = job->module;
  struct run *run = calloc(1, sizeof(*run));
  if (!run)
    return NULL;
  bp_str id = body_text(a, job->request, "session_id"), name = body_text(a, job->request, "session_name");
  *run = (struct run){.module = a, .job = job, .next = a->runs};
  if (id.len > 0 && id.len < sizeof(run->session_id))
    memcpy(run->session_id, id.ptr, id.len);
  else
    make_session_id(a, run->session_id);
  if (!bytes_copy(&run->session_name, name.len ? name : str_z(job->name)) || !bytes_copy(&job->prompt, body_text(a, job->request, "prompt"))) {
    bytes_free(&run->session_name);
    free(run);
    return NULL;
  }
  a->runs = run;
  a->run_count++;
  return run;
}

/* ---- The command ---- */

struct argument {
  char *text;
  size_t len, most;
};

static bool append(struct argument *argument, bp_str piece) {
  if (argument->len + piece.len >= ARGUMENT_BYTES)
    return false;
  if (argument->len + piece.len + 1 > argument->most) {
    size_t most = argument->len + piece.len + 64;
    char *grown = realloc(argument->text, most);
    if (!grown)
      return false;
    argument->text = grown;
    argument->most = most;
  }
  if (piece.len)
    memcpy(argument->text + argument->len, piece.ptr, piece.len);
  argument->len += piece.len;
  argument->text[argument->len] = '\0';
  return true;
}

/* The value of "{word}"; false: it is no placeholder. */
static bool append_value(const struct run *run, bp_str word, struct argument *argument, bool *ret_fits) {
  const struct agents *a = run->module;
  const struct job *job = run->job;
  char path[PATH_MAX + NAME_BYTES];
  const struct {
    const char *word, *file; /* file: a path of the agent's folder */
    bp_str value;
  } values[] = {
      {"{name}", NULL, str_z(job->name)},
      {"{prompt}", NULL, bytes_str(&job->prompt)},
      {"{system_prompt}", NULL, bytes_str(&job->system_prompt)},
      {"{session_id}", NULL, str_z(run->session_id)},
      {"{project_dir}", NULL, str_z(a->project)},
      {"{folder}", "", {NULL, 0}},
      {"{system_prompt_file}", "/agent.system-prompt.md", {NULL, 0}},
      {"{mcp_config}", "/agent.mcp.json", {NULL, 0}},
  };
  for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    if (!kit_same(word, values[i].word))
      continue;
    if (values[i].file)
      snprintf(path, sizeof(path), "%s/%s%s", a->folder, job->name, values[i].file);
    *ret_fits = append(argument, values[i].file ? str_z(path) : values[i].value);
    return true;
  }
  return false;
}

/* What is filled in is not looked at again, so a prompt may hold any braces. */
static bool fill(const struct run *run, bp_str template, struct argument *argument) {
  bool fits = append(argument, bp_str_make("", 0));
  for (size_t at = 0; fits && at < template.len;) {
    const char *end = template.ptr[at] == '{' ? memchr(template.ptr + at, '}', template.len - at) : NULL;
    size_t len = end ? (size_t)(end + 1 - (template.ptr + at)) : 1;
    if (end && append_value(run, bp_str_make(template.ptr + at, len), argument, &fits)) {
      at += len;
      continue;
    }
    fits = append(argument, bp_str_make(template.ptr + at, 1));
    at++;
  }
  return fits;
}

static uint32_t variables(const struct run *run, bp_str token, bp_proc_env env[VARIABLES_MOST]) {
  const struct agents *a = run->module;
  const struct {
    const char *name;
    bp_str value;
    uint32_t is_secret;
  } own[] = {
      {"AGENT_NAME", str_z(run->job->name), 0},
      {"AGENT_SESSION_ID", str_z(run->session_id), 0},
      {"AGENT_PROJECT_DIR", str_z(a->project), 0},
      {"BACKPLANE_TOKEN", token, 1},
  };
  uint32_t count = 0, given = a->config->entry_count(a->self, BP_LIT("run_env"));
  for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
    env[count++] = (bp_proc_env){.size = sizeof(env[0]), .is_secret = own[i].is_secret, .name = str_z(own[i].name), .value = own[i].value};
  for (uint32_t i = 0; i < given && count < VARIABLES_MOST; i++) {
    bp_proc_env *variable = &env[count];
    *variable = (bp_proc_env){.size = sizeof(*variable), .is_secret = 1};
    if (a->config->entry(a->self, BP_LIT("run_env"), i, &variable->name, &variable->value) == BP_OK && variable->value.len > 0)
      count++;
  }
  return count;
}

static bp_status spawn(struct run *run, const bp_str *argv, uint32_t argc, bp_str token, const bp_proc_events *events, bp_error *err) {
  const struct agents *a = run->module;
  bp_proc_env env[VARIABLES_MOST];
  uint32_t variable_count = variables(run, token, env);
  const bp_proc_spec spec = {
      .size = sizeof(spec),
      .lifetime = BP_PROC_BOUND,
      .name = str_z(run->job->name),
      .argv = {argv, argc, sizeof(argv[0])},
      .cwd = str_z(a->project),
      .env = {env, variable_count, sizeof(env[0])},
      .log_topic = BP_STR("agents.output"),
      .log_key = str_z(run->session_id),
  };
  return a->proc->spawn(a->self, &spec, events, run, &run->proc, err);
}

bp_status run_spawn(struct run *run, bp_str token, const bp_proc_events *events, bp_error *err) {
  const struct agents *a = run->module;
  struct argument arguments[ARGUMENTS_MOST] = {{NULL, 0, 0}};
  bp_str argv[ARGUMENTS_MOST], key, template;
  uint32_t count = a->config->entry_count(a->self, BP_LIT("run_command")), made = 0;
  bool fits = count <= ARGUMENTS_MOST;
  for (; fits && made < count; made++) {
    fits = a->config->entry(a->self, BP_LIT("run_command"), made, &key, &template) == BP_OK && fill(run, template, &arguments[made]);
    argv[made] = bp_str_make(arguments[made].text, arguments[made].len);
  }
  bp_status status = BP_E_LIMIT;
  if (fits)
    status = spawn(run, argv, count, token, events, err);
  else
    snprintf(err->message, sizeof(err->message), "the command is too long: at most 64 arguments of 128 KiB");
  for (uint32_t i = 0; i < ARGUMENTS_MOST; i++)
    free(arguments[i].text);
  return status;
}

/* ---- The timeline ---- */

static void told(void *ctx, bp_status status, bp_str payload) {
  (void)ctx, (void)status, (void)payload;
}

void run_timeline(const struct run *run, const char *status) {
  const struct agents *a = run->module;
  char id[80];
  bp_str text;
  bp_json_writer out = 0;
  bool is_running = strcmp(status, "running") == 0;
  if (a->json->writer_new(a->self, &out) != BP_OK)
    return;
  snprintf(id, sizeof(id), "agents.run:%s", run->session_id);
  a->json->object_begin(out);
  json_text_member(a->json, out, BP_LIT("id"), str_z(id));
  json_text_member(a->json, out, BP_LIT("session_id"), str_z(run->session_id));
  json_text_member(a->json, out, BP_LIT("kind"), BP_LIT("process"));
  json_text_member(a->json, out, BP_LIT("title"), bytes_str(&run->session_name));
  json_text_member(a->json, out, BP_LIT("status"), str_z(status));
  json_text_member(a->json, out, BP_LIT("module"), BP_LIT("agents"));
  json_text_member(a->json, out, BP_LIT("agent_id"), str_z(run->job->name));
  a->json->key(out, is_running ? BP_LIT("started_ms") : BP_LIT("ended_ms"));
  a->json->put_integer(out, a->core->now_wall_ns() / 1000000);
  if (is_running) {
    a->json->key(out, BP_LIT("pid"));
    a->json->put_integer(out, run->pid);
  }
  a->json->object_end(out);
  if (a->json->writer_text(out, &text, NULL) == BP_OK)
    a->service->call(a->self, BP_LIT("timeline/1"), BP_LIT("put"), text, 0, told, NULL);
  a->json->writer_free(out);
}
