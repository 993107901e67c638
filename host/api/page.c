/* GET /: a plain page of modules, ports and links, for a person with a browser; without an identity it shows neither paths nor reasons.
 * Its script (page.js) makes a session of the start link's code and shows the pending approvals. No cookie. */
#include "api/routes.h"
#include "auth/identity.h"
#include "base/buf.h"
#include "base/str.h"
#include "host.h"
#include "http/listener.h"
#include "loader/plugin.h"
#include "page_script.inc"

#include <sodium.h>
#include <string.h>

#define STYLE                                                                                                                                        \
  "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}"                              \
  "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top}"     \
  "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8bf}th,td{border-color:#444}}"

static char policy[256];

/* The style is allowed by its hash, so that no other inline style is. */
void page_init(void) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  char text[sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)];
  struct buf value = {0};
  crypto_hash_sha256(digest, (const unsigned char *)STYLE, sizeof(STYLE) - 1);
  sodium_bin2base64(text, sizeof(text), digest, sizeof(digest), sodium_base64_VARIANT_ORIGINAL);
  buf_printf(
      &value,
      "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      text);
  if (value.len < sizeof(policy)) {
    memcpy(policy, value.data, value.len);
    policy[value.len] = '\0';
  }
  buf_release(&value);
}

static void append_escaped(struct buf *page, bp_str text) {
  for (size_t i = 0; i < text.len; i++) {
    const char *entity = strchr("&<>\"'", text.ptr[i]);
    if (entity && text.ptr[i])
      buf_printf(page, "&#%d;", text.ptr[i]);
    else
      buf_append_char(page, text.ptr[i]);
  }
}

static void append_cell(struct buf *page, bp_str text) {
  buf_append_z(page, "<td>");
  append_escaped(page, text);
  buf_append_z(page, "</td>");
}

static void append_modules(struct buf *page, bool shows_reasons) {
  buf_append_z(page, "<h2>Modules</h2><table><tr><th>Module</th><th>Version</th><th>Phase</th><th>What it is</th></tr>");
  for (const struct plugin *plugin = plugin_first(); plugin; plugin = plugin->next) {
    buf_append_z(page, "<tr>");
    append_cell(page, str_from(plugin->id));
    append_cell(page, plugin->descriptor.version);
    append_cell(page, str_from(plugin_phase_name(plugin->phase)));
    append_cell(page, shows_reasons && plugin->failure[0] ? str_from(plugin->failure) : plugin->descriptor.summary);
    buf_append_z(page, "</tr>");
  }
  buf_append_z(page, "</table>");
}

/* ---- Ports: one row for each, with what a browser can open there ---- */

struct row {
  struct buf *page;
  const struct http_listener *listener;
  struct buf origin; /* "http://127.0.0.1:8765" */
};

static bool is_served_by(const struct http_listener *listener, const struct family *family) {
  return listener->family && str_eq(family_facts(family)->name, str_from(listener->family));
}

static void append_link(const struct row *row, bp_str path) {
  buf_append_z(row->page, "<a href=\"");
  append_escaped(row->page, buf_str(&row->origin));
  append_escaped(row->page, path);
  buf_append_z(row->page, "\">");
  append_escaped(row->page, path);
  buf_append_z(row->page, "</a>");
}

static void append_place(void *ctx, const struct route_info *info) {
  const struct row *row = ctx;
  const bp_route *route = info->route;
  if (!route || !is_served_by(row->listener, info->family) || !str_eq(route->method, BP_LIT("GET")) || memchr(route->path.ptr, '{', route->path.len))
    return;
  buf_append_z(row->page, "<li>");
  append_link(row, route->path);
  buf_append_char(row->page, ' ');
  append_escaped(row->page, route->summary);
  buf_append_z(row->page, "</li>");
}

