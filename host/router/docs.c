/* The documentation pages; see docs.h. Plain HTML without scripts or outside assets. */
#include "router/docs.h"
#include "auth/identity.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "router/family_object.h"
#include "router/openapi.h"
#include "router/request.h"

#include <string.h>

static const bp_str openapi_path = BP_STR("/openapi.json");

bool docs_has(bp_str path) {
  return str_eq(path, openapi_path) || str_eq(path, BP_LIT("/docs")) || str_eq(path, BP_LIT("/redoc"));
}

static void append_html(struct buf *out, bp_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    const char *entity = c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : NULL;
    if (entity)
      buf_append_z(out, entity);
    else
      buf_append_char(out, c);
  }
}

static void append_cell(struct buf *out, bp_str text) {
  buf_append_z(out, "<td>");
  append_html(out, text);
  buf_append_z(out, "</td>");
}

static void append_params(struct buf *out, const bp_route *route) {
  static const char *const places[] = {
      [BP_IN_PATH] = "path", [BP_IN_QUERY] = "query", [BP_IN_HEADER] = "header", [BP_IN_FORM] = "form", [BP_IN_FILE] = "file"};
  buf_append_z(out, "<td>");
  for (uint32_t i = 0; i < route->params.count; i++) {
    bp_param param;
    array_item(route->params, i, &param);
    buf_append_z(out, "<code>");
    append_html(out, param.name);
    buf_append_z(out, "</code> (");
    buf_append_z(out, places[param.in]);
    buf_append_z(out, param.required ? ", required) " : ") ");
    append_html(out, param.doc);
    buf_append_z(out, "<br>");
  }
  if (route->body_schema.len)
    buf_append_z(out, "JSON body");
  buf_append_z(out, "</td>");
}

struct page {
  const struct family *family;
  struct buf *out;
};

static void append_row(void *ctx, const struct route_info *info) {
  const struct page *page = ctx;
  if (info->family != page->family || !info->route)
    return;
  buf_append_z(page->out, "<tr>");
  append_cell(page->out, info->route->method);
  buf_append_z(page->out, "<td><code>");
  append_html(page->out, info->route->path);
  buf_append_z(page->out, "</code></td>");
  append_cell(page->out, info->route->summary);
  append_params(page->out, info->route);
  append_cell(page->out, str_from(info->owner->id));
  buf_append_z(page->out, "</tr>\n");
}

static void append_page(const struct family *family, struct buf *out) {
  struct page page = {family, out};
  buf_append_z(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
  append_html(out, family->facts.title);
  buf_append_z(out, "</title><style>body{font:15px sans-serif;margin:2em}table{border-collapse:collapse}"
                    "td,th{border:1px solid #bbb;padding:.4em;text-align:left;vertical-align:top}</style></head>\n<body><h1>");
  append_html(out, family->facts.title);
  buf_append_z(out, "</h1>\n<p>Schemas and answers: <a href=\"openapi.json\">openapi.json</a> (OpenAPI 3.1)</p>\n"
                    "<table><tr><th>Method</th><th>Path</th><th>What it does</th><th>Parameters</th><th>Module</th></tr>\n");
  router_each(append_row, &page);
  buf_append_z(out, "</table></body></html>\n");
}

static void send_page(struct http_exchange *x, const struct family *family, bp_str type, struct buf *body) {
  if (body->failed || body->len == 0) {
    family_reply_text(x, family, 503, BP_LIT("no memory for this page; try again later"));
  } else {
    request_note_status(x, 200);
    exchange_reply(x, 200, type, buf_str(body));
  }
  buf_release(body);
}

void docs_reply(struct http_exchange *x, const struct family *family, bp_str path) {
  struct buf body = {0};
  if (str_eq(path, openapi_path)) {
    family_openapi(family, &body);
    send_page(x, family, BP_LIT("application/json"), &body);
    return;
  }
  append_page(family, &body);
  exchange_header_add(x, BP_LIT("Content-Security-Policy"), BP_LIT("default-src 'none'; style-src 'unsafe-inline'"));
  exchange_header_add(x, BP_LIT("X-Content-Type-Options"), BP_LIT("nosniff"));
  send_page(x, family, BP_LIT("text/html; charset=utf-8"), &body);
}

static void reply_host_openapi(struct http_exchange *x, bp_str body) {
  (void)body;
  docs_reply(x, family_host(), openapi_path);
}

const struct host_route docs_host_routes[DOCS_HOST_ROUTES] = {
    {"GET", "/openapi.json", SCOPE_READ, reply_host_openapi, "openapi", "This document: the host's own routes"},
};
