/* `backplane mcp`: a bridge for MCP clients that speak stdio only, to the hub of the running host.
 *
 * A line from stdin is one POST over the control socket; what comes back, whole or as an event stream, becomes lines on stdout. Requests wait
 * in a thread each, so that one does not hold up another; what must keep its order (initialize, notifications) is sent by the main one. */
#include "base/buf.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "json/json.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS_MAX 64u
#define LINE_BYTES_MAX (16u << 20)
#define HEAD_BYTES_MAX (64u * 1024)
#define AGAIN_NS 500000000L
#define VERSION_BYTES 16u
#define SESSION_BYTES 65u

static struct {
  pthread_mutex_t lock; /* guards everything here, and whole lines on stdout */
  pthread_cond_t fewer;
  unsigned running;
  bool has_listener;
  char session[SESSION_BYTES], version[VERSION_BYTES];
  char target[512]; /* an id has 128 bytes at most */
  const char *state_dir;
} bridge = {.lock = PTHREAD_MUTEX_INITIALIZER, .fewer = PTHREAD_COND_INITIALIZER};

static void put_line(bp_str line) {
  pthread_mutex_lock(&bridge.lock);
  fwrite(line.ptr, 1, line.len, stdout);
  fputc('\n', stdout);
  fflush(stdout);
  pthread_mutex_unlock(&bridge.lock);
}

/* The client waits for an answer to `id`: it gets one whatever happens. */
static void put_failure(const json_t *id, const char *why) {
  struct buf text = {0};
  if (!id)
    return;
  json_t *message = json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code", -32000, "message", why);
  doc_write(&text, message);
  json_decref(message);
  put_line(buf_str(&text));
  buf_release(&text);
}

/* ---- HTTP ---- */

static void write_head(struct buf *out, const char *method, size_t body_len, const char *last_event) {
  buf_printf(out, "%s %s HTTP/1.0\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n", method, bridge.target);
  pthread_mutex_lock(&bridge.lock);
  if (bridge.session[0])
    buf_printf(out, "Mcp-Session-Id: %s\r\n", bridge.session);
  if (bridge.version[0])
    buf_printf(out, "MCP-Protocol-Version: %s\r\n", bridge.version);
  pthread_mutex_unlock(&bridge.lock);
  if (last_event && last_event[0])
    buf_printf(out, "Last-Event-ID: %s\r\n", last_event);
  if (strcmp(method, "POST") == 0)
    buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body_len);
  buf_append_z(out, "\r\n");
}

/* A connection on which the request has been sent, or -1. */
static int ask(const char *method, bp_str body, const char *last_event) {
  const struct timeval forever = {0};
  struct buf text = {0};
  int fd = client_connect(bridge.state_dir);
  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
  write_head(&text, method, body.len, last_event);
  buf_append_str(&text, body);
  bool is_sent = !text.failed;
  for (size_t at = 0; is_sent && at < text.len;) {
    ssize_t sent = send(fd, text.data + at, text.len - at, MSG_NOSIGNAL);
    is_sent = sent > 0 || (sent < 0 && errno == EINTR);
    at += sent > 0 ? (size_t)sent : 0;
  }
  buf_release(&text);
  if (is_sent)
    return fd;
  close(fd);
  return -1;
}

struct reply {
  int fd;
  int64_t status;
  bool is_stream;
  struct buf in; /* what has come of the body and is not yet used */
};

static bool read_more(struct reply *reply) {
  char *room = reply->in.len < LINE_BYTES_MAX ? buf_reserve(&reply->in, 65536) : NULL;
  ssize_t got = -1;
  do
    got = room ? recv(reply->fd, room, 65536, 0) : -1;
  while (got < 0 && room && errno == EINTR);
  if (got > 0)
    reply->in.len += (size_t)got;
  return got > 0;
}

static void take_header(struct reply *reply, bp_str line) {
  static const bp_str session = BP_STR("mcp-session-id:"), type = BP_STR("content-type:");
  if (line.len && line.ptr[line.len - 1] == '\r')
    line.len--;
  if (line.len > session.len && strncasecmp(line.ptr, session.ptr, session.len) == 0) {
    bp_str value = str_trim(bp_str_make(line.ptr + session.len, line.len - session.len));
    pthread_mutex_lock(&bridge.lock);
    if (value.len < SESSION_BYTES)
      snprintf(bridge.session, SESSION_BYTES, "%.*s", (int)value.len, value.ptr);
    pthread_mutex_unlock(&bridge.lock);
  } else if (line.len > type.len && strncasecmp(line.ptr, type.ptr, type.len) == 0) {
    reply->is_stream = memmem(line.ptr, line.len, "text/event-stream", 17) != NULL;
  }
}

