/* The client's side of Streamable HTTP (MCP 2025-11-25, "Transports"): each message is a POST, answered by JSON or an event stream; a GET
 * stream brings what the server sends by itself. Messages end in instance_receive as a process's lines do. */
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POSTS_MOST 128u
#define HEADERS_MOST 32u
#define DAY_MS 86400000u
#define LAST_EVENT_BYTES 256u

struct post {
  struct post *next;
  struct remote *remote; /* NULL: nobody waits any more */
  struct mcp *m;
  bp_exchange exchange;
  int64_t request_id; /* 0: a notification, an answer, or the GET stream */
  bool is_get, is_stream, is_answered;
  uint32_t status;
  struct text in;   /* what has come and is not used */
  struct text data; /* of the event that is coming */
};

struct remote {
  struct instance *instance;
  struct mcp *m;
  bp_json headers;
  char *session;
  char last_event[LAST_EVENT_BYTES]; /* of the GET stream */
  struct post *posts;
  unsigned count;
  bool listens, may_listen;
};

struct remote *remote_open(struct instance *instance, bp_str headers) {
  struct remote *remote = calloc(1, sizeof(*remote));
  if (!remote)
    return NULL;
  *remote = (struct remote){.instance = instance, .m = instance->m};
  if (headers.len)
    remote->m->json->parse(remote->m->self, headers, &remote->headers, NULL);
  return remote;
}

/* ---- What comes ---- */

static void take_message(struct post *post, bp_str text) {
  struct mcp *m = post->m;
  bp_json message = 0;
  int64_t id = 0;
  if (!post->remote || !text.len)
    return;
  if (post->request_id && m->json->parse(m->self, text, &message, NULL) == BP_OK) {
    bp_json value = json_member(m, message, "method") ? 0 : json_member(m, message, "id");
    if (value && m->json->integer(value, &id) == BP_OK && id == post->request_id)
      post->is_answered = true;
    m->json->release(m->self, message);
  }
  instance_receive(post->remote->instance, text);
}

static void take_stream_line(struct post *post, bp_str line) {
  if (line.len && line.ptr[line.len - 1] == '\r')
    line.len--;
  if (!line.len) {
    struct text data = post->data;
    post->data = (struct text){0};
    take_message(post, text_str(&data));
    text_release(&data);
  } else if (str_starts(line, "data:")) {
    size_t skip = line.len > 5 && line.ptr[5] == ' ' ? 6 : 5;
    if (post->data.len + line.len <= (size_t)post->m->message_bytes_most)
      text_add(&post->data, bp_str_make(line.ptr + skip, line.len - skip));
  } else if (str_starts(line, "id:") && post->is_get && post->remote && line.len < LAST_EVENT_BYTES) {
    size_t skip = line.len > 3 && line.ptr[3] == ' ' ? 4 : 3;
    snprintf(post->remote->last_event, LAST_EVENT_BYTES, "%.*s", (int)(line.len - skip), line.ptr + skip);
  }
}

static void take_stream(struct post *post) {
  size_t used = 0;
  const char *end;
  while (post->remote && used < post->in.len && (end = memchr(post->in.ptr + used, '\n', post->in.len - used))) {
    size_t len = (size_t)(end - post->in.ptr) - used;
    take_stream_line(post, bp_str_make(post->in.ptr + used, len));
    used += len + 1;
  }
  if (used)
    text_drop(&post->in, used);
}

static void on_head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  struct post *post = ctx;
  (void)exchange;
  post->status = status;
  for (uint32_t i = 0; i < headers.count; i++) {
    const bp_client_header *header = (const bp_client_header *)(const void *)((const char *)headers.ptr + (size_t)i * headers.stride);
    bool is_type = header->name.len == 12 && strncasecmp(header->name.ptr, "content-type", 12) == 0;
    bool is_session = header->name.len == 14 && strncasecmp(header->name.ptr, "mcp-session-id", 14) == 0;
    if (is_type && header->value.len >= 17 && strncasecmp(header->value.ptr, "text/event-stream", 17) == 0)
      post->is_stream = true;
    if (is_session && post->remote && !post->remote->session)
      post->remote->session = str_copy(header->value);
  }
}

static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  struct post *post = ctx;
  (void)exchange;
  if (!post->remote)
    return;
  if (post->in.len + bytes.len > (size_t)post->m->message_bytes_most || !text_add(&post->in, bytes)) {
    text_release(&post->in);
    post->m->client->cancel(post->exchange);
    return;
  }
  if (post->is_stream)
    take_stream(post);
}

static void detach(struct post *post) {
  struct remote *remote = post->remote;
  for (struct post **at = remote ? &remote->posts : NULL; at && *at; at = &(*at)->next)
    if (*at == post) {
      *at = post->next;
      remote->count--;
      break;
    }
  post->remote = NULL;
}

/* A request that was not answered fails now; a session that is gone there ends the instance: the next call begins anew. */
static void note_end(struct remote *remote, const struct post *post, bp_status status, const bp_error *err) {
  char why[200];
  struct instance *instance = remote->instance;
  if (post->is_get) {
    remote->listens = false;
    remote->may_listen = status == BP_OK && post->status == 200;
    return;
  }
  if (status != BP_OK)
    snprintf(why, sizeof(why), "the server cannot be reached: %.150s", err && err->message[0] ? err->message : "the connection failed");
  else
    snprintf(why, sizeof(why), "the server answered with HTTP status %u", post->status);
  if (post->status == 404 && remote->session)
    instance_stop(instance, "the server has ended the session");
  else if (post->request_id && !post->is_answered)
    instance_fail_request(instance, post->request_id, why);
}

