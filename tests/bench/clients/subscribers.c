/* Many WebSocket or SSE subscribers in one epoll loop, counting the frames that carry an event: cheap enough not to be what is
 * measured. Usage: subscribers PORT COUNT ws|sse|sio PATH
 *
 * Prints "ready" when all are open. Each line "N" on standard input asks to wait until N frames have come since the last
 * answer (at most 30 s); the answer is the number that came. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 30000

struct client {
  int fd;
  unsigned matched; /* bytes seen of what is looked for: the end of the head, then "\ndata:" */
  bool is_open;
  unsigned char head[10]; /* of a frame */
  unsigned head_len;
  uint64_t skip; /* payload bytes still to come */
};

static bool is_ws, is_sio;
static uint64_t delivered;
static unsigned opened;

/* Advances a match of `needle` by one byte; true when it is complete. */
static bool advance(unsigned *matched, const char *needle, char byte) {
  if (byte == needle[*matched])
    (*matched)++;
  else
    *matched = byte == needle[0];
  if (needle[*matched])
    return false;
  *matched = 0;
  return true;
}

static unsigned head_bytes(const struct client *c) {
  if (c->head_len < 2)
    return 2;
  unsigned length = c->head[1] & 127u;
  return length == 126 ? 4 : length == 127 ? 10 : 2;
}

static uint64_t payload_bytes(const struct client *c) {
  uint64_t length = c->head[1] & 127u;
  if (length < 126)
    return length;
  uint64_t value = 0;
  for (unsigned i = 2; i < head_bytes(c); i++)
    value = value << 8 | c->head[i];
  return value;
}

/* Unmasked server frames, RFC 6455 section 5.2. */
static void take_frames(struct client *c, const char *data, size_t len) {
  for (size_t i = 0; i < len;) {
    if (c->skip) {
      size_t step = len - i < c->skip ? len - i : (size_t)c->skip;
      c->skip -= step;
      i += step;
      continue;
    }
    c->head[c->head_len++] = (unsigned char)data[i++];
    if (c->head_len < head_bytes(c))
      continue;
    c->skip = payload_bytes(c);
    delivered += (c->head[0] & 15) == 1;
    c->head_len = 0;
  }
}

static void take_events(struct client *c, const char *data, size_t len) {
  for (size_t i = 0; i < len; i++)
    delivered += advance(&c->matched, "\ndata:", data[i]);
}

/* Socket.IO: into the main namespace. A masked text frame; the mask is zero. */
static void say_connect(const struct client *c) {
  static const char frame[] = "\x81\x82\0\0\0\0"
                              "40";
  if (write(c->fd, frame, sizeof(frame) - 1) < 0)
    perror("connect");
}

static void take(struct client *c, const char *data, size_t len) {
  size_t i = 0;
  while (!c->is_open && i < len)
    if (advance(&c->matched, "\r\n\r\n", data[i++])) {
      c->is_open = true;
      opened++;
      if (is_sio)
        say_connect(c);
    }
  if (is_ws)
    take_frames(c, data + i, len - i);
  else
    take_events(c, data + i, len - i);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_client(int port, const char *path) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  char request[512];
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  int len =
      snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", path, port,
               is_ws ? "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                     : "Accept: text/event-stream\r\n");
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || write(fd, request, (size_t)len) != len)
    fail("subscribe");
  return fd;
}

static void read_some(int epoll, int timeout_ms) {
  static char buffer[65536];
  struct epoll_event events[256];
  int count = epoll_wait(epoll, events, 256, timeout_ms);
  for (int i = 0; i < count; i++) {
    struct client *c = events[i].data.ptr;
    ssize_t got = recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got == 0)
      fail("a subscriber was cut");
    if (got > 0)
      take(c, buffer, (size_t)got);
  }
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_until(int epoll, const uint64_t *counter, uint64_t target) {
  for (int64_t end = now_ms() + WAIT_MS; *counter < target && now_ms() < end;)
    read_some(epoll, 100);
}

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  int port = (int)strtol(argv[1], NULL, 10), epoll = epoll_create1(0);
  unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
  is_sio = strcmp(argv[3], "sio") == 0;
  is_ws = is_sio || strcmp(argv[3], "ws") == 0;
  struct client *clients = calloc(count, sizeof(*clients));
  char line[32];
  for (unsigned i = 0; clients && i < count; i++) {
    clients[i].fd = open_client(port, argv[4]);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &clients[i]}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
    read_some(epoll, 0);
  }
  for (int64_t end = now_ms() + WAIT_MS; opened < count && now_ms() < end;)
    read_some(epoll, 100);
  for (int64_t end = now_ms() + 500; now_ms() < end;)
    read_some(epoll, 50); /* what comes first, such as the list of sessions, is not counted */
  delivered = 0;
  printf("%s\n", opened == count ? "ready" : "failed");
  fflush(stdout);
  while (fgets(line, sizeof(line), stdin)) {
    wait_until(epoll, &delivered, strtoull(line, NULL, 10));
    printf("%llu\n", (unsigned long long)delivered);
    fflush(stdout);
    delivered = 0;
  }
  free(clients);
  return 0;
}
