/* The options a plugin was given, and bp.config/1 through which it reads them. */
#include "base/mem.h"
#include "base/str.h"
#include "config/config.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* A plugin's config_data: the values with defaults filled in, and the JSON texts asked for so far. */
struct given {
  json_t *values;
  json_t *texts;         /* name: JSON text of its value */
  struct given *earlier; /* what the plugin still holds strings of until it has been told of the change */
};

static void given_free(struct given *given) {
  if (!given)
    return;
  given_free(given->earlier);
  json_decref(given->values);
  json_decref(given->texts);
  free(given);
}

bool config_same_options(const struct plugin *owner, const json_t *options) {
  const struct given *given = owner->config_data;
  return given && json_equal(given->values, options);
}

bool config_set_options(struct plugin *owner, json_t *options) {
  struct given *earlier = owner->config_data;
  if (config_same_options(owner, options)) {
    json_decref(options);
    return false;
  }
  if (earlier) {
    given_free(earlier->earlier);
    earlier->earlier = NULL;
  }
  struct given *given = mem_alloc(sizeof(*given));
  *given = (struct given){.values = options, .texts = json_object(), .earlier = earlier};
  owner->config_data = given;
  return true;
}

void config_forget(struct plugin *owner) {
  given_free(owner->config_data);
  owner->config_data = NULL;
}

static struct given *given_to(bp_plugin self) {
  struct plugin *plugin = plugin_on_main(self, "config") ? plugin_get(self) : NULL;
  return plugin ? plugin->config_data : NULL;
}

static json_t *value_of(bp_plugin self, bp_str name) {
  struct given *given = given_to(self);
  return given && name.ptr ? json_object_getn(given->values, name.ptr, name.len) : NULL;
}

static bp_status string(bp_plugin self, bp_str name, bp_str *ret) {
  const json_t *value = value_of(self, name);
  if (!json_is_string(value))
    return value ? BP_E_TYPE : BP_E_NOT_FOUND;
  *ret = bp_str_make(json_string_value(value), json_string_length(value));
  return BP_OK;
}

static bp_status integer(bp_plugin self, bp_str name, int64_t *ret) {
  const json_t *value = value_of(self, name);
  if (!json_is_integer(value))
    return value ? BP_E_TYPE : BP_E_NOT_FOUND;
  *ret = json_integer_value(value);
  return BP_OK;
}

static bp_status boolean(bp_plugin self, bp_str name, uint32_t *ret) {
  const json_t *value = value_of(self, name);
  if (!json_is_boolean(value))
    return value ? BP_E_TYPE : BP_E_NOT_FOUND;
  *ret = json_is_true(value);
  return BP_OK;
}

static bp_status real(bp_plugin self, bp_str name, double *ret) {
  const json_t *value = value_of(self, name);
  if (!json_is_real(value))
    return value ? BP_E_TYPE : BP_E_NOT_FOUND;
  *ret = json_real_value(value);
  return BP_OK;
}

static uint32_t entry_count(bp_plugin self, bp_str name) {
  const json_t *value = value_of(self, name);
  return (uint32_t)(json_is_object(value) ? json_object_size(value) : json_array_size(value));
}

static bp_status entry(bp_plugin self, bp_str name, uint32_t index, bp_str *ret_key, bp_str *ret_value) {
  json_t *value = value_of(self, name);
  if (!json_is_array(value) && !json_is_object(value))
    return value ? BP_E_TYPE : BP_E_NOT_FOUND;
  void *at = json_object_iter(value);
  for (uint32_t i = 0; i < index && at; i++)
    at = json_object_iter_next(value, at);
  const json_t *found = at ? json_object_iter_value(at) : json_array_get(value, index);
  if (!json_is_string(found))
    return found ? BP_E_TYPE : BP_E_NOT_FOUND;
  *ret_key = at ? bp_str_make(json_object_iter_key(at), json_object_iter_key_len(at)) : BP_LIT("");
  *ret_value = bp_str_make(json_string_value(found), json_string_length(found));
  return BP_OK;
}

static bp_status json_text(bp_plugin self, bp_str name, bp_str *ret) {
  struct given *given = given_to(self);
  const json_t *value = value_of(self, name);
  if (!value)
    return BP_E_NOT_FOUND;
  const json_t *text = json_object_getn(given->texts, name.ptr, name.len);
  if (!text) {
    struct buf out = {0};
    doc_write(&out, value);
    json_object_setn_new(given->texts, name.ptr, name.len, json_stringn(out.data, out.len));
    buf_release(&out);
    text = json_object_getn(given->texts, name.ptr, name.len);
  }
  if (!text)
    return BP_E_NO_MEMORY;
  *ret = bp_str_make(json_string_value(text), json_string_length(text));
  return BP_OK;
}

const bp_config_1 config_table = {
    .size = sizeof(bp_config_1),
    .string = string,
    .integer = integer,
    .boolean = boolean,
    .real = real,
    .entry_count = entry_count,
    .entry = entry,
    .json_text = json_text,
};
