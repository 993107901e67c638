/* Environment variables of one deployment: what the client set, what the module adds. Values are wiped when they are freed. */
#ifndef DEPLOYMENTS_ENVIRONMENT_H
#define DEPLOYMENTS_ENVIRONMENT_H

#include <backplane/backplane.h>
#include <stdbool.h>

#define LIMIT_VARIABLES 200
#define LIMIT_VALUE_BYTES (32 * 1024)

struct variable {
  char *name, *value;
};

struct environment {
  struct variable *variables;
  size_t count, room;
};

bool env_is_name(bp_str name);
const char *env_value(const struct environment *env, const char *name); /* NULL: not set */
/* Sets or replaces; false without memory or beyond LIMIT_VARIABLES. */
bool env_set(struct environment *env, bp_str name, bp_str value);
bool env_default(struct environment *env, const char *name, bp_str value); /* only where it is not set */
void env_release(struct environment *env);
/* An object of names and values, or a list of {key or name, value}. NULL, or what is wrong with it (in `text`). */
const char *env_read(struct environment *env, const bp_json_1 *json, bp_json value, char *text, size_t bytes);
/* {"NAME": "value"} */
void env_write(const struct environment *env, const bp_json_1 *json, bp_json_writer out);

#endif
