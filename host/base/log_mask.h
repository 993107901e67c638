/* Masking of credentials in text that is about to be logged or shown. */
#ifndef HOST_BASE_LOG_MASK_H
#define HOST_BASE_LOG_MASK_H

#include <stddef.h>

/* Overwrites, in place, with '*': the password in "://user:password@", what follows "Bearer ", runs of 64 or more hex
 * digits, and words with well-known token prefixes (sk-, ghp_, xoxb- …). */
void log_mask(char *text, size_t len);

#endif
