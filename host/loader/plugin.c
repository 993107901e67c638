/* The registry of plugins: handles, start order, and the registrations each one owns; see plugin.h. */
#include "loader/plugin.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slots.h"
#include "base/str.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
  pthread_mutex_t lock; /* guards `handles`, which any thread reads */
  struct slots handles;
  struct plugin *first;
  struct plugin *gone; /* linked by `next`: about a KiB for each generation there ever was */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct plugin *plugin_get(bp_plugin handle) {
  pthread_mutex_lock(&registry.lock);
  struct plugin *plugin = slots_get(&registry.handles, handle);
  if (plugin && plugin->is_revoked)
    plugin = NULL;
  pthread_mutex_unlock(&registry.lock);
  return plugin;
}

struct plugin *plugin_peek(bp_plugin handle) {
  pthread_mutex_lock(&registry.lock);
  struct plugin *plugin = slots_get(&registry.handles, handle);
  pthread_mutex_unlock(&registry.lock);
  return plugin;
}

void plugin_set_status(struct plugin *plugin, bp_str text) {
  size_t len = str_is_utf8(text) ? str_cut(text, sizeof(plugin->status_text) - 1) : 0;
  pthread_mutex_lock(&registry.lock);
  if (len)
    memcpy(plugin->status_text, text.ptr, len);
  plugin->status_text[len] = '\0';
  pthread_mutex_unlock(&registry.lock);
}

void plugin_status(const struct plugin *plugin, char ret[121]) {
  pthread_mutex_lock(&registry.lock);
  memcpy(ret, plugin->status_text, sizeof(plugin->status_text));
  pthread_mutex_unlock(&registry.lock);
}

struct plugin *plugin_find(bp_str id) {
  struct plugin *found = NULL;
  for (struct plugin *p = registry.first; p; p = p->next)
    if (str_eq(str_from(p->id), id) && (!found || p->generation > found->generation))
      found = p;
  return found;
}

struct plugin *plugin_first(void) {
  return registry.first;
}

/* Generations of one id count on after a plugin is gone. */
static uint32_t next_generation(bp_str id) {
  const struct plugin *heads[] = {registry.first, registry.gone};
  uint32_t highest = 0;
  for (unsigned i = 0; i < 2; i++)
    for (const struct plugin *p = heads[i]; p; p = p->next)
      if (p->generation > highest && str_eq(str_from(p->id), id))
        highest = p->generation;
  return highest + 1;
}

struct plugin *plugin_add(bp_str id, const char *path) {
  struct plugin *plugin = mem_alloc(sizeof(*plugin));
  plugin->id = str_dupz(id);
  plugin->path = str_dupz(str_from(path));
  plugin->generation = next_generation(id);
  pthread_mutex_lock(&registry.lock);
  plugin->handle = slots_add(&registry.handles, plugin);
  pthread_mutex_unlock(&registry.lock);
  struct plugin **end = &registry.first;
  while (*end)
    end = &(*end)->next;
  *end = plugin;
  return plugin;
}

void plugin_reorder(struct plugin *const *order, unsigned count) {
  struct plugin **end = &registry.first;
  for (unsigned i = 0; i < count; i++) {
    *end = order[i];
    end = &order[i]->next;
  }
  *end = NULL;
}

void plugin_revoke_all(struct plugin *plugin) {
  pthread_mutex_lock(&registry.lock);
  plugin->is_revoked = true;
  pthread_mutex_unlock(&registry.lock);
  while (plugin->registrations) {
    struct owned *item = plugin->registrations;
    item->revoke(item);
    if (plugin->registrations == item) /* its revoke forgot to unlink; never loop for ever */
      owned_remove(item);
  }
}

void plugin_retire(struct plugin *plugin) {
  pthread_mutex_lock(&registry.lock);
  slots_remove(&registry.handles, plugin->handle);
  pthread_mutex_unlock(&registry.lock);
  for (struct plugin **at = &registry.first; *at; at = &(*at)->next)
    if (*at == plugin) {
      *at = plugin->next;
      break;
    }
  plugin->next = registry.gone;
  registry.gone = plugin;
}

static void free_list(struct plugin *plugin) {
  while (plugin) {
    struct plugin *next = plugin->next;
    free(plugin->id);
    free(plugin->path);
    free(plugin->folder);
    free(plugin);
    plugin = next;
  }
}

void plugin_registry_release(void) {
  free_list(registry.first);
  free_list(registry.gone);
  registry.first = registry.gone = NULL;
  pthread_mutex_lock(&registry.lock);
  slots_release(&registry.handles);
  pthread_mutex_unlock(&registry.lock);
}

const char *plugin_phase_name(enum plugin_phase phase) {
  static const char *const names[] = {
      [PLUGIN_LOADED] = "loaded",     [PLUGIN_CREATED] = "created", [PLUGIN_STARTED] = "started",
      [PLUGIN_DRAINING] = "draining", [PLUGIN_GONE] = "gone",       [PLUGIN_FAILED] = "failed",
  };
  return names[phase];
}

void owned_add(struct plugin *owner, struct owned *item, void (*revoke)(struct owned *self)) {
  item->owner = owner;
  item->revoke = revoke;
  item->previous = NULL;
  item->next = owner->registrations;
  if (item->next)
    item->next->previous = item;
  owner->registrations = item;
}

void owned_remove(struct owned *item) {
  if (!item->owner)
    return;
  if (item->previous)
    item->previous->next = item->next;
  else
    item->owner->registrations = item->next;
  if (item->next)
    item->next->previous = item->previous;
  item->owner = NULL;
  item->next = item->previous = NULL;
}

bool plugin_on_main(bp_plugin self, const char *function) {
  if (loop_is_main())
    return true;
  const struct plugin *plugin = plugin_get(self);
  log_error(plugin ? plugin->id : "loader", "plugin \"%s\" called \"%s\" on a thread that is not main: refused; post to main first (bp.loop/1 post)",
            plugin ? plugin->id : "unknown", function);
  return false;
}
