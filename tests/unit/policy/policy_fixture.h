/* A host with a loop, a live log and a store in a fresh folder, and rules in a folder of their own. For tests of the policy. */
#ifndef TESTS_UNIT_POLICY_FIXTURE_H
#define TESTS_UNIT_POLICY_FIXTURE_H

#include "unit.h"

#include "base/log.h"
#include "base/str.h"
#include "config/config.h"
#include "live/live.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "policy/policy.h"
#include "store/store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char fixture_folder[64];
static struct config fixture_config;
static char fixture_scripts[96];

static inline void fixture_stop(void *arg) {
  (void)arg;
  loop_stop();
}

/* Runs the loop until *calls reaches `target`. */
static inline void fixture_wait(const unsigned *calls, unsigned target) {
  while (*calls < target) {
    loop_post(fixture_stop, NULL);
    loop_run();
    if (*calls < target)
      usleep(200);
  }
}

static inline void fixture_rule(const char *file, const char *text) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s", fixture_scripts, file);
  *strrchr(path, '/') = '\0';
  mkdir(path, 0700);
  path[strlen(path)] = '/';
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs(text, out);
  fclose(out);
}

static inline void fixture_open(void) {
  char path[96];
  bp_error err = BP_ERROR_INIT;
  snprintf(path, sizeof(path), "%s/state.db", fixture_folder);
  const struct store_options options = {.path = path, .live_retention_days = 30, .live_retention_bytes = INT64_C(2) << 30, .create = true};
  if (store_open(&options, &err) != BP_OK || policy_open(&fixture_config, fixture_folder, &err) != BP_OK)
    fail_msg("%s", err.message);
  store_ready();
}

static inline void fixture_close(void) {
  workers_stop();
  store_close();
  policy_release();
}

static inline int fixture_make(void **state) {
  (void)state;
  log_configure(LOG_HUMAN, 0, 2);
  snprintf(fixture_folder, sizeof(fixture_folder), "/tmp/bp-policy-XXXXXX");
  if (!mkdtemp(fixture_folder))
    return -1;
  snprintf(fixture_scripts, sizeof(fixture_scripts), "%s/scripts", fixture_folder);
  mkdir(fixture_scripts, 0700);
  fixture_config = (struct config){.scripts_dir = fixture_scripts, .hold_ms = 25000, .audit_days = 90, .audit_rows = 100000};
  return loop_init() && live_init() ? 0 : -1;
}

static inline int fixture_remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st;
  (void)kind;
  (void)at;
  return remove(path);
}

static inline int fixture_remove(void **state) {
  (void)state;
  live_release();
  plugin_registry_release();
  loop_release();
  nftw(fixture_folder, fixture_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  return 0;
}

static inline int fixture_setup(void **state) {
  int failed = fixture_make(state);
  if (!failed)
    fixture_open();
  return failed;
}

static inline int fixture_teardown(void **state) {
  fixture_close();
  return fixture_remove(state);
}

#define POLICY_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
