/* Errors; see fail.h. */
#include "base/fail.h"

#include <stdarg.h>
#include <stdio.h>

bp_status fail(bp_error *err, bp_status code, const char *format, ...) {
  if (!err)
    return code;
  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof(err->message), format, args);
  va_end(args);
  err->code = code;
  err->hint[0] = '\0';
  err->pointer[0] = '\0';
  return code;
}

void fail_hint(bp_error *err, const char *format, ...) {
  if (!err)
    return;
  va_list args;
  va_start(args, format);
  vsnprintf(err->hint, sizeof(err->hint), format, args);
  va_end(args);
}

void fail_pointer(bp_error *err, const char *format, ...) {
  if (!err)
    return;
  va_list args;
  va_start(args, format);
  vsnprintf(err->pointer, sizeof(err->pointer), format, args);
  va_end(args);
}

static const char *const names[] = {
    "ok",          "invalid argument", "stale handle", "not found", "already exists", "conflict",    "limit reached",      "out of memory",
    "busy",        "timed out",        "cancelled",    "denied",    "not supported",  "wrong state", "input/output error", "no space left",
    "parse error", "wrong thread",     "wrong type",
};

const char *status_name(bp_status status) {
  size_t index = (size_t)-status;
  return status <= 0 && index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown status";
}
