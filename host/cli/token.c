/* `backplane token`: bearer tokens, made and revoked by the running host. */
#include "base/buf.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/paths.h"
#include "cli/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "read,write" as a JSON list. */
static json_t *scope_list(const char *text) {
  json_t *list = json_array();
  while (*text) {
    size_t len = strcspn(text, ",");
    json_array_append_new(list, json_stringn(text, len));
    text += len;
    text += *text == ',';
  }
  return list;
}

static int create(const struct cli_call *call) {
  const char *scope = cli_value(call, "--scope");
  long days;
  if (!cli_number(call, "--days", 0, 36500, 0, &days))
    return CLI_MISUSED;
  json_t *wanted =
      json_pack("{s:s, s:o, s:I}", "name", call->words[1], "scopes", scope_list(scope ? scope : "read"), "lifetime_s", (json_int_t)days * 86400);
  if (!wanted)
    return say_failure("the name \"%s\" is not UTF-8", call->words[1]);
  json_t *made = client_request(call, "POST", "/api/backplane/tokens", wanted);
  json_decref(wanted);
  if (!made)
    return CLI_FAILED;
  if (call->wants_json) {
    say_json(made);
  } else {
    say_text(json_string_value(json_object_get(made, "token")));
    fprintf(stderr, "id %s; the token is shown this once\n", json_string_value(json_object_get(made, "id")));
  }
  json_decref(made);
  return CLI_DONE;
}

static json_t *day_text(const json_t *seconds) {
  time_t when = (time_t)json_integer_value(seconds);
  struct tm parts;
  char text[32];
  if (!when || !gmtime_r(&when, &parts))
    return json_null();
  strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &parts);
  return json_string(text);
}

static json_t *scopes_text(const json_t *scopes) {
  char text[64] = "";
  size_t index, used = 0;
  const json_t *scope;
  json_array_foreach(scopes, index, scope) {
    int len = snprintf(text + used, sizeof(text) - used, "%s%s", index ? "," : "", json_string_value(scope));
    used += len > 0 && (size_t)len < sizeof(text) - used ? (size_t)len : 0;
  }
  return json_string(text);
}

static int list(const struct cli_call *call) {
  static const char *const headings[] = {"ID", "NAME", "SCOPES", "CREATED (UTC)", "EXPIRES (UTC)"};
  json_t *answer = client_get(call, "/api/backplane/tokens");
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json) {
    say_json(answer);
    json_decref(answer);
    return CLI_DONE;
  }
  json_t *rows = json_array();
  size_t index;
  const json_t *token;
  json_array_foreach(json_object_get(answer, "tokens"), index, token)
      json_array_append_new(rows, json_pack("[O?, O?, o, o, o]", json_object_get(token, "id"), json_object_get(token, "name"),
                                            scopes_text(json_object_get(token, "scopes")), day_text(json_object_get(token, "created_s")),
                                            day_text(json_object_get(token, "expires_s"))));
  say_table(headings, 5, rows);
  json_decref(rows);
  json_decref(answer);
  return CLI_DONE;
}

static int revoke(const struct cli_call *call) {
  const char *id = call->words[1];
  if (!id[0] || strspn(id, "0123456789abcdef") != strlen(id))
    return say_misuse("\"%s\" is no token id; `backplane token list` shows them", id);
  struct buf target = {0};
  buf_printf(&target, "/api/backplane/tokens/%s", id);
  buf_append_char(&target, '\0');
  json_t *answer = client_request(call, "DELETE", target.data, NULL);
  buf_release(&target);
  json_decref(answer);
  return answer ? CLI_DONE : CLI_FAILED;
}

static int show_admin_path(const struct cli_call *call) {
  char *path = path_join(call->state_dir, "admin.token");
  say_text(path);
  free(path);
  return CLI_DONE;
}

static int run(const struct cli_call *call) {
  static const struct cli_verb verbs[] = {
      {"create", 1, 1, create}, {"list", 0, 0, list}, {"revoke", 1, 1, revoke}, {"show-admin-path", 0, 0, show_admin_path}, {0},
  };
  return cli_run_verb(call, verbs);
}

static const struct cli_option options[] = {
    {"--days", NULL, "N", "how long it is valid (default: for ever)"},
    {"--scope", NULL, "LIST", "read, write, admin, separated by commas (default: read)"},
    {0},
};

const struct cli_command command_token = {
    .name = "token",
    .synopsis = "create NAME [--scope LIST] [--days N] | list | revoke ID | show-admin-path",
    .summary = "make, list and revoke bearer tokens",
    .help = "Tokens let others than the user who runs the host in: `Authorization: Bearer TOKEN`, or on a WebSocket the\n"
            "protocol \"bp.token.TOKEN\". A token is shown once, when it is made; only its hash is kept.\n"
            "show-admin-path prints where the admin token lies; whoever can read that file can do everything.",
    .words_min = 1,
    .words_max = 2,
    .options = options,
    .run = run,
};
