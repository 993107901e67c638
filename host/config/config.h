/* The configuration: a sandboxed Lua file turned into plain data, and the checks of declared options.
 *
 * Errors carry file, line and the nearest right name. Nothing here starts anything. */
#ifndef HOST_CONFIG_CONFIG_H
#define HOST_CONFIG_CONFIG_H

#include "http/limits.h"
#include "http/listener.h"
#include <backplane/config.h>
#include <jansson.h>
#include <stdbool.h>

struct config_module {
  char *id;
  char *path; /* of the .so, resolved; NULL: <module folder>/<id>.so */
  char *file; /* where it was written */
  int line;
  json_t *options; /* object as written; with "_lines": {name: line} kept apart in `lines` */
  json_t *lines;
  struct config_module *next;
};

struct config_listener {
  char *address;
  uint16_t port;
  bool is_unix;
  char *family; /* NULL: main */
  enum listener_auth auth;
  bool is_public;
  char *file;
  int line;
  struct config_listener *next;
};

struct config {
  char *file;
  struct config_listener *listeners;
  struct config_module *modules;
  char **origins;
  unsigned origin_count;
  char *module_dir; /* folder of the installed modules */
  struct http_limits limits;
  int64_t live_retention_days;
  int64_t live_retention_bytes;
  bool live_io_uring; /* false: events to many clients are sent one by one */
  char *scripts_dir;  /* of the policy rules, as written; NULL: policy.h says which */
  uint32_t hold_ms;   /* how long a request waits for a person's answer */
  int64_t audit_days, audit_rows;
  char *log_format; /* "human" or "json" */
  char *log_level;  /* "error" … "debug" */
  char **warnings;  /* e.g. a *_HOST variable that is not loopback */
  unsigned warning_count;
};

struct config_error {
  char file[256];
  int line;
  char message[512];
  char hint[256];
};
/* What is added to every port (--port-offset), for the word real_port; 0 at first. */
void config_port_offset(int port_offset);
/* All errors found, not only the first. */
struct config_errors {
  struct config_error items[32];
  unsigned count;
};

struct config *config_load(const char *file, struct config_errors *errors);
void config_free(struct config *config);
/* Finds the file: --config, else ~/.config/backplane/backplane.lua, else /etc/backplane/backplane.lua, else the installation's. */
char *config_find(const char *from_command_line);

/* Options of one module against its declarations: unknown names, wrong types, bad values. On success *ret is the object with
 * defaults filled in. */
bool config_check_options(const struct config_module *module, const bp_array *declared, json_t **ret, struct config_errors *errors);

struct plugin;
/* Gives a plugin its checked options (for bp.config/1); returns true if they changed. Takes ownership of `options`. Strings of
 * the options before stay readable until the next change: the plugin hears of this one later. */
bool config_set_options(struct plugin *owner, json_t *options);
/* True if these checked options are the ones it has. */
bool config_same_options(const struct plugin *owner, const json_t *options);
void config_forget(struct plugin *owner);

#endif
