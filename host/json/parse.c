/* doc_parse: the strict reader. What is plainly well-formed is read by quick.c. All else goes through a linear pre-scan that refuses what
 * the library must never see (bytes that are not UTF-8, deep nesting, crowded objects); jansson then checks the grammar, says what is
 * wrong, or builds the tree. */
#include "base/fail.h"
#include "base/str.h"
#include "json/json.h"
#include "json/quick.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define DEPTH_MAX 128u /* whatever the caller's limit says: bounds the recursion of everything that walks a tree */

const struct doc_limits doc_default_limits = {.depth = 64, .keys = 1024};

/* A seed of our own choosing, so that nobody outside can aim keys at one bucket. */
static void seed_hash(void) {
  size_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
    seed = 0; /* zero makes jansson seed itself */
  json_object_seed(seed);
}

static bp_status fail_at(bp_error *err, size_t offset, const char *message) {
  fail(err, BP_E_PARSE, "%s", message);
  fail_pointer(err, "%zu", offset);
  return BP_E_PARSE;
}

/* Well-formed as far as it goes, but over a limit that a route can raise: its own code, so that 413 can say so. */
static bp_status too_many_keys(bp_error *err, size_t offset) {
  fail_at(err, offset, "too many keys: an object has more members than the limit");
  if (err)
    err->code = BP_E_LIMIT;
  return BP_E_LIMIT;
}

/* Offset of the first byte that is no part of a well-formed sequence. Only walked once the text is known to have one. */
static size_t first_bad_byte(bp_str text) {
  size_t at = 0;
  while (at < text.len) {
    size_t len = 1;
    while (len <= 4 && at + len <= text.len && !str_is_utf8(bp_str_make(text.ptr + at, len)))
      len++;
    if (len > 4 || at + len > text.len)
      return at;
    at += len;
  }
  return at;
}

/* The offset just behind the string that opens at `at`, or the end of the text. */
static size_t skip_string(bp_str text, size_t at) {
  for (at++; at < text.len; at++) {
    if (text.ptr[at] == '"')
      return at + 1;
    if (text.ptr[at] == '\\')
      at++;
  }
  return text.len;
}

/* Depth and members an object. The grammar is not checked here: whatever is malformed is left for the library, which stops
 * at the first wrong token and so never goes deeper than what was counted. */
static bp_status scan_structure(bp_str text, const struct doc_limits *limits, bp_error *err) {
  uint32_t members[DEPTH_MAX + 1] = {0};
  uint32_t depth_limit = limits->depth < DEPTH_MAX ? limits->depth : DEPTH_MAX;
  uint32_t depth = 0;
  size_t at = 0;
  while (at < text.len) {
    switch (text.ptr[at]) {
    case '"':
      at = skip_string(text, at);
      continue;
    case '[':
    case '{':
      if (depth == depth_limit)
        return fail_at(err, at, "too deep: arrays and objects nest beyond the limit");
      members[++depth] = 0;
      break;
    case ']':
    case '}':
      if (depth == 0)
        return BP_OK;
      depth--;
      break;
    case ':':
      if (++members[depth] > limits->keys)
        return too_many_keys(err, at);
      break;
    default:
      break;
    }
    at++;
  }
  return BP_OK;
}

static bp_status scan(bp_str text, const struct doc_limits *limits, bp_error *err) {
  if (str_starts(text, BP_LIT("\xEF\xBB\xBF")))
    return fail_at(err, 0, "byte order mark before the value");
  if (str_trim(text).len == 0)
    return fail_at(err, 0, "expecting a value, found nothing");
  if (!str_is_utf8(text))
    return fail_at(err, first_bad_byte(text), "invalid UTF-8");
  return scan_structure(text, limits, err);
}

/* The library's text without the piece of input it quotes, which may hold anything; for a repeated key it is the key. */
static void report(const json_error_t *error, bp_error *err) {
  char text[JSON_ERROR_TEXT_LENGTH];
  size_t offset = error->position > 0 ? (size_t)error->position : 0;
  switch (json_error_code(error)) {
  case json_error_premature_end_of_input:
    fail_at(err, offset, "unexpected end of text");
    return;
  case json_error_end_of_input_expected:
    fail_at(err, offset, "extra data after the value");
    return;
  case json_error_null_character:
    fail_at(err, offset, "NUL in a string is not allowed");
    return;
  case json_error_out_of_memory:
    fail(err, BP_E_NO_MEMORY, "no memory for the parsed value");
    return;
  case json_error_duplicate_key:
    fail_at(err, offset, error->text);
    return;
  default:
    break;
  }
  const char *near = strstr(error->text, " near ");
  size_t len = near ? (size_t)(near - error->text) : strlen(error->text);
  memcpy(text, error->text, len);
  text[len] = '\0';
  fail_at(err, offset, text);
}

static json_t *judge(bp_str text, const struct doc_limits *limits, bp_error *err) {
  if (scan(text, limits, err) != BP_OK)
    return NULL;
  json_error_t error;
  json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
  if (!value)
    report(&error, err);
  return value;
}

json_t *doc_parse(bp_str text, const struct doc_limits *limits, bp_error *err) {
  static pthread_once_t seeded = PTHREAD_ONCE_INIT;
  pthread_once(&seeded, seed_hash);
  json_t *value = str_is_utf8(text) ? quick_read(text, limits) : NULL;
  return value ? value : judge(text, limits, err);
}

bool doc_integer(const json_t *value, int64_t *ret) {
  if (json_is_integer(value)) {
    *ret = json_integer_value(value);
    return true;
  }
  double real = json_is_real(value) ? json_real_value(value) : 0.5;
  if (real < -0x1p63 || real >= 0x1p63 || (double)(int64_t)real != real)
    return false;
  *ret = (int64_t)real;
  return true;
}
