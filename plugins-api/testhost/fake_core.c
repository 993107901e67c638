/* bp.core/1 of the fake host: a clock that stands still, random bytes that repeat, a folder that is removed at the end. */
#include "fake.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_OF_2026 1767225600000000000LL /* 2026-01-01T00:00:00Z */

static struct {
  int64_t moved_ns;
  uint32_t random;
  char folder[64];
  char start_folder[PATH_MAX];
  char status[121];
} core;

static bp_str host_version(void) {
  return BP_LIT("0.0.0");
}

static bp_str folder(bp_plugin self) {
  (void)self;
  if (!core.folder[0]) {
    snprintf(core.folder, sizeof(core.folder), "/tmp/backplane-testhost-XXXXXX");
    if (!mkdtemp(core.folder))
      fake_misuse("cannot make a folder under /tmp");
  }
  return str_from(core.folder);
}

static bp_str start_folder(bp_plugin self) {
  (void)self;
  return str_from(getcwd(core.start_folder, sizeof(core.start_folder)));
}

int64_t fake_now_ns(void) {
  return NS_OF_2026 + core.moved_ns;
}

static int64_t now_monotonic_ns(void) {
  return core.moved_ns;
}

void fake_clock_move(int64_t ns) {
  core.moved_ns += ns;
}

static void random_bytes(void *data, size_t bytes) {
  unsigned char *out = data;
  for (size_t i = 0; i < bytes; i++) {
    core.random = core.random * 1664525u + 1013904223u;
    out[i] = (unsigned char)(core.random >> 24);
  }
}

static void status_text(bp_plugin self, bp_str text) {
  (void)self;
  snprintf(core.status, sizeof(core.status), "%.*s", (int)(text.len < 120 ? text.len : 120), text.ptr ? text.ptr : "");
}

const char *bp_testhost_status(void) {
  return core.status;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st;
  (void)kind;
  (void)at;
  return remove(path);
}

void fake_core_reset(void) {
  if (core.folder[0])
    nftw(core.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  memset(&core, 0, sizeof(core));
}

/* Nothing checks tokens here: they only have their form. */
static bp_status token_new(bp_plugin self, bp_str name, bp_str scopes, char ret_token[65], char ret_id[17]) {
  unsigned char bytes[40];
  (void)self, (void)name;
  if (scopes.len == 0)
    return BP_E_INVALID;
  random_bytes(bytes, sizeof(bytes));
  for (unsigned i = 0; i < 32; i++)
    snprintf(ret_token + 2 * i, 3, "%02x", bytes[i]);
  for (unsigned i = 0; i < 8; i++)
    snprintf(ret_id + 2 * i, 3, "%02x", bytes[32 + i]);
  return BP_OK;
}

static bp_status token_revoke(bp_plugin self, bp_str id) {
  (void)self;
  return id.len == 16 ? BP_OK : BP_E_NOT_FOUND;
}

const bp_core_1 fake_core_table = {
    .size = offsetof(bp_core_1, sha256),
    .host_version = host_version,
    .folder = folder,
    .start_folder = start_folder,
    .now_wall_ns = fake_now_ns,
    .now_monotonic_ns = now_monotonic_ns,
    .random_bytes = random_bytes,
    .status_text = status_text,
    .token_new = token_new,
    .token_revoke = token_revoke,
};
