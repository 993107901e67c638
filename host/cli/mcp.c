/* `backplane mcp`: a bridge for MCP clients that speak stdio only, to the hub of the running host.
 *
 * A line from stdin is one POST over the control socket; what comes back, whole or as an event stream, becomes lines on stdout. Requests wait
 * in a thread each, so that one does not hold up another; what must keep its order (initialize, notifications) is sent by the main one. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/bridge.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/wire.h"
#include "json/json.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_NS 500000000L
#define VERSION_BYTES 16u
#define SESSION_BYTES 65u

static struct {
  pthread_mutex_t lock; /* guards session and version */
  bool has_listener;
  char session[SESSION_BYTES], version[VERSION_BYTES];
  char target[512]; /* an id has 128 bytes at most */
  const char *state_dir;
} hub = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The client waits for an answer to `id`: it gets one whatever happens. */
static void put_failure(const json_t *id, const char *why) {
  struct buf text = {0};
  if (!id)
    return;
  json_t *message = json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code", -32000, "message", why);
  doc_write(&text, message);
  json_decref(message);
  bridge_put(buf_str(&text));
  buf_release(&text);
}

/* ---- The hub ---- */

/* What follows the first lines of a request's head. */
static void write_headers(struct buf *out, const char *last_event) {
  buf_append_z(out, "Accept: application/json, text/event-stream\r\n");
  pthread_mutex_lock(&hub.lock);
  if (hub.session[0])
    buf_printf(out, "Mcp-Session-Id: %s\r\n", hub.session);
  if (hub.version[0])
    buf_printf(out, "MCP-Protocol-Version: %s\r\n", hub.version);
  pthread_mutex_unlock(&hub.lock);
  if (last_event[0])
    buf_printf(out, "Last-Event-ID: %s\r\n", last_event);
}

/* Sends the request and reads the answer's head; false: no host, or no HTTP. */
static bool ask(struct wire *wire, const char *method, bp_str body, const char *last_event) {
  struct buf headers = {0};
  write_headers(&headers, last_event);
  const struct wire_request request = {
      .state_dir = hub.state_dir, .method = method, .target = hub.target, .headers = buf_str(&headers), .body = body};
  bool is_open = wire_open(wire, &request);
  buf_release(&headers);
  bp_str session = is_open ? wire_header(wire, "mcp-session-id") : bp_str_make(NULL, 0);
  if (session.len == 0 || session.len >= SESSION_BYTES)
    return is_open;
  pthread_mutex_lock(&hub.lock);
  snprintf(hub.session, SESSION_BYTES, "%.*s", (int)session.len, session.ptr);
  pthread_mutex_unlock(&hub.lock);
  return is_open;
}

static bool is_stream(const struct wire *wire) {
  bp_str type = wire_header(wire, "content-type");
  return type.len && memmem(type.ptr, type.len, "text/event-stream", 17);
}

static void read_stream(struct wire *wire, char last_event[WIRE_EVENT_ID_BYTES]) {
  struct buf data = {0};
  while (wire_event(wire, &data, last_event))
    bridge_put(buf_str(&data));
  buf_release(&data);
}

/* ---- Messages ---- */

/* `id`: of the request this answers; NULL for a notification or an answer. */
static void read_reply(struct wire *wire, const json_t *id, bool is_initialize) {
  char last_event[WIRE_EVENT_ID_BYTES] = "";
  if (is_stream(wire)) {
    read_stream(wire, last_event);
    return;
  }
  json_t *body = wire_json(wire);
  bool is_ours = json_is_object(body) && json_object_get(body, "jsonrpc") && !json_is_null(json_object_get(body, "id"));
  const char *version = json_string_value(json_object_get(json_object_get(body, "result"), "protocolVersion"));
  if (is_initialize && version) {
    pthread_mutex_lock(&hub.lock);
    snprintf(hub.version, sizeof(hub.version), "%s", version);
    pthread_mutex_unlock(&hub.lock);
  }
  const json_t *error = json_object_get(body, "error");
  const char *why = json_string_value(json_is_object(error) ? json_object_get(error, "message") : error ? error : json_object_get(body, "detail"));
  if (is_ours)
    bridge_put(str_trim(buf_str(&wire->in)));
  else if (wire->status >= 400)
    put_failure(id, why ? why : "the host refused the message");
  json_decref(body);
}

static void exchange_message(bp_str line, const json_t *id, bool is_initialize) {
  struct wire wire = {0};
  if (!ask(&wire, "POST", line, "")) {
    bool is_absent = errno == ENOENT || errno == ECONNREFUSED;
    put_failure(id, is_absent ? "no host is running: start one with `backplane run`" : "the host closed the connection");
    return;
  }
  read_reply(&wire, id, is_initialize);
  wire_close(&wire);
}

struct message {
  char *line;
  json_t *id;
};

static void run_request(void *arg) {
  struct message *message = arg;
  exchange_message(str_from(message->line), message->id, false);
  free(message->line);
  json_decref(message->id);
  free(message);
}

static void start_request(bp_str line, json_t *id) {
  struct message *message = mem_alloc(sizeof(*message));
  *message = (struct message){str_dupz(line), json_incref(id)};
  bridge_request(run_request, message);
}

/* What servers send by themselves, for as long as we run. */
static void *run_listener(void *arg) {
  const struct timespec again = {.tv_nsec = AGAIN_NS};
  char last_event[WIRE_EVENT_ID_BYTES] = "";
  (void)arg;
  for (;;) {
    struct wire wire = {0};
    if (ask(&wire, "GET", bp_str_make(NULL, 0), last_event)) {
      if (is_stream(&wire))
        read_stream(&wire, last_event);
      else
        last_event[0] = '\0';
      wire_close(&wire);
    }
    nanosleep(&again, NULL);
  }
  return NULL;
}

static void start_listener(void) {
  pthread_t thread;
  if (!hub.has_listener && hub.session[0] && pthread_create(&thread, NULL, run_listener, NULL) == 0) {
    hub.has_listener = true;
    pthread_detach(thread);
  }
}

static void take_line(bp_str line) {
  bp_error err = BP_ERROR_INIT;
  json_t *message = doc_parse(line, &doc_default_limits, &err);
  if (!message) {
    bridge_put(BP_LIT("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error\"}}"));
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
  bool fits = !path.failed && path.len < sizeof(hub.target);
  if (fits)
    snprintf(hub.target, sizeof(hub.target), "%.*s", (int)path.len, path.data);
  buf_release(&path);
  return fits;
}

static int run(const struct cli_call *call) {
  const char *server = cli_value(call, "--server"), *group = cli_value(call, "--group");
  if (server && group)
    return say_misuse("--server and --group exclude each other");
  if (!set_target(server ? "/server/" : group ? "/group/" : "", server ? server : group ? group : ""))
    return say_misuse("the id or name is too long");
  hub.state_dir = call->state_dir;
  if (!client_is_running(call))
    return say_failure("no host is running with this state folder: start one with `backplane run`");
  bridge_run(take_line);
  struct wire wire = {0};
  if (hub.session[0] && ask(&wire, "DELETE", bp_str_make(NULL, 0), ""))
    wire_close(&wire);
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
