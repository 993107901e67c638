/* Every limit of the HTTP front, in one place. Changed by `limits { … }` in the configuration where marked (c). */
#ifndef HOST_HTTP_LIMITS_H
#define HOST_HTTP_LIMITS_H

#include <stdint.h>

struct http_limits {
  uint32_t target_bytes;       /* 8 KiB: 414 */
  uint32_t header_line_bytes;  /* 8 KiB: 431 */
  uint32_t header_total_bytes; /* 32 KiB: 431 */
  uint32_t header_count;       /* 100: 431 */
  uint32_t trailer_count;      /* 100 */
  uint32_t method_bytes;       /* 32 */
  uint32_t pipeline_depth;     /* 64 requests parsed ahead of their replies; then reading pauses */
  uint64_t output_bytes;       /* 1 MiB parked output before reading pauses */
  uint32_t output_files;       /* 4 files waiting to be sent before reading pauses: each holds a descriptor */
  int64_t header_deadline_ms;  /* 10 s from the first byte, in all (c) */
  int64_t body_idle_ms;        /* 30 s without a byte (c) */
  uint32_t body_min_rate;      /* 1 KiB/s averaged, after the first 5 s (c) */
  int64_t keep_alive_ms;       /* 60 s idle (c) */
  int64_t write_stall_ms;      /* 30 s without the client reading (c) */
  uint64_t body_total_bytes;   /* 256 MiB of request bodies in memory, all connections: 503 */
  uint32_t fd_reserve;         /* RLIMIT_NOFILE - 128 connections */
};
extern struct http_limits http_limits;

#endif
