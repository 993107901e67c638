/* cmocka with the headers it wants before it, and small helpers for unit tests. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off: cmocka.h needs the four above */
#include <cmocka.h>
/* clang-format on */

#include "base/str.h"

#define assert_str_eq(actual, expected_literal) assert_true(str_eq((actual), BP_LIT(expected_literal)))

#endif
