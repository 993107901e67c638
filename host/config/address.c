/* Addresses to listen on; see address.h. */
#include "config/address.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define FORMS "write \"127.0.0.1:PORT\", \"[::1]:PORT\" or \"unix:/path/of/socket\""

static bool refuse(const char **ret_wrong, const char **ret_fix, const char *wrong, const char *fix) {
  *ret_wrong = wrong;
  *ret_fix = fix;
  return false;
}

static bool parse_unix(bp_str path, struct address *ret, const char **ret_wrong, const char **ret_fix) {
  if (path.len == 0 || path.ptr[0] != '/')
    return refuse(ret_wrong, ret_fix, "the socket's path is not absolute", "write \"unix:/path/of/socket\"");
  if (path.len >= sizeof(((struct sockaddr_un *)0)->sun_path) || str_find(path, '\0') >= 0)
    return refuse(ret_wrong, ret_fix, "the socket's path is too long for the system", "use a path of at most 107 bytes");
  *ret = (struct address){.host = str_dupz(path), .is_unix = true, .is_loopback = true};
  return true;
}

/* True for an IP address of the family its brackets say. */
static bool is_ip(const char *host, bool is_six, bool *ret_loopback) {
  struct in_addr four;
  struct in6_addr six;
  if (is_six && inet_pton(AF_INET6, host, &six) == 1) {
    *ret_loopback = IN6_IS_ADDR_LOOPBACK(&six);
    return true;
  }
  if (is_six || inet_pton(AF_INET, host, &four) != 1)
    return false;
  *ret_loopback = ntohl(four.s_addr) >> 24 == 127;
  return true;
}

bool address_parse(bp_str text, struct address *ret, const char **ret_wrong, const char **ret_fix) {
  int64_t port = 0;
  if (str_starts(text, BP_LIT("unix:")))
    return parse_unix(bp_str_make(text.ptr + 5, text.len - 5), ret, ret_wrong, ret_fix);
  bool is_six = text.len && text.ptr[0] == '[';
  const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
  if (!colon || colon == text.ptr || (is_six && colon[-1] != ']'))
    return refuse(ret_wrong, ret_fix, "it has no port", FORMS);
  bp_str number = bp_str_make(colon + 1, (size_t)(text.ptr + text.len - colon - 1));
  if (!str_to_i64(number, &port) || port < 1 || port > 65535)
    return refuse(ret_wrong, ret_fix, "the port is not a number from 1 to 65535", FORMS);
  bp_str host = bp_str_make(text.ptr + is_six, (size_t)(colon - text.ptr) - (is_six ? 2 : 0));
  if (str_eq(host, BP_LIT("localhost")))
    return refuse(ret_wrong, ret_fix, "a name is not an address", "write two lines, one for \"127.0.0.1:PORT\" and one for \"[::1]:PORT\"");
  char *copy = str_dupz(host);
  bool is_loopback = false;
  if (strlen(copy) != host.len || !is_ip(copy, is_six, &is_loopback)) {
    free(copy);
    return refuse(ret_wrong, ret_fix, "it is not an IP address", FORMS);
  }
  *ret = (struct address){.host = copy, .port = (uint16_t)port, .is_loopback = is_loopback};
  return true;
}