static void append_listener(struct buf *page, const struct http_listener *listener, bool shows_places) {
  struct row row = {.page = page, .listener = listener};
  bool is_six = strchr(listener->address, ':') != NULL;
  buf_printf(&row.origin, "http://%s%s%s:%u", is_six ? "[" : "", listener->address, is_six ? "]" : "", listener->port);
  buf_append_z(page, "<tr>");
  append_cell(page, buf_str(&row.origin));
  append_cell(page, listener->family ? str_from(listener->family) : BP_LIT("all, each under /f/FAMILY/"));
  append_cell(page, listener->auth == LISTENER_AUTH_TOKEN ? BP_LIT("token") : BP_LIT("same user, or token"));
  buf_append_z(page, "<td>");
  const struct family *family = listener->family ? family_find(str_from(listener->family)) : NULL;
  if (family && (family_facts(family)->flags & BP_FAMILY_DOCS))
    append_link(&row, BP_LIT("/docs"));
  if (listener->family && shows_places) {
    buf_append_z(page, "<details><summary>to look at</summary><ul>");
    router_each(append_place, &row);
    buf_append_z(page, "</ul></details>");
  }
  buf_append_z(page, "</td></tr>");
  buf_release(&row.origin);
}

/* [::1] is not told where 127.0.0.1 has the same port. */
static bool is_told_already(const struct http_listener *listener) {
  for (const struct http_listener *other = http_listeners(); other && strcmp(listener->address, "::1") == 0; other = other->next)
    if (other->port == listener->port && strcmp(other->address, "127.0.0.1") == 0)
      return true;
  return false;
}

static unsigned port_after(unsigned port) {
  unsigned next = 0;
  for (const struct http_listener *l = http_listeners(); l; l = l->next)
    if (l->port > port && (!next || l->port < next))
      next = l->port;
  return next;
}

static void append_listeners(struct buf *page, bool shows_places) {
  buf_append_z(page, "<h2>Ports</h2><table><tr><th>Address</th><th>Family</th><th>Who may</th><th>Where to go</th></tr>");
  for (unsigned port = port_after(0); port; port = port_after(port))
    for (const struct http_listener *listener = http_listeners(); listener; listener = listener->next)
      if (!listener->is_unix && listener->port == port && !is_told_already(listener))
        append_listener(page, listener, shows_places);
  buf_append_z(page, "</table>");
}

static void append_links(struct buf *page) {
  static const char *const links[] = {
      "/health", "/ready", "/metrics", "/openapi.json", "/jobs", "/api/backplane/status", "/api/backplane/modules", "/api/backplane/routes"};
  buf_append_z(page, "<h2>Links</h2><ul>");
  for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++)
    buf_printf(page, "<li><a href=\"%s\">%s</a></li>", links[i], links[i]);
  buf_append_z(page, "</ul>");
}

void api_page(struct http_exchange *x, bp_str body) {
  struct buf page = {0};
  (void)body;
  buf_append_z(&page, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Backplane</title><style>" STYLE
                      "</style></head><body><h1>Backplane</h1><p>Version " HOST_VERSION ", ");
  buf_append_z(&page, host_run.is_ready ? "ready.</p>" : "not ready.</p>");
  buf_append_z(&page, "<section id=\"approvals\" hidden></section>");
  bool may_read = (x->who.scopes & SCOPE_READ) != 0;
  append_modules(&page, may_read);
  append_listeners(&page, may_read);
  append_links(&page);
  buf_append_z(&page, "<script src=\"/page.js\"></script></body></html>\n");
  exchange_header_add(x, BP_LIT("Content-Security-Policy"), str_from(policy));
  exchange_header_add(x, BP_LIT("X-Content-Type-Options"), BP_LIT("nosniff"));
  exchange_header_add(x, BP_LIT("Referrer-Policy"), BP_LIT("no-referrer"));
  exchange_header_add(x, BP_LIT("Cache-Control"), BP_LIT("no-store"));
  exchange_reply(x, 200, BP_LIT("text/html; charset=utf-8"), buf_str(&page));
  buf_release(&page);
}

void api_page_script(struct http_exchange *x, bp_str body) {
  (void)body;
  exchange_header_add(x, BP_LIT("X-Content-Type-Options"), BP_LIT("nosniff"));
  exchange_header_add(x, BP_LIT("Cache-Control"), BP_LIT("no-cache"));
  exchange_reply(x, 200, BP_LIT("text/javascript; charset=utf-8"), bp_str_make(page_script, sizeof(page_script)));
}
