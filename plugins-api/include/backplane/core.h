/* bp.core/1: who am I, where may I keep files, what time is it. */
#ifndef BACKPLANE_CORE_H
#define BACKPLANE_CORE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_CORE_1 "bp.core/1"

typedef struct bp_core_1 {
  uint32_t size;

  /* The host's version, "MAJOR.MINOR.PATCH". Borrowed for the life of the plugin. [any] */
  bp_str (*host_version)(void);
  /* The calling plugin's folder for files, absolute, 0700, made on first use: STATE/modules/ID. Borrowed for the life of the
   * plugin; empty if it cannot be made (the host logs why). [any] */
  bp_str (*folder)(bp_plugin self);
  /* The folder the host was started in, absolute. Borrowed. [any] */
  bp_str (*start_folder)(bp_plugin self);
  /* Wall clock in nanoseconds since 1970-01-01 UTC, and a monotonic clock in nanoseconds. [any] */
  int64_t (*now_wall_ns)(void);
  int64_t (*now_monotonic_ns)(void);
  /* Fills `bytes` of `data` from the kernel's random source. [any] */
  void (*random_bytes)(void *data, size_t bytes);
  /* Sets the sentence that `backplane status` shows for this plugin ("connected to …"); at most 120 bytes. Copied. [any] */
  void (*status_text)(bp_plugin self, bp_str text);

  /* A bearer token for a child the plugin starts: in memory only, told as "token:<id>" wherever principals are. `scopes`: "read" or
   * "read write". `ret_token` gets 64 hex digits, `ret_id` 16, both with a NUL; hand the token over as a secret of the environment. It
   * ends with token_revoke, or with the plugin. BP_E_INVALID names no scopes, BP_E_LIMIT beyond 512 a plugin. [main] */
  bp_status (*token_new)(bp_plugin self, bp_str name, bp_str scopes, char ret_token[65], char ret_id[17]);
  /* Only the plugin's own: BP_E_NOT_FOUND. [main] */
  bp_status (*token_revoke)(bp_plugin self, bp_str id);
  /* The SHA-256 of `data` (FIPS 180-4). [any] */
  void (*sha256)(bp_str data, uint8_t ret_digest[32]);
} bp_core_1;

#ifdef __cplusplus
}
#endif

#endif
