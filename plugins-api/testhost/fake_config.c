/* bp.config/1 of the fake host: declared defaults, and what the test set over them. */
#include "base/fail.h"
#include "fake.h"

static json_t *options; /* what the test set, then also the defaults */

void bp_testhost_option(const char *name, const char *json) {
  fake_plugin();
  if (!options)
    options = json_object();
  json_object_set_new(options, name, fake_parse(name, json));
}

static bool find_option(bp_str name, bp_option *ret) {
  bp_array declared = fake_plugin()->options;
  for (uint32_t i = 0; i < declared.count; i++) {
    array_item(declared, i, ret);
    if (str_eq(ret->name, name))
      return true;
  }
  return false;
}

bp_status fake_config_check(bp_error *err) {
  bp_array declared = fake_plugin()->options;
  bp_option option;
  const char *name;
  json_t *value;
  if (!options)
    options = json_object();
  json_object_foreach(options, name, value) if (!find_option(str_from(name), &option)) return fail(err, BP_E_INVALID, "there is no option \"%s\"",
                                                                                                   name);
  for (uint32_t i = 0; i < declared.count; i++) {
    array_item(declared, i, &option);
    const char *known = fake_keep(option.name);
    if (json_object_get(options, known))
      continue;
    if (option.def.len == 0)
      return fail(err, BP_E_INVALID, "option \"%s\" is required", known);
    json_object_set_new(options, known, fake_parse(known, fake_keep(option.def)));
  }
  return BP_OK;
}

/* The option's value, if it is declared with one of two types. */
static bp_status find(bp_str name, uint32_t type, uint32_t other_type, const json_t **ret) {
  bp_option option;
  if (!find_option(name, &option))
    return BP_E_NOT_FOUND;
  if (option.type != type && option.type != other_type)
    return BP_E_TYPE;
  *ret = json_object_getn(options, name.ptr, name.len);
  return BP_OK;
}

static bp_status string(bp_plugin self, bp_str name, bp_str *ret) {
  const json_t *value;
  (void)self;
  bp_status status = find(name, BP_OPTION_STRING, 0, &value);
  if (status == BP_OK)
    *ret = bp_str_make(json_string_value(value), json_string_length(value));
  return status;
}

static bp_status integer(bp_plugin self, bp_str name, int64_t *ret) {
  const json_t *value;
  (void)self;
  bp_status status = find(name, BP_OPTION_INTEGER, 0, &value);
  if (status == BP_OK)
    *ret = json_integer_value(value);
  return status;
}

static bp_status boolean(bp_plugin self, bp_str name, uint32_t *ret) {
  const json_t *value;
  (void)self;
  bp_status status = find(name, BP_OPTION_BOOLEAN, 0, &value);
  if (status == BP_OK)
    *ret = json_is_true(value);
  return status;
}

static bp_status real(bp_plugin self, bp_str name, double *ret) {
  const json_t *value;
  (void)self;
  bp_status status = find(name, BP_OPTION_REAL, 0, &value);
  if (status == BP_OK)
    *ret = json_number_value(value);
  return status;
}

static uint32_t entry_count(bp_plugin self, bp_str name) {
  const json_t *value = NULL;
  (void)self;
  if (find(name, BP_OPTION_STRING_LIST, BP_OPTION_STRING_MAP, &value) != BP_OK)
    return 0;
  return (uint32_t)(json_is_array(value) ? json_array_size(value) : json_object_size(value));
}

static bp_status entry(bp_plugin self, bp_str name, uint32_t index, bp_str *ret_key, bp_str *ret_value) {
  const json_t *value = NULL;
  (void)self;
  bp_status status = find(name, BP_OPTION_STRING_LIST, BP_OPTION_STRING_MAP, &value);
  if (status != BP_OK)
    return status;
  if (json_is_array(value)) {
    const json_t *item = json_array_get(value, index);
    *ret_key = bp_str_make(NULL, 0);
    *ret_value = bp_str_make(json_string_value(item), json_string_length(item));
    return item ? BP_OK : BP_E_NOT_FOUND;
  }
  void *at = json_object_iter((json_t *)(uintptr_t)value);
  while (at && index--)
    at = json_object_iter_next((json_t *)(uintptr_t)value, at);
  if (!at)
    return BP_E_NOT_FOUND;
  const json_t *item = json_object_iter_value(at);
  *ret_key = str_from(json_object_iter_key(at));
  *ret_value = bp_str_make(json_string_value(item), json_string_length(item));
  return BP_OK;
}

static bp_status json_text(bp_plugin self, bp_str name, bp_str *ret) {
  json_t *value = json_object_getn(options, name.ptr, name.len);
  (void)self;
  if (!value)
    return BP_E_NOT_FOUND;
  *ret = str_from(fake_keep_json(json_incref(value)));
  return BP_OK;
}

void fake_config_reset(void) {
  json_decref(options);
  options = NULL;
}

const bp_config_1 fake_config_table = {
    .size = sizeof(bp_config_1),
    .string = string,
    .integer = integer,
    .boolean = boolean,
    .real = real,
    .entry_count = entry_count,
    .entry = entry,
    .json_text = json_text,
};
