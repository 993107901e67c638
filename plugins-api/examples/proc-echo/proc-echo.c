/* Example: a route that runs a program (bp.proc/1) and answers with what it prints.
 *
 *   POST /echo {"text": "hello"}   ->   {"output": "hello", "exit_code": 0}
 *
 * Each request is one child. The reply is deferred until the child has ended; a client that leaves has its child stopped. */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_proc_1 *proc;
} echo;

/* One request and its child. */
struct run {
  bp_request request;
  bp_proc proc;
  bp_json_writer answer; /* a string is put into it once the one line is there */
  int has_line;
};

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str line) {
  struct run *run = ctx;
  (void)proc;
  if (stream != BP_PROC_STDOUT || run->has_line)
    return;
  run->has_line = 1;
  echo.json->put_string(run->answer, line);
}

/* The last call about this child: here its memory is given back. A reply to a client that has left does nothing. */
static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *result) {
  struct run *run = ctx;
  (void)proc;
  if (!run->has_line)
    echo.json->put_null(run->answer);
  echo.json->key(run->answer, BP_LIT("exit_code"));
  echo.json->put_integer(run->answer, result->code);
  echo.json->object_end(run->answer);
  echo.http->reply_json(run->request, 200, run->answer);
  echo.json->writer_free(run->answer);
  free(run);
}

static void on_cancel(void *ctx, bp_request request, uint32_t reason) {
  struct run *run = ctx;
  (void)request;
  (void)reason;
  echo.proc->stop(run->proc); /* on_exited follows */
}

static const bp_proc_events events = {.size = sizeof(bp_proc_events), .output = on_output, .exited = on_exited};

static bp_status start_child(struct run *run, bp_str text, bp_error *err) {
  const bp_str argv[] = {BP_STR("/bin/echo"), text}; /* never a shell: the text is one argument, whatever it holds */
  const bp_proc_spec spec = {
      .size = sizeof(spec),
      .lifetime = BP_PROC_BOUND,
      .name = BP_STR("echo"),
      .argv = BP_ARRAY(argv),
      .timeout_ms = 5000,
      .output_limit_bytes = 1024 * 1024,
  };
  return echo.proc->spawn(echo.self, &spec, &events, run, &run->proc, err);
}

static void post_echo(void *state, bp_request request) {
  bp_error err = BP_ERROR_INIT;
  bp_json body = 0, text = 0;
  bp_str value = {NULL, 0};
  (void)state;
  struct run *run = calloc(1, sizeof(*run));
  if (!run || echo.json->writer_new(echo.self, &run->answer) != BP_OK) {
    free(run);
    echo.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  run->request = request;
  echo.json->object_begin(run->answer);
  echo.json->key(run->answer, BP_LIT("output"));
  echo.http->body(request, &body); /* the schema was checked: "text" is there and is a string */
  echo.json->get(body, BP_LIT("text"), &text);
  echo.json->string(text, &value);
  bp_status status = start_child(run, value, &err);
  if (status == BP_OK)
    echo.http->defer(request, on_cancel, run);
  else
    echo.http->reply_failure(request, status, &err);
  if (!run->proc) {
    echo.json->writer_free(run->answer);
    free(run);
  }
}

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .flags = BP_ROUTE_READ_ONLY, /* it changes nothing, so no policy is asked */
     .method = BP_STR("POST"),
     .path = BP_STR("/echo"),
     .operation_id = BP_STR("echo"),
     .summary = BP_STR("Run /bin/echo and answer with its output"),
     .body_schema = BP_STR("{\"type\":\"object\",\"required\":[\"text\"],\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":10000}}}"),
     .handle = post_echo},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("proc-echo"),
     .title = BP_STR("Example of bp.proc/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_PROC_1), sizeof(bp_proc_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  echo.self = self;
  echo.http = host->get(self, BP_LIT(BP_HTTP_1));
  echo.json = host->get(self, BP_LIT(BP_JSON_1));
  echo.proc = host->get(self, BP_LIT(BP_PROC_1));
  *ret_state = &echo;
  return BP_OK;
}

static void destroy(void *state) {
  (void)state; /* the state is static; children were ended and waited for by the host */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.proc-echo"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Runs a program for each request."),
    .family = BP_STR("proc-echo"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
