/* bp.watch/1: what happened in a folder or to a file, gathered per name and told once it has settled. */
#include "base/fail.h"
#include "base/slots.h"
#include "base/str.h"
#include "fs/own_folders.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "watch/spots.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WATCHES_MAX 256 /* of one plugin */
#define NAMES_MAX 512   /* that wait in one watch; more become one BP_WATCH_OVERFLOW */
#define SETTLE_MAX_MS 60000u
#define RETRY_MS 1000 /* for a folder that is not there */

struct change {
  struct change *next;
  int64_t due_ms;
  uint32_t bits;
  uint32_t len;
  char name[];
};

struct watch {
  struct spot_user user; /* first: spots know it by this */
  struct owned owned;
  bp_watch handle;
  char *folder;
  char *file; /* within the folder; NULL: all its entries */
  bool is_file_there;
  uint32_t settle_ms;
  bp_watch_fn fn;
  void *ctx;
  struct event timer;
  struct change *first, *last; /* in the order they are due */
  unsigned count;
};

static struct slots watches;

/* ---- What waits ---- */

static void drop_changes(struct watch *watch) {
  for (struct change *change = watch->first, *next; change; change = next) {
    next = change->next;
    free(change);
  }
  watch->first = watch->last = NULL;
  watch->count = 0;
}

static void arm(struct watch *watch) {
  int64_t delay_ms = RETRY_MS;
  if (watch->first)
    delay_ms = watch->first->due_ms - loop_now_ms();
  else if (watch->user.spot)
    return;
  if (delay_ms < 0)
    delay_ms = 0;
  struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
  evtimer_add(&watch->timer, &delay);
}

static struct change *find_change(const struct watch *watch, bp_str name) {
  for (struct change *change = watch->first; change; change = change->next)
    if (str_eq(bp_str_make(change->name, change->len), name))
      return change;
  return NULL;
}

static void add_change(struct watch *watch, bp_str name, uint32_t bits) {
  struct change *change = malloc(sizeof(*change) + name.len);
  if (!change)
    return; /* as good as lost; nothing better can be done without memory */
  *change = (struct change){.due_ms = loop_now_ms() + watch->settle_ms, .bits = bits, .len = (uint32_t)name.len};
  if (name.len)
    memcpy(change->name, name.ptr, name.len);
  if (watch->last)
    watch->last->next = change;
  else
    watch->first = change;
  watch->last = change;
  if (watch->count++ == 0)
    arm(watch);
}

/* Until an overflow is told, it stands for everything. */
static bool has_overflown(const struct watch *watch) {
  return watch->first && (watch->first->bits & BP_WATCH_OVERFLOW);
}

static void note(struct watch *watch, bp_str name, uint32_t bits) {
  struct change *known = find_change(watch, name);
  if (known) {
    known->bits |= bits;
    return;
  }
  if (has_overflown(watch))
    return;
  if (watch->count == NAMES_MAX || (bits & BP_WATCH_OVERFLOW)) {
    drop_changes(watch);
    add_change(watch, BP_LIT(""), BP_WATCH_OVERFLOW | (name.len ? 0 : bits));
    return;
  }
  add_change(watch, name, bits);
}

/* ---- What the kernel says ---- */

