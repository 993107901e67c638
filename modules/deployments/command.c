/* From a repository's folder to the program that is started; see command.h. Everything that touches the disk runs on a worker. */
#include "command.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4200

static bool join(const char *folder, const char *rest, const char *more, char path[PATH_BYTES]) {
  return snprintf(path, PATH_BYTES, "%s/%s%s", folder, rest, more) < PATH_BYTES;
}

/* ---- package.json ---- */

static bool read_all(int fd, size_t len, struct command *c) {
  size_t got = 0;
  c->package = malloc(len + 1);
  while (c->package && got < len) {
    ssize_t more = read(fd, c->package + got, len - got);
    if (more <= 0)
      break;
    got += (size_t)more;
  }
  c->package_len = got;
  return c->package != NULL;
}

static void read_package(struct command *c) {
  char path[PATH_BYTES];
  struct stat info;
  int fd = join(c->path, "package.json", "", path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
  if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    snprintf(c->fault, sizeof(c->fault), "package.json not found in repository");
  else if (info.st_size > PACKAGE_BYTES_MOST)
    snprintf(c->fault, sizeof(c->fault), "package.json is larger than 1 MiB");
  else if (!read_all(fd, (size_t)info.st_size, c))
    snprintf(c->fault, sizeof(c->fault), "out of memory");
  if (fd >= 0)
    close(fd);
}

/* ---- The port ---- */

static bool is_taken(int family, const struct sockaddr *address, socklen_t len) {
  const int yes = 1;
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
  bool is_in_use = bind(fd, address, len) != 0 && errno == EADDRINUSE;
  close(fd);
  return is_in_use;
}

static void look_at_port(struct command *c) {
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
  const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)c->port)};
  if (is_taken(AF_INET, (const struct sockaddr *)&any, sizeof(any)) || is_taken(AF_INET6, (const struct sockaddr *)&any6, sizeof(any6)))
    c->is_port_taken = true;
  if (c->is_port_taken)
    snprintf(c->fault, sizeof(c->fault), "Port %lld is already in use", (long long)c->port);
}

void command_inspect(struct command *c) {
  struct stat info;
  if (stat(c->path, &info) != 0 || !S_ISDIR(info.st_mode)) {
    snprintf(c->fault, sizeof(c->fault), "Repository path does not exist: %.300s", c->path);
    return;
  }
  read_package(c);
  if (!c->fault[0])
    look_at_port(c);
}

/* ---- The program ---- */

/* A program that the repository has installed for itself stands for its name, as it does for npm. */
static void use_local(struct command *c) {
  char name[256], path[PATH_BYTES];
  bp_str word = c->script.words[0];
  if (memchr(word.ptr, '/', word.len) || word.len >= sizeof(name))
    return;
  snprintf(name, sizeof(name), "%.*s", (int)word.len, word.ptr);
  if (!join(c->path, "node_modules/.bin/", name, path) || access(path, X_OK) != 0)
    return;
  c->local = strdup(path);
  if (c->local)
    c->script.words[0] = bp_str_make(c->local, strlen(c->local));
}

bool command_parse(struct command *c, const bp_json_1 *json, bp_plugin self) {
  bp_error err = BP_ERROR_INIT;
  bp_json root = 0, scripts = 0, value = 0;
  bp_str start = {NULL, 0};
  if (json->parse(self, bp_str_make(c->package, c->package_len), &root, &err) != BP_OK) {
    snprintf(c->fault, sizeof(c->fault), "package.json is not JSON: %s", err.message);
    return false;
  }
  if (json->get(root, BP_LIT("scripts"), &scripts) == BP_OK && json->get(scripts, BP_LIT("start"), &value) == BP_OK)
    json->string(value, &start);
  char message[sizeof(c->fault)];
  const char *fault = script_read(start, &c->script, message, sizeof(message));
  if (fault)
    snprintf(c->fault, sizeof(c->fault), "%s", fault);
  else
    use_local(c);
  json->release(self, root);
  return !fault;
}

void command_release(struct command *c) {
  script_release(&c->script);
  free(c->local);
  free(c->package);
  free(c->path);
}
