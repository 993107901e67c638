/* Unit tests of which addresses are public (host/client/address.h). */
#include "client/address.h"
#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_public(const char *text) {
  struct sockaddr_storage address = {0};
  struct sockaddr_in *in = (struct sockaddr_in *)&address;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
  address.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
  void *to = address.ss_family == AF_INET6 ? (void *)&in6->sin6_addr : (void *)&in->sin_addr;
  assert_int_equal(inet_pton(address.ss_family, text, to), 1);
  return address_is_public((struct sockaddr *)&address);
}

static void test_addresses(void **state) {
  (void)state;
  static const char *const open[] = {"8.8.8.8",         "1.1.1.1", "172.15.255.255",    "172.32.0.1",       "100.63.255.255", "169.253.1.1",
                                     "2606:4700::1111", "2a00::1", "2002:0808:0808::1", "64:ff9b::808:808", "::ffff:8.8.8.8"};
  static const char *const closed[] = {"127.0.0.1",
                                       "127.255.255.254",
                                       "0.0.0.0",
                                       "0.1.2.3",
                                       "10.1.2.3",
                                       "172.16.0.1",
                                       "172.31.255.255",
                                       "192.168.1.1",
                                       "169.254.169.254",
                                       "100.64.0.1",
                                       "100.127.255.255",
                                       "192.0.0.170",
                                       "198.18.0.1",
                                       "224.0.0.1",
                                       "255.255.255.255",
                                       "203.0.113.9",
                                       "::1",
                                       "::",
                                       "fe80::1",
                                       "fc00::1",
                                       "fd00:ec2::254",
                                       "ff02::1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:10.0.0.1",
                                       "::127.0.0.1",
                                       "64:ff9b::7f00:1",
                                       "64:ff9b:1::1",
                                       "2002:7f00:1::1",
                                       "2002:a9fe:a9fe::",
                                       "2001::1",
                                       "2001:db8::1",
                                       "fec0::1"};
  for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
    if (!is_public(open[i]))
      fail_msg("%s", open[i]);
  for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
    if (is_public(closed[i]))
      fail_msg("%s", closed[i]);
}

static void test_other_families_are_not_public(void **state) {
  (void)state;
  const struct sockaddr address = {.sa_family = AF_UNIX};
  assert_false(address_is_public(&address));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses), cmocka_unit_test(test_other_families_are_not_public)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
