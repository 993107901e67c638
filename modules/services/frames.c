/* Output of containers: frames of an 8-byte head {stream, 0, 0, 0, length} and a payload, in pieces of any size; see services.h. */
#include "services.h"

#include <string.h>

#define MASKED_FROM 6u /* shorter words occur by themselves */

static bool is_head(const unsigned char head[8]) {
  return head[0] <= 2 && head[1] == 0 && head[2] == 0 && head[3] == 0;
}

static uint32_t length_of(const unsigned char head[8]) {
  return (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
}

/* Without frames the bytes are text as they are. */
static void begin(struct frames *frames, void (*piece)(void *ctx, unsigned stream, bp_str text), void *ctx) {
  if (is_head(frames->head)) {
    frames->stream = frames->head[0] == 2 ? 2 : 1;
    frames->left = length_of(frames->head);
  } else {
    frames->stream = 1;
    frames->left = UINT32_MAX;
    piece(ctx, 1, bp_str_make((const char *)frames->head, sizeof(frames->head)));
  }
  frames->head_len = 0;
}

void frames_feed(struct frames *frames, bp_str bytes, void (*piece)(void *ctx, unsigned stream, bp_str text), void *ctx) {
  while (bytes.len) {
    size_t step;
    if (frames->left) {
      step = bytes.len < frames->left ? bytes.len : frames->left;
      piece(ctx, frames->stream, bp_str_make(bytes.ptr, step));
      frames->left -= frames->left == UINT32_MAX ? 0 : (uint32_t)step;
    } else {
      size_t missing = sizeof(frames->head) - frames->head_len;
      step = bytes.len < missing ? bytes.len : missing;
      memcpy(frames->head + frames->head_len, bytes.ptr, step);
      frames->head_len += (uint32_t)step;
      if (frames->head_len == sizeof(frames->head))
        begin(frames, piece, ctx);
    }
    bytes = bp_str_make(bytes.ptr + step, bytes.len - step);
  }
}

void text_mask(char *data, size_t len, const char *secret) {
  size_t secret_len = secret ? strlen(secret) : 0;
  if (secret_len < MASKED_FROM)
    return;
  for (char *at = data; (at = memmem(at, len - (size_t)(at - data), secret, secret_len)); at += secret_len)
    memset(at, '*', secret_len);
}
