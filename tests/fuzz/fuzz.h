/* What every fuzz target defines: libFuzzer's entry point. A target must not exit and keeps nothing between two inputs; what
 * must hold is said with REQUIRE. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                                           \
  do {                                                                                                                                               \
    if (!(condition)) {                                                                                                                              \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                                                 \
      abort();                                                                                                                                       \
    }                                                                                                                                                \
  } while (0)

#endif
