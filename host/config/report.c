/* Configuration errors; see report.h. */
#include "config/report.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ITEMS (sizeof(((struct config_errors *)0)->items) / sizeof(struct config_error))

struct config_error *report(struct config_errors *errors, struct origin origin, const char *format, ...) {
  static struct config_error unread;
  struct config_error *error = errors->count < ITEMS ? &errors->items[errors->count++] : &unread;
  va_list args;
  memset(error, 0, sizeof(*error));
  snprintf(error->file, sizeof(error->file), "%s", origin.file ? origin.file : "");
  error->line = origin.line;
  va_start(args, format);
  vsnprintf(error->message, sizeof(error->message), format, args);
  va_end(args);
  return error;
}

void report_hint(struct config_error *error, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->hint, sizeof(error->hint), format, args);
  va_end(args);
}

void report_nearest(struct config_error *error, const struct nearest *search) {
  size_t len = strlen(error->message);
  if (search->best.len)
    snprintf(error->message + len, sizeof(error->message) - len, ", did you mean \"%.*s\"?", (int)search->best.len, search->best.ptr);
}
