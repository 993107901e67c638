/* `backplane secret`: the key that encrypts what modules keep as secrets. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <stdio.h>

static int rotate(const struct cli_call *call) {
  json_t *answer = client_request(call, "POST", "/api/backplane/secrets/rotate", NULL);
  if (!answer)
    return CLI_FAILED;
  int left = (int)json_integer_value(json_object_get(answer, "left"));
  if (call->wants_json)
    say_json(answer);
  else
    printf("%d secrets are stored under key %s now\n", (int)json_integer_value(json_object_get(answer, "rotated")),
           json_string_value(json_object_get(answer, "key_id")));
  if (left > 0)
    fprintf(stderr, "%d secrets stay as they are: the key they were stored under is lost\n", left);
  json_decref(answer);
  return CLI_DONE;
}

static int run(const struct cli_call *call) {
  static const struct cli_verb verbs[] = {{"rotate", 0, 0, rotate}, {0}};
  return cli_run_verb(call, verbs);
}

const struct cli_command command_secret = {
    .name = "secret",
    .synopsis = "rotate",
    .summary = "change the key that encrypts modules' secrets",
    .help = "Secrets are encrypted with the key in STATE/secret.key, or with one derived from the variable ENCRYPTION_KEY where the\n"
            "host is started with it. Without that key they cannot be read: keep a copy of it, apart from backups of the store.\n"
            "rotate makes a new key file and encrypts everything again, all or nothing. With ENCRYPTION_KEY, start the host with\n"
            "the new value there and the old one in ENCRYPTION_KEY_PREVIOUS, and then rotate.",
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
