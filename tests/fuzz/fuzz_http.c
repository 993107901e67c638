/* Request heads, targets and chunked bodies: the first byte says where the input is split; the verdict on the whole and on
 * the split input must be the same, and every slice lie inside the input. */
#include "fuzz.h"
#include "http/chunked.h"
#include "http/limits.h"
#include "http/parser.h"
#include "http/target.h"

#include <string.h>

static struct head whole, split;
static char path[65536];

static void check_slice(struct head_slice slice, uint32_t len) {
  REQUIRE(slice.at <= len && slice.len <= len - slice.at);
}

static void check_target(const char *text) {
  struct target target;
  bp_str method = bp_str_make(text + whole.method.at, whole.method.len), decoded;
  if (!target_split(method, bp_str_make(text + whole.target.at, whole.target.len), &target) || target.path.len > sizeof(path))
    return;
  if (target_decode(target.path, path, &decoded))
    REQUIRE(decoded.len <= target.path.len && !memchr(decoded.ptr, '\0', decoded.len));
}

static void check_head(const char *text, size_t len, size_t at) {
  head_init(&whole);
  head_init(&split);
  enum head_result result = head_read(&whole, text, len), other = head_read(&split, text, at);
  if (other == HEAD_MORE)
    other = head_read(&split, text, len);
  REQUIRE(result == other && whole.error_status == split.error_status && whole.field_count == split.field_count);
  REQUIRE(whole.at <= len && whole.field_count <= http_limits.header_count);
  for (uint32_t i = 0; i < whole.field_count; i++) {
    check_slice(whole.fields[i].name, whole.at);
    check_slice(whole.fields[i].value, whole.at);
  }
  if (result != HEAD_DONE)
    return;
  REQUIRE(!(whole.has_length && whole.has_transfer_encoding) && (whole.has_host || whole.is_http10));
  check_target(text);
}

struct tally {
  enum chunk_result result;
  uint64_t bytes;
  size_t used;
};

static struct tally decode(const char *text, size_t len, size_t at) {
  struct chunked chunks = {0};
  struct tally tally = {CHUNK_MORE, 0, 0};
  while (tally.used < len) {
    size_t end = tally.used < at ? at : len, used = 0;
    bp_str data = {0};
    tally.result = chunked_read(&chunks, bp_str_make(text + tally.used, end - tally.used), &used, &data);
    REQUIRE(used <= end - tally.used);
    tally.used += used;
    tally.bytes += data.len;
    if (tally.result == CHUNK_END || tally.result == CHUNK_ERROR)
      break;
    REQUIRE(used > 0);
  }
  return tally;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const char *text = (const char *)data + 1;
  size_t len = size - 1, at = len * data[0] / 255;
  check_head(text, len, at);
  struct tally all = decode(text, len, len), halves = decode(text, len, at);
  bool is_over = all.result == CHUNK_END || all.result == CHUNK_ERROR;
  REQUIRE(is_over == (halves.result == CHUNK_END || halves.result == CHUNK_ERROR));
  REQUIRE(all.bytes == halves.bytes && all.used == halves.used && (!is_over || all.result == halves.result));
  return 0;
}
