/* The headers of a multipart part and the boundary parameter; see multipart.h. */
#include "base/hex.h"
#include "base/str.h"
#include "http/chars.h"
#include "router/multipart.h"

#include <string.h>

/* ---- Parameters: ";" name "=" (token | quoted-string) ---- */

struct parameter {
  bp_str name;
  char *value; /* unquoted in place */
  size_t value_len;
};

enum take { TAKE_ONE, TAKE_END, TAKE_BAD };

struct scanner {
  char *at;
  char *end;
};

static void skip_blanks(struct scanner *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
    s->at++;
}

static bp_str scan_token(struct scanner *s) {
  char *start = s->at;
  while (s->at < s->end && char_is(*s->at, CHAR_TOKEN))
    s->at++;
  return bp_str_make(start, (size_t)(s->at - start));
}

/* A backslash escapes a quote or a backslash only: browsers send file names with plain backslashes in them. */
static bool scan_quoted(struct scanner *s, struct parameter *ret) {
  char *out = ++s->at;
  ret->value = out;
  for (; s->at < s->end && *s->at != '"'; s->at++) {
    if (*s->at == '\\' && s->at + 1 < s->end && (s->at[1] == '"' || s->at[1] == '\\'))
      s->at++;
    *out++ = *s->at;
  }
  ret->value_len = (size_t)(out - ret->value);
  return s->at < s->end && *s->at++ == '"';
}

static enum take next_parameter(struct scanner *s, struct parameter *ret) {
  skip_blanks(s);
  if (s->at == s->end)
    return TAKE_END;
  if (*s->at++ != ';')
    return TAKE_BAD;
  skip_blanks(s);
  if (s->at == s->end)
    return TAKE_END; /* a last ";" is common and harmless */
  ret->name = scan_token(s);
  if (ret->name.len == 0 || s->at == s->end || *s->at++ != '=')
    return TAKE_BAD;
  if (s->at < s->end && *s->at == '"')
    return scan_quoted(s, ret) ? TAKE_ONE : TAKE_BAD;
  bp_str token = scan_token(s);
  ret->value = s->at - token.len;
  ret->value_len = token.len;
  return token.len > 0 ? TAKE_ONE : TAKE_BAD;
}

/* ---- The boundary ---- */

static bool is_boundary(bp_str boundary) {
  for (size_t i = 0; i < boundary.len; i++) {
    unsigned char c = (unsigned char)boundary.ptr[i];
    bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_alnum && (c == '\0' || strchr("'()+_,-./:=? ", c) == NULL))
      return false;
  }
  return boundary.len > 0 && boundary.len <= MULTIPART_BOUNDARY_MAX && boundary.ptr[boundary.len - 1] != ' ';
}

/* Returns the raw value (unquoted; a boundary has no escapes), so the header itself stays untouched. */
static bool take_boundary(bp_str parameters, bp_str *ret) {
  bool is_found = false;
  while ((parameters = str_trim(parameters)).len > 0) {
    if (parameters.ptr[0] != ';')
      return false;
    parameters = str_trim(bp_str_make(parameters.ptr + 1, parameters.len - 1));
    ptrdiff_t equals = str_find(parameters, '=');
    if (equals < 0)
      return parameters.len == 0 && is_found;
    bp_str name = bp_str_make(parameters.ptr, (size_t)equals);
    bp_str value = bp_str_make(parameters.ptr + equals + 1, parameters.len - (size_t)equals - 1);
    bool is_quoted = value.len > 0 && value.ptr[0] == '"';
    bp_str inner = is_quoted ? bp_str_make(value.ptr + 1, value.len - 1) : value;
    ptrdiff_t end = str_find(inner, is_quoted ? '"' : ';');
    if (end < 0 && is_quoted)
      return false;
    size_t len = end < 0 ? inner.len : (size_t)end;
    size_t used = len + (is_quoted ? 1 : 0);
    if (str_ieq(name, BP_LIT("boundary"))) {
      if (is_found)
        return false;
      *ret = is_quoted ? bp_str_make(inner.ptr, len) : str_trim(bp_str_make(inner.ptr, len));
      is_found = true;
    }
    parameters = bp_str_make(inner.ptr + used, inner.len - used);
  }
  return is_found;
}

bp_status multipart_boundary(bp_str content_type, bp_str *ret) {
  ptrdiff_t semicolon = str_find(content_type, ';');
  size_t len = semicolon < 0 ? content_type.len : (size_t)semicolon;
  bp_str boundary;
  if (!str_ieq(str_trim(bp_str_make(content_type.ptr, len)), BP_LIT("multipart/form-data")))
    return BP_E_UNSUPPORTED;
  if (!take_boundary(bp_str_make(content_type.ptr + len, content_type.len - len), &boundary) || !is_boundary(boundary))
    return BP_E_PARSE;
  *ret = boundary;
  return BP_OK;
}

/* ---- Content-Disposition ---- */

