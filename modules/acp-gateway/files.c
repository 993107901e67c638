/* fs/read_text_file and fs/write_text_file: inside the session's folder only, through bp.fs. */
#include "gateway.h"

#include <stdlib.h>
#include <string.h>

#define READ_MAX (16ull << 20)

struct file_call {
  struct session *session;
  char *rpc_id, *path, *content;
  int64_t line, limit;
};

static void file_free(struct file_call *f) {
  session_unref(f->session);
  free(f->rpc_id);
  free(f->path);
  free(f->content);
  free(f);
}

static void refuse(struct file_call *f, int64_t code, const char *message) {
  if (f->session->process)
    rpc_error(f->session->process, f->rpc_id, code, message);
  file_free(f);
}

/* By component, never by prefix alone: "/work" does not hold "/workshop". */
bool path_inside(const struct session *session, bp_str path, bp_str *ret_relative) {
  size_t len = strlen(session->cwd);
  if (strcmp(session->cwd, "/") == 0)
    len = 0;
  if (path.len < len || memcmp(path.ptr, session->cwd, len) != 0 || (path.len > len && path.ptr[len] != '/'))
    return false;
  *ret_relative = bp_str_make(path.ptr + len, path.len - len);
  while (ret_relative->len && ret_relative->ptr[0] == '/')
    *ret_relative = bp_str_make(ret_relative->ptr + 1, ret_relative->len - 1);
  return true;
}

static struct file_call *begin(struct session *session, const char *rpc_id, bp_json params) {
  bp_str path = {NULL, 0}, relative = {NULL, 0};
  struct file_call *f = NULL;
  if (!get_text(session->gw, params, "path", &path) || path.len == 0 || path.ptr[0] != '/')
    rpc_error(session->process, rpc_id, RPC_INVALID, "path must be an absolute path");
  else if (!path_inside(session, path, &relative) || relative.len == 0)
    rpc_error(session->process, rpc_id, RPC_INVALID, "path must be inside the session's working directory");
  else if (!(f = calloc(1, sizeof(*f))))
    rpc_error(session->process, rpc_id, RPC_INTERNAL, "out of memory");
  if (!f)
    return NULL;
  *f = (struct file_call){.session = session_ref(session), .rpc_id = str_dup(str_z(rpc_id)), .path = str_dup(relative), .line = 1, .limit = -1};
  if (f->rpc_id && f->path)
    return f;
  file_free(f);
  return NULL;
}

/* ---- Reading ---- */

static bp_str lines(bp_str text, int64_t from, int64_t limit) {
  for (; from > 1 && text.len; from--) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t used = end ? (size_t)(end - text.ptr) + 1 : text.len;
    text = bp_str_make(text.ptr + used, text.len - used);
  }
  if (limit < 0)
    return text;
  size_t len = 0;
  for (; limit > 0 && len < text.len; limit--) {
    const char *end = memchr(text.ptr + len, '\n', text.len - len);
    len = end ? (size_t)(end - text.ptr) + 1 : text.len;
  }
  return bp_str_make(text.ptr, len);
}

static void on_read(void *ctx, const bp_fs_result *result) {
  struct file_call *f = ctx;
  const struct gateway *gw = f->session->gw;
  bp_str text = {NULL, 0};
  if (result->status != BP_OK || result->total > READ_MAX) {
    refuse(f, result->status == BP_E_NOT_FOUND ? RPC_NOT_FOUND : RPC_INTERNAL,
           result->status == BP_OK ? "the file is larger than 16 MiB" : result->error->message);
    return;
  }
  bp_json_writer w = f->session->process ? writer(gw) : 0;
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "content", lines(result->data, f->line, f->limit));
    gw->json->object_end(w);
    if (gw->json->writer_text(w, &text, NULL) == BP_OK) {
      rpc_result(f->session->process, f->rpc_id, w);
    } else {
      gw->json->writer_free(w);
      rpc_error(f->session->process, f->rpc_id, RPC_INTERNAL, "the file is not UTF-8 text");
    }
  }
  file_free(f);
}

void files_read(struct session *session, const char *rpc_id, bp_json params) {
  const struct gateway *gw = session->gw;
  struct file_call *f = begin(session, rpc_id, params);
  if (!f)
    return;
  if (get_integer(gw, params, "line", &f->line) && f->line < 1)
    f->line = 1;
  if (get_integer(gw, params, "limit", &f->limit) && f->limit < 0)
    f->limit = 0;
  bp_status status = gw->fs->read(session->root, str_z(f->path), 0, READ_MAX, on_read, f);
  if (status != BP_OK)
    refuse(f, RPC_INTERNAL, "the file cannot be read now");
}

/* ---- Writing ---- */

static void on_written(void *ctx, const bp_fs_result *result) {
  struct file_call *f = ctx;
  if (result->status != BP_OK) {
    refuse(f, RPC_INTERNAL, result->error->message);
    return;
  }
  if (f->session->process)
    rpc_result(f->session->process, f->rpc_id, 0);
  file_free(f);
}

static void on_allowed(void *ctx, bool is_allowed, const char *reason) {
  struct file_call *f = ctx;
  const struct gateway *gw = f->session->gw;
  if (!is_allowed) {
    refuse(f, RPC_INTERNAL, reason);
    return;
  }
  bp_status status = gw->fs->write(f->session->root, str_z(f->path), str_z(f->content), BP_FS_OVERWRITE | BP_FS_PARENTS, on_written, f);
  if (status != BP_OK)
    refuse(f, RPC_INTERNAL, "the file cannot be written now");
}

void files_write(struct session *session, const char *rpc_id, bp_json params) {
  bp_str content = {NULL, 0};
  if (!get_text(session->gw, params, "content", &content)) {
    rpc_error(session->process, rpc_id, RPC_INVALID, "content must be a text");
    return;
  }
  struct file_call *f = begin(session, rpc_id, params);
  if (!f)
    return;
  f->content = str_dup(content);
  if (!f->content) {
    refuse(f, RPC_INTERNAL, "out of memory");
    return;
  }
  bp_str path = {NULL, 0};
  get_text(session->gw, params, "path", &path);
  policy_ask(session, "write", BP_LIT("fs/write_text_file"), path, bp_str_make(NULL, 0), on_allowed, f);
}
