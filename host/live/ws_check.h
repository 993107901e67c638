/* The frame rules of RFC 6455 that need nothing but the header, checked before any byte reaches libwslay: a bad or too long
 * frame is refused from its header, before anything is allocated.
 *
 * Checked here: mask, RSV, opcodes, minimal lengths, control frames, close codes, order of fragments, message
 * size and fragment count.
 * Left to libwslay: unmasking, reassembly, UTF-8. */
#ifndef HOST_LIVE_WS_CHECK_H
#define HOST_LIVE_WS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_MESSAGE_MAX (1u << 20)
#define WS_FRAGMENTS_MAX 1024u

/* Where in the stream a client is. Zeroed at the start. */
struct ws_check {
  uint64_t payload_left; /* of the current frame */
  uint32_t message_len;  /* announced so far, over all fragments */
  uint16_t fragments;
  uint8_t header_len;  /* of an incomplete header */
  uint8_t control_len; /* whole length of the current frame if it is a control frame, else 0 */
  bool in_message;     /* between the first fragment and the final one */
  unsigned char header[14];
};

/* Looks at `len` more bytes of the stream. Returns 0 if they are all right, else the close code; then *ret_good is how many
 * of the bytes came before the frame that breaks the rules. */
uint32_t ws_check_feed(struct ws_check *check, const unsigned char *bytes, size_t len, size_t *ret_good);
/* True for codes that may stand in a close frame (RFC 6455 section 7.4 and the IANA registry). */
bool ws_check_close_code(uint32_t code);
/* How many of the last bytes belong to a header or control frame that is not complete yet. */
size_t ws_check_incomplete(const struct ws_check *check);
/* True between frames. */
bool ws_check_at_frame_end(const struct ws_check *check);

#endif
