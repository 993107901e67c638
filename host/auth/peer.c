/* Who is at the other end of a connection: SO_PEERCRED on Unix sockets, inet_diag on loopback TCP.
 *
 * What that is worth (which listeners, which headers void it) is decided in checks.c. */
#include "auth/gate.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel answers inside sendmsg, so the answer is there when recv is called; the time-out only bounds a surprise. */
#define ANSWER_WAIT_MS 20
#define ANSWERS_READ_MAX 8

/* One side of a connection as inet_diag wants it: network byte order, v4 in the first word. */
struct endpoint {
  uint8_t family;
  __be16 port;
  __be32 address[4];
};

static struct {
  int fd;
  uint32_t sequence;
} diag = {-1, 0};

static bool endpoint_from(const struct sockaddr_storage *from, struct endpoint *ret) {
  memset(ret, 0, sizeof(*ret));
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    ret->family = AF_INET;
    ret->port = v4->sin_port;
    ret->address[0] = v4->sin_addr.s_addr;
    return true;
  }
  if (from->ss_family != AF_INET6)
    return false;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
  ret->port = v6->sin6_port;
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
    ret->family = AF_INET;
    memcpy(&ret->address[0], &v6->sin6_addr.s6_addr[12], sizeof(__be32));
    return true;
  }
  ret->family = AF_INET6;
  memcpy(ret->address, &v6->sin6_addr, sizeof(ret->address));
  return true;
}

static bool endpoint_is_loopback(const struct endpoint *end) {
  if (end->family == AF_INET)
    return (ntohl(end->address[0]) >> 24) == 127;
  return memcmp(end->address, &in6addr_loopback, sizeof(end->address)) == 0;
}

static bool diag_open(void) {
  if (diag.fd >= 0)
    return true;
  diag.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (diag.fd < 0) {
    log_warn("auth", "owners of connections cannot be looked up: %s; clients need a token", strerror(errno));
    return false;
  }
  const struct timeval wait = {.tv_usec = ANSWER_WAIT_MS * 1000};
  (void)setsockopt(diag.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  return true;
}

/* After an error the socket may hold a late answer: a new one is opened for the next question. */
static void diag_close(void) {
  if (diag.fd >= 0)
    close(diag.fd);
  diag.fd = -1;
}

/* Asks for the one socket whose local side is `source` and whose remote side is `destination`. */
static bool diag_ask(const struct endpoint *source, const struct endpoint *destination) {
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 question;
  } message = {
      .header = {.nlmsg_len = sizeof(message), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = ++diag.sequence},
      .question = {.sdiag_family = source->family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1u << TCP_ESTABLISHED},
  };
  struct inet_diag_sockid *id = &message.question.id;
  id->idiag_sport = source->port;
  id->idiag_dport = destination->port;
  memcpy(id->idiag_src, source->address, sizeof(id->idiag_src));
  memcpy(id->idiag_dst, destination->address, sizeof(id->idiag_dst));
  id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  return sendto(diag.fd, &message, sizeof(message), 0, (const struct sockaddr *)&kernel, sizeof(kernel)) == (ssize_t)sizeof(message);
}

/* Reads the answer to the last question. False: nothing came; *ret_found tells a socket from "no such socket". */
static bool diag_answer(struct inet_diag_msg *ret, bool *ret_found) {
  for (int i = 0; i < ANSWERS_READ_MAX; i++) {
    _Alignas(struct nlmsghdr) char bytes[2048];
    ssize_t len = recv(diag.fd, bytes, sizeof(bytes), 0);
    if (len < 0 && errno == EINTR)
      continue;
    if (len < (ssize_t)sizeof(struct nlmsghdr))
      return false;
    const struct nlmsghdr *header = (const struct nlmsghdr *)bytes;
    if (header->nlmsg_len > (uint32_t)len || header->nlmsg_seq != diag.sequence)
      continue;
    *ret_found = header->nlmsg_type == SOCK_DIAG_BY_FAMILY && header->nlmsg_len >= NLMSG_LENGTH(sizeof(*ret));
    if (*ret_found)
      memcpy(ret, NLMSG_DATA(bytes), sizeof(*ret));
    return true;
  }
  return false;
}

/* The kernel falls back to a listening socket, and orphans keep their tuple without an owner: neither says who connected. */
static bool names_an_owner(const struct inet_diag_msg *answer, const struct endpoint *source, const struct endpoint *destination) {
  size_t bytes = source->family == AF_INET ? 4 : 16;
  return answer->idiag_state == TCP_ESTABLISHED && answer->idiag_inode != 0 && answer->id.idiag_sport == source->port &&
         answer->id.idiag_dport == destination->port && memcmp(answer->id.idiag_src, source->address, bytes) == 0 &&
         memcmp(answer->id.idiag_dst, destination->address, bytes) == 0;
}

/* Finds the client's socket of a loopback connection. False where the kernel could not be asked. */
static bool ask_about_client(int fd, struct endpoint *client, struct endpoint *server, struct inet_diag_msg *ret, bool *ret_found) {
  struct sockaddr_storage local = {0}, remote = {0};
  socklen_t local_len = sizeof(local), remote_len = sizeof(remote);
  if (getsockname(fd, (struct sockaddr *)&local, &local_len) != 0 || getpeername(fd, (struct sockaddr *)&remote, &remote_len) != 0)
    return false;
  if (!endpoint_from(&remote, client) || !endpoint_from(&local, server) || client->family != server->family)
    return false;
  if (!endpoint_is_loopback(client) || !endpoint_is_loopback(server) || !diag_open())
    return false;
  if (diag_ask(client, server) && diag_answer(ret, ret_found))
    return true;
  diag_close();
  return false;
}

static void lookup_tcp(int fd, struct auth_peer *ret) {
  struct endpoint client, server;
  struct inet_diag_msg answer;
  bool is_found = false;
  if (!ask_about_client(fd, &client, &server, &answer, &is_found))
    return;
  ret->is_known = is_found && names_an_owner(&answer, &client, &server);
  if (ret->is_known)
    ret->uid = answer.idiag_uid;
}

static bool lookup_unix(int fd, struct auth_peer *ret) {
  int domain = 0;
  socklen_t len = sizeof(domain);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX)
    return false;
  struct ucred owner;
  len = sizeof(owner);
  ret->is_unix = true;
  ret->is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &len) == 0;
  if (ret->is_known)
    ret->uid = owner.uid;
  return true;
}

void auth_peer_lookup(int fd, struct auth_peer *ret) {
  *ret = (struct auth_peer){.uid = (uid_t)-1};
  if (!lookup_unix(fd, ret))
    lookup_tcp(fd, ret);
}

bool auth_peer_is_orphan(int fd) {
  struct endpoint client, server;
  struct inet_diag_msg answer = {0};
  bool is_found = false;
  if (!ask_about_client(fd, &client, &server, &answer, &is_found))
    return false;
  return !is_found || answer.idiag_state == TCP_LISTEN || answer.idiag_inode == 0;
}
