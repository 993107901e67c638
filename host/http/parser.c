/* The request head parser; see parser.h. Lines are judged from left to right, each only once it is complete, so that a
 * verdict never depends on where a packet ended. */
#include "http/parser.h"
#include "base/str.h"
#include "http/chars.h"
#include "http/limits.h"
#include "http/target.h"

#include <string.h>
#include <strings.h>

/* " " + " " + "HTTP/1.1" */
#define REQUEST_LINE_EXTRA 10

void head_init(struct head *head) {
  memset(head, 0, offsetof(struct head, fields));
  head->content_length = -1;
}

static bool refuse(struct head *head, unsigned status, const char *text) {
  head->error_status = (uint16_t)status;
  head->error_text = text;
  return false;
}

/* `end`: the line feed, or the end of what has come so far. */
static bool check_size(struct head *head, size_t end) {
  size_t line = end - head->at;
  if (!head->has_request_line) {
    if (line > (size_t)http_limits.method_bytes + http_limits.target_bytes + REQUEST_LINE_EXTRA + 1)
      return refuse(head, 414, "the request line is too long");
  } else if (line > (size_t)http_limits.header_line_bytes + 1 || end - head->fields_at > http_limits.header_total_bytes) {
    return refuse(head, 431, "the header fields are too large");
  }
  return true;
}

