/* `backplane module enable|disable|info ID`: one file in modules.d beside the configuration, checked, then a reload. */
#include "base/buf.h"
#include "base/nearest.h"
#include "base/str.h"
#include "cli/check_plugins.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/module_file.h"
#include "cli/paths.h"
#include "cli/place.h"
#include "cli/say.h"
#include "config/config.h"
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct change {
  const struct cli_call *call;
  const char *id;
  struct cli_place place;
};

static const struct config_module *find_module(const struct config *config, const char *id) {
  const struct config_module *module = config ? config->modules : NULL;
  while (module && strcmp(module->id, id) != 0)
    module = module->next;
  return module;
}

/* True, and said, if the module is among those that do not run. */
static bool has_failed(const json_t *failed, const char *id) {
  size_t i;
  const json_t *module;
  json_array_foreach(failed, i, module) {
    if (strcmp(json_string_value(json_object_get(module, "id")), id) != 0)
      continue;
    say_failure("module \"%s\" is enabled but does not run: %s", id, json_string_value(json_object_get(module, "failure")));
    return true;
  }
  return false;
}

/* Tells a running host to load the configuration again, waits until the modules have come and gone, and tells the user what has become of
 * this one. */
static int reload(const struct change *change, const char *now) {
  if (!change->place.status) {
    printf("module \"%s\" is %s; no host is running: it counts from its next start\n", change->id, now);
    return CLI_DONE;
  }
  json_t *answer = client_request(change->call, "POST", "/api/backplane/reload", NULL);
  if (!answer)
    return CLI_FAILED;
  bool is_failed = has_failed(json_object_get(answer, "failed"), change->id);
  json_decref(answer);
  if (is_failed)
    return CLI_FAILED;
  printf("module \"%s\" is %s; the running host has loaded its configuration again\n", change->id, now);
  return CLI_DONE;
}

static bool is_sound(const struct change *change, struct config *config, const struct config_errors *errors) {
  json_t *findings = json_array();
  finding_add_errors(findings, errors);
  if (config && errors->count == 0) {
    run_set_module_dir(config, change->place.module_dir);
    json_decref(check_plugins(config, findings));
  }
  bool ok = config && json_array_size(findings) == 0;
  if (!ok)
    findings_show(findings, false);
  json_decref(findings);
  return ok;
}

/* True if the configuration and its plugins are sound, and it has the module, or has it not. What is wrong is shown. */
static bool configuration_has(const struct change *change, bool wanted) {
  struct config_errors errors = {0};
  struct config *config = config_load(change->place.config_file, &errors);
  const struct config_module *module = find_module(config, change->id);
  bool ok = is_sound(change, config, &errors) && (module != NULL) == wanted;
  if (!config || errors.count) {
    config_free(config);
    return false;
  }
  if (!module && wanted) {
    say_failure("\"%s\" does not include modules.d/*.lua; add: include \"modules.d/*.lua\"", change->place.config_file);
  } else if (module && !wanted) {
    say_failure("module \"%s\" is written in \"%s\", line %d; remove it there", change->id, module->file, module->line);
  }
  config_free(config);
  return ok;
}

static int enable_in(const struct change *change) {
  bp_error err = BP_ERROR_INIT;
  struct config_errors errors = {0};
  struct config *config = config_load(change->place.config_file, &errors);
  const struct config_module *present = find_module(config, change->id);
  if (present)
    printf("module \"%s\" is enabled already, in \"%s\", line %d\n", change->id, present->file, present->line);
  bool is_present = present != NULL;
  config_free(config);
  if (is_present)
    return CLI_DONE;
  if (module_file_write(change->place.config_file, change->id, &err) != BP_OK)
    return say_error(&err);
  if (!configuration_has(change, true)) {
    module_file_remove(change->place.config_file, change->id, NULL);
    return CLI_FAILED;
  }
  return reload(change, "enabled");
}

static bool is_installed(const struct config *config, const char *id) {
  struct buf name = {0};
  buf_printf(&name, "%s.so", id);
  buf_append_char(&name, '\0');
  char *path = path_join(config->module_dir, name.data);
  bool is_there = access(path, F_OK) == 0;
  free(path);
  buf_release(&name);
  return is_there;
}

/* Nothing to do for a module there is; a misspelt one is a failure. */
static int say_not_enabled(const struct change *change) {
  struct config_errors errors = {0};
  struct nearest search = {.wanted = str_from(change->id)};
  struct config *config = config_load(change->place.config_file, &errors);
  if (config)
    run_set_module_dir(config, change->place.module_dir);
  if (config && !is_installed(config, change->id))
    for (const struct config_module *module = config->modules; module; module = module->next)
      nearest_offer(&search, str_from(module->id));
  int code = CLI_DONE;
  if (search.best.len)
    code = say_failure("module \"%s\" is not enabled; did you mean \"%s\"?", change->id, search.best.ptr);
  else
    printf("module \"%s\" is not enabled\n", change->id);
  config_free(config);
  return code;
}

static int disable_in(const struct change *change) {
  bp_error err = BP_ERROR_INIT;
  bp_status status = module_file_remove(change->place.config_file, change->id, &err);
  if (status != BP_OK && status != BP_E_NOT_FOUND)
    return say_error(&err);
  if (!configuration_has(change, false)) {
    if (status == BP_OK)
      module_file_write(change->place.config_file, change->id, NULL);
    return CLI_FAILED;
  }
  return status == BP_E_NOT_FOUND ? say_not_enabled(change) : reload(change, "disabled");
}

static int make_change(const struct cli_call *call, int (*make)(const struct change *change)) {
  struct change change = {.call = call, .id = call->words[1]};
  int code = CLI_FAILED;
  if (!module_id_is_valid(change.id))
    return say_misuse("\"%s\" is no module id", change.id);
  if (cli_place_find(call, &change.place))
    code = change.place.config_file ? make(&change) : say_failure("there is no configuration; name one with --config");
  cli_place_release(&change.place);
  return code;
}

static int enable(const struct cli_call *call) {
  return make_change(call, enable_in);
}

static int disable(const struct cli_call *call) {
  return make_change(call, disable_in);
}

static int info(const struct cli_call *call) {
  static const char *const names[] = {"id",     "version", "summary",    "phase",       "status",         "failure",
                                      "family", "path",    "generation", "route_count", "slow_callbacks", NULL};
  if (!module_id_is_valid(call->words[1]))
    return say_misuse("\"%s\" is no module id", call->words[1]);
  struct buf target = {0};
  buf_printf(&target, "/api/backplane/modules/%s", call->words[1]);
  buf_append_char(&target, '\0');
  json_t *module = client_get(call, target.data);
  buf_release(&target);
  if (!module)
    return CLI_FAILED;
  if (call->wants_json)
    say_json(module);
  else
    say_pairs(module, names);
  json_decref(module);
  return CLI_DONE;
}

static int run(const struct cli_call *call) {
  static const struct cli_verb verbs[] = {
      {"disable", 1, 1, disable},
      {"enable", 1, 1, enable},
      {"info", 1, 1, info},
      {0},
  };
  return cli_run_verb(call, verbs);
}

const struct cli_command command_module = {
    .name = "module",
    .synopsis = "enable ID | disable ID | info ID [--json]",
    .summary = "enable, disable or describe one module",
    .help = "enable writes modules.d/ID.lua beside the configuration (of the running host, unless --config names one), checks\n"
            "the result, and asks a running host to reload.\n"
            "disable removes that file; one that was edited is kept as ID.lua.disabled, and enable takes it up again.\n"
            "info shows what the running host knows of the module.",
    .words_min = 2,
    .words_max = 2,
    .run = run,
};
