/* Public addresses; see address.h. */
#include "client/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static bool is_public_v4(uint32_t address) {
  static const struct {
    uint32_t network;
    unsigned bits;
  } special[] = {
      {IPV4(0, 0, 0, 0), 8},     {IPV4(10, 0, 0, 0), 8},      {IPV4(100, 64, 0, 0), 10},  {IPV4(127, 0, 0, 0), 8},    {IPV4(169, 254, 0, 0), 16},
      {IPV4(172, 16, 0, 0), 12}, {IPV4(192, 0, 0, 0), 24},    {IPV4(192, 0, 2, 0), 24},   {IPV4(192, 88, 99, 0), 24}, {IPV4(192, 168, 0, 0), 16},
      {IPV4(198, 18, 0, 0), 15}, {IPV4(198, 51, 100, 0), 24}, {IPV4(203, 0, 113, 0), 24}, {IPV4(224, 0, 0, 0), 4},    {IPV4(240, 0, 0, 0), 4},
  };
  for (unsigned i = 0; i < sizeof(special) / sizeof(special[0]); i++)
    if ((address ^ special[i].network) >> (32 - special[i].bits) == 0)
      return false;
  return true;
}

static uint32_t v4_at(const unsigned char *at) {
  return IPV4(at[0], at[1], at[2], at[3]);
}

/* Only 2000::/3 is handed out for use; within it some ranges are special or carry an IPv4 address. */
static bool is_public_v6(const unsigned char *a) {
  static const unsigned char nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
  if (memcmp(a, nat64, sizeof(nat64)) == 0)
    return is_public_v4(v4_at(a + 12));
  if ((a[0] & 0xE0) != 0x20)
    return false; /* also ::, ::1, mapped IPv4, fc00::/7, fe80::/10, ff00::/8 */
  if (a[0] == 0x20 && a[1] == 0x02)
    return is_public_v4(v4_at(a + 2)); /* 6to4 */
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02)
    return false; /* 2001::/23: Teredo, benchmarks, ORCHID */
  return !(a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8) && !(a[0] == 0x3F && a[1] == 0xFF && a[2] < 0x10);
}

bool address_is_public(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, address, sizeof(in));
    return is_public_v4(ntohl(in.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    const unsigned char *bytes = in6.sin6_addr.s6_addr;
    return memcmp(bytes, mapped, sizeof(mapped)) == 0 ? is_public_v4(v4_at(bytes + 12)) : is_public_v6(bytes);
  }
  return false;
}
