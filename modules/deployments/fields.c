/* Short forms of writing members of an object. */
#include "deployments.h"

void put_number(const bp_json_1 *json, bp_json_writer out, const char *name, int64_t value) {
  json->key(out, str_z(name));
  json->put_integer(out, value);
}

void put_text(const bp_json_1 *json, bp_json_writer out, const char *name, const char *value) {
  json->key(out, str_z(name));
  if (value)
    json->put_string(out, str_z(value));
  else
    json->put_null(out);
}
