/* Clocks read now, in nanoseconds. [any] */
#ifndef HOST_BASE_CLOCK_H
#define HOST_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t clock_monotonic_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t clock_wall_ns(void) {
  return clock_ns(CLOCK_REALTIME);
}

#endif
