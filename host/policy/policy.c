/* The policy in force; see policy.h. */
#include "policy/policy.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/config.h"
#include "fs/own_folders.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "places.h"
#include "policy/approvals.h"
#include "policy/audit.h"
#include "policy/tested.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RELOADS_WAITING_MOST 64

struct reload;

static struct {
  struct rule_sets *sets;
  char *dir;
  uint32_t hold_ms;
  struct reload *reloads; /* the first runs, the others wait for their turn; oldest first */
  struct policy_counters *counters;
} policy;

/* ---- Where the rules are ---- */

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* "<folder of the configuration>/scripts". */
static char *beside_config(const char *config_file) {
  const char *slash = strrchr(config_file, '/');
  struct buf path = {0};
  buf_append(&path, config_file, slash ? (size_t)(slash - config_file) + 1 : 0);
  buf_append_z(&path, "scripts");
  char *copy = str_dupz(buf_str(&path));
  buf_release(&path);
  return copy;
}

char *policy_scripts_dir(const struct config *config, bool *ret_is_written) {
  if (ret_is_written)
    *ret_is_written = config->scripts_dir != NULL;
  if (config->scripts_dir)
    return str_dupz(str_from(config->scripts_dir));
  char *beside = beside_config(config->file);
  if (is_folder(beside))
    return beside;
  free(beside);
  return places_scripts();
}

/* ---- Loading ---- */

/* Rules that nobody has named and that are not there: without them everything is allowed, which the operator should know. */
static bool are_missing(const struct config *config) {
  bool is_written;
  char *dir = policy_scripts_dir(config, &is_written);
  bool missing = !is_written && !is_folder(dir);
  if (missing)
    log_warn("policy", "there is no folder of rules at \"%s\": nothing is validated or denied; name one with policy { scripts = \"...\" }", dir);
  free(dir);
  return missing;
}

void policy_configure(const struct config *config) {
  LOOP_MAIN();
  free(policy.dir);
  policy.dir = policy_scripts_dir(config, NULL);
  own_folders_add(policy.dir);
  policy.hold_ms = config->hold_ms;
  audit_set_retention(config->audit_days, config->audit_rows);
  approvals_set_retention(config->audit_days);
}

/* What has passed its tests at an earlier start and is as it was then need not be tested again. */
static bool load_first(const char *state_dir, bp_error *err) {
  uint64_t print = tested_print(policy.dir);
  bool is_tested = tested_is(state_dir, print);
  policy.sets = is_tested ? rule_sets_compile(policy.dir, err) : rule_sets_load(policy.dir, err);
  if (!policy.sets)
    return false;
  if (!is_tested)
    tested_note(state_dir, print);
  log_info("policy", "%u sets of rules from \"%s\", %s", policy.sets->count, policy.dir,
           is_tested ? "unchanged since they passed their tests" : "which have passed their tests");
  return true;
}

bp_status policy_open(const struct config *config, const char *state_dir, bp_error *err) {
  LOOP_MAIN();
  policy_configure(config);
  if (!are_missing(config) && !load_first(state_dir, err))
    return err->code;
  bp_status status = audit_open(err);
  return status == BP_OK ? approvals_open(err) : status;
}

static void free_counters(void) {
  while (policy.counters) {
    struct policy_counters *next = policy.counters->next;
    free(policy.counters->set);
    free(policy.counters);
    policy.counters = next;
  }
}

void policy_release(void) {
  approvals_release();
  audit_release();
  rule_sets_free(policy.sets);
  free_counters();
  free(policy.dir);
  policy.sets = NULL;
  policy.dir = NULL;
}

/* ---- Loading again ---- */

struct reload {
  struct work work;
  char *dir;
  struct rule_sets *sets;
  bp_error err;
  policy_reload_fn done;
  void *ctx;
  struct reload *next;
};

static void reload_run(struct work *work) {
  struct reload *reload = (struct reload *)work;
  reload->sets = rule_sets_load(reload->dir, &reload->err);
}

static void swap(struct reload *reload) {
  if (reload->sets) {
    rule_sets_free(policy.sets);
    policy.sets = reload->sets;
    log_info("policy", "%u sets of rules loaded again from \"%s\"", policy.sets->count, reload->dir);
  } else {
    log_error("policy", "the rules stay as they were: %s", reload->err.message);
  }
}

/* The folder is that of now: what was configured meanwhile counts. */
static void reload_submit(struct reload *reload) {
  reload->dir = str_dupz(str_from(policy.dir));
  workers_submit(&reload->work);
}

static void reload_done(struct work *work, bool cancelled) {
  struct reload *reload = (struct reload *)work;
  if (cancelled)
    reload->err.code = BP_E_CANCELLED;
  else
    swap(reload);
  if (reload->done)
    reload->done(reload->ctx, reload->err.code, &reload->err);
  policy.reloads = reload->next; /* not before: who asks from within `done` waits as well */
  free(reload->dir);
  free(reload);
  if (policy.reloads && cancelled)
    reload_done(&policy.reloads->work, true);
  else if (policy.reloads)
    reload_submit(policy.reloads);
}

bp_status policy_reload(policy_reload_fn done, void *ctx) {
  LOOP_MAIN();
  struct reload **end = &policy.reloads;
  unsigned waiting = 0;
  for (; *end; end = &(*end)->next)
    waiting++;
  if (waiting > 1 && !done)
    return BP_OK; /* one that waits will read all there is now */
  if (waiting > RELOADS_WAITING_MOST)
    return BP_E_BUSY;
  struct reload *reload = mem_alloc(sizeof(*reload));
  *reload = (struct reload){.work = {.run = reload_run, .done = reload_done}, .err = BP_ERROR_INIT, .done = done, .ctx = ctx};
  *end = reload;
  if (policy.reloads == reload)
    reload_submit(reload);
  return BP_OK;
}

/* ---- What is in use ---- */

struct rule_set *policy_find_set(bp_str name) {
  return rule_sets_find(policy.sets, name);
}

const struct rule_sets *policy_sets(void) {
  return policy.sets;
}

uint32_t policy_hold_ms(void) {
  return policy.hold_ms;
}

static struct policy_counters *counters_for(const char *set) {
  struct policy_counters *c = policy.counters;
  while (c && strcmp(c->set, set) != 0)
    c = c->next;
  if (c)
    return c;
  c = mem_alloc(sizeof(*c));
  c->set = str_dupz(str_from(set));
  c->next = policy.counters;
  policy.counters = c;
  return c;
}

void policy_count(const struct rule_set *set, enum verdict_kind kind) {
  counters_for(rule_set_name(set))->verdicts[kind]++;
}

const struct policy_counters *policy_counters_first(void) {
  return policy.counters;
}
