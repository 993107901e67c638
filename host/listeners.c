/* Listeners by configuration; see listeners.h. */
#include "listeners.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "router/family.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define INHERITED_FIRST 3
#define INHERITED_MAX 32

/* ---- Sockets from systemd ---- */

static struct {
  int fds[INHERITED_MAX];
  unsigned count;
} inherited;

void listeners_inherit(void) {
  const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
  int64_t pid, count;
  if (pid_text && count_text && str_to_i64(str_from(pid_text), &pid) && pid == getpid() && str_to_i64(str_from(count_text), &count)) {
    for (int64_t i = 0; i < count && i < INHERITED_MAX; i++) {
      int fd = INHERITED_FIRST + (int)i;
      fcntl(fd, F_SETFD, FD_CLOEXEC);
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
      inherited.fds[inherited.count++] = fd;
    }
  }
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
}

static bool is_socket_of(int fd, const struct http_listener *listener) {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
  } name;
  socklen_t len = sizeof(name);
  char text[INET6_ADDRSTRLEN] = "";
  memset(&name, 0, sizeof(name));
  if (getsockname(fd, &name.any, &len) != 0)
    return false;
  if (name.any.sa_family == AF_UNIX)
    return listener->is_unix && strncmp(name.un.sun_path, listener->address, sizeof(name.un.sun_path)) == 0;
  if (name.any.sa_family == AF_INET)
    inet_ntop(AF_INET, &name.in.sin_addr, text, sizeof(text));
  else if (name.any.sa_family == AF_INET6)
    inet_ntop(AF_INET6, &name.in6.sin6_addr, text, sizeof(text));
  uint16_t port = ntohs(name.any.sa_family == AF_INET ? name.in.sin_port : name.in6.sin6_port);
  return !listener->is_unix && port == listener->port && strcmp(text, listener->address) == 0;
}

/* The inherited socket of this address, taken off the list; -1 if there is none. */
static int take_inherited(const struct http_listener *listener) {
  for (unsigned i = 0; i < inherited.count; i++)
    if (is_socket_of(inherited.fds[i], listener)) {
      int fd = inherited.fds[i];
      inherited.fds[i] = inherited.fds[--inherited.count];
      return fd;
    }
  return -1;
}

/* ---- What should be open ---- */

static uint16_t port_of(const struct config_listener *config, int port_offset) {
  return config->is_unix ? 0 : (uint16_t)(config->port + port_offset);
}

/* A compatibility listener opens only while a module declares its family. */
static bool is_wanted(const struct config_listener *config) {
  return !config->family || family_find(str_from(config->family));
}

static bool is_same(const struct config_listener *config, uint16_t port, const struct http_listener *l) {
  return !l->is_control && l->is_unix == config->is_unix && l->port == port && strcmp(l->address, config->address) == 0 && l->auth == config->auth &&
         l->is_public == config->is_public && str_eq(str_from(l->family), str_from(config->family));
}

/* ---- Closing ---- */

static bool should_stay(const struct config *config, int port_offset, const struct http_listener *listener) {
  for (const struct config_listener *l = config->listeners; l; l = l->next)
    if (is_wanted(l) && is_same(l, port_of(l, port_offset), listener))
      return true;
  return listener->is_control;
}

static void close_unwanted(const struct config *config, int port_offset) {
  for (struct http_listener *l = http_listeners(), *next; l; l = next) {
    next = l->next;
    if (should_stay(config, port_offset, l))
      continue;
    log_info("http", "no longer listening on %s port %u", l->address, (unsigned)l->port);
    http_unlisten(l);
  }
}

/* ---- Opening ---- */

static void listener_free(struct http_listener *listener) {
  free(listener->address);
  free(listener->family);
  free(listener);
}

/* The families of a reload are new objects. */
static void resolve_family(struct http_listener *listener, const struct config_listener *config) {
  const struct family *family = config->family ? family_find(str_from(config->family)) : NULL;
  listener->family_object = family;
  listener->leaves_authorization = family && (family_facts(family)->flags & BP_FAMILY_OWN_AUTHORIZATION);
}

static struct http_listener *listener_new(const struct config_listener *config, uint16_t port) {
  struct http_listener *listener = mem_alloc(sizeof(*listener));
  listener->address = str_dupz(str_from(config->address));
  listener->port = port;
  listener->is_unix = config->is_unix;
  listener->is_main = !config->family;
  listener->is_public = config->is_public;
  listener->auth = config->auth;
  listener->family = config->family ? str_dupz(str_from(config->family)) : NULL;
  resolve_family(listener, config);
  listener->fd = -1;
  return listener;
}

static struct http_listener *find_open(const struct config_listener *config, uint16_t port) {
  for (struct http_listener *l = http_listeners(); l; l = l->next)
    if (is_same(config, port, l))
      return l;
  return NULL;
}

/* A machine without IPv6 is no fault worth a warning; everything else is. */
static void report_closed(const struct config_listener *config, bp_status status, const bp_error *err) {
  bool is_lack_of_ipv6 = status != BP_E_BUSY && strcmp(config->address, "::1") == 0;
  log_line(is_lack_of_ipv6 ? BP_LOG_DEBUG : BP_LOG_WARN, "http", "%s%s%s (%s line %d); a reload tries again", err->message, err->hint[0] ? ": " : "",
           err->hint, config->file ? config->file : "configuration", config->line);
}

/* True if it is open, now or already. */
static bool open_one(const struct config_listener *config, uint16_t port) {
  struct http_listener *listener = find_open(config, port);
  if (listener) {
    resolve_family(listener, config);
    return true;
  }
  listener = listener_new(config, port);
  int fd = take_inherited(listener);
  bp_error err = BP_ERROR_INIT;
  bp_status status = fd >= 0 ? http_listen_fd(listener, fd, &err) : http_listen(listener, &err);
  if (status == BP_OK)
    return true;
  listener_free(listener);
  report_closed(config, status, &err);
  return false;
}

unsigned listeners_apply(const struct config *config, int port_offset) {
  unsigned open_count = 0;
  close_unwanted(config, port_offset);
  for (const struct config_listener *l = config->listeners; l; l = l->next)
    if (is_wanted(l))
      open_count += open_one(l, port_of(l, port_offset));
  return open_count;
}

bp_status listeners_open_control(const char *state_dir, bp_error *err) {
  struct buf path = {0};
  struct http_listener *listener = mem_alloc(sizeof(*listener));
  buf_printf(&path, "%s/control.sock", state_dir);
  *listener = (struct http_listener){.address = str_dupz(buf_str(&path)), .is_unix = true, .is_main = true, .is_control = true, .fd = -1};
  buf_release(&path);
  bp_status status = http_listen(listener, err);
  if (status != BP_OK)
    listener_free(listener);
  return status;
}

void listeners_close(void) {
  for (struct http_listener *l = http_listeners(), *next; l; l = next) {
    next = l->next;
    http_unlisten(l);
  }
  for (unsigned i = 0; i < inherited.count; i++)
    close(inherited.fds[i]);
  inherited.count = 0;
}
