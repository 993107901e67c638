/* Content-Disposition of answers; see disposition.h. Reading it in uploads is done by multipart.c. */
#include "router/disposition.h"

static bool is_unreserved(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
}

static bool is_plain(bp_str name) {
  for (size_t i = 0; i < name.len; i++)
    if (!is_unreserved((unsigned char)name.ptr[i]))
      return false;
  return true;
}

void disposition_write(struct buf *out, bool is_attachment, bp_str filename) {
  static const char hex[] = "0123456789ABCDEF";
  buf_append_z(out, is_attachment ? "attachment" : "inline");
  if (filename.len == 0)
    return;
  if (is_plain(filename)) {
    buf_append_z(out, "; filename=\"");
    buf_append_str(out, filename);
    buf_append_char(out, '"');
    return;
  }
  buf_append_z(out, "; filename*=utf-8''");
  for (size_t i = 0; i < filename.len; i++) {
    unsigned char c = (unsigned char)filename.ptr[i];
    if (is_unreserved(c)) {
      buf_append_char(out, (char)c);
    } else {
      buf_append_char(out, '%');
      buf_append_char(out, hex[c >> 4]);
      buf_append_char(out, hex[c & 15]);
    }
  }
}
