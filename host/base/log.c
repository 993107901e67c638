/* The host's log; see log.h. Masking is in log_mask.c. */
#include "base/log.h"
#include "base/buf.h"
#include "base/iso_time.h"
#include "base/log_mask.h"
#include "base/str.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static struct {
  pthread_mutex_t lock;
  enum log_format format; /* this and level are read without the lock: atomic accesses */
  uint32_t level;
  int fd;
  int also_fd; /* -1: none */
} out = {PTHREAD_MUTEX_INITIALIZER, LOG_HUMAN, BP_LOG_INFO, STDERR_FILENO, -1};

static const char *const level_names[] = {"", "error", "warn", "info", "debug"};

void log_configure(enum log_format format, uint32_t level, int fd) {
  pthread_mutex_lock(&out.lock);
  out.fd = fd;
  pthread_mutex_unlock(&out.lock);
  __atomic_store_n(&out.format, format, __ATOMIC_RELAXED);
  __atomic_store_n(&out.level, level, __ATOMIC_RELAXED);
}

void log_also(int fd) {
  pthread_mutex_lock(&out.lock);
  out.also_fd = fd;
  pthread_mutex_unlock(&out.lock);
}

bool log_enabled(uint32_t level) {
  return level <= __atomic_load_n(&out.level, __ATOMIC_RELAXED);
}

/* True for a byte or the start of a sequence that must not reach a terminal or a line-based reader raw: C0, DEL, C1, U+2028/9. */
static bool must_escape(bp_str s, size_t i, size_t *ret_len) {
  unsigned char c = (unsigned char)s.ptr[i];
  *ret_len = 1;
  if (c < 0x20 || c == 0x7F || c == '"' || c == '\\')
    return true;
  if (c == 0xC2 && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0xA0) {
    *ret_len = 2;
    return true;
  }
  if (c == 0xE2 && i + 2 < s.len && (unsigned char)s.ptr[i + 1] == 0x80 && ((unsigned char)s.ptr[i + 2] & 0xFE) == 0xA8) {
    *ret_len = 3;
    return true;
  }
  return false;
}

/* Appends escaped text. `quotes`: also the quote and the backslash, as JSON wants. */
static void append_escaped(struct buf *b, bp_str s, bool quotes) {
  for (size_t i = 0; i < s.len;) {
    size_t len;
    if (!must_escape(s, i, &len)) {
      buf_append_char(b, s.ptr[i++]);
      continue;
    }
    if (len == 1 && (s.ptr[i] == '"' || s.ptr[i] == '\\')) {
      if (quotes)
        buf_append_char(b, '\\');
      buf_append_char(b, s.ptr[i]);
    } else {
      unsigned code = len == 1 ? (unsigned char)s.ptr[i] : len == 2 ? (unsigned char)s.ptr[i + 1] : 0x2000u | ((unsigned char)s.ptr[i + 2] & 0x3Fu);
      buf_printf(b, "\\u%04x", code);
    }
    i += len;
  }
}

/* Bytes that are not UTF-8 are written as '?', so that a log is always text. */
static void make_text(char *data, size_t len) {
  for (size_t i = 0; i < len;) {
    size_t take = 1;
    if ((unsigned char)data[i] >= 0x80) {
      for (take = 4; take > 1; take--)
        if (i + take <= len && (unsigned char)data[i] >= 0xC2 && str_is_utf8(bp_str_make(data + i, take)))
          break;
      if (take == 1)
        data[i] = '?';
    }
    i += take;
  }
}

static void append_fields(struct buf *b, bp_array fields, bool json) {
  for (uint32_t i = 0; i < fields.count; i++) {
    const bp_log_field *field = (const bp_log_field *)(const void *)((const char *)fields.ptr + (size_t)i * fields.stride);
    buf_append_z(b, json ? ",\"" : " ");
    append_escaped(b, field->key, true);
    buf_append_z(b, json ? "\":\"" : "=");
    append_escaped(b, field->value, json);
    if (json)
      buf_append_char(b, '"');
  }
}

static void append_line(struct buf *b, uint32_t level, bp_str module, bp_str message, bp_array fields, bool json) {
  char time[ISO_TIME_BYTES];
  buf_append_z(b, json ? "{\"time\":\"" : "");
  buf_append_str(b, iso_time_now(time));
  buf_printf(b, json ? "\",\"level\":\"%s\",\"module\":\"" : " %-5s ", level_names[level]);
  append_escaped(b, module, json);
  buf_append_z(b, json ? "\",\"message\":\"" : ": ");
  append_escaped(b, message, json);
  if (json)
    buf_append_char(b, '"');
  append_fields(b, fields, json);
  if (json)
    buf_append_char(b, '}');
}

void log_fields(uint32_t level, bp_str module, bp_str message, bp_array fields) {
  if (level < BP_LOG_ERROR || level > BP_LOG_DEBUG || !log_enabled(level))
    return;
  bool is_json = __atomic_load_n(&out.format, __ATOMIC_RELAXED) == LOG_JSON;
  struct buf line = {0};
  if (message.len > LINE_MAX_BYTES / 2)
    message.len = LINE_MAX_BYTES / 2;
  append_line(&line, level, module, message, fields, is_json);
  if (line.len > LINE_MAX_BYTES) {
    line.len = 0;
    append_line(&line, level, module, message, (bp_array){0}, is_json);
    if (line.len > LINE_MAX_BYTES && !is_json)
      line.len = LINE_MAX_BYTES;
  }
  if (!line.failed) {
    make_text(line.data, line.len);
    log_mask(line.data, line.len);
    buf_append_char(&line, '\n');
    pthread_mutex_lock(&out.lock);
    ssize_t written = write(out.fd, line.data, line.len);
    if (out.also_fd >= 0)
      written = write(out.also_fd, line.data, line.len);
    (void)written; /* a log that cannot be written has nowhere to say so */
    pthread_mutex_unlock(&out.lock);
  }
  buf_release(&line);
}

void log_line(uint32_t level, const char *module, const char *format, ...) {
  char message[LINE_MAX_BYTES / 2];
  va_list args;
  if (!log_enabled(level))
    return;
  va_start(args, format);
  vsnprintf(message, sizeof(message), format, args);
  va_end(args);
  log_fields(level, str_from(module), str_from(message), (bp_array){0});
}
