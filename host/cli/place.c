/* The configuration a command is about; see place.h. */
#include "cli/place.h"
#include "cli/client.h"
#include "config/config.h"

#include <stdlib.h>

bool cli_place_find(const struct cli_call *call, struct cli_place *ret) {
  const char *config = cli_value(call, "--config");
  *ret = (struct cli_place){.module_dir = cli_value(call, "--modules")};
  if (client_is_running(call) && !(ret->status = client_get(call, "/api/backplane/status")))
    return false;
  if (!config)
    config = json_string_value(json_object_get(ret->status, "config"));
  if (!ret->module_dir)
    ret->module_dir = json_string_value(json_object_get(ret->status, "modules"));
  ret->config_file = config_find(config);
  return true;
}

void cli_place_release(struct cli_place *place) {
  free(place->config_file);
  json_decref(place->status);
}