static bool read_head(struct reply *reply) {
  const char *end = NULL;
  while (!(end = reply->in.len ? memmem(reply->in.data, reply->in.len, "\r\n\r\n", 4) : NULL))
    if (reply->in.len > HEAD_BYTES_MAX || !read_more(reply))
      return false;
  size_t head_len = (size_t)(end - reply->in.data) + 4;
  if (head_len < 16 || memcmp(reply->in.data, "HTTP/1.", 7) != 0 || !str_to_i64(bp_str_make(reply->in.data + 9, 3), &reply->status))
    return false;
  for (size_t at = 0; at < head_len;) {
    const char *stop = memchr(reply->in.data + at, '\n', head_len - at);
    size_t len = stop ? (size_t)(stop - reply->in.data) - at : head_len - at;
    take_header(reply, bp_str_make(reply->in.data + at, len));
    at += len + 1;
  }
  buf_consume(&reply->in, head_len);
  return true;
}

/* ---- Event streams ---- */

/* Hands on what one line of a stream holds; notes the id. */
static void take_stream_line(bp_str line, char last_event[64]) {
  if (line.len && line.ptr[line.len - 1] == '\r')
    line.len--;
  if (line.len > 6 && memcmp(line.ptr, "data: ", 6) == 0)
    put_line(bp_str_make(line.ptr + 6, line.len - 6));
  else if (line.len > 4 && line.len < 64 && memcmp(line.ptr, "id: ", 4) == 0)
    snprintf(last_event, 64, "%.*s", (int)line.len - 4, line.ptr + 4);
}

static void read_stream(struct reply *reply, char last_event[64]) {
  do {
    const char *end;
    while (reply->in.len && (end = memchr(reply->in.data, '\n', reply->in.len))) {
      size_t len = (size_t)(end - reply->in.data);
      take_stream_line(bp_str_make(reply->in.data, len), last_event);
      buf_consume(&reply->in, len + 1);
    }
  } while (read_more(reply));
}

/* ---- Messages ---- */

/* `id`: of the request this answers; NULL for a notification or an answer. */
static void read_reply(struct reply *reply, const json_t *id, bool is_initialize) {
  char last_event[64] = "";
  if (!read_head(reply)) {
    put_failure(id, "the host closed the connection");
    return;
  }
  if (reply->is_stream) {
    read_stream(reply, last_event);
    return;
  }
  while (read_more(reply))
    continue;
  json_t *body = reply->in.len ? doc_parse(buf_str(&reply->in), &doc_default_limits, NULL) : NULL;
  bool is_ours = json_is_object(body) && json_object_get(body, "jsonrpc") && !json_is_null(json_object_get(body, "id"));
  const char *version = json_string_value(json_object_get(json_object_get(body, "result"), "protocolVersion"));
  if (is_initialize && version) {
    pthread_mutex_lock(&bridge.lock);
    snprintf(bridge.version, sizeof(bridge.version), "%s", version);
    pthread_mutex_unlock(&bridge.lock);
  }
  const json_t *error = json_object_get(body, "error");
  const char *why = json_string_value(json_is_object(error) ? json_object_get(error, "message") : error ? error : json_object_get(body, "detail"));
  if (is_ours)
    put_line(str_trim(buf_str(&reply->in)));
  else if (reply->status >= 400)
    put_failure(id, why ? why : "the host refused the message");
  json_decref(body);
}

static void exchange_message(bp_str line, const json_t *id, bool is_initialize) {
  struct reply reply = {.fd = ask("POST", line, NULL)};
  if (reply.fd < 0) {
    put_failure(id, "no host is running: start one with `backplane run`");
    return;
  }
  read_reply(&reply, id, is_initialize);
  buf_release(&reply.in);
  close(reply.fd);
}

struct message {
  char *line;
  json_t *id;
};

static void *run_request(void *arg) {
  struct message *message = arg;
  exchange_message(str_from(message->line), message->id, false);
  free(message->line);
  json_decref(message->id);
  free(message);
  pthread_mutex_lock(&bridge.lock);
  bridge.running--;
  pthread_cond_signal(&bridge.fewer);
  pthread_mutex_unlock(&bridge.lock);
  return NULL;
}

static void wait_for_fewer(unsigned most) {
  pthread_mutex_lock(&bridge.lock);
  while (bridge.running > most)
    pthread_cond_wait(&bridge.fewer, &bridge.lock);
  pthread_mutex_unlock(&bridge.lock);
}

