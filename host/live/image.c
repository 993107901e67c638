/* Wire images; see image.h. */
#include "live/image.h"

#include "base/buf.h"

#include <string.h>

static size_t ws_header(unsigned char *header, enum ws_opcode opcode, size_t len) {
  header[0] = (unsigned char)(0x80u | (unsigned)opcode);
  if (len < 126) {
    header[1] = (unsigned char)len;
    return 2;
  }
  size_t width = len <= 0xffff ? 2 : 8;
  header[1] = width == 2 ? 126 : 127;
  for (size_t i = 0; i < width; i++)
    header[2 + i] = (unsigned char)((uint64_t)len >> (8 * (width - 1 - i)));
  return 2 + width;
}

struct frame *image_ws(enum ws_opcode opcode, bp_str payload) {
  unsigned char header[10];
  size_t header_len = ws_header(header, opcode, payload.len);
  struct frame *frame = frame_new(header_len + payload.len);
  if (!frame)
    return NULL;
  memcpy(frame->data, header, header_len);
  if (payload.len)
    memcpy(frame->data + header_len, payload.ptr, payload.len);
  return frame;
}

struct frame *image_ws_close(uint32_t code, bp_str reason) {
  char payload[125];
  size_t reason_len = reason.len < sizeof(payload) - 2 ? reason.len : sizeof(payload) - 2;
  payload[0] = (char)(unsigned char)(code >> 8);
  payload[1] = (char)(unsigned char)code;
  if (reason_len)
    memcpy(payload + 2, reason.ptr, reason_len);
  return image_ws(WS_CLOSE, bp_str_make(payload, reason_len + 2));
}

struct frame *image_raw(bp_str bytes) {
  struct frame *frame = frame_new(bytes.len);
  if (frame && bytes.len)
    memcpy(frame->data, bytes.ptr, bytes.len);
  return frame;
}

static void append_data(struct buf *out, bp_str data) {
  size_t start = 0;
  for (size_t i = 0; i <= data.len; i++) {
    bool is_end = i == data.len;
    if (!is_end && data.ptr[i] != '\n' && data.ptr[i] != '\r')
      continue;
    buf_append_z(out, "data: ");
    buf_append(out, data.ptr + start, i - start);
    buf_append_char(out, '\n');
    if (!is_end && data.ptr[i] == '\r' && i + 1 < data.len && data.ptr[i + 1] == '\n')
      i++;
    start = i + 1;
  }
}

static void append_name(struct buf *out, bp_str name) {
  buf_append_z(out, "event: ");
  for (size_t i = 0; i < name.len; i++) {
    if (name.ptr[i] != '\n' && name.ptr[i] != '\r')
      buf_append_char(out, name.ptr[i]);
  }
  buf_append_char(out, '\n');
}

struct frame *image_sse(uint64_t id, bp_str name, bp_str data) {
  static struct buf out; /* main thread; its memory is kept between calls up to a limit */
  buf_clear(&out);
  if (id) {
    buf_append_z(&out, "id: ");
    buf_append_u64(&out, id);
    buf_append_char(&out, '\n');
  }
  if (name.len)
    append_name(&out, name);
  append_data(&out, data);
  buf_append_char(&out, '\n');
  struct frame *frame = out.failed ? NULL : image_raw(buf_str(&out));
  if (out.failed || out.cap > 65536)
    buf_release(&out);
  return frame;
}
