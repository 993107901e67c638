/* Reading what was sent: members of an object whose types nobody has checked yet; see kit.h. */
#include "kit.h"

bool kit_field(const bp_json_1 *json, bp_json object, const char *name, bp_json *ret) {
  return json->get(object, str_z(name), ret) == BP_OK && json->type(*ret) != BP_JSON_NULL;
}

bool kit_field_text(const bp_json_1 *json, bp_json object, const char *name, bp_str *ret) {
  bp_json value = 0;
  *ret = bp_str_make(NULL, 0);
  return !kit_field(json, object, name, &value) || json->string(value, ret) == BP_OK;
}

bp_str kit_member_text(const bp_json_1 *json, bp_json object, const char *name) {
  bp_json value = 0;
  bp_str text = bp_str_make(NULL, 0);
  if (json->get(object, str_z(name), &value) == BP_OK)
    json->string(value, &text);
  return text;
}

int64_t kit_digits(bp_str text) {
  int64_t number = 0;
  if (text.len == 0 || text.len > 15)
    return -1;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9')
      return -1;
    number = number * 10 + (text.ptr[i] - '0');
  }
  return number;
}

int64_t kit_field_number(const bp_json_1 *json, bp_json object, const char *name) {
  bp_json value = 0;
  bp_str text;
  int64_t number;
  if (!kit_field(json, object, name, &value))
    return 0;
  if (json->integer(value, &number) == BP_OK)
    return number > 0 ? number : -1;
  return json->string(value, &text) == BP_OK ? kit_digits(text) : -1;
}
