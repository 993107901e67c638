/* Telling plugins' threads from the host's by /proc/self/task; see stray.h. */
#include "loader/stray.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"
#include "loader/plugin.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

struct stray {
  pid_t tid;
  const struct plugin *plugin; /* NULL: there before any plugin */
  bool is_alive;
};

static struct {
  struct stray *items;
  unsigned count;
} strays;

static struct stray *stray_find(pid_t tid) {
  for (unsigned i = 0; i < strays.count; i++)
    if (strays.items[i].tid == tid)
      return &strays.items[i];
  return NULL;
}

static void stray_see(pid_t tid, const struct plugin *plugin) {
  struct stray *stray = stray_find(tid);
  if (!stray) {
    strays.items = mem_resize(strays.items, (strays.count + 1) * sizeof(*strays.items));
    stray = &strays.items[strays.count++];
    *stray = (struct stray){.tid = tid, .plugin = plugin};
  }
  stray->is_alive = true;
}

static void scan(const struct plugin *plugin) {
  DIR *tasks = opendir("/proc/self/task");
  if (!tasks)
    return;
  for (unsigned i = 0; i < strays.count; i++)
    strays.items[i].is_alive = false;
  for (const struct dirent *entry; (entry = readdir(tasks));) {
    int64_t tid;
    if (str_to_i64(str_from(entry->d_name), &tid) && tid != getpid() && !thread_is_host((pid_t)tid))
      stray_see((pid_t)tid, plugin);
  }
  closedir(tasks);
  for (unsigned i = 0; i < strays.count; i++)
    if (!strays.items[i].is_alive)
      strays.items[i--] = strays.items[--strays.count];
}

void stray_baseline(void) {
  scan(NULL);
}

void stray_note(struct plugin *plugin) {
  scan(plugin);
}

bool stray_is_running(struct plugin *plugin) {
  scan(plugin);
  for (unsigned i = 0; i < strays.count; i++)
    if (strays.items[i].plugin == plugin)
      return true;
  return false;
}
