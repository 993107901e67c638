/* PM2's daemon: where it is, whether it answers, and what is done when it does not. A daemon that somebody else has started is used; where
 * none is and something should run, it is launched as a child that outlives the host. One that dies is said in the log. */
#include "pm2.h"
#include "statements.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS 500
#define NS 1000000000ll
#define PATIENCE_NS (15 * NS) /* then what should run is looked at all the same */
#define REFRESH_TICKS 10      /* a list without any event, now and then */

static void say(const struct watchman *w, uint32_t level, const char *text) {
  w->module->log->write(w->module->self, level, str_z(text), (bp_array){NULL, 0, 0});
}

bool pm2_is_connected(const struct watchman *w) {
  return link_is_open(&w->rpc);
}

/* ---- Launching ---- */

static void daemon_started(void *ctx, bp_proc proc, int64_t pid) {
  (void)ctx;
  (void)proc;
  (void)pid; /* it is there when its socket takes us */
}

static void daemon_exited(void *ctx, bp_proc proc, const bp_proc_exit *exit) {
  struct watchman *w = ctx;
  (void)proc;
  if (!exit->will_restart)
    w->daemon = 0;
}

static const bp_proc_events daemon_events = {.size = sizeof(daemon_events), .started = daemon_started, .exited = daemon_exited};

/* Without the variable "_", by which it would start itself again behind our back. */
static void launch(struct watchman *w) {
  const struct deployments *d = w->module;
  bp_str node = BP_LIT("");
  bp_error err = BP_ERROR_INIT;
  d->config->string(d->self, BP_LIT("node"), &node);
  const bp_str argv[] = {node.len ? node : BP_LIT("node"), str_z(w->daemon_script)};
  const bp_proc_env env[] = {{.size = sizeof(bp_proc_env), .name = BP_LIT("PM2_HOME"), .value = str_z(w->home)}};
  const bp_proc_spec spec = {.size = sizeof(spec),
                             .lifetime = BP_PROC_SURVIVING,
                             .restart = BP_RESTART_NEVER,
                             .name = BP_LIT("pm2-daemon"),
                             .argv = BP_ARRAY(argv),
                             .env = BP_ARRAY(env),
                             .cwd = str_z(w->home)};
  if (d->proc->spawn(d->self, &spec, &daemon_events, w, &w->daemon, &err) == BP_OK)
    say(w, BP_LOG_INFO, "the PM2 daemon is launched");
  else if (err.code != BP_E_EXISTS)
    say(w, BP_LOG_ERROR, err.message);
}

/* ---- Connected, and not ---- */

static void recovered(void *ctx, const char *error) {
  struct watchman *w = ctx;
  if (!w->module->is_recovered && !w->module->is_draining && !error)
    recover_begin(w->module);
  if (!error)
    pm2_preparations_begin(w);
}

static void look_at_list(struct watchman *w) {
  pm2_refresh(w, recovered, w);
}

static void connected(struct watchman *w) {
  w->waiting_since_ns = 0;
  w->was_connected = true;
  w->is_absent = false;
  w->need = PM2_NEED_UNKNOWN;
  say(w, BP_LOG_INFO, "connected to the PM2 daemon");
  pm2_orphans_stop(w, link_peer(&w->rpc), look_at_list);
}

static void on_closed(void *ctx) {
  struct watchman *w = ctx;
  link_close(&w->rpc);
  link_close(&w->pub);
  w->waiting_since_ns = w->module->core->now_monotonic_ns();
  w->was_lost = true;
  if (!w->module->is_draining)
    say(w, BP_LOG_ERROR, "the PM2 daemon has closed the connection: what it ran is looked at again when it is back");
  pm2_rpc_fail_all(w, "the PM2 daemon has closed the connection");
}

static bool open_both(struct watchman *w, int *ret_error) {
  char path[PM2_PATH_BYTES + 16];
  snprintf(path, sizeof(path), "%s/rpc.sock", w->home);
  *ret_error = link_open(&w->rpc, path);
  if (*ret_error)
    return false;
  snprintf(path, sizeof(path), "%s/pub.sock", w->home);
  *ret_error = link_open(&w->pub, path);
  if (*ret_error)
    link_close(&w->rpc);
  return *ret_error == 0;
}

/* ---- None is there ---- */

static void orphans_gone(struct watchman *w) {
  (void)w; /* nothing waits for it */
}

static void on_need(void *ctx, const bp_db_outcome *outcome) {
  struct watchman *w = ctx;
  struct deployments *d = w->module;
  if (w->need != PM2_NEED_ASKED || pm2_is_connected(w) || d->is_draining)
    return;
  w->need = outcome->status != BP_OK ? PM2_NEED_UNKNOWN : d->db->rows(outcome->result, 0) > 0 ? PM2_NEED_SOME : PM2_NEED_NONE;
  w->is_absent = w->need == PM2_NEED_NONE;
  if (w->is_absent && w->was_lost)
    pm2_orphans_stop(w, PM2_NO_DAEMON, orphans_gone);
  if (w->is_absent && !d->is_recovered)
    recover_begin(d);
}

static void ask_need(struct watchman *w) {
  const struct deployments *d = w->module;
  const bp_db_query query = {.size = sizeof(query), .statement = ANY_WANTED, .max_rows = 1};
  const bp_array all = {&query, 1, (uint32_t)sizeof(query)};
  if (d->db->read(d->self, all, 0, on_need, w) == BP_OK)
    w->need = PM2_NEED_ASKED;
}

