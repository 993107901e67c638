/* JSON: whatever parses is written and read back as the same value; what the quick reader takes, the library takes as the same; validation
 * ends; a schema that compiles is safe to use. */
#include "base/str.h"
#include "fuzz.h"
#include "json/json.h"
#include "json/quick.h"
#include "json/schema.h"

static const char event_schema[] =
    "{\"type\":\"object\",\"required\":[\"a\",\"b\"],\"additionalProperties\":{\"$ref\":\"#/$defs/node\"},"
    "\"properties\":{\"a\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":8,\"pattern\":\"^(a|b+)+$\"},"
    "\"b\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":9},\"c\":{\"enum\":[1,\"x\",null,{\"y\":[]}]},"
    "\"d\":{\"oneOf\":[{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"type\":\"number\"}},{\"const\":1.5}]}},"
    "\"$defs\":{\"node\":{\"additionalProperties\":{\"$ref\":\"#/$defs/node\"},\"items\":{\"$ref\":\"#/$defs/node\"}}}}";

static void note(void *ctx, const struct schema_violation *v) {
  unsigned *count = ctx;
  REQUIRE(++*count <= 32);
  REQUIRE(v->keyword && v->kind.len && v->message.len && v->input);
}

static void validate(const struct schema *schema, const json_t *value) {
  unsigned count = 0;
  bool valid = schema_validate(schema, value, note, &count);
  REQUIRE(valid == (count == 0));
}

static void round_trip(const json_t *value) {
  bp_error err = BP_ERROR_INIT;
  struct buf text = {0};
  doc_write(&text, value);
  json_t *again = doc_parse(buf_str(&text), &doc_default_limits, &err);
  REQUIRE(again && json_equal(again, value));
  json_decref(again);
  buf_release(&text);
}

/* To the letter: kinds of numbers and the order of members, too. */
static void compare_readers(bp_str text) {
  struct buf quick_text = {0}, judged_text = {0};
  json_t *quick = str_is_utf8(text) ? quick_read(text, &doc_default_limits) : NULL;
  if (!quick)
    return;
  json_t *judged = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
  REQUIRE(judged);
  doc_write(&quick_text, quick);
  doc_write(&judged_text, judged);
  REQUIRE(str_eq(buf_str(&quick_text), buf_str(&judged_text)));
  buf_release(&quick_text);
  buf_release(&judged_text);
  json_decref(quick);
  json_decref(judged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_error err = BP_ERROR_INIT;
  bp_str text = bp_str_make((const char *)data, size);
  compare_readers(text);
  json_t *value = doc_parse(text, &doc_default_limits, &err);
  if (!value) {
    REQUIRE((err.code == BP_E_PARSE || err.code == BP_E_LIMIT) && err.message[0] && err.pointer[0]);
    return 0;
  }
  struct schema *known = schema_compile(bp_str_make(event_schema, sizeof(event_schema) - 1), NULL);
  struct schema *given = schema_compile(text, &err);
  REQUIRE(known && (given || err.message[0]));
  round_trip(value);
  validate(known, value);
  if (given)
    validate(given, value);
  schema_free(given);
  schema_free(known);
  json_decref(value);
  return 0;
}
