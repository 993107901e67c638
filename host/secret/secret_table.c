/* bp.secret/1; see backplane/secret.h. */
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "secret/secret.h"

#define LIMIT_NAME_BYTES 256u

static bool is_name(bp_str name, size_t least) {
  return name.len >= least && name.len <= LIMIT_NAME_BYTES && str_is_utf8(name) && str_find(name, '\0') < 0;
}

static bp_status begin(bp_plugin self, const char *function, enum secret_kind kind, bp_str user, bp_str name, bp_str value, int64_t expires_s,
                       bp_secret_fn done, void *ctx) {
  if (!plugin_on_main(self, function))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (!done || !is_name(user, 0) || !is_name(name, 1) || expires_s < 0 || (value.len > 0 && !value.ptr))
    return BP_E_INVALID;
  if (value.len > SECRET_LIMIT_VALUE_BYTES)
    return BP_E_LIMIT;
  return secret_begin(plugin, kind, user, name, value, expires_s, done, ctx);
}

static bp_status put(bp_plugin self, bp_str user, bp_str name, bp_str value, int64_t expires_s, bp_secret_fn done, void *ctx) {
  return begin(self, "secret put", SECRET_PUT, user, name, value, expires_s, done, ctx);
}

static bp_status get(bp_plugin self, bp_str user, bp_str name, bp_secret_fn done, void *ctx) {
  return begin(self, "secret get", SECRET_GET, user, name, bp_str_make(NULL, 0), 0, done, ctx);
}

static bp_status remove_one(bp_plugin self, bp_str user, bp_str name, bp_secret_fn done, void *ctx) {
  return begin(self, "secret remove", SECRET_REMOVE, user, name, bp_str_make(NULL, 0), 0, done, ctx);
}

const bp_secret_1 secret_table = {.size = sizeof(bp_secret_1), .put = put, .get = get, .remove = remove_one};
