/* What most commands say to the running host, and how they take its answers; see client.h. */
#include "cli/client.h"
#include "base/buf.h"
#include "base/str.h"
#include "cli/paths.h"
#include "cli/probe.h"
#include "cli/say.h"
#include "cli/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_SECONDS 120
#define TOKEN_BYTES 64

bool client_is_running(const struct cli_call *call) {
  int fd = wire_connect(call->state_dir, ANSWER_SECONDS);
  if (fd < 0)
    return false;
  close(fd);
  return true;
}

static bool read_admin_token(const char *state_dir, char token[TOKEN_BYTES + 1]) {
  char *path = path_join(state_dir, "admin.token");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  free(path);
  if (fd < 0)
    return false;
  ssize_t got = read(fd, token, TOKEN_BYTES);
  close(fd);
  token[TOKEN_BYTES] = '\0';
  return got == TOKEN_BYTES;
}

/* Says the host's refusal: problem details (RFC 9457), or the bare status. */
static void say_refusal(int64_t status, const json_t *problem) {
  const char *text = json_string_value(json_object_get(problem, "detail"));
  const char *hint = json_string_value(json_object_get(problem, "hint"));
  say_failure("the host answered %d%s%s", (int)status, text ? ": " : "", text ? text : "");
  if (hint)
    fprintf(stderr, "  %s\n", hint);
}

/* The answer's JSON, or NULL with the reason said. */
static json_t *read_answer(int64_t status, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  json_t *value = body.len ? doc_parse(body, &probe_limits, &err) : json_null();
  if (status >= 200 && status < 300) {
    if (!value)
      say_failure("the host's answer is not JSON: %s", err.message);
    return value;
  }
  say_refusal(status, value);
  json_decref(value);
  return NULL;
}

static void say_no_answer(const struct cli_call *call, int reason) {
  if (reason == EPROTO) {
    say_failure("the host's answer is not HTTP");
  } else if (client_is_running(call)) {
    say_failure("the host on \"%s\" did not answer: %s", call->state_dir, strerror(reason));
  } else {
    bool is_absent = reason == ENOENT || reason == ECONNREFUSED;
    say_failure("no host is running on the state folder \"%s\"%s%s", call->state_dir, is_absent ? "" : ": ", is_absent ? "" : strerror(reason));
    fputs("  start one with `backplane run`, or name its folder with --state\n", stderr);
  }
}

json_t *client_request(const struct cli_call *call, const char *method, const char *target, const json_t *body) {
  char token[TOKEN_BYTES + 1];
  struct buf text = {0}, headers = {0};
  struct wire wire = {0};
  json_t *answer = NULL;
  if (body)
    doc_write(&text, body);
  if (read_admin_token(call->state_dir, token))
    buf_printf(&headers, "Authorization: Bearer %s\r\n", token);
  const struct wire_request request = {.state_dir = call->state_dir,
                                       .method = method,
                                       .target = target,
                                       .headers = buf_str(&headers),
                                       .body = buf_str(&text),
                                       .wait_seconds = ANSWER_SECONDS};
  if (!wire_open(&wire, &request)) {
    say_no_answer(call, errno);
  } else {
    if (wire_rest(&wire))
      answer = read_answer(wire.status, buf_str(&wire.in));
    else
      say_no_answer(call, errno);
    wire_close(&wire);
  }
  explicit_bzero(token, sizeof(token));
  if (headers.data)
    explicit_bzero(headers.data, headers.len);
  buf_release(&headers);
  buf_release(&text);
  return answer;
}

json_t *client_get(const struct cli_call *call, const char *target) {
  return client_request(call, "GET", target, NULL);
}
