/* Frames of PM2's sockets; see amp.h. */
#include "amp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool amp_add(struct amp *amp, const char *bytes, size_t len) {
  if (amp->taken > 0) {
    memmove(amp->data, amp->data + amp->taken, amp->len - amp->taken);
    amp->len -= amp->taken;
    amp->taken = 0;
  }
  if (amp->len + len > amp->room) {
    size_t room = amp->room ? amp->room : 4096;
    while (room < amp->len + len)
      room *= 2;
    char *more = realloc(amp->data, room);
    if (!more)
      return false;
    amp->data = more;
    amp->room = room;
  }
  if (len)
    memcpy(amp->data + amp->len, bytes, len);
  amp->len += len;
  return true;
}

static size_t read_length(const char *at) {
  const unsigned char *byte = (const unsigned char *)at;
  return (size_t)byte[0] << 24 | (size_t)byte[1] << 16 | (size_t)byte[2] << 8 | byte[3];
}

enum amp_result amp_next(struct amp *amp, struct amp_frame *ret) {
  const char *start = amp->data + amp->taken;
  size_t len = amp->len - amp->taken, at = 1;
  struct amp_frame frame = {0};
  if (len == 0)
    return AMP_MORE;
  unsigned version = (unsigned char)start[0] >> 4;
  frame.count = (unsigned char)start[0] & 15;
  if (version != 1 || frame.count == 0)
    return AMP_BROKEN;
  for (unsigned i = 0; i < frame.count; i++) {
    if (len - at < 4)
      return AMP_MORE;
    size_t size = read_length(start + at);
    if (size > AMP_FRAME_MOST || at + 4 + size > AMP_FRAME_MOST)
      return AMP_BROKEN;
    at += 4;
    if (len - at < size)
      return AMP_MORE;
    frame.arguments[i] = bp_str_make(start + at, size);
    at += size;
  }
  amp->taken += at;
  *ret = frame;
  return AMP_FRAME;
}

void amp_release(struct amp *amp) {
  free(amp->data);
  *amp = (struct amp){0};
}

static char *put_argument(char *at, char type, bp_str text) {
  uint32_t size = (uint32_t)text.len + 2;
  for (int shift = 24; shift >= 0; shift -= 8)
    *at++ = (char)(size >> shift & 255);
  *at++ = type;
  *at++ = ':';
  if (text.len)
    memcpy(at, text.ptr, text.len);
  return at + text.len;
}

char *amp_request(bp_str json, bp_str id, size_t *ret_len) {
  size_t len = 1 + 4 + 2 + json.len + 4 + 2 + id.len;
  char *frame = json.len < AMP_FRAME_MOST && id.len < 1024 ? malloc(len) : NULL;
  if (!frame)
    return NULL;
  frame[0] = 0x12;
  put_argument(put_argument(frame + 1, 'j', json), 's', id);
  *ret_len = len;
  return frame;
}

bp_str amp_typed(const struct amp_frame *frame, unsigned index, char type) {
  bp_str none = {NULL, 0};
  if (index >= frame->count)
    return none;
  bp_str argument = frame->arguments[index];
  if (argument.len < 2 || argument.ptr[0] != type || argument.ptr[1] != ':')
    return none;
  return bp_str_make(argument.ptr + 2, argument.len - 2);
}
