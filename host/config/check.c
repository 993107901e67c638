/* A module's options against its declarations. Values never appear in errors: the options may be secrets. */
#include "base/array.h"
#include "base/str.h"
#include "config/report.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* The checking of one module. */
struct checking {
  const struct config_module *module;
  const bp_array *declared;
  struct config_errors *errors;
};

static struct origin origin_of(const struct config_module *module, const char *option) {
  const json_t *line = option ? json_object_get(module->lines, option) : NULL;
  return (struct origin){module->file, line ? (int)json_integer_value(line) : module->line};
}

/* Declaration `index`, as this host knows it. */
static bp_option declaration(const bp_array *declared, uint32_t index) {
  bp_option option;
  array_item(*declared, index, &option);
  return option;
}

static bool is_declared(const struct checking *c, const char *name) {
  for (uint32_t i = 0; i < c->declared->count; i++)
    if (str_eq(declaration(c->declared, i).name, str_from(name)))
      return true;
  return false;
}

static void report_unknown(const struct checking *c, const char *name) {
  struct nearest search = {.wanted = str_from(name)};
  struct config_error *error = report(c->errors, origin_of(c->module, name), "unknown option \"%.64s\" of module \"%.64s\"", name, c->module->id);
  for (uint32_t i = 0; i < c->declared->count; i++)
    nearest_offer(&search, declaration(c->declared, i).name);
  report_nearest(error, &search);
  if (c->declared->count == 0)
    report_hint(error, "this module has no options");
}

static const char *const type_words[] = {
    [BP_OPTION_STRING] = "a text",
    [BP_OPTION_INTEGER] = "a whole number",
    [BP_OPTION_BOOLEAN] = "true or false",
    [BP_OPTION_REAL] = "a number",
    [BP_OPTION_STRING_LIST] = "a list of texts",
    [BP_OPTION_STRING_MAP] = "a table of names and texts",
    [BP_OPTION_JSON] = "a value of any kind",
};

static bool are_texts(const json_t *value) {
  const char *key;
  json_t *member;
  size_t i;
  json_array_foreach(value, i, member) if (!json_is_string(member)) return false;
  json_object_foreach((json_t *)(uintptr_t)value, key, member) if (!json_is_string(member)) return false;
  return true;
}

/* The value in the declared type (a new reference), or NULL. An empty table is an empty list or map, whichever is due. */
static json_t *convert(uint32_t type, json_t *value) {
  int64_t integer;
  switch (type) {
  case BP_OPTION_STRING:
    return json_is_string(value) ? json_incref(value) : NULL;
  case BP_OPTION_INTEGER:
    return doc_integer(value, &integer) ? json_integer(integer) : NULL;
  case BP_OPTION_BOOLEAN:
    return json_is_boolean(value) ? json_incref(value) : NULL;
  case BP_OPTION_REAL:
    return json_is_number(value) ? json_real(json_number_value(value)) : NULL;
  case BP_OPTION_STRING_LIST:
    if (json_is_object(value) && json_object_size(value) == 0)
      return json_array();
    return json_is_array(value) && are_texts(value) ? json_incref(value) : NULL;
  case BP_OPTION_STRING_MAP:
    return json_is_object(value) && are_texts(value) ? json_incref(value) : NULL;
  case BP_OPTION_JSON:
    return json_incref(value);
  default:
    return NULL;
  }
}

static bool is_within(const bp_option *option, const json_t *value) {
  bool has_bounds = option->minimum != 0 || option->maximum != 0;
  if (option->type == BP_OPTION_INTEGER && has_bounds)
    return json_integer_value(value) >= option->minimum && json_integer_value(value) <= option->maximum;
  if (option->type == BP_OPTION_STRING && option->maximum > 0)
    return json_string_length(value) <= (uint64_t)option->maximum;
  return true;
}

static void report_bounds(const struct checking *c, const bp_option *option, struct origin origin) {
  int len = (int)option->name.len;
  if (option->type == BP_OPTION_INTEGER)
    report(c->errors, origin, "option \"%.*s\" of module \"%.64s\" must be between %lld and %lld", len, option->name.ptr, c->module->id,
           (long long)option->minimum, (long long)option->maximum);
  else
    report(c->errors, origin, "option \"%.*s\" of module \"%.64s\" must have at most %lld bytes", len, option->name.ptr, c->module->id,
           (long long)option->maximum);
}

/* The value as written, checked; NULL after a report. */
static json_t *check_written(const struct checking *c, const bp_option *option, json_t *written, struct origin origin) {
  json_t *value = convert(option->type, written);
  if (value && is_within(option, value))
    return value;
  if (value)
    report_bounds(c, option, origin);
  else
    report_hint(report(c->errors, origin, "option \"%.*s\" of module \"%.64s\" must be %s", (int)option->name.len, option->name.ptr, c->module->id,
                       option->type <= BP_OPTION_JSON ? type_words[option->type] : "of a type this host does not know"),
                "%.*s", (int)option->doc.len, option->doc.ptr);
  json_decref(value);
  return NULL;
}

/* The declared default; NULL after a report. */
static json_t *check_default(const struct checking *c, const bp_option *option) {
  bp_error err = BP_ERROR_INIT;
  struct origin origin = origin_of(c->module, NULL);
  if (option->def.len == 0) {
    report_hint(report(c->errors, origin, "module \"%.64s\" needs the option \"%.*s\"", c->module->id, (int)option->name.len, option->name.ptr),
                "%.*s", (int)option->doc.len, option->doc.ptr);
    return NULL;
  }
  json_t *parsed = doc_parse(option->def, &doc_default_limits, &err);
  json_t *value = parsed ? convert(option->type, parsed) : NULL;
  json_decref(parsed);
  if (value && !is_within(option, value)) {
    json_decref(value);
    value = NULL;
  }
  if (!value)
    report_hint(report(c->errors, origin, "module \"%.64s\" declares a default for \"%.*s\" that does not fit its type or bounds", c->module->id,
                       (int)option->name.len, option->name.ptr),
                "this is a mistake in the module, not in the configuration");
  return value;
}

static void check_option(const struct checking *c, const bp_option *option, json_t *result) {
  json_t *written = json_object_getn(c->module->options, option->name.ptr, option->name.len);
  char *name = str_dupz(option->name);
  json_t *value = written ? check_written(c, option, written, origin_of(c->module, name)) : check_default(c, option);
  if (value)
    json_object_setn_new(result, option->name.ptr, option->name.len, value);
  free(name);
}

bool config_check_options(const struct config_module *module, const bp_array *declared, json_t **ret, struct config_errors *errors) {
  const struct checking c = {module, declared, errors};
  unsigned before = errors->count;
  json_t *result = json_object();
  const char *name;
  json_t *value;
  json_object_foreach(module->options, name, value) {
    if (!is_declared(&c, name))
      report_unknown(&c, name);
  }
  for (uint32_t i = 0; i < declared->count; i++) {
    const bp_option option = declaration(declared, i);
    check_option(&c, &option, result);
  }
  if (errors->count != before) {
    json_decref(result);
    return false;
  }
  *ret = result;
  return true;
}
