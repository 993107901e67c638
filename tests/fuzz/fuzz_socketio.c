/* Texts of Engine.IO and Socket.IO, and frames of containers' output: what is read can be written and read again; nothing depends on how bytes
 * are cut; nothing is read beyond the input. The first byte says where to cut. */
#include "../../modules/kit/kit.c"
#include "../../modules/kit/lenient.c"
#include "../../modules/services/frames.c"
#include "../../modules/socketio/engine/base64.c"
#include "../../modules/socketio/engine/payload.c"
#include "../../modules/socketio/protocol/packet.c"
#include "fuzz.h"

#include <stdlib.h>

static void try_packet(bp_str text) {
  struct sio_packet packet, again;
  char out[SIO_HEAD_BYTES(256)];
  if (!sio_packet_parse(text, &packet))
    return;
  bool is_binary = packet.type == SIO_BINARY_EVENT || packet.type == SIO_BINARY_ACK;
  REQUIRE(packet.attachments <= SIO_ATTACHMENTS_MAX && (is_binary || packet.attachments == 0));
  REQUIRE(packet.nsp.len >= 1 && packet.nsp.len <= 256 && packet.nsp.ptr[0] == '/');
  REQUIRE(packet.ack >= SIO_NO_ACK && packet.json.len < text.len);
  size_t len = sio_packet_head(out, packet.type, packet.attachments, packet.nsp, packet.ack);
  REQUIRE(len <= sizeof(out) && sio_packet_parse(bp_str_make(out + 1, len - 1), &again));
  REQUIRE(again.type == packet.type && again.attachments == packet.attachments && again.ack == packet.ack && again.json.len == 0);
  REQUIRE(again.nsp.len == packet.nsp.len && memcmp(again.nsp.ptr, packet.nsp.ptr, packet.nsp.len) == 0);
}

static void try_base64(bp_str text) {
  char *data = malloc(text.len + 1), *back = malloc(BASE64_BYTES(text.len) + 1);
  size_t len;
  if (base64_decode(text, data, &len)) {
    REQUIRE(len <= text.len);
    base64_encode(bp_str_make(data, len), back);
    REQUIRE(len < 3 || memcmp(back, text.ptr, len / 3 * 4) == 0); /* the bits left over at the end may be anything */
  }
  base64_encode(text, back);
  size_t same;
  char *again = malloc(BASE64_BYTES(text.len) + 1);
  REQUIRE(base64_decode(bp_str_make(back, BASE64_BYTES(text.len)), again, &same) && same == text.len);
  REQUIRE(text.len == 0 || memcmp(again, text.ptr, text.len) == 0);
  free(again);
  free(back);
  free(data);
}

static void try_payload(bp_str payload) {
  uint32_t count = payload_check(payload), seen = 0;
  size_t bytes = 0;
  bp_str text;
  for (size_t at = 0; payload_next(payload, &at, &text); seen++) {
    bytes += text.len + 1;
    if (count && text.ptr[0] == PACKET_MESSAGE)
      try_packet(bp_str_make(text.ptr + 1, text.len - 1));
  }
  REQUIRE(bytes == payload.len + 1 && (count == 0 || count == seen));
}

/* A running hash of what each stream said. */
static void note(void *ctx, unsigned stream, bp_str text) {
  uint64_t *hashes = ctx;
  REQUIRE(stream == 1 || stream == 2);
  for (size_t i = 0; i < text.len; i++)
    hashes[stream] = (hashes[stream] ^ (unsigned char)text.ptr[i]) * 1099511628211u;
}

static void try_frames(bp_str bytes, size_t cut) {
  uint64_t whole[3] = {0}, pieces[3] = {0};
  struct frames one = {0}, two = {0};
  frames_feed(&one, bytes, note, whole);
  for (size_t at = 0; at < bytes.len; at += cut)
    frames_feed(&two, bp_str_make(bytes.ptr + at, bytes.len - at < cut ? bytes.len - at : cut), note, pieces);
  REQUIRE(whole[1] == pieces[1] && whole[2] == pieces[2]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 65536)
    return 0;
  bp_str text = bp_str_make((const char *)data + 1, size - 1);
  try_packet(text);
  try_payload(text);
  try_base64(text);
  try_frames(text, data[0] % 13 + 1u);
  char *copy = malloc(text.len + 1);
  if (text.len)
    memcpy(copy, text.ptr, text.len);
  kit_mark_bad(copy, text.len);
  text_mask(copy, text.len, "secret");
  free(copy);
  return 0;
}
