/* `backplane acp`: an ACP agent on stdin and stdout, for editors; behind it are the sessions of the running host's gateway.
 *
 * Every request waits in a thread of its own; notifications and answers are taken by the main one. One listener reads the gateway's event
 * stream, from which updates and questions of the sessions that the editor has opened go to it (acp_events.c). */
#include "base/str.h"
#include "cli/acp_bridge.h"
#include "cli/bridge.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "host.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define GATEWAY_REFUSED (-32603)
#define NOT_FOUND (-32002)
#define INVALID (-32602)
#define UNAUTHENTICATED (-32000)

struct acp_bridge acp_bridge = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- To the editor ---- */

void acp_put(json_t *message) {
  struct buf text = {0};
  json_object_set_new(message, "jsonrpc", json_string("2.0"));
  doc_write(&text, message);
  json_decref(message);
  if (!bridge_put(buf_str(&text)))
    _Exit(CLI_FAILED); /* nobody reads any more */
  buf_release(&text);
}

static void put_result(json_t *id, json_t *result) {
  acp_put(json_pack("{s:O, s:o}", "id", id, "result", result));
}

static void put_error(json_t *id, int code, const char *message) {
  acp_put(json_pack("{s:O, s:{s:i, s:s}}", "id", id, "error", "code", code, "message", message));
}

/* ---- To the gateway ---- */

json_t *acp_ask(const char *method, const char *path, const char *id, const char *rest, const json_t *body, int64_t *ret_status) {
  struct wire wire = {0};
  struct buf target = {0}, text = {0};
  json_t *answer = NULL;
  buf_printf(&target, "/f/acp-gateway%s%s%s%c", path, id, rest, '\0');
  if (body)
    doc_write(&text, body);
  const struct wire_request request = {.state_dir = acp_bridge.state_dir, .method = method, .target = target.data, .body = buf_str(&text)};
  *ret_status = 0;
  if (!target.failed && !text.failed && wire_open(&wire, &request)) {
    answer = wire_json(&wire);
    *ret_status = wire.status;
    wire_close(&wire);
  }
  buf_release(&target);
  buf_release(&text);
  return answer;
}

/* The answer's data, or NULL with the editor told why. Takes `body`. */
static json_t *need(json_t *id, const char *method, const char *path, const char *session, const char *rest, json_t *body) {
  int64_t status;
  json_t *answer = acp_ask(method, path, session, rest, body, &status), *data = NULL;
  const char *why = json_string_value(json_object_get(answer, "error"));
  if (status == 200)
    data = json_incref(json_object_get(answer, "data"));
  if (!data)
    put_error(id,
              status == 404   ? NOT_FOUND
              : status == 401 ? UNAUTHENTICATED
              : status == 400 ? INVALID
                              : GATEWAY_REFUSED,
              why      ? why
              : status ? "the gateway refused the request"
                       : "no host is running: start one with `backplane run`");
  json_decref(answer);
  json_decref(body);
  return data;
}

/* The session that is named, if its name can stand in a URL; else the editor is told. */
static const char *session_of(json_t *id, const json_t *params) {
  const char *session = json_string_value(json_object_get(params, "sessionId"));
  if (session && acp_is_name(session))
    return session;
  put_error(id, session ? NOT_FOUND : INVALID, session ? "Session not found" : "sessionId is required");
  return NULL;
}

/* ---- Requests ---- */

static json_t *state_of(const json_t *session) {
  json_t *state = json_object(), *modes = json_object_get(session, "modes"), *options = json_object_get(session, "configOptions");
  if (json_is_object(modes))
    json_object_set(state, "modes", modes);
  if (json_is_array(options))
    json_object_set(state, "configOptions", options);
  return state;
}

