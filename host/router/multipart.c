/* The framing of multipart bodies; see multipart.h. Part headers are read by multipart_head.c. */
#include "router/multipart.h"
#include "base/str.h"

#include <string.h>

static bool failed(struct multipart *m, const char *error) {
  m->state = MULTIPART_FAILED;
  m->error = error;
  return false;
}

static bool failed_limit(struct multipart *m, const char *error) {
  m->is_limit = true;
  return failed(m, error);
}

/* The body is read as if a CRLF came before it, so that its first delimiter is like the others. */
void multipart_init(struct multipart *m, bp_str boundary, const struct multipart_events *events, void *ctx) {
  *m = (struct multipart){.events = events, .ctx = ctx, .matched = 2, .delimiter_len = 4 + boundary.len};
  memcpy(m->delimiter, "\r\n--", 4);
  memcpy(m->delimiter + 4, boundary.ptr, boundary.len);
}

void multipart_release(struct multipart *m) {
  buf_release(&m->headers);
}

static bool give_data(struct multipart *m, const char *data, size_t len) {
  if (len == 0)
    return true;
  if (!m->is_in_part && data == m->delimiter && len == 2)
    return true; /* an empty line before the first delimiter */
  if (!m->is_in_part)
    return failed(m, "the multipart body does not begin with its boundary");
  return m->events->data(m->ctx, bp_str_make(data, len)) || failed(m, NULL);
}

/* ---- Data and delimiters ---- */

/* The delimiter begins with the only CR in it: after a mismatch what matched so far is data, and a match can only begin
 * anew at a CR. Returns how many bytes were taken. */
static size_t match_delimiter(struct multipart *m, const char *data, size_t len) {
  size_t taken = 0;
  while (taken < len && m->matched < m->delimiter_len && data[taken] == m->delimiter[m->matched]) {
    m->matched++;
    taken++;
  }
  if (m->matched == m->delimiter_len) {
    m->matched = 0;
    m->state = MULTIPART_AFTER;
    if (m->is_in_part && !m->events->end(m->ctx))
      (void)failed(m, NULL);
    m->is_in_part = false;
  } else if (taken < len) {
    size_t was_data = m->matched;
    m->matched = 0;
    (void)give_data(m, m->delimiter, was_data);
  }
  return taken;
}

static size_t take_data(struct multipart *m, const char *data, size_t len) {
  if (m->matched > 0)
    return match_delimiter(m, data, len);
  const char *cr = memchr(data, '\r', len);
  size_t before = cr == NULL ? len : (size_t)(cr - data);
  if (!give_data(m, data, before) || cr == NULL)
    return before;
  m->matched = 1;
  return before + 1;
}

/* ---- Behind a delimiter ---- */

static void begin_headers(struct multipart *m) {
  buf_clear(&m->headers);
  m->state = MULTIPART_HEADERS;
  if (m->parts == MULTIPART_PARTS_MAX)
    (void)failed_limit(m, "the multipart body has more than 64 parts");
}

/* One byte of what follows a delimiter, up to the end of its line. */
static void take_delimiter_tail(struct multipart *m, char c) {
  if (m->state == MULTIPART_LINE_END && c == '\n')
    begin_headers(m);
  else if (m->state == MULTIPART_CLOSING && c == '-')
    m->state = MULTIPART_EPILOGUE; /* maybe without any part: an empty form */
  else if (m->state == MULTIPART_AFTER && c == '-')
    m->state = MULTIPART_CLOSING;
  else if ((m->state == MULTIPART_AFTER || m->state == MULTIPART_PADDING) && c == '\r')
    m->state = MULTIPART_LINE_END;
  else if ((m->state == MULTIPART_AFTER || m->state == MULTIPART_PADDING) && (c == ' ' || c == '\t'))
    m->state = MULTIPART_PADDING;
  else
    (void)failed(m, "a multipart boundary is followed by something else than the end of its line");
}

static bool begin_part(struct multipart *m) {
  struct multipart_head head;
  const char *error = multipart_parse_head(m->headers.data, m->headers.len - 2, &head);
  if (error != NULL)
    return failed(m, error);
  m->parts++;
  m->is_in_part = true;
  m->state = MULTIPART_DELIMITER;
  return m->events->part(m->ctx, &head) || failed(m, NULL);
}

/* Takes bytes up to and with the next LF, so that the end of the block is seen. */
static size_t take_headers(struct multipart *m, const char *data, size_t len) {
  const char *lf = memchr(data, '\n', len);
  size_t taken = lf == NULL ? len : (size_t)(lf - data) + 1;
  if (m->headers.len + taken > MULTIPART_HEADER_BYTES_MAX) {
    (void)failed_limit(m, "the headers of a multipart part are larger than 8 KiB");
    return taken;
  }
  buf_append(&m->headers, data, taken);
  if (m->headers.failed) {
    (void)failed_limit(m, "no memory for the headers of a multipart part");
    return taken;
  }
  bp_str block = buf_str(&m->headers);
  if (lf != NULL && (str_ends(block, BP_LIT("\r\n\r\n")) || str_eq(block, BP_LIT("\r\n"))))
    (void)begin_part(m);
  return taken;
}

bool multipart_feed(struct multipart *m, bp_str bytes) {
  while (bytes.len > 0 && m->state != MULTIPART_FAILED && m->state != MULTIPART_EPILOGUE) {
    size_t taken = 1;
    if (m->state == MULTIPART_DELIMITER)
      taken = take_data(m, bytes.ptr, bytes.len);
    else if (m->state == MULTIPART_HEADERS)
      taken = take_headers(m, bytes.ptr, bytes.len);
    else
      take_delimiter_tail(m, bytes.ptr[0]);
    bytes = bp_str_make(bytes.ptr + taken, bytes.len - taken);
  }
  return m->state != MULTIPART_FAILED;
}

bool multipart_finish(struct multipart *m) {
  if (m->state == MULTIPART_EPILOGUE)
    return true;
  return m->state != MULTIPART_FAILED && failed(m, "the multipart body ends before its last boundary");
}
