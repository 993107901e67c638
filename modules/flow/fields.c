/* Reading what was sent: members of an object whose types nobody has checked yet. */
#include "flow.h"

bool field_is_given(const struct flow *f, bp_json object, const char *name) {
  bp_json value = 0;
  return f->json->get(object, str_z(name), &value) == BP_OK && f->json->type(value) != BP_JSON_NULL;
}

bp_str field_text(const struct flow *f, bp_json object, const char *name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (f->json->get(object, str_z(name), &value) == BP_OK && f->json->string(value, &text) == BP_OK && text.len > 0)
    return text;
  return bp_str_make(NULL, 0);
}

int64_t id_of_text(bp_str text) {
  int64_t number = 0;
  if (text.len == 0 || text.len > 15)
    return 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9')
      return 0;
    number = number * 10 + (text.ptr[i] - '0');
  }
  return number;
}

int64_t field_id(const struct flow *f, bp_json object, const char *name) {
  bp_json value = 0;
  int64_t number = 0;
  if (f->json->get(object, str_z(name), &value) != BP_OK)
    return 0;
  if (f->json->integer(value, &number) == BP_OK)
    return number > 0 ? number : 0;
  return id_of_text(field_text(f, object, name));
}

int64_t path_id(const struct flow *f, bp_request request) {
  bp_str id = {NULL, 0};
  f->http->param(request, BP_LIT("id"), &id);
  return id_of_text(id);
}
