/* One process behind an instance; see process.h. Messages and lines are cut here, because they may be longer than bp.proc's lines. */
#include "process.h"

#include <string.h>

#define GRACE_MS 2000
#define ERROR_LINE_BYTES_MAX (16u * 1024)
#define ARGS_MOST 256u
#define ENV_MOST 256u

/* ---- Output ---- */

static void take_piece(struct instance *instance, bp_str piece, bool is_end) {
  size_t most = (size_t)instance->m->message_bytes_most;
  if (instance->is_skipping) {
    instance->is_skipping = !is_end;
    return;
  }
  if (instance->input.len + piece.len > most || !text_add(&instance->input, piece)) {
    say(instance->m, BP_LOG_WARN, "a message over message_limit_bytes was dropped", str_z(instance->server->id));
    log_line(instance->server, BP_PROC_STDERR, BP_LIT("[backplane] a message over message_limit_bytes was dropped"));
    text_release(&instance->input);
    instance->is_skipping = !is_end;
    return;
  }
  if (!is_end)
    return;
  struct text line = instance->input;
  instance->input = (struct text){0};
  while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' '))
    line.len--;
  if (line.len)
    instance_receive(instance, text_str(&line));
  text_release(&line);
}

static void take_errors(struct instance *instance, bp_str data) {
  while (data.len) {
    const char *end = memchr(data.ptr, '\n', data.len);
    size_t len = end ? (size_t)(end - data.ptr) : data.len;
    size_t room = ERROR_LINE_BYTES_MAX > instance->errors.len ? ERROR_LINE_BYTES_MAX - instance->errors.len : 0;
    text_add(&instance->errors, bp_str_make(data.ptr, len < room ? len : room));
    if (end || instance->errors.len >= ERROR_LINE_BYTES_MAX) {
      if (end || len > 0)
        log_line(instance->server, BP_PROC_STDERR, text_str(&instance->errors));
      text_release(&instance->errors);
    }
    len += end ? 1 : 0;
    data = bp_str_make(data.ptr + len, data.len - len);
  }
}

/* Nothing below frees the instance: it ends by on_exited only, or in a tick. */
static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str data) {
  struct instance *instance = ctx;
  (void)proc;
  if (stream == BP_PROC_STDERR) {
    take_errors(instance, data);
    return;
  }
  while (data.len) {
    const char *end = memchr(data.ptr, '\n', data.len);
    size_t len = end ? (size_t)(end - data.ptr) : data.len;
    take_piece(instance, bp_str_make(data.ptr, len), end != NULL);
    len += end ? 1 : 0;
    data = bp_str_make(data.ptr + len, data.len - len);
  }
}

static void on_drained(void *ctx, bp_proc proc) {
  (void)proc;
  instance_drained(ctx);
}

void process_flush(struct instance *instance) {
  if (instance->errors.len)
    log_line(instance->server, BP_PROC_STDERR, text_str(&instance->errors));
  text_release(&instance->errors);
}

/* ---- Start ---- */

static uint32_t read_args(const struct mcp *m, bp_json args, bp_str *argv) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < m->json->count(args) && count < ARGS_MOST; i++) {
    bp_json item = 0;
    if (m->json->at(args, i, &item) == BP_OK && m->json->string(item, &argv[count]) == BP_OK)
      count++;
  }
  return count;
}

static uint32_t read_env(const struct mcp *m, bp_json env, bp_proc_env *list) {
  uint64_t cursor = 0;
  uint32_t count = 0;
  bp_str name, text;
  bp_json value;
  while (env && count < ENV_MOST && m->json->next(env, &cursor, &name, &value) == BP_OK)
    if (m->json->string(value, &text) == BP_OK)
      list[count++] = (bp_proc_env){.size = sizeof(bp_proc_env), .is_secret = 1, .name = name, .value = text};
  return count;
}

static bp_status spawn(struct instance *instance, bp_json args, bp_json env, const bp_proc_events *events, bp_error *err) {
  struct mcp *m = instance->m;
  bp_str argv[ARGS_MOST + 1];
  bp_proc_env list[ENV_MOST];
  argv[0] = str_z(instance->server->command);
  const bp_proc_spec spec = {.size = sizeof(spec),
                             .lifetime = BP_PROC_BOUND,
                             .flags = BP_PROC_RAW_OUTPUT | BP_PROC_STDIN,
                             .name = str_z(instance->server->id),
                             .argv = {argv, 1 + read_args(m, args, argv + 1), (uint32_t)sizeof(argv[0])},
                             .cwd = instance->server->cwd ? str_z(instance->server->cwd) : BP_LIT(""),
                             .env = {list, read_env(m, env, list), (uint32_t)sizeof(list[0])},
                             .grace_ms = GRACE_MS};
  return m->proc->spawn(m->self, &spec, events, instance, &instance->proc, err);
}

bp_status process_spawn(struct instance *instance, bp_str env_text, process_started_fn started, process_exited_fn exited, bp_error *err) {
  const bp_proc_events events = {.size = sizeof(events), .started = started, .output = on_output, .stdin_drained = on_drained, .exited = exited};
  struct mcp *m = instance->m;
  bp_json args = 0, env = 0;
  m->json->parse(m->self, str_z(instance->server->args), &args, NULL);
  if (env_text.len)
    m->json->parse(m->self, env_text, &env, NULL);
  instance->has_proc = true; /* `started` may come before this returns */
  bp_status status = spawn(instance, args, env, &events, err);
  if (status != BP_OK)
    instance->has_proc = false;
  if (args)
    m->json->release(m->self, args);
  if (env)
    m->json->release(m->self, env);
  return status;
}
