/* bp.core/1; see backplane/core.h. */
#include "auth/tokens.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "host.h"
#include "loader/plugin.h"
#include "loader/tables.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

static bp_str host_version(void) {
  return BP_LIT(HOST_VERSION);
}

static bool make_folder(const char *path) {
  struct stat st;
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return false;
  if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
    return true;
  errno = ENOTDIR;
  return false;
}

static char *make_plugin_folder(const struct plugin *plugin) {
  struct buf path = {0};
  buf_printf(&path, "%s/modules", host_run.state_dir);
  buf_append_char(&path, '\0');
  bool is_made = !path.failed && make_folder(path.data);
  buf_clear(&path);
  buf_printf(&path, "%s/modules/%s", host_run.state_dir, plugin->id);
  buf_append_char(&path, '\0');
  is_made = is_made && !path.failed && make_folder(path.data);
  char *folder = is_made ? str_dupz(str_from(path.data)) : NULL;
  if (!is_made)
    log_error(plugin->id, "cannot make the module's folder \"%s\": %s", path.failed ? "" : path.data, strerror(errno));
  buf_release(&path);
  return folder;
}

static bp_str folder(bp_plugin self) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  struct plugin *plugin = plugin_peek(self);
  if (!plugin)
    return BP_LIT("");
  pthread_mutex_lock(&lock);
  if (!plugin->folder)
    plugin->folder = make_plugin_folder(plugin);
  bp_str path = str_from(plugin->folder);
  pthread_mutex_unlock(&lock);
  return path;
}

static bp_str start_folder(bp_plugin self) {
  (void)self;
  return str_from(host_run.start_folder);
}

static int64_t now_wall_ns(void) {
  return clock_wall_ns();
}

static int64_t now_monotonic_ns(void) {
  return clock_monotonic_ns();
}

static void random_bytes(void *data, size_t bytes) {
  for (char *at = data; bytes > 0;) {
    ssize_t got = getrandom(at, bytes, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      log_error("core", "cannot read the kernel's random source: %s", strerror(errno));
      abort(); /* going on with bytes that are not random would be worse */
    }
    at += got;
    bytes -= (size_t)got;
  }
}

static void status_text(bp_plugin self, bp_str text) {
  struct plugin *plugin = plugin_peek(self);
  if (plugin)
    plugin_set_status(plugin, text);
}

/* ---- Tokens of children ---- */

#define CHILD_TOKENS_MAX 512u

struct child_token {
  struct owned owned; /* first */
  char id[17];
};

static void revoke_child_token(struct owned *owned) {
  struct child_token *token = (struct child_token *)owned;
  token_revoke(str_from(token->id), NULL); /* an administrator may have been first */
  owned_remove(owned);
  free(token);
}

/* The plugin's token of that id, or NULL; *ret_count: how many it has. */
static struct child_token *find_child_token(const struct plugin *plugin, bp_str id, unsigned *ret_count) {
  *ret_count = 0;
  for (struct owned *item = plugin->registrations; item; item = item->next) {
    if (item->revoke != revoke_child_token)
      continue;
    ++*ret_count;
    if (str_eq(id, str_from(((struct child_token *)item)->id)))
      return (struct child_token *)item;
  }
  return NULL;
}

static uint32_t read_child_scopes(bp_str scopes) {
  if (str_eq(scopes, BP_LIT("read")))
    return SCOPE_READ;
  return str_eq(scopes, BP_LIT("read write")) ? SCOPE_READ | SCOPE_WRITE : 0;
}

static bp_status token_new(bp_plugin self, bp_str name, bp_str scopes, char ret_token[65], char ret_id[17]) {
  unsigned count = 0;
  uint32_t mask = read_child_scopes(scopes);
  if (!plugin_on_main(self, "core token_new"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (mask == 0 || name.len > 200 || !ret_token || !ret_id)
    return BP_E_INVALID;
  find_child_token(plugin, BP_LIT(""), &count);
  if (count >= CHILD_TOKENS_MAX)
    return BP_E_LIMIT;
  struct child_token *token = calloc(1, sizeof(*token));
  bp_status status = token ? token_create_transient(name, mask, ret_token, token->id) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    free(token);
    return status;
  }
  memcpy(ret_id, token->id, sizeof(token->id));
  owned_add(plugin, &token->owned, revoke_child_token);
  return BP_OK;
}

static bp_status token_revoke_own(bp_plugin self, bp_str id) {
  unsigned count = 0;
  if (!plugin_on_main(self, "core token_revoke"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  struct child_token *token = find_child_token(plugin, id, &count);
  if (!token)
    return BP_E_NOT_FOUND;
  revoke_child_token(&token->owned);
  return BP_OK;
}

static void sha256(bp_str data, uint8_t ret_digest[32]) {
  crypto_hash_sha256(ret_digest, (const unsigned char *)(data.ptr ? data.ptr : ""), data.len);
}

const bp_core_1 core_table = {
    .size = sizeof(bp_core_1),
    .host_version = host_version,
    .folder = folder,
    .start_folder = start_folder,
    .now_wall_ns = now_wall_ns,
    .now_monotonic_ns = now_monotonic_ns,
    .random_bytes = random_bytes,
    .status_text = status_text,
    .token_new = token_new,
    .token_revoke = token_revoke_own,
    .sha256 = sha256,
};
