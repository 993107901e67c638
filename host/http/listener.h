/* Listening sockets and what is known about each: address, port, families, how clients prove who they are. */
#ifndef HOST_HTTP_LISTENER_H
#define HOST_HTTP_LISTENER_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>

enum listener_auth { LISTENER_AUTH_PEER, LISTENER_AUTH_TOKEN };

struct http_listener {
  char *address; /* "127.0.0.1", "::1", or a Unix socket's path */
  uint16_t port; /* after --port-offset; 0 for a Unix socket */
  bool is_unix;
  bool is_main;    /* serves every family and the host's own routes */
  bool is_control; /* the control socket: main's routes, peer credentials */
  bool is_public;  /* non-loopback, allowed by `public = true` */
  enum listener_auth auth;
  char *family;              /* the family served; NULL for main */
  const void *family_object; /* the router's, resolved when families are known */
  bool leaves_authorization; /* BP_FAMILY_OWN_AUTHORIZATION */
  int fd;                    /* -1 while not open */
  struct http_listener *next;
  void *wire; /* host/http's own */
};

/* Opens a socket (SO_REUSEADDR, CLOEXEC, non-blocking; Unix: 0600) and starts accepting. A taken port gives BP_E_BUSY and an
 * error that names the process holding it where /proc tells. Takes ownership of the struct on success. */
bp_status http_listen(struct http_listener *listener, bp_error *err);
/* Adopts an inherited socket (systemd socket activation). */
bp_status http_listen_fd(struct http_listener *listener, int fd, bp_error *err);
/* Stops accepting and frees the listener; its connections live on. */
void http_unlisten(struct http_listener *listener);
/* While held, listeners open without accepting: clients wait in the kernel's queue. Not held at first. */
void http_hold(bool is_held);
/* All open listeners, linked by `next`. */
struct http_listener *http_listeners(void);

/* Graceful stop: stop accepting, finish running requests (at most `grace_ms`), close idle connections, then call `done`. */
void http_stop(int64_t grace_ms, void (*done)(void *arg), void *arg);

/* Figures for /metrics and status. */
struct http_counters {
  uint64_t accepted, requests, bytes_in, bytes_out, wire_errors, timeouts;
  uint32_t connections, exchanges;
};
const struct http_counters *http_counters(void);

#endif
