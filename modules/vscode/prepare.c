/* Before code-server is started: the repository's folder and the port are looked at, its folder for data is made, and the rules are asked
 * with the very arguments. */
#include "vscode.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 1200
#define LIMIT_ARGUMENTS 64
#define OWN_ARGUMENTS 12

/* ---- On a worker ---- */

static bool port_is_taken(int64_t port) {
  const int yes = 1;
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  bool is_taken = bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno == EADDRINUSE;
  close(fd);
  return is_taken;
}

static bool data_folder(const struct editor *e, char path[PATH_BYTES]) {
  bp_str folder = e->module->core->folder(e->module->self);
  return folder.len && snprintf(path, PATH_BYTES, "%.*s/data/%" PRId64, (int)folder.len, folder.ptr, e->id) < PATH_BYTES;
}

static bool make_data_folder(const struct editor *e) {
  char path[PATH_BYTES];
  if (!data_folder(e, path))
    return false;
  char *slash = strrchr(path, '/');
  *slash = '\0';
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return false;
  *slash = '/';
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static void look(void *ctx) {
  struct editor *e = ctx;
  struct stat info;
  if (stat(e->path, &info) != 0 || !S_ISDIR(info.st_mode))
    snprintf(e->fault, sizeof(e->fault), "Repository path does not exist: %.300s", e->path);
  else if (port_is_taken(e->port))
    snprintf(e->fault, sizeof(e->fault), "Port %" PRId64 " is already in use", e->port);
  else if (!make_data_folder(e))
    snprintf(e->fault, sizeof(e->fault), "the folder for code-server's data cannot be made: %s", strerror(errno));
}

/* ---- The arguments ---- */

/* The command of the option, then what the contract names. Texts live in `address` and `data`. */
static uint32_t put_arguments(const struct editor *e, char address[32], char data[PATH_BYTES], bp_str argv[LIMIT_ARGUMENTS]) {
  const struct vscode *v = e->module;
  uint32_t count = v->config->entry_count(v->self, BP_LIT("command")), total = 0;
  bp_str key;
  for (uint32_t i = 0; i < count && total < LIMIT_ARGUMENTS - OWN_ARGUMENTS; i++)
    if (v->config->entry(v->self, BP_LIT("command"), i, &key, &argv[total]) == BP_OK)
      total++;
  snprintf(address, 32, "127.0.0.1:%" PRId64, e->port);
  data_folder(e, data);
  const bp_str own[OWN_ARGUMENTS] = {
      BP_LIT("--bind-addr"),
      str_z(address),
      BP_LIT("--auth"),
      BP_LIT("none"),
      BP_LIT("--disable-telemetry"),
      BP_LIT("--disable-update-check"),
      BP_LIT("--ignore-last-opened"),
      BP_LIT("--config"),
      BP_LIT("/dev/null"),
      BP_LIT("--user-data-dir"),
      str_z(data),
      str_z(e->path),
  };
  for (unsigned i = 0; i < OWN_ARGUMENTS; i++)
    argv[total++] = own[i];
  return total;
}

/* ---- The rules ---- */

static void give_up(struct editor *e, uint32_t status, const char *message) {
  char copy[WORDS_BYTES];
  snprintf(copy, sizeof(copy), "%s", message);
  editor_fail(e, status, copy);
}

static uint32_t allowed_argv(const struct vscode *v, bp_json facts, bp_str argv[LIMIT_ARGUMENTS]) {
  bp_json list = 0, item = 0;
  uint32_t count = 0;
  if (v->json->get(facts, BP_LIT("argv"), &list) != BP_OK)
    return 0;
  while (count < LIMIT_ARGUMENTS && v->json->at(list, count, &item) == BP_OK && v->json->string(item, &argv[count]) == BP_OK)
    count++;
  return count;
}

static void spawn(struct editor *e, bp_str facts_text) {
  const struct vscode *v = e->module;
  bp_str argv[LIMIT_ARGUMENTS];
  bp_error err = BP_ERROR_INIT;
  bp_json facts = 0;
  char message[WORDS_BYTES];
  bp_status status = v->json->parse(v->self, facts_text, &facts, &err);
  if (status == BP_OK) {
    bp_array all = {argv, allowed_argv(v, facts, argv), (uint32_t)sizeof(argv[0])};
    status = editor_spawn(e, all, &err);
    v->json->release(v->self, facts);
  }
  if (status == BP_OK)
    return;
  if (status == BP_E_NOT_FOUND)
    snprintf(message, sizeof(message),
             "code-server is not installed: %.200s; install it (npm install -g code-server), or name its command in the option \"command\" of the "
             "module vscode",
             err.message);
  else
    snprintf(message, sizeof(message), "code-server could not be started: %.250s", err.message);
  give_up(e, 500, message);
}

static void on_verdict(void *ctx, const bp_verdict *verdict) {
  struct editor *e = ctx;
  char message[WORDS_BYTES];
  if (e->is_unwanted) {
    give_up(e, 500, "it was stopped before it was ready");
  } else if (verdict->verdict == BP_VERDICT_ALLOW) {
    spawn(e, verdict->facts);
  } else {
    snprintf(message, sizeof(message), verdict->verdict == BP_VERDICT_ASK ? "this needs a person's approval: %.*s (approval %.*s)" : "%.*s",
             (int)verdict->reason.len, verdict->reason.ptr, (int)verdict->approval_id.len, verdict->approval_id.ptr);
    give_up(e, 403, message);
  }
}

static void put_facts(const struct editor *e, bp_json_writer out) {
  const bp_json_1 *json = e->module->json;
  bp_str argv[LIMIT_ARGUMENTS];
  char address[32], data[PATH_BYTES];
  uint32_t count = put_arguments(e, address, data, argv);
  json->object_begin(out);
  put_text(json, out, "module", "vscode");
  put_text(json, out, "action", "run");
  put_number(json, out, "repository_id", e->id);
  put_text(json, out, "path", e->path);
  put_number(json, out, "port", e->port);
  json->key(out, BP_LIT("argv"));
  json->array_begin(out);
  for (uint32_t i = 0; i < count; i++)
    json->put_string(out, argv[i]);
  json->array_end(out);
  json->object_end(out);
}

static void on_looked(void *ctx, bp_status status) {
  struct editor *e = ctx;
  const struct vscode *v = e->module;
  bp_json_writer out = 0;
  bp_str facts = {NULL, 0};
  if (status != BP_OK || e->fault[0] || e->is_unwanted) {
    give_up(e, 500, e->fault[0] ? e->fault : "it was stopped before it was ready");
    return;
  }
  status = v->json->writer_new(v->self, &out);
  if (status == BP_OK) {
    put_facts(e, out);
    status = v->json->writer_text(out, &facts, NULL);
  }
  if (status == BP_OK)
    status = v->policy->decide(v->self, BP_LIT("vscode"), str_z(e->principal), facts, 0, on_verdict, e);
  if (out)
    v->json->writer_free(out);
  if (status != BP_OK)
    give_up(e, 503, "the rules could not be asked");
}

void prepare_begin(struct editor *e) {
  const struct vscode *v = e->module;
  if (v->loop->work(v->self, look, on_looked, e) != BP_OK)
    give_up(e, 503, "the host is busy");
}
