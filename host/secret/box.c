/* Sealing and opening; see box.h. */
#include "secret/box.h"

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BASE64 sodium_base64_VARIANT_ORIGINAL

static void append_number(struct buf *b, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    buf_append_char(b, (char)(value >> shift & 0xff));
}

/* Every part with its length before it: no two labels make the same bytes. */
static void write_label(struct buf *b, const struct secret_label *label) {
  const bp_str parts[] = {label->plugin, label->user, label->name};
  for (unsigned i = 0; i < 3; i++) {
    append_number(b, parts[i].len);
    buf_append_str(b, parts[i]);
  }
  append_number(b, (uint64_t)label->expires_s);
}

void secret_wipe(struct buf *b) {
  if (b->data)
    sodium_memzero(b->data, b->cap);
  buf_release(b);
}

static bool encode(const unsigned char *sealed, size_t len, struct buf *out) {
  size_t text_bytes = sodium_base64_ENCODED_LEN(len, BASE64); /* with a NUL */
  char *room = buf_reserve(out, text_bytes);
  if (!room)
    return false;
  sodium_bin2base64(room, text_bytes, sealed, len, BASE64);
  out->len += text_bytes - 1;
  return true;
}

bool secret_seal(const struct secret_key *key, const struct secret_label *label, bp_str value, struct buf *out) {
  struct buf data = {0}, sealed = {0};
  size_t len = NONCE_BYTES + value.len + TAG_BYTES;
  unsigned char *room = (unsigned char *)buf_reserve(&sealed, len);
  write_label(&data, label);
  bool is_sealed = room && !data.failed;
  if (is_sealed) {
    randombytes_buf(room, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(room + NONCE_BYTES, NULL, (const unsigned char *)value.ptr, value.len,
                                               (const unsigned char *)data.data, data.len, NULL, room, key->bytes);
    is_sealed = encode(room, len, out);
  }
  buf_release(&data);
  buf_release(&sealed);
  return is_sealed;
}

static bool decode(bp_str box, struct buf *out) {
  size_t len = 0;
  const char *end = NULL;
  unsigned char *room = (unsigned char *)buf_reserve(out, box.len);
  if (!room || sodium_base642bin(room, box.len, box.ptr, box.len, NULL, &len, &end, BASE64) != 0 || end != box.ptr + box.len)
    return false;
  out->len = len;
  return len >= NONCE_BYTES + TAG_BYTES;
}

bool secret_unseal(const struct secret_key *key, const struct secret_label *label, bp_str box, struct buf *out) {
  struct buf data = {0}, sealed = {0};
  write_label(&data, label);
  bool is_open = !data.failed && decode(box, &sealed);
  size_t len = is_open ? sealed.len - NONCE_BYTES - TAG_BYTES : 0;
  unsigned char *room = is_open ? (unsigned char *)buf_reserve(out, len + 1) : NULL;
  const unsigned char *from = (const unsigned char *)sealed.data;
  is_open = room && crypto_aead_xchacha20poly1305_ietf_decrypt(room, NULL, NULL, from + NONCE_BYTES, len + TAG_BYTES,
                                                               (const unsigned char *)data.data, data.len, from, key->bytes) == 0;
  if (is_open)
    out->len += len;
  buf_release(&data);
  buf_release(&sealed);
  return is_open;
}