/* Somebody may have ended it on purpose: nothing is launched for nothing. */
static void launch_if_needed(struct watchman *w) {
  if (w->need == PM2_NEED_UNKNOWN)
    ask_need(w);
  if (w->need != PM2_NEED_SOME)
    return;
  w->is_absent = false;
  if (!w->daemon)
    launch(w);
}

static void try_to_connect(struct watchman *w) {
  int error = 0;
  int64_t now_ns = w->module->core->now_monotonic_ns();
  if (open_both(w, &error)) {
    connected(w);
    return;
  }
  if (w->waiting_since_ns == 0)
    w->waiting_since_ns = now_ns;
  if (error == ECONNREFUSED || error == ENOENT)
    launch_if_needed(w);
  if (!w->is_absent && !w->module->is_recovered && now_ns - w->waiting_since_ns > PATIENCE_NS) {
    say(w, BP_LOG_ERROR, "the PM2 daemon does not take connections: nothing can be started until it does");
    recover_begin(w->module);
  }
}

static void on_tick(void *ctx, bp_timer timer) {
  struct watchman *w = ctx;
  (void)timer;
  pm2_preparations_expire(w);
  if (!pm2_is_connected(w)) {
    try_to_connect(w);
    return;
  }
  pm2_rpc_expire(w);
  if (++w->ticks % REFRESH_TICKS == 0)
    pm2_refresh(w, NULL, NULL);
}

/* ---- Made, started, freed ---- */

/* The program may be a link into a package, whose root has lib/Daemon.js. */
static bool find_daemon(const char *program, char script[PM2_PATH_BYTES]) {
  char *real = realpath(program, NULL);
  char *slash = real ? strrchr(real, '/') : NULL;
  if (slash)
    *slash = '\0';
  slash = slash ? strrchr(real, '/') : NULL;
  if (slash)
    *slash = '\0';
  bool is_found = slash && snprintf(script, PM2_PATH_BYTES, "%s/lib/Daemon.js", real) < PM2_PATH_BYTES && access(script, R_OK) == 0;
  free(real);
  return is_found;
}

static bool find_program(const char *name, char script[PM2_PATH_BYTES]) {
  static const char *const folders[] = {"/usr/local/bin", "/usr/bin", "/bin"};
  char path[PM2_PATH_BYTES];
  if (strchr(name, '/'))
    return find_daemon(name, script);
  for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
    if (snprintf(path, sizeof(path), "%s/%s", folders[i], name) < PM2_PATH_BYTES && find_daemon(path, script))
      return true;
  return false;
}

static bool set_home(struct watchman *w) {
  const struct deployments *d = w->module;
  bp_str home = BP_LIT("");
  const char *user = getenv("HOME");
  d->config->string(d->self, BP_LIT("pm2_home"), &home);
  int len = home.len ? snprintf(w->home, sizeof(w->home), "%.*s", (int)home.len, home.ptr)
                     : snprintf(w->home, sizeof(w->home), "%s/.pm2", user ? user : "");
  return w->home[0] == '/' && len < 90; /* a socket's path has 107 bytes */
}

static void make_folders(const struct watchman *w) {
  static const char *const names[] = {"", "/logs", "/pids", "/modules"};
  char path[PM2_PATH_BYTES + 16];
  for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    snprintf(path, sizeof(path), "%s%s", w->home, names[i]);
    mkdir(path, 0700);
  }
}

static struct pm2_link new_link(struct watchman *w, void (*on_frame)(void *ctx, const struct amp_frame *frame)) {
  return (struct pm2_link){.self = w->module->self, .loop = w->module->loop, .ctx = w, .on_frame = on_frame, .on_closed = on_closed, .fd = -1};
}

struct watchman *pm2_new(struct deployments *d, const char **ret_why_not) {
  bp_str program = BP_LIT("");
  char name[PM2_PATH_BYTES];
  struct watchman *w = calloc(1, sizeof(*w));
  *ret_why_not = "out of memory";
  if (!w)
    return NULL;
  w->module = d;
  d->config->string(d->self, BP_LIT("pm2"), &program);
  snprintf(name, sizeof(name), "%.*s", program.len < PM2_PATH_BYTES ? (int)program.len : 0, program.ptr);
  *ret_why_not = NULL;
  if (!find_program(name, w->daemon_script))
    *ret_why_not = "supervisor is \"pm2\", but PM2 is not installed (npm install -g pm2, or name it in the option pm2): the native one is used";
  else if (!set_home(w))
    *ret_why_not = "pm2_home is not an absolute path of less than 90 bytes: the native supervisor is used";
  if (*ret_why_not) {
    free(w);
    return NULL;
  }
  w->rpc = new_link(w, pm2_rpc_frame);
  w->pub = new_link(w, pm2_pub_frame);
  return w;
}

void pm2_start(struct watchman *w) {
  const struct deployments *d = w->module;
  make_folders(w);
  d->proc->adopt(d->self, BP_LIT("pm2-daemon"), &daemon_events, w, &w->daemon);
  d->loop->timer(d->self, 0, TICK_MS, on_tick, w, &w->tick);
}

void pm2_free(struct watchman *w) {
  if (!w)
    return;
  link_close(&w->rpc);
  link_close(&w->pub);
  pm2_rpc_release(w);
  pm2_preparations_release(w);
  pm2_list_release(w);
  free(w);
}
