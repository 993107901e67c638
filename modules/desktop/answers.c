/* What the family's root says of itself: /health, /api, /api/status. */
#include "desktop.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION "1.0.0"

/* The names are those of the clients; a path without a module answers 404. */
static const struct {
  bp_str name, path;
} endpoints[] = {
    {BP_STR("health"), BP_STR("/health")},
    {BP_STR("status"), BP_STR("/api/status")},
    {BP_STR("vscode"), BP_STR("/api/vscode")},
    {BP_STR("mcp"), BP_STR("/api/mcp")},
    {BP_STR("services"), BP_STR("/api/services")},
    {BP_STR("flowBuilder"), BP_STR("/api/flow-builder")},
    {BP_STR("deployments"), BP_STR("/api/deployments")},
    {BP_STR("repositories"), BP_STR("/api/repositories")},
    {BP_STR("pm2Processes"), BP_STR("/api/pm2-processes")},
    {BP_STR("git"), BP_STR("/api/git")},
    {BP_STR("gitConfig"), BP_STR("/api/git-config")},
    {BP_STR("systemStats"), BP_STR("/api/system-stats")},
    {BP_STR("files"), BP_STR("/api/files")},
};

static void put_integer(const struct desktop *d, bp_json_writer out, bp_str name, int64_t value) {
  d->json->key(out, name);
  d->json->put_integer(out, value);
}

/* A new answer that begins with "success": true; 0 when there is no memory and the request has been answered. */
static bp_json_writer answer_begin(const struct desktop *d, bp_request request) {
  bp_json_writer out = 0;
  bp_status status = d->json->writer_new(d->self, &out);
  if (status != BP_OK) {
    d->http->reply_failure(request, status, NULL);
    return 0;
  }
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("success"));
  d->json->put_boolean(out, 1);
  return out;
}

static void answer_end(const struct desktop *d, bp_request request, bp_json_writer out) {
  d->json->object_end(out);
  d->http->reply_json(request, 200, out);
  d->json->writer_free(out);
}

/* ---- Health ---- */

/* Resident bytes of this process: the second number of /proc/self/statm, in pages. */
static int64_t resident_bytes(void) {
  char text[128];
  long long total = 0, resident = 0;
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
  if (fd >= 0)
    close(fd);
  text[len > 0 ? len : 0] = '\0';
  return sscanf(text, "%lld %lld", &total, &resident) == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}

/* The members clients know from Node, with what comes nearest in a C process. */
static void put_memory(const struct desktop *d, bp_json_writer out) {
  struct mallinfo2 heap = mallinfo2();
  d->json->key(out, BP_LIT("memory"));
  d->json->object_begin(out);
  put_integer(d, out, BP_LIT("rss"), resident_bytes());
  put_integer(d, out, BP_LIT("heapTotal"), (int64_t)(heap.arena + heap.hblkhd));
  put_integer(d, out, BP_LIT("heapUsed"), (int64_t)(heap.uordblks + heap.hblkhd));
  put_integer(d, out, BP_LIT("external"), 0);
  put_integer(d, out, BP_LIT("arrayBuffers"), 0);
  d->json->object_end(out);
}

void desktop_health(void *state, bp_request request) {
  const struct desktop *d = state;
  char text[KIT_TIME_BYTES];
  bp_json_writer out = answer_begin(d, request);
  if (!out)
    return;
  json_text_member(d->json, out, BP_LIT("status"), BP_LIT("healthy"));
  json_text_member(d->json, out, BP_LIT("timestamp"), kit_time_text(d->core->now_wall_ns(), text));
  d->json->key(out, BP_LIT("uptime"));
  d->json->put_real(out, (double)(d->core->now_monotonic_ns() - d->started_ns) / 1e9);
  put_memory(d, out);
  answer_end(d, request, out);
}

/* ---- Index and status ---- */

void desktop_index(void *state, bp_request request) {
  const struct desktop *d = state;
  bp_json_writer out = answer_begin(d, request);
  if (!out)
    return;
  json_text_member(d->json, out, BP_LIT("message"), BP_LIT("AI Desktop Backend API"));
  json_text_member(d->json, out, BP_LIT("version"), BP_LIT(VERSION));
  d->json->key(out, BP_LIT("endpoints"));
  d->json->object_begin(out);
  for (unsigned i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
    json_text_member(d->json, out, endpoints[i].name, endpoints[i].path);
  d->json->object_end(out);
  answer_end(d, request, out);
}

/* A request for the status while module socketio is asked for its clients. */
struct status_call {
  const struct desktop *desktop;
  bp_request request;
};

static int64_t connections_of(const bp_json_1 *json, bp_plugin self, bp_str answer) {
  bp_json root = 0, value = 0;
  int64_t count = 0;
  if (json->parse(self, answer, &root, NULL) != BP_OK)
    return 0;
  if (json->get(root, BP_LIT("connections"), &value) == BP_OK)
    json->integer(value, &count);
  json->release(self, root);
  return count;
}

static void reply_status(const struct desktop *d, bp_request request, int64_t connections) {
  bp_str environment = BP_LIT("");
  bp_json_writer out = answer_begin(d, request);
  if (!out)
    return;
  d->config->string(d->self, BP_LIT("environment"), &environment);
  d->json->key(out, BP_LIT("data"));
  d->json->object_begin(out);
  json_text_member(d->json, out, BP_LIT("status"), BP_LIT("running"));
  json_text_member(d->json, out, BP_LIT("version"), BP_LIT(VERSION));
  json_text_member(d->json, out, BP_LIT("environment"), environment);
  put_integer(d, out, BP_LIT("socketConnections"), connections);
  d->json->object_end(out);
  answer_end(d, request, out);
}

/* Without module socketio there are none. */
static void on_count(void *ctx, bp_status status, bp_str payload) {
  struct status_call *call = ctx;
  const struct desktop *d = call->desktop;
  reply_status(d, call->request, status == BP_OK ? connections_of(d->json, d->self, payload) : 0);
  free(call);
}

void desktop_status(void *state, bp_request request) {
  const struct desktop *d = state;
  struct status_call *call = calloc(1, sizeof(*call));
  if (!call) {
    d->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  *call = (struct status_call){d, request};
  d->http->defer(request, NULL, NULL);
  bp_status status = d->service->call(d->self, BP_LIT("socketio/1"), BP_LIT("count"), BP_LIT("{\"family\":\"desktop\"}"), 5000, on_count, call);
  if (status != BP_OK)
    on_count(call, status, bp_str_make(NULL, 0));
}
