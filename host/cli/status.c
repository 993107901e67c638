/* `backplane status`: what the running host says about itself. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <stdio.h>
#include <string.h>

/* "127.0.0.1:8700", "[::1]:8700", or a Unix socket's path. */
static json_t *where(const json_t *listener) {
  const char *address = json_string_value(json_object_get(listener, "address"));
  int port = (int)json_integer_value(json_object_get(listener, "port"));
  if (!address || !port)
    return json_incref(json_object_get(listener, "address"));
  return strchr(address, ':') ? json_sprintf("[%s]:%d", address, port) : json_sprintf("%s:%d", address, port);
}

static void show_listeners(const json_t *listeners) {
  static const char *const headings[] = {"LISTENER", "FAMILY", "AUTH"};
  json_t *rows = json_array();
  size_t index;
  const json_t *listener;
  json_array_foreach(listeners, index, listener)
      json_array_append_new(rows, json_pack("[o, O?, O?]", where(listener), json_object_get(listener, "family"), json_object_get(listener, "auth")));
  putchar('\n');
  say_table(headings, 3, rows);
  json_decref(rows);
}

static void show(const json_t *status) {
  static const char *const names[] = {"version",        "pid",           "uptime_s",    "state",    "config",     "modules_started",
                                      "modules_failed", "store",         "connections", "requests", "websockets", "event_streams",
                                      "bulk_sends",     "live_sequence", NULL};
  printf("the host is %s\n\n", json_is_true(json_object_get(status, "ready")) ? "ready" : "not ready");
  const char *reason = json_string_value(json_object_get(status, "reason"));
  if (reason)
    say_text(reason);
  say_pairs(status, names);
  show_listeners(json_object_get(status, "listeners"));
}

static int run(const struct cli_call *call) {
  json_t *status = client_get(call, "/api/backplane/status");
  if (!status)
    return CLI_FAILED;
  bool is_ready = json_is_true(json_object_get(status, "ready"));
  if (call->wants_json)
    say_json(status);
  else
    show(status);
  json_decref(status);
  return is_ready ? CLI_DONE : CLI_FAILED;
}

const struct cli_command command_status = {
    .name = "status",
    .synopsis = "[--json]",
    .summary = "show whether the host runs and is ready",
    .help = "Asks the host that runs on the state folder: version, uptime, listeners, modules, store.\n"
            "Exits with 0 if it is ready, with 1 if it is not or none runs.",
    .run = run,
};
