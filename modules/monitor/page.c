/* The dashboard: index.html and /static/ of the folder the option names, or a plain page that says what there is. */
#include "monitor.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HTML BP_LIT("text/html; charset=utf-8")

static const char placeholder[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Claude Swarm Dashboard</title></head>\n"
    "<body><h1>Claude Swarm Dashboard</h1>\n<p>No dashboard is installed; the option static_dir names its folder.</p>\n"
    "<h2>Available Endpoints</h2>\n<ul>\n"
    "<li><a href=\"api/agents\">/api/agents</a></li>\n<li><a href=\"api/locks\">/api/locks</a></li>\n"
    "<li><a href=\"api/messages\">/api/messages</a></li>\n<li><a href=\"api/messages/history\">/api/messages/history</a></li>\n"
    "<li>/api/messages/search?q=</li>\n<li><a href=\"api/stats\">/api/stats</a></li>\n<li><a href=\"api/stream\">/api/stream</a></li>\n"
    "<li><a href=\"health\">/health</a></li>\n<li><a href=\"docs\">/docs</a></li>\n</ul></body></html>\n";

static const struct {
  const char *ending, *type;
} types[] = {
    {"css", "text/css; charset=utf-8"},
    {"gif", "image/gif"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"txt", "text/plain; charset=utf-8"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
};

static bp_str type_of(bp_str path) {
  for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
    size_t len = strlen(types[i].ending);
    if (path.len > len && path.ptr[path.len - len - 1] == '.' && strncasecmp(path.ptr + path.len - len, types[i].ending, len) == 0)
      return str_z(types[i].type);
  }
  return BP_LIT("application/octet-stream");
}

void page_open(struct monitor *m) {
  bp_str folder = {NULL, 0};
  bp_error err = BP_ERROR_INIT;
  m->config->string(m->self, BP_LIT("static_dir"), &folder);
  if (folder.len && m->fs->root_open(m->self, folder, BP_ROOT_READ_ONLY, &m->static_root, &err) != BP_OK)
    m->log->write(m->self, BP_LOG_WARN, str_z(err.message), (bp_array){NULL, 0, 0});
}

static void send(const struct monitor *m, bp_request request, bp_str path) {
  const bp_file_reply options = {.size = sizeof(options), .content_type = type_of(path)};
  bp_status status = m->fs->send(request, m->static_root, path, &options);
  if (status != BP_OK)
    m->http->reply_failure(request, status, NULL);
}

struct visit {
  const struct monitor *module;
  bp_request request;
};

static struct visit *visit_begin(const struct monitor *m, bp_request request) {
  struct visit *visit = malloc(sizeof(*visit));
  if (!visit) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  *visit = (struct visit){m, request};
  m->http->defer(request, NULL, NULL);
  return visit;
}

static void visit_refuse(struct visit *visit, bp_status status) {
  visit->module->http->reply_failure(visit->request, status, NULL);
  free(visit);
}

/* What is no file below the folder is not there, whatever else it is. */
static void looked(void *ctx, const bp_fs_result *result) {
  struct visit *visit = ctx;
  const struct monitor *m = visit->module;
  const bp_fs_entry *entry = result->entries.ptr;
  bp_str path = {NULL, 0};
  m->http->param(visit->request, BP_LIT("path"), &path);
  if (result->status == BP_OK && entry && entry->kind == BP_FS_FILE)
    send(m, visit->request, path);
  else
    kit_problem(m->http, visit->request, 404, BP_LIT("Not Found"));
  free(visit);
}

void page_static(void *state, bp_request request) {
  const struct monitor *m = state;
  bp_str path = {NULL, 0};
  if (!guard_pass(m, request))
    return;
  if (!m->static_root || m->http->param(request, BP_LIT("path"), &path) != BP_OK || path.len == 0) {
    kit_problem(m->http, request, 404, BP_LIT("Not Found"));
    return;
  }
  struct visit *visit = visit_begin(m, request);
  bp_status status = visit ? m->fs->stat(m->static_root, path, looked, visit) : BP_OK;
  if (status != BP_OK)
    visit_refuse(visit, status);
}

static void found(void *ctx, const bp_fs_result *result) {
  struct visit *visit = ctx;
  const struct monitor *m = visit->module;
  if (result->status == BP_OK)
    send(m, visit->request, BP_LIT("index.html"));
  else if (result->status == BP_E_NOT_FOUND)
    m->http->reply_text(visit->request, 200, HTML, str_z(placeholder));
  else
    kit_problem(m->http, visit->request, 500, BP_LIT("Failed to load dashboard: index.html cannot be read"));
  free(visit);
}

void page_dashboard(void *state, bp_request request) {
  const struct monitor *m = state;
  if (!guard_pass(m, request))
    return;
  if (!m->static_root) {
    m->http->reply_text(request, 200, HTML, str_z(placeholder));
    return;
  }
  struct visit *visit = visit_begin(m, request);
  bp_status status = visit ? m->fs->read(m->static_root, BP_LIT("index.html"), 0, 1, found, visit) : BP_OK;
  if (status != BP_OK)
    visit_refuse(visit, status);
}
