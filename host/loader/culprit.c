/* Who is running: the stack of plugin callbacks of each thread, and what a callback on main may cost. The crash line that
 * reads it is crash.c. */
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loop/loop.h"

static _Thread_local struct culprit *current;

const struct culprit *culprit_current(void) {
  return current;
}

void culprit_enter(struct culprit *frame, struct plugin *plugin, const char *what, bp_str detail) {
  frame->plugin = plugin;
  frame->what = what;
  frame->detail = detail;
  frame->started_ns = loop_clock_ns();
  frame->outer = current;
  current = frame;
}

/* Kinds of callback beyond the table's room share its last row. */
static struct hook_time *hook_of(struct plugin *plugin, const char *what) {
  struct hook_time *hook = plugin->hooks;
  for (unsigned i = 0; i < PLUGIN_HOOKS - 1; i++, hook++) {
    if (!hook->what)
      hook->what = what;
    if (hook->what == what || str_eq(str_from(hook->what), str_from(what)))
      return hook;
  }
  hook->what = "other";
  return hook;
}

static void warn_slow(struct plugin *plugin, const struct culprit *frame, int64_t took_ns) {
  plugin->slow_callbacks++;
  log_warn(plugin->id, "callback \"%s%s%.*s\" held the main thread for %lld ms: work over 50 ms belongs on a worker (bp.loop/1 work)", frame->what,
           frame->detail.len ? " " : "", (int)(frame->detail.len > 64 ? 64 : frame->detail.len), frame->detail.len ? frame->detail.ptr : "",
           (long long)(took_ns / 1000000));
}

void culprit_leave(struct culprit *frame) {
  current = frame->outer;
  if (!frame->plugin || !loop_is_main())
    return;
  int64_t took_ns = loop_clock_ns() - frame->started_ns;
  struct hook_time *hook = hook_of(frame->plugin, frame->what);
  hook->calls++;
  hook->total_ns += took_ns;
  if (took_ns > CULPRIT_SLOW_NS)
    warn_slow(frame->plugin, frame, took_ns);
}
