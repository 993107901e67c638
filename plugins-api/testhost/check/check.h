/* For the tests of the fake host, which are written as a plugin author would write them. */
#ifndef TESTHOST_CHECK_H
#define TESTHOST_CHECK_H

#include <backplane/testhost.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void check(int is_true, const char *what) {
  if (is_true)
    return;
  fprintf(stderr, "failed: %s\n", what);
  exit(1);
}
#define CHECK(condition) check(condition, #condition)
#define CHECK_TEXT(text, expected) check(strcmp(text, expected) == 0, #text " is " expected)

#endif
