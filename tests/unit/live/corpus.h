/* Reads the shared corpus of WebSocket rows, where it is present. */
#ifndef TESTS_UNIT_LIVE_CORPUS_H
#define TESTS_UNIT_LIVE_CORPUS_H

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls `each` for every row; returns how many there were, 0 where there is no corpus. */
static inline unsigned corpus_each(void (*each)(const json_t *row)) {
  char path[512];
  const char *shared = getenv("BACKPLANE_SHARED");
  snprintf(path, sizeof(path), "%s/attack-corpus/ws-frames.jsonl", shared ? shared : TEST_SOURCE_DIR "/../shared");
  FILE *file = fopen(path, "re");
  if (!file) {
    print_message("skipped: no corpus at %s (set BACKPLANE_SHARED)\n", path);
    return 0;
  }
  char *line = NULL;
  size_t size = 0;
  unsigned rows = 0;
  while (getline(&line, &size, file) > 0) {
    json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
    assert_non_null(row);
    each(row);
    json_decref(row);
    rows++;
  }
  free(line);
  fclose(file);
  return rows;
}

/* The bytes of a base64 member, from malloc; NULL if it is absent. */
static inline unsigned char *corpus_bytes(const json_t *row, const char *member, size_t *ret_len) {
  const char *text = json_string_value(json_object_get(row, member));
  if (!text)
    return NULL;
  size_t room = strlen(text) + 1;
  unsigned char *bytes = malloc(room);
  assert_non_null(bytes);
  assert_int_equal(sodium_base642bin(bytes, room, text, strlen(text), NULL, ret_len, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
  return bytes;
}

/* True if `value` is the expectation or one of a list of them. */
static inline bool corpus_expects(const json_t *expected, json_int_t value) {
  if (!json_is_array(expected))
    return json_integer_value(expected) == value;
  for (size_t i = 0; i < json_array_size(expected); i++) {
    if (json_integer_value(json_array_get(expected, i)) == value)
      return true;
  }
  return false;
}

#endif
