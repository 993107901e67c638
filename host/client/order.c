/* Requests as asked for; see order.h. */
#include "client/order.h"
#include "base/array.h"
#include "base/fail.h"
#include "base/str.h"
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define URL_MAX 16384u
#define HEADERS_MAX 128u
#define HEADER_BYTES_MAX 65536u

/* ---- URLs ---- */

struct origin {
  char *scheme, *host, *port;
};

static void origin_release(struct origin *origin) {
  curl_api()->free(origin->scheme);
  curl_api()->free(origin->host);
  curl_api()->free(origin->port);
}

/* False where the URL is none that is fetched: another scheme, user information, nonsense. */
static bool origin_of(const char *url, struct origin *ret) {
  CURLU *parsed = curl_api()->url();
  *ret = (struct origin){NULL, NULL, NULL};
  bool is_good = parsed && curl_api()->url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
                 curl_api()->url_get(parsed, CURLUPART_SCHEME, &ret->scheme, 0) == CURLUE_OK &&
                 curl_api()->url_get(parsed, CURLUPART_HOST, &ret->host, 0) == CURLUE_OK &&
                 curl_api()->url_get(parsed, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
  is_good = is_good && (strcmp(ret->scheme, "http") == 0 || strcmp(ret->scheme, "https") == 0);
  if (parsed)
    curl_api()->url_cleanup(parsed);
  if (!is_good)
    origin_release(ret);
  return is_good;
}

static bool is_same_origin(const struct origin *a, const struct origin *b) {
  return strcmp(a->scheme, b->scheme) == 0 && str_ieq(str_from(a->host), str_from(b->host)) && strcmp(a->port, b->port) == 0;
}

static bool is_visible(bp_str text) {
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7F)
      return false;
  return true;
}

static bp_status check_url(bp_str url, bp_error *err) {
  struct origin origin;
  if (url.len == 0 || url.len > URL_MAX || !is_visible(url))
    return fail(err, BP_E_INVALID, "the URL is empty, too long, or holds spaces or control characters");
  char *copy = str_dupz(url);
  bool is_good = origin_of(copy, &origin);
  free(copy);
  if (!is_good)
    return fail(err, BP_E_INVALID, "the URL is not one of http or https without user information");
  origin_release(&origin);
  return BP_OK;
}

void order_host(const struct order *order, char *ret, size_t size) {
  struct origin origin;
  if (!origin_of(order->url, &origin)) {
    snprintf(ret, size, "the server");
    return;
  }
  snprintf(ret, size, "%.100s:%.8s", origin.host, origin.port);
  origin_release(&origin);
}

/* ---- Headers ---- */

static bool is_token(bp_str text) {
  static const char others[] = "!#$%&'*+-.^_`|~";
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_plain && (c == '\0' || !strchr(others, c)))
      return false;
  }
  return text.len > 0 && text.len <= 256;
}

static bool is_value(bp_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (((unsigned char)text.ptr[i] < ' ' && text.ptr[i] != '\t') || text.ptr[i] == 0x7F)
      return false;
  return true;
}

static bool is_one_of(bp_str name, const char *const *names) {
  for (; *names; names++)
    if (str_ieq(name, str_from(*names)))
      return true;
  return false;
}

static const char *const framing[] = {"Connection",        "Content-Length",   "Expect", "HTTP2-Settings",
                                      "Keep-Alive",        "Proxy-Connection", "TE",     "Trailer",
                                      "Transfer-Encoding", "Upgrade",          NULL};
static const char *const credentials[] = {"Authorization", "Cookie", "Host", "Origin", "Proxy-Authorization", "Referer", NULL};
static const char *const of_body[] = {"Content-Encoding", "Content-Language", "Content-Location", "Content-Type", NULL};

static bp_status add_header(struct order *order, const bp_client_header *header, bp_error *err) {
  struct buf line = {0};
  bp_str name = header->name, value = str_trim(header->value);
  if (!is_token(name) || !is_value(value) || value.len > HEADER_BYTES_MAX)
    return fail(err, BP_E_INVALID, "header \"%.*s\" is not a name and a value without control characters", (int)(name.len > 60 ? 60 : name.len),
                is_token(name) ? name.ptr : "?");
  if (is_one_of(name, framing))
    return fail(err, BP_E_DENIED, "header \"%.*s\" is the host's to set", (int)name.len, name.ptr);
  buf_append_str(&line, name);
  buf_append_z(&line, value.len ? ": " : ";"); /* curl's way to send an empty one */
  buf_append_str(&line, value);
  buf_append_char(&line, '\0');
  if (line.failed)
    return fail(err, BP_E_NO_MEMORY, "there is no memory for the request");
  order->headers[order->header_count++] = (struct order_header){line.data, name.len, header->is_secret != 0};
  return BP_OK;
}

static bp_str name_of(const struct order_header *header) {
  return bp_str_make(header->line, header->name_len);
}

static bool has_header(const struct order *order, bp_str name) {
  for (unsigned i = 0; i < order->header_count; i++)
    if (str_ieq(name_of(&order->headers[i]), name))
      return true;
  return false;
}