static void run_initialize(json_t *id, const json_t *params) {
  (void)params;
  put_result(id, json_pack("{s:i, s:{s:b, s:{s:b, s:b, s:b}, s:{s:b, s:b}, s:{s:{}}}, s:{s:s, s:s, s:s}, s:[]}", "protocolVersion", 1,
                           "agentCapabilities", "loadSession", 1, "promptCapabilities", "image", 1, "audio", 0, "embeddedContext", 1,
                           "mcpCapabilities", "http", 0, "sse", 0, "sessionCapabilities", "list", "agentInfo", "name", "backplane", "title",
                           "Backplane", "version", HOST_VERSION, "authMethods"));
}

static void run_list(json_t *id, const json_t *params) {
  const char *cwd = json_string_value(json_object_get(params, "cwd"));
  json_t *data = need(id, "GET", "/sessions", "", "", NULL), *sessions = json_array(), *session;
  size_t i;
  json_array_foreach(json_object_get(data, "sessions"), i, session) {
    const char *folder = json_string_value(json_object_get(session, "workingDirectory"));
    if (!folder || (cwd && strcmp(cwd, folder) != 0))
      continue;
    json_array_append_new(sessions, json_pack("{s:O, s:s, s:O, s:O}", "sessionId", json_object_get(session, "id"), "cwd", folder, "title",
                                              json_object_get(session, "title"), "updatedAt", json_object_get(session, "lastActivity")));
  }
  if (data)
    put_result(id, json_pack("{s:O}", "sessions", sessions));
  json_decref(sessions);
  json_decref(data);
}

static void run_new(json_t *id, const json_t *params) {
  json_t *cwd = json_object_get(params, "cwd"), *servers = json_object_get(params, "mcpServers"), *data;
  if (acp_bridge.session) {
    data = need(id, "GET", "/session/", acp_bridge.session, "", NULL);
  } else {
    json_t *body = json_pack("{s:O*, s:O*, s:s*}", "workingDirectory", cwd, "mcpServers", servers, "agentId", acp_bridge.agent);
    data = need(id, "POST", "/session", "", "", body);
  }
  const char *session = json_string_value(json_object_get(data, "id"));
  if (session) {
    json_t *result = state_of(data);
    json_object_set(result, "sessionId", json_object_get(data, "id"));
    acp_attach(session);
    put_result(id, result);
    acp_forward_open(session);
  } else if (data) {
    put_error(id, GATEWAY_REFUSED, "the gateway gave no session");
  }
  json_decref(data);
}

static void run_load(json_t *id, const json_t *params) {
  const char *session = session_of(id, params);
  json_t *data = session ? need(id, "GET", "/session/", session, "", NULL) : NULL;
  const char *status = json_string_value(json_object_get(data, "status"));
  if (status && strcmp(status, "ended") == 0) {
    put_error(id, NOT_FOUND, "the session has ended");
  } else if (data) {
    acp_replay(session);
    acp_attach(session);
    put_result(id, state_of(data));
    acp_forward_open(session);
  }
  json_decref(data);
}

/* The answer follows the turn's last update: both are in the stream, so the listener is waited for. */
static void run_prompt(json_t *id, const json_t *params) {
  const char *session = session_of(id, params);
  json_t *blocks = json_object_get(params, "prompt");
  if (!session)
    return;
  if (!json_is_array(blocks)) {
    put_error(id, INVALID, "prompt is required");
    return;
  }
  unsigned before = acp_attach(session);
  int64_t status;
  json_t *body = json_pack("{s:O}", "prompt", blocks), *answer = acp_ask("POST", "/session/", session, "/prompt", body, &status);
  const char *reason = json_string_value(json_object_get(json_object_get(answer, "data"), "stopReason"));
  const char *why = json_string_value(json_object_get(answer, "error"));
  if (status == 200 || status == 500)
    acp_await_end(session, before);
  if (status == 200)
    put_result(id, json_pack("{s:s}", "stopReason", reason ? reason : "end_turn"));
  else
    put_error(id, status == 404 ? NOT_FOUND : status == 401 ? UNAUTHENTICATED : GATEWAY_REFUSED, why ? why : "the host did not run the turn");
  json_decref(body);
  json_decref(answer);
}

