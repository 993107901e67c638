/* config_load and its opposite: the defaults, running the file, and the checks that need all of it. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/words.h"
#include "places.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIVE_RETENTION_DAYS 30
#define LIVE_RETENTION_BYTES ((int64_t)2 << 30)
#define HOLD_MS 25000
#define AUDIT_DAYS 90
#define AUDIT_ROWS 1000000

/* The limits as they were built in: `http_limits` itself changes when a configuration is applied. */
static const struct http_limits *built_in_limits(void) {
  static struct http_limits limits;
  static bool is_taken;
  if (!is_taken)
    limits = http_limits;
  is_taken = true;
  return &limits;
}

static struct config *config_new(const char *file) {
  struct config *config = mem_alloc(sizeof(*config));
  config->file = str_dupz(str_from(file));
  config->limits = *built_in_limits();
  config->live_retention_days = LIVE_RETENTION_DAYS;
  config->live_retention_bytes = LIVE_RETENTION_BYTES;
  config->live_io_uring = true;
  config->hold_ms = HOLD_MS;
  config->audit_days = AUDIT_DAYS;
  config->audit_rows = AUDIT_ROWS;
  config->log_format = str_dupz(BP_LIT("human"));
  config->log_level = str_dupz(BP_LIT("info"));
  return config;
}

static void free_listener(struct config_listener *listener) {
  free(listener->address);
  free(listener->family);
  free(listener->file);
  free(listener);
}

static void free_module(struct config_module *module) {
  free(module->id);
  free(module->path);
  free(module->file);
  json_decref(module->options);
  json_decref(module->lines);
  free(module);
}

static void free_texts(char **texts, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    free(texts[i]);
  free(texts);
}

void config_free(struct config *config) {
  if (!config)
    return;
  for (struct config_listener *l = config->listeners, *next; l; l = next) {
    next = l->next;
    free_listener(l);
  }
  for (struct config_module *m = config->modules, *next; m; m = next) {
    next = m->next;
    free_module(m);
  }
  free_texts(config->origins, config->origin_count);
  free_texts(config->warnings, config->warning_count);
  free(config->file);
  free(config->module_dir);
  free(config->scripts_dir);
  free(config->log_format);
  free(config->log_level);
  free(config);
}

static bool is_loopback(const struct config_listener *listener) {
  struct in_addr four;
  if (listener->is_unix || strcmp(listener->address, "::1") == 0)
    return true;
  return inet_pton(AF_INET, listener->address, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

/* An address others can reach needs both words, so that nobody opens one by a slip of the pen. */
static void check_listener(const struct config_listener *listener, struct config_errors *errors) {
  const struct origin origin = {listener->file, listener->line};
  if (is_loopback(listener) || (listener->is_public && listener->auth == LISTENER_AUTH_TOKEN))
    return;
  struct config_error *error = report(errors, origin, "\"%s\" port %u can be reached from other machines%s", listener->address, listener->port,
                                      listener->is_public ? " without a token" : "");
  report_hint(error, "listen on 127.0.0.1 and [::1], or add public = true, auth = \"token\"");
}

struct config *config_load(const char *file, struct config_errors *errors) {
  struct sandbox box;
  struct config *config = config_new(file);
  struct words words = {.config = config, .listener_end = &config->listeners, .module_end = &config->modules};
  if (!sandbox_init(&box, errors, words_table, words_count, &words)) {
    report(errors, (struct origin){file, 0}, "no memory for the configuration");
    config_free(config);
    return NULL;
  }
  sandbox_run(&box, file);
  for (const struct config_listener *l = config->listeners; l; l = l->next)
    check_listener(l, errors);
  sandbox_release(&box);
  if (errors->count == 0)
    return config;
  config_free(config);
  return NULL;
}

/* `folder` + `rest` if that file can be read, else NULL. */
static char *if_readable(const char *folder, const char *rest) {
  struct buf path = {0};
  char *found = NULL;
  if (!folder || !folder[0])
    return NULL;
  buf_append_z(&path, folder);
  buf_append_z(&path, rest);
  buf_append_char(&path, '\0');
  if (!path.failed && access(path.data, R_OK) == 0)
    found = str_dupz(str_from(path.data));
  buf_release(&path);
  return found;
}

char *config_find(const char *from_command_line) {
  if (from_command_line)
    return str_dupz(str_from(from_command_line));
  char *found = if_readable(getenv("XDG_CONFIG_HOME"), "/backplane/backplane.lua");
  if (!found)
    found = if_readable(getenv("HOME"), "/.config/backplane/backplane.lua");
  if (!found)
    found = if_readable("/etc", "/backplane/backplane.lua");
  return found ? found : places_config();
}
