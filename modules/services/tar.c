/* A tar archive (POSIX ustar) with one small file; see services.h. */
#include "services.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 512u
#define CHECKSUM_AT 148u

void tar_one(char out[TAR_BYTES], const char *name, bp_str content) {
  unsigned sum = 0;
  size_t len = content.len < BLOCK ? content.len : BLOCK;
  memset(out, 0, TAR_BYTES); /* two empty blocks end it */
  snprintf(out, 100, "%s", name);
  memcpy(out + 100, "0000644\0000000000\0000000000", 24);
  snprintf(out + 124, 12, "%011o", (unsigned)len);
  memcpy(out + 136, "00000000000", 12);
  memset(out + CHECKSUM_AT, ' ', 8);
  out[156] = '0';
  memcpy(out + 257, "ustar\00000", 8); /* NOLINT(bugprone-not-null-terminated-result): magic and version have no end */
  for (unsigned i = 0; i < BLOCK; i++)
    sum += (unsigned char)out[i];
  snprintf(out + CHECKSUM_AT, 8, "%06o", sum);
  memcpy(out + BLOCK, content.ptr, len);
}