/* RFC 8187: UTF-8'language'percent-encoded, decoded in place. */
static bool decode_extended(char *value, size_t len, bp_str *ret) {
  bp_str text = bp_str_make(value, len);
  ptrdiff_t quote = str_find(text, '\'');
  if (quote < 0 || !str_ieq(bp_str_make(value, (size_t)quote), BP_LIT("utf-8")))
    return false;
  bp_str rest = bp_str_make(value + quote + 1, len - (size_t)quote - 1);
  ptrdiff_t second = str_find(rest, '\'');
  if (second < 0)
    return false;
  char *in = value + quote + 1 + second + 1, *end = value + len, *out = in, *start = in;
  while (in < end) {
    if (*in != '%') {
      *out++ = *in++;
      continue;
    }
    int high = end - in > 2 ? hex_value(in[1]) : -1, low = end - in > 2 ? hex_value(in[2]) : -1;
    if (high < 0 || low < 0)
      return false;
    *out++ = (char)(high * 16 + low);
    in += 3;
  }
  *ret = bp_str_make(start, (size_t)(out - start));
  return true;
}

static bool is_text(bp_str s, size_t limit_bytes) {
  for (size_t i = 0; i < s.len; i++)
    if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
      return false;
  return s.len <= limit_bytes && str_is_utf8(s);
}

/* The three parameters that matter; each may come once. */
struct disposition {
  bp_str name, filename, extended;
  bool has_name, has_filename, has_extended;
};

static bool keep_once(bp_str value, bp_str *slot, bool *has_slot) {
  if (*has_slot)
    return false;
  *slot = value;
  *has_slot = true;
  return true;
}

static bool keep_parameter(const struct parameter *p, struct disposition *d) {
  bp_str value = bp_str_make(p->value, p->value_len);
  if (str_ieq(p->name, BP_LIT("name")))
    return keep_once(value, &d->name, &d->has_name);
  if (str_ieq(p->name, BP_LIT("filename")))
    return keep_once(value, &d->filename, &d->has_filename);
  if (str_ieq(p->name, BP_LIT("filename*")))
    return decode_extended(p->value, p->value_len, &value) && keep_once(value, &d->extended, &d->has_extended);
  return true;
}

static const char *parse_disposition(char *value, size_t len, struct multipart_head *ret) {
  struct scanner s = {value, value + len};
  struct disposition d = {0};
  struct parameter p = {0};
  enum take taken;
  skip_blanks(&s);
  if (!str_ieq(scan_token(&s), BP_LIT("form-data")))
    return "a multipart part's Content-Disposition is not form-data";
  while ((taken = next_parameter(&s, &p)) == TAKE_ONE)
    if (!keep_parameter(&p, &d))
      return "a multipart part's Content-Disposition has a parameter that is sent twice or badly encoded";
  if (taken == TAKE_BAD)
    return "a multipart part's Content-Disposition cannot be read";
  if (!d.has_name || d.name.len == 0 || !is_text(d.name, MULTIPART_NAME_BYTES_MAX))
    return "a multipart part has no usable field name";
  ret->name = d.name;
  ret->is_file = d.has_filename || d.has_extended;
  ret->filename = d.has_extended ? d.extended : d.filename;
  if (ret->is_file && !is_text(ret->filename, MULTIPART_FILENAME_BYTES_MAX))
    return "a multipart part's file name is too long, or not UTF-8 text without control characters";
  return NULL;
}

/* ---- The header block ---- */

static bool is_identity_encoding(bp_str value) {
  return str_ieq(value, BP_LIT("7bit")) || str_ieq(value, BP_LIT("8bit")) || str_ieq(value, BP_LIT("binary"));
}

static bool has_bad_byte(bp_str line) {
  for (size_t i = 0; i < line.len; i++) {
    unsigned char c = (unsigned char)line.ptr[i];
    if ((c < 0x20 && c != '\t') || c == 0x7F)
      return true;
  }
  return false;
}

static const char *parse_line(char *line, size_t len, struct multipart_head *ret, bool *has_disposition) {
  struct scanner s = {line, line + len};
  bp_str name = scan_token(&s);
  if (name.len == 0 || s.at == s.end || *s.at++ != ':' || has_bad_byte(bp_str_make(line, len)))
    return "a header line of a multipart part cannot be read";
  bp_str value = str_trim(bp_str_make(s.at, (size_t)(s.end - s.at)));
  if (str_ieq(name, BP_LIT("Content-Disposition"))) {
    if (*has_disposition)
      return "a multipart part has two Content-Disposition headers";
    *has_disposition = true;
    return parse_disposition(s.at, (size_t)(s.end - s.at), ret);
  }
  if (str_ieq(name, BP_LIT("Content-Transfer-Encoding")) && !is_identity_encoding(value))
    return "a multipart part is sent in a transfer encoding; send it as it is";
  if (str_ieq(name, BP_LIT("Content-Type"))) {
    if (ret->content_type.len > 0 || !is_text(value, MULTIPART_FILENAME_BYTES_MAX))
      return "a multipart part's Content-Type cannot be read";
    ret->content_type = value;
  }
  return NULL;
}

const char *multipart_parse_head(char *block, size_t len, struct multipart_head *ret) {
  *ret = (struct multipart_head){0};
  bool has_disposition = false;
  unsigned lines = 0;
  for (char *line = block, *end = block + len; line < end; lines++) {
    char *cr = memchr(line, '\r', (size_t)(end - line));
    if (cr == NULL || cr + 1 >= end || cr[1] != '\n' || lines == MULTIPART_HEADERS_MAX)
      return "a multipart part's headers cannot be read, or are too many";
    const char *error = parse_line(line, (size_t)(cr - line), ret, &has_disposition);
    if (error != NULL)
      return error;
    line = cr + 2;
  }
  return has_disposition ? NULL : "a multipart part has no Content-Disposition header";
}
