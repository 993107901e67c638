/* The control socket's client; see client.h. It speaks HTTP/1.0, so that the answer ends where the connection does. */
#include "cli/client.h"
#include "base/buf.h"
#include "base/str.h"
#include "cli/paths.h"
#include "cli/probe.h"
#include "cli/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (64u << 20)
#define ANSWER_SECONDS 120
#define TOKEN_BYTES 64

/* A connected socket, or -1 with errno. A path longer than an address holds is reached through the folder's descriptor. */
int client_connect(const char *state_dir) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
  int folder = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return -1;
  snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control.sock", folder);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) != 0) {
    close(fd);
    fd = -1;
  }
  int reason = errno;
  close(folder);
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  errno = reason;
  return fd;
}

bool client_is_running(const struct cli_call *call) {
  int fd = client_connect(call->state_dir);
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

static void write_request(struct buf *out, const struct cli_call *call, const char *method, const char *target, const json_t *body) {
  char token[TOKEN_BYTES + 1];
  struct buf text = {0};
  if (body)
    doc_write(&text, body);
  buf_printf(out, "%s %s HTTP/1.0\r\nHost: localhost\r\n", method, target);
  if (read_admin_token(call->state_dir, token))
    buf_printf(out, "Authorization: Bearer %s\r\n", token);
  if (body)
    buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", text.len);
  buf_append_z(out, "\r\n");
  buf_append_str(out, buf_str(&text));
  explicit_bzero(token, sizeof(token));
  buf_release(&text);
}

static bool send_all(int fd, bp_str bytes) {
  while (bytes.len > 0) {
    ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      return false;
    bytes.ptr += sent;
    bytes.len -= (size_t)sent;
  }
  return true;
}

static bool receive_all(int fd, struct buf *in) {
  while (in->len < ANSWER_BYTES_MAX) {
    char *room = buf_reserve(in, 65536);
    if (!room)
      return false;
    ssize_t got = recv(fd, room, 65536, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return false;
    if (got == 0)
      return true;
    in->len += (size_t)got;
  }
  return false;
}

/* The status and the body of a whole answer; false if it is none. */
static bool split_answer(bp_str answer, int64_t *ret_status, bp_str *ret_body) {
  if (answer.len < 13 || memcmp(answer.ptr, "HTTP/1.", 7) != 0 || !str_to_i64(bp_str_make(answer.ptr + 9, 3), ret_status))
    return false;
  const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
  if (!end)
    return false;
  *ret_body = bp_str_make(end + 4, answer.len - (size_t)(end + 4 - answer.ptr));
  return true;
}

/* Says the host's refusal: problem details (RFC 9457), or the bare status. */
static void say_refusal(int64_t status, const json_t *problem) {
  const char *text = json_string_value(json_object_get(problem, "detail"));
  const char *hint = json_string_value(json_object_get(problem, "hint"));
  say_failure("the host answered %d%s%s", (int)status, text ? ": " : "", text ? text : "");
  if (hint)
    fprintf(stderr, "  %s\n", hint);
}

static json_t *read_answer(bp_str answer) {
  int64_t status;
  bp_str body;
  bp_error err = BP_ERROR_INIT;
  if (!split_answer(answer, &status, &body)) {
    say_failure("the host's answer is not HTTP");
    return NULL;
  }
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

json_t *client_request(const struct cli_call *call, const char *method, const char *target, const json_t *body) {
  struct buf out = {0}, in = {0};
  json_t *answer = NULL;
  int fd = client_connect(call->state_dir);
  if (fd < 0) {
    bool is_absent = errno == ENOENT || errno == ECONNREFUSED;
    say_failure("no host is running on the state folder \"%s\"%s%s", call->state_dir, is_absent ? "" : ": ", is_absent ? "" : strerror(errno));
    fputs("  start one with `backplane run`, or name its folder with --state\n", stderr);
    return NULL;
  }
  write_request(&out, call, method, target, body);
  if (out.failed || !send_all(fd, buf_str(&out)) || !receive_all(fd, &in))
    say_failure("the host on \"%s\" did not answer: %s", call->state_dir, strerror(errno));
  else
    answer = read_answer(buf_str(&in));
  close(fd);
  explicit_bzero(out.data, out.len);
  buf_release(&out);
  buf_release(&in);
  return answer;
}

json_t *client_get(const struct cli_call *call, const char *target) {
  return client_request(call, "GET", target, NULL);
}
