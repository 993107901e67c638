/* Times as text; see iso_time.h. */
#include "base/iso_time.h"

#include <stdio.h>
#include <time.h>

bp_str iso_time(int64_t wall_ms, char text[ISO_TIME_BYTES]) {
  time_t seconds = (time_t)(wall_ms / 1000);
  struct tm parts;
  if (!gmtime_r(&seconds, &parts))
    return bp_str_make(text, 0);
  size_t len = strftime(text, ISO_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
  len += (size_t)snprintf(text + len, ISO_TIME_BYTES - len, ".%03uZ", (unsigned)(wall_ms % 1000) % 1000);
  return bp_str_make(text, len);
}

bp_str iso_time_now(char text[ISO_TIME_BYTES]) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return iso_time((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, text);
}
