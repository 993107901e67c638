/* Collecting configuration errors. Private to host/config. */
#ifndef HOST_CONFIG_REPORT_H
#define HOST_CONFIG_REPORT_H

#include "base/nearest.h"
#include "config/config.h"

/* Where something was written. */
struct origin {
  const char *file;
  int line; /* 0: unknown */
};

/* Adds an error. Never NULL: beyond the 32 that are kept it goes to an item nobody reads. */
struct config_error *report(struct config_errors *errors, struct origin origin, const char *format, ...) __attribute__((format(printf, 3, 4)));
void report_hint(struct config_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `, did you mean "…"?` to the message where there is a near name. */
void report_nearest(struct config_error *error, const struct nearest *search);

#endif
