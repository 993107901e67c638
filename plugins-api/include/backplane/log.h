/* bp.log/1: one line per call, with the plugin's id on it. The host escapes control bytes, cuts lines at 2 KiB and masks
 * what looks like a credential; still, never hand it a secret. */
#ifndef BACKPLANE_LOG_H
#define BACKPLANE_LOG_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_LOG_1 "bp.log/1"

#define BP_LOG_ERROR 1u /* someone must look */
#define BP_LOG_WARN 2u  /* works, but not as asked */
#define BP_LOG_INFO 3u
#define BP_LOG_DEBUG 4u

typedef struct bp_log_field {
  uint32_t size;
  uint32_t reserved;
  bp_str key;
  bp_str value;
} bp_log_field;

typedef struct bp_log_1 {
  uint32_t size;
  /* Writes one line. `fields` is an array of bp_log_field or empty. Never blocks for the reader of the log. [any] */
  void (*write)(bp_plugin self, uint32_t level, bp_str message, bp_array fields);
  /* Nonzero if a line of this level would be written: guard costly formatting with it. [any] */
  uint32_t (*enabled)(bp_plugin self, uint32_t level);
} bp_log_1;

#ifdef __cplusplus
}
#endif

#endif
