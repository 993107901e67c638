/* The limits' defaults; see limits.h. */
#include "http/limits.h"

struct http_limits http_limits = {
    .target_bytes = 8 * 1024,
    .header_line_bytes = 8 * 1024,
    .header_total_bytes = 32 * 1024,
    .header_count = 100,
    .trailer_count = 100,
    .method_bytes = 32,
    .pipeline_depth = 64,
    .output_bytes = 1024 * 1024,
    .output_files = 4,
    .header_deadline_ms = 10 * 1000,
    .body_idle_ms = 30 * 1000,
    .body_min_rate = 1024,
    .keep_alive_ms = 60 * 1000,
    .write_stall_ms = 30 * 1000,
    .body_total_bytes = 256 * 1024 * 1024,
    .fd_reserve = 128,
};
