/* How operations end: the family's sentences for what failed, and the pieces every good answer is made of. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTSIDE "Access denied: Path is outside allowed directory"

struct call *call_new(struct files *f, bp_request request, bp_str given) {
  struct call *call = kit_call_new(f->self, f->http, f->db, request, sizeof(*call));
  if (!call)
    return NULL;
  call->files = f;
  snprintf(call->given, sizeof(call->given), "%.*s", given.len < PATH_BYTES ? (int)given.len : PATH_BYTES - 1, given.ptr ? given.ptr : "");
  return call;
}

static void call_free(struct call *call) {
  if (call->done)
    call->files->json->writer_free(call->done);
  call->done = 0;
}

static void end_problem(struct call *call, uint32_t status, bp_str message) {
  call_free(call);
  kit_call_problem(call, status, message);
}

static void end_about(struct call *call, uint32_t status, const char *what, const char *subject) {
  char text[PATH_BYTES + 256];
  int len = snprintf(text, sizeof(text), "%s%s", what, subject);
  end_problem(call, status, bp_str_make(text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1));
}

void call_end_failed(struct call *call, const bp_fs_result *result, uint32_t missing_status) {
  const bp_error *err = result->error;
  switch (result->status) {
  case BP_E_NOT_FOUND:
    end_about(call, missing_status, missing_status == 404 ? "Path not found: " : "ENOENT: no such file or directory: ", call->given);
    return;
  case BP_E_DENIED:
    if (strcmp(err->pointer, BP_FS_OUTSIDE) == 0)
      end_problem(call, 403, BP_LIT(OUTSIDE));
    else
      end_about(call, 403, "Access denied: ", err->message);
    return;
  case BP_E_EXISTS:
  case BP_E_CONFLICT:
  case BP_E_INVALID:
  case BP_E_TYPE:
  case BP_E_UNSUPPORTED:
    end_about(call, 400, "", err->message);
    return;
  default:
    call_free(call);
    kit_call_refuse(call, result->status, err);
  }
}

void call_end_refused(struct call *call, bp_status status) {
  call_free(call);
  kit_call_refuse(call, status, NULL);
}

void answer_outside(const struct files *f, bp_request request) {
  kit_problem(f->http, request, 403, BP_LIT(OUTSIDE));
}

void answer_git(const struct files *f, bp_request request) {
  kit_problem(f->http, request, 403, BP_LIT("Access denied: What belongs to git is not read or written here"));
}

void answer_no_root(const struct files *f, bp_request request, const bp_error *err) {
  f->log->write(f->self, BP_LOG_WARN, str_z(err->message), (bp_array){NULL, 0, 0});
  kit_problem(f->http, request, 500, str_z(err->message));
}

bp_json_writer answer_begin(const struct files *f, bp_request request) {
  bp_json_writer out = 0;
  bp_status status = f->json->writer_new(f->self, &out);
  if (status != BP_OK) {
    f->http->reply_failure(request, status, NULL);
    return 0;
  }
  f->json->object_begin(out);
  f->json->key(out, BP_LIT("success"));
  f->json->put_boolean(out, 1);
  return out;
}

void put_absolute(const struct files *f, bp_json_writer out, bp_str member, bp_str path) {
  char text[2 * PATH_BYTES];
  int len = snprintf(text, sizeof(text), "%s/%.*s", f->root_path, (int)path.len, path.ptr);
  json_text_member(f->json, out, member, bp_str_make(text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1));
}

void put_place(const struct files *f, bp_json_writer out, bp_str path) {
  put_absolute(f, out, BP_LIT("id"), path);
  json_text_member(f->json, out, BP_LIT("name"), path_name(path));
  json_text_member(f->json, out, BP_LIT("path"), path);
}

void tell_changed(const struct files *f, enum action action, bp_str path, bp_str to) {
  bp_json_writer out = 0;
  bp_str text;
  if (f->json->writer_new(f->self, &out) != BP_OK)
    return;
  f->json->object_begin(out);
  json_text_member(f->json, out, BP_LIT("action"), order_word(action));
  json_text_member(f->json, out, BP_LIT("path"), path);
  if (to.len)
    json_text_member(f->json, out, BP_LIT("to"), to);
  f->json->object_end(out);
  if (f->json->writer_text(out, &text, NULL) == BP_OK)
    kit_publish(f->self, f->db, BP_LIT("files.changed"), path, text);
  f->json->writer_free(out);
}
