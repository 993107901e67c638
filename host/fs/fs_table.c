/* bp.fs/1: the table. Arguments are checked here, paths on the worker where they are used. */
#include "base/fail.h"
#include "base/str.h"
#include "fs/job.h"
#include "fs/place.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "router/file_reply.h"
#include "router/request.h"
#include "router/upload.h"
#include "router/upload_keep.h"

#include <stdio.h>
#include <stdlib.h>

#define READ_MAX ((uint64_t)16 * 1024 * 1024)
#define WRITE_MAX ((size_t)64 * 1024 * 1024)
#define PATTERN_MAX 256u
#define ALL_FLAGS (BP_FS_HIDDEN | BP_FS_OVERWRITE | BP_FS_PARENTS | BP_FS_RECURSIVE | BP_FS_TRASH)

static bp_status table_root_open(bp_plugin self, bp_str path, uint32_t flags, bp_root *ret, bp_error *err) {
  if (!plugin_on_main(self, "root_open"))
    return fail(err, BP_E_THREAD, "a root is opened on the main thread");
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return fail(err, BP_E_STALE, "the plugin is draining");
  if (!ret || (flags & ~(BP_ROOT_READ_ONLY | BP_ROOT_NO_DOT | BP_ROOT_SINGLE_LINK | BP_ROOT_NO_GIT)))
    return fail(err, BP_E_INVALID, "a root needs a place for its handle and flags this host knows");
  return root_open(plugin, path, flags, ret, err);
}

static bp_status table_root_close(bp_root handle) {
  if (!plugin_on_main(0, "root_close"))
    return BP_E_THREAD;
  struct fs_root *root = root_get(handle);
  if (!root)
    return BP_E_STALE;
  root_close(root);
  return BP_OK;
}

/* Checks what all share, makes the job and gives it its flags. */
static struct fs_job *prepare(const char *function, const struct job_order *order, uint32_t flags, bp_status *ret_status) {
  *ret_status = BP_E_THREAD;
  if (!plugin_on_main(0, function))
    return NULL;
  *ret_status = BP_E_INVALID;
  if (!order->done || (flags & ~ALL_FLAGS))
    return NULL;
  struct fs_job *job = job_new(order, ret_status);
  if (job)
    job->flags = flags;
  return job;
}

static bp_status begin(const char *function, const struct job_order *order, uint32_t flags) {
  bp_status status;
  struct fs_job *job = prepare(function, order, flags, &status);
  if (job)
    job_start(job);
  return status;
}

static bp_status table_stat(bp_root root, bp_str path, bp_fs_fn done, void *ctx) {
  return begin("stat", &(struct job_order){.root = root, .run = read_stat, .path = path, .done = done, .ctx = ctx}, 0);
}

static bp_status table_list(bp_root root, bp_str path, bp_str pattern, uint32_t flags, uint32_t offset, uint32_t limit, bp_fs_fn done, void *ctx) {
  bp_status status;
  const struct job_order order = {.root = root, .run = list_folder, .path = path, .other = pattern, .done = done, .ctx = ctx};
  if (pattern.len > PATTERN_MAX)
    return BP_E_LIMIT;
  struct fs_job *job = prepare("list", &order, flags, &status);
  if (!job)
    return status;
  job->offset = offset;
  job->limit = limit;
  job_start(job);
  return BP_OK;
}

static bp_status table_read(bp_root root, bp_str path, uint64_t offset, uint64_t length, bp_fs_fn done, void *ctx) {
  bp_status status;
  const struct job_order order = {.root = root, .run = read_file, .path = path, .room_bytes = length, .done = done, .ctx = ctx};
  if (length > READ_MAX)
    return BP_E_LIMIT;
  struct fs_job *job = prepare("read", &order, 0, &status);
  if (!job)
    return status;
  job->file_offset = offset;
  job->length = length;
  job_start(job);
  return BP_OK;
}

static bp_status table_write(bp_root root, bp_str path, bp_str data, uint32_t flags, bp_fs_fn done, void *ctx) {
  if (data.len > WRITE_MAX)
    return BP_E_LIMIT;
  const struct job_order order = {.root = root, .run = change_write, .changes = true, .path = path, .data = data, .done = done, .ctx = ctx};
  return begin("write", &order, flags);
}

static bp_status table_mkdir(bp_root root, bp_str path, uint32_t flags, bp_fs_fn done, void *ctx) {
  return begin("mkdir", &(struct job_order){.root = root, .run = change_mkdir, .changes = true, .path = path, .done = done, .ctx = ctx}, flags);
}