static void on_done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct post *post = ctx;
  struct remote *remote = post->remote;
  (void)exchange;
  (void)body;
  if (http_status)
    post->status = http_status;
  if (remote && status == BP_OK && post->status == 200) {
    if (post->is_stream)
      text_add(&post->in, BP_LIT("\n\n")), take_stream(post);
    else
      take_message(post, text_str(&post->in));
  }
  remote = post->remote; /* what was taken may have closed it */
  detach(post);
  if (remote)
    note_end(remote, post, status, err);
  text_release(&post->in);
  text_release(&post->data);
  free(post);
}

/* ---- What goes ---- */

static uint32_t write_headers(const struct remote *remote, bp_client_header *list, const struct post *post) {
  const struct mcp *m = remote->m;
  bp_str version = kit_member_text(m->json, remote->instance->init, "protocolVersion"), name, text;
  uint64_t cursor = 0;
  bp_json value;
  uint32_t count = 0;
#define HEADER(is, word, content)                                                                                                                    \
  list[count++] = (bp_client_header){.size = sizeof(bp_client_header), .is_secret = (is), .name = (word), .value = (content)}
  HEADER(0, BP_LIT("Accept"), post->is_get ? BP_LIT("text/event-stream") : BP_LIT("application/json, text/event-stream"));
  if (!post->is_get)
    HEADER(0, BP_LIT("Content-Type"), BP_LIT("application/json"));
  if (remote->session)
    HEADER(1, BP_LIT("Mcp-Session-Id"), str_z(remote->session));
  if (version.ptr)
    HEADER(0, BP_LIT("MCP-Protocol-Version"), version);
  if (post->is_get && remote->last_event[0])
    HEADER(0, BP_LIT("Last-Event-ID"), str_z(remote->last_event));
  while (remote->headers && count < HEADERS_MOST && m->json->next(remote->headers, &cursor, &name, &value) == BP_OK)
    if (m->json->string(value, &text) == BP_OK)
      HEADER(1, name, text);
#undef HEADER
  return count;
}

static bool begin(struct remote *remote, struct post *post, const char *method, bp_str body) {
  static const bp_client_events events = {.size = sizeof(events), .head = on_head, .chunk = on_chunk, .done = on_done};
  struct mcp *m = remote->m;
  bp_client_header headers[HEADERS_MOST + 8];
  bp_error err = BP_ERROR_INIT;
  const bp_client_request request = {.size = sizeof(request),
                                     .method = str_z(method),
                                     .url = str_z(remote->instance->server->url),
                                     .headers = {headers, write_headers(remote, headers, post), (uint32_t)sizeof(headers[0])},
                                     .body = body,
                                     .idle_timeout_ms = post->is_get ? DAY_MS : (uint32_t)m->call_timeout_ms};
  if (m->client->send(m->self, &request, &events, post, &post->exchange, &err) == BP_OK)
    return true;
  say(m, BP_LOG_WARN, err.message[0] ? err.message : "a remote MCP server cannot be asked", str_z(remote->instance->server->id));
  return false;
}

static struct post *post_new(struct remote *remote) {
  struct post *post = remote->count < POSTS_MOST ? calloc(1, sizeof(*post)) : NULL;
  if (!post)
    return NULL;
  *post = (struct post){.next = remote->posts, .remote = remote, .m = remote->m};
  remote->posts = post;
  remote->count++;
  return post;
}

bool remote_send(struct remote *remote, bp_str message) {
  const struct mcp *m = remote->m;
  struct post *post = post_new(remote);
  bp_json parsed = 0;
  if (!post)
    return false;
  if (m->json->parse(m->self, message, &parsed, NULL) == BP_OK) {
    bp_json id = json_member(m, parsed, "method") ? json_member(m, parsed, "id") : 0;
    if (id)
      m->json->integer(id, &post->request_id);
    m->json->release(m->self, parsed);
  }
  if (begin(remote, post, "POST", message))
    return true;
  detach(post);
  free(post);
  return false;
}

void remote_listen(struct remote *remote) {
  struct post *post = post_new(remote);
  if (!post)
    return;
  post->is_get = true;
  remote->listens = begin(remote, post, "GET", BP_LIT(""));
  if (remote->listens)
    return;
  detach(post);
  free(post);
}

void remote_tick(struct remote *remote) {
  if (!remote->listens && remote->may_listen && remote->instance->phase == INSTANCE_READY)
    remote_listen(remote);
}

/* ---- The end ---- */

void remote_close(struct remote *remote) {
  struct mcp *m = remote->m;
  struct post *goodbye = remote->session && !m->is_draining ? post_new(remote) : NULL;
  if (goodbye && !begin(remote, goodbye, "DELETE", BP_LIT(""))) {
    detach(goodbye);
    free(goodbye);
    goodbye = NULL;
  }
  while (remote->posts) {
    struct post *post = remote->posts;
    remote->posts = post->next;
    post->remote = NULL;
    if (post != goodbye)
      m->client->cancel(post->exchange); /* on_done frees it */
  }
  if (remote->headers)
    m->json->release(m->self, remote->headers);
  free(remote->session);
  free(remote);
}