static void start_request(bp_str line, json_t *id) {
  pthread_t thread;
  struct message *message = malloc(sizeof(*message));
  wait_for_fewer(REQUESTS_MAX - 1);
  if (!message)
    return;
  *message = (struct message){str_dupz(line), json_incref(id)};
  pthread_mutex_lock(&bridge.lock);
  bridge.running++;
  pthread_mutex_unlock(&bridge.lock);
  if (pthread_create(&thread, NULL, run_request, message) == 0)
    pthread_detach(thread);
  else
    run_request(message);
}

/* What servers send by themselves, for as long as we run. */
static void *run_listener(void *arg) {
  const struct timespec again = {.tv_nsec = AGAIN_NS};
  char last_event[64] = "";
  (void)arg;
  for (;;) {
    struct reply reply = {.fd = ask("GET", BP_LIT(""), last_event)};
    if (reply.fd >= 0) {
      if (read_head(&reply) && reply.is_stream)
        read_stream(&reply, last_event);
      else
        last_event[0] = '\0';
      buf_release(&reply.in);
      close(reply.fd);
    }
    nanosleep(&again, NULL);
  }
  return NULL;
}

static void start_listener(void) {
  pthread_t thread;
  if (!bridge.has_listener && bridge.session[0] && pthread_create(&thread, NULL, run_listener, NULL) == 0) {
    bridge.has_listener = true;
    pthread_detach(thread);
  }
}

static void take_line(bp_str line) {
  bp_error err = BP_ERROR_INIT;
  json_t *message = doc_parse(line, &doc_default_limits, &err);
  if (!message) {
    put_line(BP_LIT("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error\"}}"));
    return;
  }
  const char *method = json_string_value(json_object_get(message, "method"));
  json_t *id = json_object_get(message, "id");
  bool is_initialize = method && strcmp(method, "initialize") == 0;
  if (method && id && !is_initialize) {
    start_request(line, id);
  } else {
    exchange_message(line, method ? id : NULL, is_initialize);
    if (method && strcmp(method, "notifications/initialized") == 0)
      start_listener();
  }
  json_decref(message);
}

/* The path of the hub, or of a part of it; an id may be any text, so it is percent-encoded (RFC 3986). False: too long. */
static bool set_target(const char *part, const char *name) {
  struct buf path = {0};
  buf_printf(&path, "/mcp%s", part);
  for (; *name; name++) {
    bool is_plain = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || (*name >= '0' && *name <= '9') || strchr("-._~", *name);
    buf_printf(&path, is_plain ? "%c" : "%%%02X", (unsigned char)*name);
  }
  bool fits = !path.failed && path.len < sizeof(bridge.target);
  if (fits)
    snprintf(bridge.target, sizeof(bridge.target), "%.*s", (int)path.len, path.data);
  buf_release(&path);
  return fits;
}

static int run(const struct cli_call *call) {
  const char *server = cli_value(call, "--server"), *group = cli_value(call, "--group");
  char *line = NULL;
  size_t capacity = 0;
  ssize_t len;
  if (server && group)
    return say_misuse("--server and --group exclude each other");
  if (!set_target(server ? "/server/" : group ? "/group/" : "", server ? server : group ? group : ""))
    return say_misuse("the id or name is too long");
  bridge.state_dir = call->state_dir;
  if (!client_is_running(call))
    return say_failure("no host is running with this state folder: start one with `backplane run`");
  signal(SIGPIPE, SIG_IGN);
  while ((len = getline(&line, &capacity, stdin)) > 0) {
    bp_str text = str_trim(bp_str_make(line, (size_t)len));
    if (text.len > 0 && text.len <= LINE_BYTES_MAX)
      take_line(text);
  }
  free(line);
  wait_for_fewer(0);
  int fd = bridge.session[0] ? ask("DELETE", BP_LIT(""), NULL) : -1;
  if (fd >= 0) {
    char answer[64];
    (void)!recv(fd, answer, sizeof(answer), 0);
    close(fd);
  }
  return CLI_DONE;
}

static const struct cli_option options[] = {
    {"--group", NULL, "NAME", "only the servers and tools of this group"},
    {"--server", NULL, "ID", "only this server"},
    {0},
};

const struct cli_command command_mcp = {
    .name = "mcp",
    .synopsis = "[--server ID | --group NAME]",
    .summary = "bridge an MCP client that speaks stdio to the running host's hub",
    .help = "Reads MCP messages from stdin, one a line, hands them to /mcp of the running host, and writes what comes back to\n"
            "stdout. Put it where a client wants the command of an MCP server:\n"
            "  {\"mcpServers\": {\"backplane\": {\"command\": \"backplane\", \"args\": [\"mcp\"]}}}\n"
            "Clients that speak Streamable HTTP need no bridge: http://127.0.0.1:8700/mcp.",
    .options = options,
    .run = run,
};