static void run_change(json_t *id, const json_t *params, const char *rest, bool has_state) {
  const char *session = session_of(id, params);
  json_t *data = session ? need(id, "POST", "/session/", session, rest, json_deep_copy(params)) : NULL;
  if (data)
    put_result(id, has_state ? json_pack("{s:O}", "configOptions", json_object_get(data, "configOptions")) : json_object());
  json_decref(data);
}

static void run_mode(json_t *id, const json_t *params) {
  run_change(id, params, "/mode", false);
}

static void run_option(json_t *id, const json_t *params) {
  run_change(id, params, "/config", true);
}

/* By name, alphabetical. */
static const struct {
  const char *name;
  void (*run)(json_t *id, const json_t *params);
} methods[] = {
    {"initialize", run_initialize}, {"session/list", run_list},     {"session/load", run_load},
    {"session/new", run_new},       {"session/prompt", run_prompt}, {"session/set_config_option", run_option},
    {"session/set_mode", run_mode},
};

/* ---- From the editor ---- */

/* Takes the message: a document belongs to one thread. */
static void run_request(void *arg) {
  json_t *message = arg, *id = json_object_get(message, "id");
  const char *method = json_string_value(json_object_get(message, "method"));
  size_t i = 0, count = sizeof(methods) / sizeof(methods[0]);
  while (i < count && strcmp(methods[i].name, method) != 0)
    i++;
  if (i < count)
    methods[i].run(id, json_object_get(message, "params"));
  else
    put_error(id, -32601, "Method not found");
  json_decref(message);
}

static void take_notification(const char *method, const json_t *params) {
  const char *session = json_string_value(json_object_get(params, "sessionId"));
  int64_t status;
  if (strcmp(method, "session/cancel") == 0 && session && acp_is_name(session))
    json_decref(acp_ask("POST", "/session/", session, "/cancel", NULL, &status));
}

static void take_line(bp_str line) {
  json_t *message = doc_parse(line, &doc_default_limits, NULL), *id = json_object_get(message, "id");
  const char *method = json_string_value(json_object_get(message, "method"));
  if (method && id) {
    bridge_request(run_request, message);
    return;
  }
  if (!message)
    acp_put(json_pack("{s:n, s:{s:i, s:s}}", "id", "error", "code", -32700, "message", "Parse error"));
  else if (method)
    take_notification(method, json_object_get(message, "params"));
  else if (json_is_string(id))
    acp_take_answer(json_string_value(id), json_object_get(message, "result"));
  json_decref(message);
}

static int run(const struct cli_call *call) {
  acp_bridge.state_dir = call->state_dir;
  acp_bridge.agent = cli_value(call, "--agent");
  acp_bridge.session = cli_value(call, "--session");
  if (acp_bridge.agent && acp_bridge.session)
    return say_misuse("--agent and --session exclude each other");
  if (acp_bridge.session && !acp_is_name(acp_bridge.session))
    return say_misuse("--session is not the id of a session");
  if (!client_is_running(call))
    return say_failure("no host is running with this state folder: start one with `backplane run`");
  if (!acp_listen())
    return say_failure("the host serves no agents: enable its module acp-gateway");
  bridge_run(take_line);
  return CLI_DONE;
}

static const struct cli_option options[] = {
    {"--agent", NULL, "ID", "the agent of new sessions (opencode)"},
    {"--session", NULL, "ID", "give this session of the host to an editor that asks for a new one"},
    {0},
};

const struct cli_command command_acp = {
    .name = "acp",
    .synopsis = "[--agent ID | --session ID]",
    .summary = "attach an editor that speaks ACP to the agents of the running host",
    .help = "Speaks the Agent Client Protocol on stdin and stdout, as an agent does. Its sessions are those of the running host: an editor\n"
            "opens new ones, lists and loads those that run, sees what happens in them, and is asked what their agents want to be asked.\n"
            "Put it where an editor wants the command of an agent:\n"
            "  {\"agent_servers\": {\"Backplane\": {\"command\": \"backplane\", \"args\": [\"acp\", \"--agent\", \"claude-code\"]}}}\n"
            "Sessions stay when the editor goes.",
    .options = options,
    .run = run,
};
