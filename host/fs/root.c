/* Roots; see root.h. */
#include "fs/root.h"
#include "base/fail.h"
#include "base/slots.h"
#include "base/str.h"
#include "fs/job.h"
#include "fs/own_folders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct slots roots;
static uint64_t bytes_of_all;

struct fs_root *root_get(bp_root handle) {
  return slots_get(&roots, handle);
}

bool root_is_closed(const struct fs_root *root) {
  return __atomic_load_n(&root->is_closed, __ATOMIC_ACQUIRE);
}

void root_unref(struct fs_root *root) {
  if (--root->references > 0)
    return;
  close(root->fd);
  free(root);
}

void root_close(struct fs_root *root) {
  __atomic_store_n(&root->is_closed, true, __ATOMIC_RELEASE);
  slots_remove(&roots, root->handle);
  owned_remove(&root->owned);
  job_end_waiting();
  root_unref(root);
}

static void root_revoke(struct owned *owned) {
  root_close((struct fs_root *)owned);
}

bp_status root_charge(struct fs_root *root, uint64_t bytes) {
  if (root->jobs >= ROOT_JOBS_MAX || bytes > ROOT_BYTES_MAX - root->bytes || bytes > FS_BYTES_MAX - bytes_of_all)
    return BP_E_BUSY;
  root->jobs++;
  root->bytes += bytes;
  bytes_of_all += bytes;
  return BP_OK;
}

void root_discharge(struct fs_root *root, uint64_t bytes) {
  root->jobs--;
  root->bytes -= bytes;
  bytes_of_all -= bytes;
}

static unsigned count_roots(const struct plugin *plugin) {
  unsigned count = 0;
  for (const struct owned *item = plugin->registrations; item; item = item->next)
    count += item->revoke == root_revoke;
  return count;
}

static bp_status open_folder(const char *path, int *ret, bp_error *err) {
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fail(err, errno == ENOENT || errno == ENOTDIR ? BP_E_NOT_FOUND : BP_E_IO, "cannot open folder \"%s\": %s", path, strerror(errno));
  if (own_folders_hold(fd)) {
    close(fd);
    fail(err, BP_E_DENIED, "folder \"%s\" is the host's own: it is never served", path);
    fail_hint(err, "name a folder outside the host's configuration, state, scripts and modules");
    return BP_E_DENIED;
  }
  *ret = fd;
  return BP_OK;
}

static struct fs_root *root_new(struct plugin *plugin, int fd, uint32_t flags) {
  struct stat info;
  struct fs_root *root = calloc(1, sizeof(*root));
  if (!root || fstat(fd, &info) != 0) {
    free(root);
    return NULL;
  }
  *root = (struct fs_root){.plugin = plugin, .fd = fd, .device = info.st_dev, .inode = info.st_ino, .flags = flags, .references = 1};
  root->handle = slots_add(&roots, root);
  if (root->handle)
    return root;
  free(root);
  return NULL;
}

bp_status root_open(struct plugin *plugin, bp_str path, uint32_t flags, bp_root *ret, bp_error *err) {
  int fd = -1;
  if (path.len == 0 || path.len >= PATH_MAX || path.ptr[0] != '/' || str_find(path, '\0') >= 0)
    return fail(err, BP_E_INVALID, "a root is an absolute path: \"%.*s\"", (int)(path.len > 100 ? 100 : path.len), path.ptr ? path.ptr : "");
  if (count_roots(plugin) >= ROOTS_MAX)
    return fail(err, BP_E_LIMIT, "plugin \"%s\" has %d roots open already", plugin->id, ROOTS_MAX);
  char *folder = str_dupz(path);
  bp_status status = open_folder(folder, &fd, err);
  free(folder);
  if (status != BP_OK)
    return status;
  struct fs_root *root = root_new(plugin, fd, flags);
  if (!root) {
    close(fd);
    return fail(err, BP_E_NO_MEMORY, "there is no memory for another root");
  }
  owned_add(plugin, &root->owned, root_revoke);
  *ret = root->handle;
  return BP_OK;
}