static bool is_file_there(const struct watch *watch) {
  struct stat info;
  int dir = open(watch->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  bool is_there = dir >= 0 && fstatat(dir, watch->file, &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (dir >= 0)
    close(dir);
  return is_there;
}

/* The path does not lead to the folder any more; it may do so again. */
static void lose(struct watch *watch) {
  spot_leave(&watch->user);
  if (!watch->file || watch->is_file_there)
    note(watch, BP_LIT(""), BP_WATCH_REMOVED);
  watch->is_file_there = false;
  arm(watch);
}

static void note_file(struct watch *watch, uint32_t mask) {
  bool was_there = watch->is_file_there;
  watch->is_file_there = !(mask & (IN_MOVED_FROM | IN_DELETE));
  if (!watch->is_file_there)
    note(watch, BP_LIT(""), BP_WATCH_REMOVED);
  else
    note(watch, BP_LIT(""), (was_there ? 0 : BP_WATCH_CREATED) | (mask & IN_CREATE ? 0 : BP_WATCH_CHANGED));
}

/* What is moved in may replace something or be new: the kernel does not say which, so both are told. */
static uint32_t bits_of(uint32_t mask) {
  return (mask & (IN_CREATE | IN_MOVED_TO) ? BP_WATCH_CREATED : 0) | (mask & (IN_CLOSE_WRITE | IN_MOVED_TO) ? BP_WATCH_CHANGED : 0) |
         (mask & (IN_DELETE | IN_MOVED_FROM) ? BP_WATCH_REMOVED : 0);
}

static void on_event(struct spot_user *user, uint32_t mask, bp_str name) {
  struct watch *watch = (struct watch *)user;
  if (mask & IN_Q_OVERFLOW)
    note(watch, BP_LIT(""), BP_WATCH_OVERFLOW);
  else if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
    lose(watch);
  else if (!watch->file)
    note(watch, name, bits_of(mask));
  else if (str_eq(name, str_from(watch->file)))
    note_file(watch, mask);
}

/* ---- Beginning, and beginning again ---- */

static bp_status start(struct watch *watch) {
  int dir = open(watch->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    return errno == ENOENT || errno == ENOTDIR ? BP_E_NOT_FOUND : errno == EACCES ? BP_E_DENIED : BP_E_IO;
  bool is_own = own_folders_hold(dir);
  close(dir);
  if (is_own)
    return BP_E_DENIED;
  if (!spot_join(&watch->user, watch->folder))
    return errno == ENOSPC || errno == EMFILE ? BP_E_LIMIT : errno == EACCES ? BP_E_DENIED : BP_E_IO;
  if (watch->file)
    watch->is_file_there = is_file_there(watch);
  return BP_OK;
}

static void find_again(struct watch *watch) {
  if (start(watch) != BP_OK)
    return;
  if (!watch->file)
    note(watch, BP_LIT(""), BP_WATCH_CREATED | BP_WATCH_OVERFLOW);
  else if (watch->is_file_there)
    note(watch, BP_LIT(""), BP_WATCH_CREATED | BP_WATCH_CHANGED);
}

/* ---- Telling ---- */

static void tell(struct watch *watch, const struct change *change) {
  struct culprit frame;
  bp_str name = bp_str_make(change->name, change->len);
  culprit_enter(&frame, watch->owned.owner, "watch", name);
  watch->fn(watch->ctx, watch->handle, change->bits, name);
  culprit_leave(&frame);
}

/* The plugin may close the watch in any of the calls. */
static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct watch *watch = arg;
  bp_watch handle = watch->handle;
  (void)fd, (void)what;
  if (!watch->user.spot)
    find_again(watch);
  while (watch && watch->first && watch->first->due_ms <= loop_now_ms()) {
    struct change *change = watch->first;
    watch->first = change->next;
    if (!watch->first)
      watch->last = NULL;
    watch->count--;
    tell(watch, change);
    free(change);
    watch = slots_get(&watches, handle);
  }
  if (watch)
    arm(watch);
}

/* ---- The table ---- */

static void watch_free(struct watch *watch) {
  if (event_initialized(&watch->timer))
    event_del(&watch->timer);
  spot_leave(&watch->user);
  drop_changes(watch);
  slots_remove(&watches, watch->handle);
  owned_remove(&watch->owned);
  free(watch->folder);
  free(watch->file);
  free(watch);
}

static void watch_revoke(struct owned *owned) {
  watch_free((struct watch *)((char *)owned - offsetof(struct watch, owned)));
}

static unsigned count_watches(const struct plugin *plugin) {
  unsigned count = 0;
  for (const struct owned *item = plugin->registrations; item; item = item->next)
    count += item->revoke == watch_revoke;
  return count;
}

/* A folder is watched itself, anything else through the folder it lies in. */
static bool find_folder(struct watch *watch, bp_str path) {
  struct stat info;
  while (path.len > 1 && path.ptr[path.len - 1] == '/')
    path.len--;
  watch->folder = str_dupz(path);
  if (stat(watch->folder, &info) == 0 && S_ISDIR(info.st_mode))
    return true;
  char *slash = strrchr(watch->folder, '/');
  watch->file = str_dupz(str_from(slash + 1));
  slash[slash == watch->folder] = '\0';
  return watch->file[0] != '\0' && strcmp(watch->file, ".") != 0 && strcmp(watch->file, "..") != 0;
}

static bp_status table_open(bp_plugin self, bp_str path, uint32_t settle_ms, bp_watch_fn fn, void *ctx, bp_watch *ret) {
  if (!plugin_on_main(self, "watch open"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (!fn || settle_ms > SETTLE_MAX_MS || path.len == 0 || path.len >= PATH_MAX || path.ptr[0] != '/' || str_find(path, '\0') >= 0)
    return BP_E_INVALID;
  if (count_watches(plugin) >= WATCHES_MAX)
    return BP_E_LIMIT;
  struct watch *watch = calloc(1, sizeof(*watch));
  if (!watch)
    return BP_E_NO_MEMORY;
  watch->user.event = on_event;
  watch->settle_ms = settle_ms;
  watch->fn = fn;
  watch->ctx = ctx;
  evtimer_assign(&watch->timer, loop_base(), on_timer, watch);
  bp_status status = find_folder(watch, path) ? start(watch) : BP_E_INVALID;
  if (status == BP_OK && !(watch->handle = slots_add(&watches, watch)))
    status = BP_E_NO_MEMORY;
  if (status != BP_OK) {
    watch_free(watch);
    return status;
  }
  owned_add(plugin, &watch->owned, watch_revoke);
  if (ret)
    *ret = watch->handle;
  return BP_OK;
}

static bp_status table_close(bp_watch handle) {
  if (!plugin_on_main(0, "watch close"))
    return BP_E_THREAD;
  struct watch *watch = slots_get(&watches, handle);
  if (!watch)
    return BP_E_STALE;
  watch_free(watch);
  return BP_OK;
}

const bp_watch_1 watch_table = {.size = sizeof(bp_watch_1), .open = table_open, .close = table_close};
