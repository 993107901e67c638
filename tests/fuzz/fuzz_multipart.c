/* Multipart bodies: the same events however the body is cut; names and file names are text within their limits. The first
 * byte says where to cut, the boundary is "XX". */
#include "base/str.h"
#include "fuzz.h"
#include "router/multipart.h"

/* What came of a body: its parts and a running hash of everything in them. */
struct outcome {
  bool is_good, is_limit;
  unsigned parts, ends;
  uint64_t data_bytes, hash;
};

static void note(struct outcome *o, bp_str bytes) {
  for (size_t i = 0; i < bytes.len; i++)
    o->hash = (o->hash ^ (unsigned char)bytes.ptr[i]) * 1099511628211u;
}

static bool on_part(void *ctx, const struct multipart_head *head) {
  struct outcome *o = ctx;
  REQUIRE(o->parts == o->ends && o->parts < MULTIPART_PARTS_MAX);
  REQUIRE(head->name.len > 0 && head->name.len <= MULTIPART_NAME_BYTES_MAX && str_is_utf8(head->name));
  REQUIRE(head->filename.len <= MULTIPART_FILENAME_BYTES_MAX && str_is_utf8(head->filename));
  REQUIRE(head->is_file || head->filename.len == 0);
  for (size_t i = 0; i < head->filename.len; i++)
    REQUIRE((unsigned char)head->filename.ptr[i] >= 0x20);
  o->parts++;
  note(o, head->name);
  note(o, head->filename);
  note(o, head->content_type);
  return true;
}

static bool on_data(void *ctx, bp_str bytes) {
  struct outcome *o = ctx;
  REQUIRE(bytes.len > 0 && o->parts == o->ends + 1);
  o->data_bytes += bytes.len;
  note(o, bytes);
  return true;
}

static bool on_end(void *ctx) {
  struct outcome *o = ctx;
  REQUIRE(o->parts == ++o->ends);
  return true;
}

static struct outcome run(bp_str body, size_t cut) {
  static const struct multipart_events events = {on_part, on_data, on_end};
  struct outcome o = {.hash = 14695981039346656037u};
  struct multipart m;
  multipart_init(&m, BP_LIT("XX"), &events, &o);
  bool is_fed = multipart_feed(&m, bp_str_make(body.ptr, cut)) && multipart_feed(&m, bp_str_make(body.ptr + cut, body.len - cut));
  o.is_good = is_fed && multipart_finish(&m);
  o.is_limit = m.is_limit;
  REQUIRE(o.is_good ? o.parts == o.ends : m.error != NULL);
  REQUIRE(o.data_bytes <= body.len);
  multipart_release(&m);
  return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  bp_str body = bp_str_make((const char *)data + 1, size - 1), boundary;
  struct outcome whole = run(body, 0), cut = run(body, body.len == 0 ? 0 : data[0] % (body.len + 1));
  REQUIRE(whole.is_good == cut.is_good && whole.is_limit == cut.is_limit);
  REQUIRE(!whole.is_good || (whole.hash == cut.hash && whole.parts == cut.parts));
  if (multipart_boundary(body, &boundary) == BP_OK)
    REQUIRE(boundary.len > 0 && boundary.len <= MULTIPART_BOUNDARY_MAX && boundary.ptr >= body.ptr);
  return 0;
}
