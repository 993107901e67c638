/* A plugin with one root in a temporary folder, and bp.fs calls that wait for their end. */
#ifndef TESTS_UNIT_FS_FIXTURE_H
#define TESTS_UNIT_FS_FIXTURE_H

#include "unit.h"

#include "base/buf.h"
#include "fs/own_folders.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fs_test {
  struct plugin *plugin;
  char base[64];   /* of everything; removed at the end */
  char folder[96]; /* the root */
  bp_root root;
  unsigned ends; /* of all operations so far */
};
static struct fs_test fs_test;

/* What the last operation gave, copied. */
static struct {
  bp_status status;
  char message[256];
  char data[1 << 16];
  size_t data_len;
  uint64_t total;
  uint32_t more, count;
  struct {
    char name[256];
    uint32_t kind, target_kind;
    uint64_t bytes;
  } entries[64];
} fs_result;

static inline void fs_copy_entries(bp_array entries) {
  fs_result.count = entries.count;
  for (uint32_t i = 0; i < entries.count && i < 64; i++) {
    const bp_fs_entry *entry = (const bp_fs_entry *)((const char *)entries.ptr + (size_t)i * entries.stride);
    snprintf(fs_result.entries[i].name, sizeof(fs_result.entries[i].name), "%.*s", (int)entry->name.len, entry->name.ptr);
    fs_result.entries[i].kind = entry->kind;
    fs_result.entries[i].target_kind = entry->target_kind;
    fs_result.entries[i].bytes = entry->bytes;
  }
}

static inline void fs_done(void *ctx, const bp_fs_result *result) {
  assert_ptr_equal(ctx, &fs_test);
  assert_non_null(result->error);
  fs_result.status = result->status;
  snprintf(fs_result.message, sizeof(fs_result.message), "%s", result->error->message);
  fs_result.data_len = result->data.len < sizeof(fs_result.data) ? result->data.len : sizeof(fs_result.data) - 1;
  if (fs_result.data_len)
    memcpy(fs_result.data, result->data.ptr, fs_result.data_len);
  fs_result.data[fs_result.data_len] = '\0';
  fs_result.total = result->total;
  fs_result.more = result->more;
  fs_copy_entries(result->entries);
  fs_test.ends++;
  loop_stop();
}

/* The status of an operation: what the call said, or what its end says. */
static inline bp_status fs_wait(bp_status begun) {
  if (begun == BP_OK) {
    unsigned ends = fs_test.ends;
    loop_run();
    assert_int_equal(fs_test.ends, ends + 1);
    return fs_result.status;
  }
  return begun;
}

#define FS_END fs_done, &fs_test

static inline bp_status fs_read(const char *path) {
  return fs_wait(fs_table.read(fs_test.root, str_from(path), 0, 60000, FS_END));
}

static inline bp_status fs_write(const char *path, const char *text, uint32_t flags) {
  return fs_wait(fs_table.write(fs_test.root, str_from(path), str_from(text), flags, FS_END));
}

static inline bp_status fs_list(const char *path, const char *pattern, uint32_t flags) {
  return fs_wait(fs_table.list(fs_test.root, str_from(path), str_from(pattern), flags, 0, 0, FS_END));
}

/* ---- The disk, without bp.fs ---- */

static inline const char *disk_path(const char *name) {
  static char path[512];
  snprintf(path, sizeof(path), "%s/%s", fs_test.folder, name);
  return path;
}

static inline void disk_write(const char *name, const char *text) {
  int fd = open(disk_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

/* The text of a file of the root, "" if there is none. */
static inline const char *disk_read(const char *name) {
  static char text[4096];
  int fd = open(disk_path(name), O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
  if (fd >= 0)
    close(fd);
  text[len > 0 ? len : 0] = '\0';
  return text;
}

static inline void disk_mkdir(const char *name) {
  assert_int_equal(mkdir(disk_path(name), 0755), 0);
}

static inline bool disk_has(const char *name) {
  return access(disk_path(name), F_OK) == 0;
}

static inline int fs_remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
  (void)info, (void)type, (void)at;
  return remove(path);
}

static inline void fs_open_root(uint32_t flags) {
  bp_error err = BP_ERROR_INIT;
  if (fs_table.root_open(fs_test.plugin->handle, str_from(fs_test.folder), flags, &fs_test.root, &err) != BP_OK)
    fail_msg("%s", err.message);
}

static inline int fs_setup(void **state) {
  (void)state;
  memset(&fs_test, 0, sizeof(fs_test));
  snprintf(fs_test.base, sizeof(fs_test.base), "/tmp/backplane-fs-XXXXXX");
  if (!mkdtemp(fs_test.base) || !loop_init())
    return -1;
  snprintf(fs_test.folder, sizeof(fs_test.folder), "%s/root", fs_test.base);
  if (mkdir(fs_test.folder, 0755) != 0)
    return -1;
  fs_test.plugin = plugin_add(BP_LIT("test.fs"), "/test.so");
  fs_open_root(0);
  return 0;
}

static inline int fs_teardown(void **state) {
  (void)state;
  plugin_revoke_all(fs_test.plugin);
  workers_stop();
  loop_release();
  own_folders_release();
  plugin_registry_release();
  return nftw(fs_test.base, fs_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define FS_TEST(name) cmocka_unit_test_setup_teardown(name, fs_setup, fs_teardown)

#endif