static bool read_version(struct head *head, const char *text, size_t len) {
  if (len != 8 || memcmp(text, "HTTP/", 5) != 0 || text[5] < '0' || text[5] > '9' || text[6] != '.' || text[7] < '0' || text[7] > '9')
    return refuse(head, 400, "the request line does not end in an HTTP version");
  if (text[5] != '1' || text[7] > '1')
    return refuse(head, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  head->is_http10 = text[7] == '0';
  return true;
}

static bool read_request_line(struct head *head, const char *data, size_t end) {
  size_t at = head->at;
  while (at < end && char_is(data[at], CHAR_TOKEN))
    at++;
  head->method = (struct head_slice){head->at, (uint32_t)(at - head->at)};
  if (at == end || data[at] != ' ' || head->method.len == 0)
    return refuse(head, 400, "the request line does not begin with a method and one space");
  if (head->method.len > http_limits.method_bytes)
    return refuse(head, 400, "the method is too long");
  size_t target = ++at;
  while (at < end && char_is(data[at], CHAR_TARGET))
    at++;
  head->target = (struct head_slice){(uint32_t)target, (uint32_t)(at - target)};
  if (head->target.len > http_limits.target_bytes)
    return refuse(head, 414, "the request target is too long");
  if (at == end || data[at] != ' ' || head->target.len == 0)
    return refuse(head, 400, "the request line is not a method, a target and a version with one space between");
  at++;
  if (!read_version(head, data + at, end - at))
    return false;
  head->has_request_line = true;
  return true;
}

/* True if all bytes may stand in a field value; eight at a time where none is a control byte. */
static bool is_value(const char *text, size_t len) {
  const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
  while (len >= 8) {
    uint64_t word;
    memcpy(&word, text, 8);
    uint64_t is_low = (word - ones * 0x20) & ~word & highs;
    uint64_t no_delete = word ^ (ones * 0x7f);
    uint64_t is_delete = (no_delete - ones) & ~no_delete & highs;
    if (is_low | is_delete)
      break;
    text += 8;
    len -= 8;
  }
  for (; len; text++, len--)
    if (!char_is(*text, CHAR_VALUE))
      return false;
  return true;
}

static bool read_host(struct head *head, bp_str value, struct head_slice slice) {
  if (head->has_host)
    return refuse(head, 400, "there is more than one \"Host\" header");
  if (!target_is_authority(value))
    return refuse(head, 400, "the \"Host\" header is not a host with an optional port");
  head->has_host = true;
  head->host = slice;
  return true;
}

static bool read_content_length(struct head *head, bp_str value, struct head_slice slice) {
  (void)slice;
  if (head->has_length)
    return refuse(head, 400, "there is more than one \"Content-Length\" header");
  if (value.len == 0 || value.ptr[0] == '-' || !str_to_i64(value, &head->content_length))
    return refuse(head, 400, "the \"Content-Length\" header is not a decimal number of bytes");
  head->has_length = true;
  return true;
}

static bool read_transfer_encoding(struct head *head, bp_str value, struct head_slice slice) {
  (void)slice;
  if (head->has_transfer_encoding || !str_ieq(value, BP_LIT("chunked")))
    return refuse(head, 400, "the only \"Transfer-Encoding\" spoken here is one \"chunked\"");
  head->has_transfer_encoding = true;
  return true;
}

static bool read_expect(struct head *head, bp_str value, struct head_slice slice) {
  (void)slice;
  if (head->is_http10)
    return true;
  if (!str_ieq(value, BP_LIT("100-continue")))
    return refuse(head, 417, "the only expectation met here is \"100-continue\"");
  head->expects_continue = true;
  return true;
}

static bool read_connection(struct head *head, bp_str value, struct head_slice slice) {
  (void)slice;
  while (value.len) {
    ptrdiff_t comma = str_find(value, ',');
    size_t len = comma < 0 ? value.len : (size_t)comma;
    bp_str option = str_trim(bp_str_make(value.ptr, len));
    if (str_ieq(option, BP_LIT("close")))
      head->says_close = true;
    else if (str_ieq(option, BP_LIT("keep-alive")))
      head->says_keep_alive = true;
    size_t step = comma < 0 ? len : len + 1;
    value = bp_str_make(value.ptr + step, value.len - step);
  }
  return true;
}

static const struct {
  bp_str name;
  bool (*read)(struct head *head, bp_str value, struct head_slice slice);
} framing_fields[] = {
    {BP_STR("connection"), read_connection},
    {BP_STR("content-length"), read_content_length},
    {BP_STR("expect"), read_expect},
    {BP_STR("host"), read_host},
    {BP_STR("transfer-encoding"), read_transfer_encoding},
};

static bool read_framing(struct head *head, const char *data, const struct head_field *field) {
  bp_str name = bp_str_make(data + field->name.at, field->name.len);
  for (size_t i = 0; i < sizeof(framing_fields) / sizeof(framing_fields[0]); i++)
    if (framing_fields[i].name.len == name.len && str_ieq(framing_fields[i].name, name))
      return framing_fields[i].read(head, bp_str_make(data + field->value.at, field->value.len), field->value);
  return true;
}

static bool read_field(struct head *head, const char *data, size_t end) {
  if (head->field_count >= http_limits.header_count || head->field_count >= HEAD_FIELDS_MAX)
    return refuse(head, 431, "there are too many header fields");
  size_t at = head->at;
  while (at < end && char_is(data[at], CHAR_TOKEN))
    at++;
  if (at == end || data[at] != ':' || at == head->at)
    return refuse(head, 400, "a header line is not a name, a colon and a value");
  bp_str value = str_trim(bp_str_make(data + at + 1, end - at - 1));
  if (!is_value(value.ptr, value.len))
    return refuse(head, 400, "a header value holds a control character");
  struct head_field *field = &head->fields[head->field_count++];
  field->name = (struct head_slice){head->at, (uint32_t)(at - head->at)};
  field->value = (struct head_slice){(uint32_t)(value.ptr - data), (uint32_t)value.len};
  return read_framing(head, data, field);
}

/* What only the whole head can tell. */
static bool check_head(struct head *head) {
  if (!head->has_host && !head->is_http10)
    return refuse(head, 400, "the \"Host\" header is missing");
  if (head->has_transfer_encoding && head->is_http10)
    return refuse(head, 400, "HTTP/1.0 knows no \"Transfer-Encoding\"");
  if (head->has_transfer_encoding && head->has_length)
    return refuse(head, 400, "\"Content-Length\" and \"Transfer-Encoding\" exclude each other");
  return true;
}

/* One complete line without its CRLF. RFC 9112 2.2: one empty line before the request line is forgiven. */
static enum head_result read_line(struct head *head, const char *data, size_t end) {
  bool is_empty = end == head->at;
  if (is_empty && head->has_request_line)
    return check_head(head) ? HEAD_DONE : HEAD_ERROR;
  if (is_empty && head->at == 0)
    return HEAD_MORE;
  if (head->has_request_line)
    return read_field(head, data, end) ? HEAD_MORE : HEAD_ERROR;
  if (!read_request_line(head, data, end))
    return HEAD_ERROR;
  head->fields_at = (uint32_t)end + 2;
  return HEAD_MORE;
}

enum head_result head_read(struct head *head, const char *data, size_t len) {
  for (;;) {
    const char *feed = len > head->scanned ? memchr(data + head->scanned, '\n', len - head->scanned) : NULL;
    size_t end = feed ? (size_t)(feed - data) : len;
    if (!check_size(head, end))
      return HEAD_ERROR;
    if (!feed) {
      head->scanned = (uint32_t)len;
      return HEAD_MORE;
    }
    if (end == head->at || data[end - 1] != '\r') {
      refuse(head, 400, "a line ends without a carriage return");
      return HEAD_ERROR;
    }
    enum head_result result = read_line(head, data, end - 1);
    head->at = head->scanned = (uint32_t)end + 1;
    if (result != HEAD_MORE)
      return result;
  }
}
