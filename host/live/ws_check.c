/* Header rules of RFC 6455 section 5; see ws_check.h. */
#include "live/ws_check.h"

#define CLOSE_PROTOCOL 1002u
#define CLOSE_TOO_BIG 1009u

#define OPCODE_CONTINUATION 0u
#define OPCODE_BINARY 2u
#define OPCODE_CONTROL 8u
#define OPCODE_CLOSE 8u
#define OPCODE_PONG 10u

static size_t header_size(const struct ws_check *check) {
  if (check->header_len < 2)
    return 2;
  unsigned length = check->header[1] & 0x7fu;
  return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4u;
}

static uint64_t big_endian(const unsigned char *bytes, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; i++)
    value = value << 8 | bytes[i];
  return value;
}

/* What the first two bytes already give away. */
static uint32_t check_start(const struct ws_check *check) {
  unsigned opcode = check->header[0] & 0x0fu;
  bool is_final = (check->header[0] & 0x80u) != 0;
  bool is_control = opcode >= OPCODE_CONTROL;
  unsigned length = check->header[1] & 0x7fu;
  if ((check->header[0] & 0x70u) != 0 || (check->header[1] & 0x80u) == 0)
    return CLOSE_PROTOCOL;
  if (opcode > OPCODE_PONG || (opcode > OPCODE_BINARY && !is_control))
    return CLOSE_PROTOCOL;
  if (is_control)
    return is_final && length <= 125 && !(opcode == OPCODE_CLOSE && length == 1) ? 0 : CLOSE_PROTOCOL;
  return (opcode == OPCODE_CONTINUATION) == check->in_message ? 0 : CLOSE_PROTOCOL;
}

static uint32_t check_length(const struct ws_check *check, uint64_t *ret) {
  unsigned length = check->header[1] & 0x7fu;
  *ret = length;
  if (length < 126)
    return 0;
  size_t width = length == 126 ? 2 : 8;
  *ret = big_endian(check->header + 2, width);
  if (width == 2)
    return *ret >= 126 ? 0 : CLOSE_PROTOCOL;
  return *ret > 0xffff && *ret >> 63 == 0 ? 0 : CLOSE_PROTOCOL;
}

/* The header is complete: takes the frame into the message's account. */
static uint32_t begin_frame(struct ws_check *check) {
  uint64_t length;
  uint32_t code = check_length(check, &length);
  if (code)
    return code;
  bool is_control = (check->header[0] & 0x0fu) >= OPCODE_CONTROL;
  check->control_len = (uint8_t)(is_control ? check->header_len + length : 0);
  if (!is_control) {
    if (!check->in_message)
      check->message_len = check->fragments = 0;
    check->in_message = (check->header[0] & 0x80u) == 0;
    if (length > WS_MESSAGE_MAX - check->message_len || ++check->fragments > WS_FRAGMENTS_MAX)
      return CLOSE_TOO_BIG;
    check->message_len += (uint32_t)length;
  }
  check->payload_left = length;
  check->header_len = 0;
  return 0;
}

/* Takes header bytes; false when more are needed. */
static bool take_header(struct ws_check *check, const unsigned char *bytes, size_t len, size_t *used, uint32_t *ret_code) {
  while (check->header_len < header_size(check)) {
    if (*used == len)
      return false;
    check->header[check->header_len++] = bytes[(*used)++];
    *ret_code = check->header_len == 2 ? check_start(check) : 0;
    if (*ret_code)
      return true;
  }
  *ret_code = begin_frame(check);
  return true;
}

uint32_t ws_check_feed(struct ws_check *check, const unsigned char *bytes, size_t len, size_t *ret_good) {
  size_t used = 0;
  *ret_good = 0;
  while (used < len) {
    if (check->payload_left == 0) {
      uint32_t code = 0;
      if (!take_header(check, bytes, len, &used, &code))
        break;
      if (code)
        return code;
    }
    size_t left = len - used;
    size_t step = check->payload_left < left ? (size_t)check->payload_left : left;
    check->payload_left -= step;
    used += step;
    if (check->payload_left == 0)
      *ret_good = used;
  }
  *ret_good = len;
  return 0;
}

size_t ws_check_incomplete(const struct ws_check *check) {
  if (check->header_len > 0)
    return check->header_len;
  return check->control_len > 0 && check->payload_left > 0 ? check->control_len - (size_t)check->payload_left : 0;
}

bool ws_check_at_frame_end(const struct ws_check *check) {
  return check->payload_left == 0 && check->header_len == 0;
}

bool ws_check_close_code(uint32_t code) {
  bool is_defined = code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
  return is_defined || (code >= 3000 && code <= 4999);
}
