/* Finding the folder of rules; see scripts.h. */
#include "cli/scripts.h"
#include "base/str.h"
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
  if (given)
    return str_dupz(str_from(given));
  char *file = config_find(cli_value(call, "--config"));
  char *dir = of_config(file);
  free(file);
  return dir;
}
