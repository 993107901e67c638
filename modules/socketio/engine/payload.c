/* Engine.IO packets as text; see payload.h. */
#include "payload.h"

#include <string.h>

bool packet_parse(bp_str text, struct packet *ret) {
  if (text.len == 0 || !((text.ptr[0] >= PACKET_OPEN && text.ptr[0] <= PACKET_NOOP) || text.ptr[0] == PACKET_BINARY))
    return false;
  *ret = (struct packet){.type = text.ptr[0], .data = bp_str_make(text.ptr + 1, text.len - 1)};
  return true;
}

bool payload_next(bp_str payload, size_t *at, bp_str *ret) {
  if (*at > payload.len)
    return false;
  const char *from = payload.ptr + *at;
  size_t left = payload.len - *at;
  const char *end = left ? memchr(from, PAYLOAD_SEPARATOR, left) : NULL;
  size_t len = end ? (size_t)(end - from) : left;
  *ret = bp_str_make(from, len);
  *at += len + 1;
  return true;
}

uint32_t payload_check(bp_str payload) {
  uint32_t count = 0;
  bp_str text;
  struct packet packet;
  for (size_t at = 0; payload_next(payload, &at, &text);)
    if (!packet_parse(text, &packet) || ++count > PAYLOAD_PACKETS_MAX)
      return 0;
  return count;
}
