/* Finding the folder of rules; see scripts.h. */
#include "cli/scripts.h"
#include "base/str.h"
#include "cli/place.h"
#include "cli/say.h"
#include "config/config.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

static char *of_config(const char *file) {
  static struct config_errors errors;
  errors.count = 0;
  struct config *config = config_load(file, &errors);
  char *dir = config ? policy_scripts_dir(config, NULL) : NULL;
  config_free(config);
  if (!dir)
    say_failure("%s:%d: %s", errors.items[0].file, errors.items[0].line, errors.items[0].message);
  return dir;
}

char *scripts_find(const struct cli_call *call) {
  const char *given = cli_value(call, "--scripts");
  struct cli_place place;
  char *dir = NULL;
  if (given)
    return str_dupz(str_from(given));
  if (cli_place_find(call, &place) && place.config_file)
    dir = of_config(place.config_file);
  else if (!place.config_file)
    say_failure("there is no configuration; name one with --config, or the folder of rules with --scripts");
  cli_place_release(&place);
  return dir;
}
