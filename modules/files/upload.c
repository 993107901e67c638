/* POST /api/files/upload: the file parts of a form, which the host has spooled to disk while they came, are put into a folder
 * one after the other. What was kept before a part that failed stays, and the answer says so. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_next(struct call *call);

/* Where the part goes; false: it has no name a file may have. */
static bool place_part(struct call *call, const bp_part *part) {
  return path_is_name(part->filename) && path_join(str_z(call->to), part->filename, call->path) == PATH_FINE;
}

static void put_kept(struct call *call) {
  const struct files *f = call->files;
  bp_part part = {.size = sizeof(part)};
  f->stream->part(call->kit.request, call->part, &part);
  f->json->object_begin(call->done);
  put_place(f, call->done, str_z(call->path));
  f->json->key(call->done, BP_LIT("size"));
  f->json->put_integer(call->done, (int64_t)part.size_bytes);
  json_text_member(f->json, call->done, BP_LIT("sha256"), str_z(part.sha256_hex));
  f->json->object_end(call->done);
}

static void on_kept(void *ctx, const bp_fs_result *result) {
  struct call *call = ctx;
  if (result->status != BP_OK) {
    snprintf(call->given, sizeof(call->given), "%s", call->path);
    call_end_failed(call, result, 404);
    return;
  }
  tell_changed(call->files, UPLOAD, str_z(call->path), bp_str_make(NULL, 0));
  put_kept(call);
  call->kept++;
  call->part++;
  keep_next(call);
}

static void answer_uploaded(struct call *call) {
  const struct files *f = call->files;
  bp_str list = BP_STR("[]");
  bp_json_writer out = answer_begin(f, call->kit.request), done = call->done;
  if (!out) {
    f->json->writer_free(done);
    free(call);
    return;
  }
  f->json->array_end(done);
  f->json->writer_text(done, &list, NULL);
  json_text_member(f->json, out, BP_LIT("message"), BP_LIT("Uploaded successfully"));
  f->json->key(out, BP_LIT("files"));
  f->json->put_raw(out, list);
  f->json->object_end(out);
  f->json->writer_free(done);
  kit_call_json(call, 200, f->json, out);
}

static void keep_next(struct call *call) {
  const struct files *f = call->files;
  bp_request request = call->kit.request;
  for (; call->part < f->stream->part_count(request); call->part++) {
    bp_part part = {.size = sizeof(part)};
    if (f->stream->part(request, call->part, &part) != BP_OK || !part.is_file)
      continue;
    if (!place_part(call, &part)) {
      f->json->writer_free(call->done);
      kit_call_problem(call, 400, BP_LIT("the file's name must be one name without slashes"));
      return;
    }
    uint32_t flags = BP_FS_PARENTS | (call->overwrites ? BP_FS_OVERWRITE : 0);
    bp_status status = f->fs->keep_part(request, call->part, f->root, str_z(call->path), flags, on_kept, call);
    if (status != BP_OK)
      call_end_refused(call, status);
    return;
  }
  answer_uploaded(call);
}

void files_upload(void *state, bp_request request) {
  struct files *f = state;
  struct order order;
  bp_error err = BP_ERROR_INIT;
  order_read_upload(f, request, &order);
  if (!order.fault && !order_take_facts(f, request, &order))
    order.fault = "Access denied: Path is outside allowed directory";
  if (order.fault) {
    kit_problem(f->http, request, order.fault_status, str_z(order.fault));
    return;
  }
  if (!root_ready(f, &err)) {
    answer_no_root(f, request, &err);
    return;
  }
  struct call *call = call_new(f, request, str_z(order.path));
  if (!call)
    return;
  call->action = UPLOAD;
  call->overwrites = order.overwrites;
  memcpy(call->to, order.path, sizeof(call->to));
  if (f->json->writer_new(f->self, &call->done) != BP_OK) {
    call_end_refused(call, BP_E_NO_MEMORY);
    return;
  }
  f->json->array_begin(call->done);
  keep_next(call);
}
