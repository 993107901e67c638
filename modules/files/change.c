/* POST /api/files: one change, done by the file system's workers, told to the live log, then answered. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

static bp_str message_of(enum action action) {
  switch (action) {
  case CREATE_FOLDER:
    return BP_LIT("Folder created");
  case DELETE:
    return BP_LIT("Deleted successfully");
  case WRITE:
    return BP_LIT("File written");
  case RENAME:
    return BP_LIT("Renamed successfully");
  case MOVE:
    return BP_LIT("Moved successfully");
  case COPY:
    return BP_LIT("Copied successfully");
  default:
    return BP_LIT("Trash emptied");
  }
}

static void on_changed(void *ctx, const bp_fs_result *result) {
  struct call *call = ctx;
  const struct files *f = call->files;
  bool is_empty_trash = call->action == EMPTY_TRASH && result->status == BP_E_NOT_FOUND;
  if (result->status != BP_OK && !is_empty_trash) {
    call_end_failed(call, result, 404);
    return;
  }
  bp_str to = str_z(call->to);
  tell_changed(f, call->action, str_z(call->path), to);
  bp_json_writer out = answer_begin(f, call->kit.request);
  if (!out) {
    free(call);
    return;
  }
  json_text_member(f->json, out, BP_LIT("message"), message_of(call->action));
  if (call->action != EMPTY_TRASH)
    put_place(f, out, to.len ? to : str_z(call->path));
  f->json->object_end(out);
  kit_call_json(call, 200, f->json, out);
}

static bp_status write_content(const struct order *order, struct call *call, uint32_t flags) {
  const struct files *f = call->files;
  bp_str path = str_z(call->path);
  if (!order->is_base64)
    return f->fs->write(f->root, path, order->content, flags, on_changed, call);
  size_t len = 0;
  char *bytes = malloc(order->content.len + 1);
  if (!bytes)
    return BP_E_NO_MEMORY;
  bp_status status = base64_decode(order->content, bytes, &len) ? BP_OK : BP_E_PARSE;
  if (status == BP_OK)
    status = f->fs->write(f->root, path, bp_str_make(bytes, len), flags, on_changed, call);
  free(bytes);
  return status;
}

static bp_status begin(const struct order *order, struct call *call) {
  const struct files *f = call->files;
  bp_str path = str_z(call->path), to = str_z(call->to);
  uint32_t flags = (order->overwrites ? BP_FS_OVERWRITE : 0) | (order->makes_parents ? BP_FS_PARENTS : 0);
  switch (order->action) {
  case CREATE_FOLDER:
    return f->fs->mkdir(f->root, path, BP_FS_PARENTS, on_changed, call);
  case DELETE:
    return f->fs->remove(f->root, path, order->is_permanent || path_is_trash(path) ? BP_FS_RECURSIVE : BP_FS_TRASH, on_changed, call);
  case WRITE:
    return write_content(order, call, flags);
  case RENAME:
  case MOVE:
    return f->fs->rename(f->root, path, to, flags, on_changed, call);
  case COPY:
    return f->fs->copy(f->root, path, to, flags | BP_FS_RECURSIVE, on_changed, call);
  default:
    return f->fs->remove(f->root, BP_LIT(".backplane-trash"), BP_FS_RECURSIVE, on_changed, call);
  }
}

static void change(struct files *f, bp_request request, const struct order *order) {
  struct call *call = call_new(f, request, str_z(order->path));
  if (!call)
    return;
  call->action = order->action;
  memcpy(call->path, order->path, sizeof(call->path));
  memcpy(call->to, order->to, sizeof(call->to));
  bp_status status = begin(order, call);
  if (status == BP_E_PARSE)
    kit_call_problem(call, 400, BP_LIT("content is not base64"));
  else if (status != BP_OK)
    call_end_refused(call, status);
}

void files_change(void *state, bp_request request) {
  struct files *f = state;
  struct order order;
  bp_error err = BP_ERROR_INIT;
  order_read(f, request, &order);
  if (order.fault)
    kit_problem(f->http, request, order.fault_status, str_z(order.fault));
  else if (!order_take_facts(f, request, &order))
    answer_outside(f, request);
  else if (order.action == COPY && path_is_git(str_z(order.path)))
    answer_git(f, request); /* a copy could be read; what writes there is refused by bp.fs */
  else if (!root_ready(f, &err))
    answer_no_root(f, request, &err);
  else
    change(f, request, &order);
}