static bp_status table_rename(bp_root root, bp_str from, bp_str to, uint32_t flags, bp_fs_fn done, void *ctx) {
  const struct job_order order = {.root = root, .run = change_rename, .changes = true, .path = from, .other = to, .done = done, .ctx = ctx};
  return begin("rename", &order, flags);
}

static bp_status table_copy(bp_root root, bp_str from, bp_str to, uint32_t flags, bp_fs_fn done, void *ctx) {
  const struct job_order order = {
      .root = root, .run = copy_entry, .is_long = true, .changes = true, .path = from, .other = to, .done = done, .ctx = ctx};
  return begin("copy", &order, flags);
}

static bp_status table_remove(bp_root root, bp_str path, uint32_t flags, bp_fs_fn done, void *ctx) {
  bool is_long = (flags & BP_FS_RECURSIVE) && !(flags & BP_FS_TRASH);
  const struct job_order order = {.root = root, .run = change_remove, .is_long = is_long, .changes = true, .path = path, .done = done, .ctx = ctx};
  return begin("remove", &order, flags);
}

/* ---- With a request ---- */

struct source {
  struct file_source base;
  struct fs_root *root;
  char *path;
};

static bp_status source_open(struct file_source *base, int *ret_fd, struct stat *ret_info, bp_error *err) {
  const struct source *source = (const struct source *)base;
  bp_status status = place_open(source->root, source->path, S_IFREG, ret_fd, ret_info, err);
  return status == BP_E_TYPE ? BP_E_NOT_FOUND : status;
}

static void source_free(struct file_source *base) {
  struct source *source = (struct source *)base;
  root_discharge(source->root, 0);
  root_unref(source->root);
  free(source->path);
  free(source);
}

static bp_status table_send(bp_request request, bp_root handle, bp_str path, const bp_file_reply *options) {
  if (!plugin_on_main(0, "send"))
    return BP_E_THREAD;
  struct fs_root *root = root_get(handle);
  if (!root)
    return BP_E_STALE;
  if (path.len > 65536 || (path.len && str_find(path, '\0') >= 0))
    return BP_E_INVALID;
  struct source *source = calloc(1, sizeof(*source));
  bp_status status = source ? root_charge(root, 0) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    free(source);
    return status;
  }
  *source = (struct source){.base = {source_open, source_free}, .root = root, .path = str_dupz(path)};
  root->references++;
  return file_reply(request, &source->base, options);
}

static bp_status begin_keeping(struct fs_job *job, bp_request request, uint32_t index) {
  const char *spool_name;
  const struct plugin *owner = request_owner(request);
  struct upload *upload = request_upload(request);
  if (!upload || !owner)
    return BP_E_STALE;
  if (!request_is_deferred(request))
    return BP_E_STATE;
  if (owner != job->root->plugin)
    return BP_E_DENIED;
  bp_status status = upload_keep_begin(upload, index, &spool_name);
  if (status != BP_OK)
    return status;
  job->upload = upload;
  job->part = index;
  snprintf(job->spool_name, sizeof(job->spool_name), "%s", spool_name);
  return BP_OK;
}

static bp_status table_keep_part(bp_request request, uint32_t index, bp_root handle, bp_str path, uint32_t flags, bp_fs_fn done, void *ctx) {
  bp_status status;
  const struct plugin *owner = loop_is_main() ? request_owner(request) : NULL;
  const struct job_order order = {.root = handle,
                                  .run = change_keep_part,
                                  .changes = true,
                                  .path = path,
                                  .other = owner ? core_table.folder(owner->handle) : BP_LIT(""),
                                  .done = done,
                                  .ctx = ctx};
  struct fs_job *job = prepare("keep_part", &order, flags, &status);
  if (!job)
    return status;
  status = begin_keeping(job, request, index);
  if (status == BP_OK)
    job_start(job);
  else
    job_drop(job);
  return status;
}

const bp_fs_1 fs_table = {
    .size = sizeof(bp_fs_1),
    .root_open = table_root_open,
    .root_close = table_root_close,
    .stat = table_stat,
    .list = table_list,
    .read = table_read,
    .write = table_write,
    .mkdir = table_mkdir,
    .rename = table_rename,
    .copy = table_copy,
    .remove = table_remove,
    .send = table_send,
    .keep_part = table_keep_part,
};
