/* GET /api/files/read: the bytes of a file, with ranges and validators. What a browser might run comes sandboxed, so that a
 * page from the disk never acts in our name. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *ending, *type;
} types[] = {
    {"avif", "image/avif"},
    {"c", "text/plain; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"gif", "image/gif"},
    {"h", "text/plain; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"log", "text/plain; charset=utf-8"},
    {"lua", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"py", "text/plain; charset=utf-8"},
    {"sh", "text/plain; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"ts", "text/plain; charset=utf-8"},
    {"txt", "text/plain; charset=utf-8"},
    {"webp", "image/webp"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
};

static bp_str type_of(bp_str name) {
  const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;
  size_t len = dot ? name.len - (size_t)(dot + 1 - name.ptr) : 0;
  for (unsigned i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
    if (strlen(types[i].ending) == len && strncasecmp(dot + 1, types[i].ending, len) == 0)
      return str_z(types[i].type);
  return BP_LIT("application/octet-stream");
}

static void send_file(struct call *call) {
  const struct files *f = call->files;
  bp_request request = call->kit.request;
  uint32_t as_download = 0;
  bp_str path = str_z(call->path);
  f->http->param_boolean(request, BP_LIT("download"), &as_download);
  const bp_file_reply options = {
      .size = sizeof(options), .flags = as_download ? BP_FILE_ATTACHMENT : 0, .content_type = type_of(path_name(path)), .filename = path_name(path)};
  f->http->header_add(request, BP_LIT("X-Content-Type-Options"), BP_LIT("nosniff"));
  f->http->header_add(request, BP_LIT("Content-Security-Policy"), BP_LIT("sandbox"));
  bp_status status = f->fs->send(request, f->root, path, &options);
  if (status != BP_OK)
    f->http->reply_failure(request, status, NULL);
  free(call);
}

/* Nothing is read here: it is opened, so that what cannot be sent is refused in the family's words. */
static void on_opened(void *ctx, const bp_fs_result *result) {
  struct call *call = ctx;
  if (result->status == BP_E_TYPE) {
    char text[PATH_BYTES + 64];
    snprintf(text, sizeof(text), "Path is not a file: %s", call->given);
    kit_call_problem(call, 400, str_z(text));
  } else if (result->status != BP_OK) {
    call_end_failed(call, result, 404);
  } else {
    send_file(call);
  }
}

static void look(struct files *f, bp_request request, bp_str given, const char *path) {
  struct call *call = call_new(f, request, given);
  if (!call)
    return;
  memcpy(call->path, path, strlen(path) + 1);
  bp_status status = f->fs->read(f->root, str_z(path), 0, 0, on_opened, call);
  if (status != BP_OK)
    call_end_refused(call, status);
}

void files_read(void *state, bp_request request) {
  struct files *f = state;
  char path[PATH_BYTES];
  bp_error err = BP_ERROR_INIT;
  bp_str given = BP_STR("");
  f->http->param(request, BP_LIT("path"), &given);
  enum path_verdict verdict = path_read(given, path);
  if (verdict == PATH_OUTSIDE)
    answer_outside(f, request);
  else if (verdict == PATH_TOO_LONG)
    kit_problem(f->http, request, 400, BP_LIT("path is longer than 4095 bytes"));
  else if (path[0] == '\0')
    kit_problem(f->http, request, 400, BP_LIT("path is required"));
  else if (path_is_git(str_z(path)))
    answer_git(f, request);
  else if (!root_ready(f, &err))
    answer_no_root(f, request, &err);
  else
    look(f, request, given, path);
}
