/* Reading what was sent: members of an object whose types nobody has checked yet; and short forms of writing. */
#include "deployments.h"

#include <string.h>

bool member(const struct deployments *d, bp_json object, const char *name, bp_json *ret) {
  return d->json->get(object, str_z(name), ret) == BP_OK && d->json->type(*ret) != BP_JSON_NULL;
}

/* A member that is a string, or NULL ptr where it is absent or null. False: it is something else. */
bool field_text(const struct deployments *d, bp_json object, const char *name, bp_str *ret) {
  bp_json value = 0;
  *ret = bp_str_make(NULL, 0);
  return !member(d, object, name, &value) || d->json->string(value, ret) == BP_OK;
}

static int64_t digits(bp_str text) {
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

/* A member that is an integer, or a string of digits; -1 for anything else, 0 where it is absent or null. */
int64_t field_number(const struct deployments *d, bp_json object, const char *name) {
  bp_json value = 0;
  bp_str text;
  int64_t number;
  if (!member(d, object, name, &value))
    return 0;
  if (d->json->integer(value, &number) == BP_OK)
    return number > 0 ? number : -1;
  return d->json->string(value, &text) == BP_OK ? digits(text) : -1;
}

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
