/* Socket.IO packets as text; see packet.h. */
#include "packet.h"

#include <string.h>

#define ACK_DIGITS_MAX 15u /* exact as a number of JavaScript */
#define COUNT_DIGITS_MAX 4u
#define NSP_BYTES_MAX 256u

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Takes the digits at *at; false where there are more than `most`. */
static bool take_number(bp_str text, size_t *at, unsigned most, int64_t *ret) {
  size_t from = *at;
  *ret = 0;
  for (; *at < text.len && is_digit(text.ptr[*at]) && *at - from <= most; (*at)++)
    *ret = *ret * 10 + (text.ptr[*at] - '0');
  return *at - from <= most;
}

static bool take_attachments(bp_str text, size_t *at, uint32_t *ret) {
  int64_t count;
  size_t from = *at;
  if (!take_number(text, at, COUNT_DIGITS_MAX, &count) || *at == from || *at == text.len || text.ptr[*at] != '-')
    return false;
  (*at)++;
  *ret = (uint32_t)count;
  return count <= SIO_ATTACHMENTS_MAX;
}

static bool take_nsp(bp_str text, size_t *at, bp_str *ret) {
  *ret = BP_LIT("/");
  if (*at == text.len || text.ptr[*at] != '/')
    return true;
  const char *from = text.ptr + *at;
  const char *comma = memchr(from, ',', text.len - *at);
  size_t len = comma ? (size_t)(comma - from) : text.len - *at;
  *ret = bp_str_make(from, len);
  *at += comma ? len + 1 : len;
  return len <= NSP_BYTES_MAX;
}

bool sio_packet_parse(bp_str text, struct sio_packet *ret) {
  size_t at = 1;
  if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '0' + SIO_BINARY_ACK)
    return false;
  *ret = (struct sio_packet){.type = (enum sio_type)(text.ptr[0] - '0'), .ack = SIO_NO_ACK};
  bool is_binary = ret->type == SIO_BINARY_EVENT || ret->type == SIO_BINARY_ACK;
  if (is_binary && !take_attachments(text, &at, &ret->attachments))
    return false;
  if (!take_nsp(text, &at, &ret->nsp))
    return false;
  if (at < text.len && is_digit(text.ptr[at]) && !take_number(text, &at, ACK_DIGITS_MAX, &ret->ack))
    return false;
  ret->json = bp_str_make(text.ptr + at, text.len - at);
  return true;
}

static size_t put_number(char *out, uint64_t number) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  for (size_t i = 0; i < count; i++)
    out[i] = digits[count - 1 - i];
  return count;
}

size_t sio_packet_head(char *out, enum sio_type type, uint32_t attachments, bp_str nsp, int64_t ack) {
  size_t len = 0;
  out[len++] = '4';
  out[len++] = (char)('0' + type);
  if (type == SIO_BINARY_EVENT || type == SIO_BINARY_ACK) {
    len += put_number(out + len, attachments);
    out[len++] = '-';
  }
  if (nsp.len > 1) {
    memcpy(out + len, nsp.ptr, nsp.len);
    len += nsp.len;
    out[len++] = ',';
  }
  if (ack >= 0)
    len += put_number(out + len, (uint64_t)ack);
  return len;
}