static void drop_headers(struct order *order, const char *const *names, bool also_secrets) {
  unsigned kept = 0;
  for (unsigned i = 0; i < order->header_count; i++) {
    struct order_header header = order->headers[i];
    if (is_one_of(name_of(&header), names) || (also_secrets && header.is_secret))
      free(header.line);
    else
      order->headers[kept++] = header;
  }
  order->header_count = kept;
}

/* A failed append gives NULL and leaves the list as it was. */
static bool append(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_api()->slist_append(*list, line);
  if (longer)
    *list = longer;
  return longer != NULL;
}

struct curl_slist *order_headers(const struct order *order) {
  struct curl_slist *list = NULL;
  bool is_whole = append(&list, "Expect:"); /* no waiting for a 100 that may never come */
  if (!has_header(order, BP_LIT("Content-Type")))
    is_whole = is_whole && append(&list, "Content-Type:"); /* not the form type curl would guess */
  if (!has_header(order, BP_LIT("User-Agent")))
    is_whole = is_whole && append(&list, "User-Agent: backplane/" HOST_VERSION);
  for (unsigned i = 0; i < order->header_count && is_whole; i++)
    is_whole = append(&list, order->headers[i].line);
  if (is_whole)
    return list;
  curl_api()->slist_free_all(list);
  return NULL;
}

/* ---- The whole ---- */

static bp_status check(const bp_client_request *request, bp_error *err) {
  bp_status status = check_url(request->url, err);
  if (status != BP_OK)
    return status;
  if (!is_token(request->method) || request->method.len > 32 || str_ieq(request->method, BP_LIT("CONNECT")))
    return fail(err, BP_E_INVALID, "the method is not one that can be sent");
  if (request->unix_socket.len >= sizeof(((struct sockaddr_un *)NULL)->sun_path) ||
      (request->unix_socket.len > 0 && (request->unix_socket.ptr[0] != '/' || str_find(request->unix_socket, '\0') >= 0)))
    return fail(err, BP_E_INVALID, "the Unix socket is not an absolute path of at most 107 bytes");
  if (request->unix_socket.len > 0 && (request->flags & BP_CLIENT_PUBLIC_ONLY))
    return fail(err, BP_E_INVALID, "a Unix socket is not public");
  if (request->body.len > CLIENT_BODY_MAX)
    return fail(err, BP_E_LIMIT, "the body is larger than 64 MiB");
  return request->headers.count <= HEADERS_MAX ? BP_OK : fail(err, BP_E_LIMIT, "there are more than %u headers", HEADERS_MAX);
}

bp_status order_make(const bp_client_request *request, struct order *ret, bp_error *err) {
  bp_status status = check(request, err);
  if (status != BP_OK)
    return status;
  *ret = (struct order){.method = str_dupz(request->method), .url = str_dupz(request->url)};
  ret->unix_socket = request->unix_socket.len ? str_dupz(request->unix_socket) : NULL;
  ret->headers = calloc(request->headers.count + 1, sizeof(*ret->headers));
  ret->has_body = request->body.len > 0 || str_eq(request->method, BP_LIT("POST")) || str_eq(request->method, BP_LIT("PUT")) ||
                  str_eq(request->method, BP_LIT("PATCH"));
  buf_append_str(&ret->body, request->body);
  if (!ret->headers || ret->body.failed)
    status = fail(err, BP_E_NO_MEMORY, "there is no memory for the request");
  for (uint32_t i = 0; status == BP_OK && ret->headers && i < request->headers.count; i++) {
    bp_client_header header;
    array_item(request->headers, i, &header);
    status = add_header(ret, &header, err);
  }
  if (status != BP_OK)
    order_release(ret);
  return status;
}

void order_release(struct order *order) {
  for (unsigned i = 0; i < order->header_count; i++)
    free(order->headers[i].line);
  free(order->headers);
  free(order->method);
  free(order->url);
  free(order->unix_socket);
  buf_release(&order->body);
  *order = (struct order){0};
}

/* RFC 9110 section 15.4: 303 is fetched with GET, and so is a POST after 301 and 302 as everybody does it. */
static void change_method(struct order *order, long status) {
  bool was_post = strcmp(order->method, "POST") == 0;
  bool becomes_get = (status == 303 && strcmp(order->method, "HEAD") != 0) || ((status == 301 || status == 302) && was_post);
  if (!becomes_get)
    return;
  free(order->method);
  order->method = str_dupz(BP_LIT("GET"));
  buf_release(&order->body);
  order->has_body = false;
  drop_headers(order, of_body, false);
}

bp_status order_follow(struct order *order, long status, const char *url, bp_error *err) {
  struct origin from, to;
  if (!origin_of(order->url, &from))
    return fail(err, BP_E_INVALID, "the URL cannot be read");
  if (!url || strlen(url) > URL_MAX || !is_visible(str_from(url)) || !origin_of(url, &to)) {
    origin_release(&from);
    return fail(err, BP_E_DENIED, "the redirect does not lead to a URL of http or https without user information");
  }
  bool is_same = is_same_origin(&from, &to);
  origin_release(&from);
  origin_release(&to);
  if (!is_same && order->unix_socket)
    return fail(err, BP_E_DENIED, "the redirect leads away from the Unix socket");
  if (!is_same)
    drop_headers(order, credentials, true);
  change_method(order, status);
  char *target = str_dupz(str_from(url));
  free(order->url);
  order->url = target;
  return BP_OK;
}
