/* JSON: whatever parses is written and read back as the same value; validation ends; a schema that compiles is safe to use. */
#include "fuzz.h"
#include "json/json.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_error err = BP_ERROR_INIT;
  bp_str text = bp_str_make((const char *)data, size);
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
