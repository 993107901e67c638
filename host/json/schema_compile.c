/* Compiling a schema: a table of keywords, each with a small function that checks its value and fills the rule. Anything
 * outside the subset is refused with a pointer to it, so that a schema never promises what is not checked. */
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "json/rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where in the schema text we are: the last step and how we came here. */
struct place {
  const struct place *up;
  const char *step;
};

struct compiler {
  struct schema *schema;
  bp_error *err;
  bool failed;
};

static struct rule *compile_rule(struct compiler *c, const json_t *source, const struct place *place);

static void append_step(char *out, size_t room, const struct place *place) {
  if (place->up)
    append_step(out, room, place->up);
  size_t len = strlen(out);
  if (place->step)
    snprintf(out + len, room - len, "/%s", place->step);
}

static void __attribute__((format(printf, 3, 4))) refuse(struct compiler *c, const struct place *place, const char *format, ...) {
  char message[200], pointer[128] = "";
  va_list args;
  if (c->failed)
    return;
  c->failed = true;
  va_start(args, format);
  vsnprintf(message, sizeof(message), format, args);
  va_end(args);
  append_step(pointer, sizeof(pointer), place);
  fail(c->err, BP_E_INVALID, "%s", message);
  fail_pointer(c->err, "%s", pointer);
}

static struct rule *new_rule(struct compiler *c) {
  struct rule *rule = mem_alloc(sizeof(*rule));
  rule->max_length = INT64_MAX;
  rule->max_items = INT64_MAX;
  rule->next = c->schema->all;
  c->schema->all = rule;
  return rule;
}

static uint32_t type_bit(const json_t *name) {
  static const struct {
    const char *name;
    uint32_t bit;
  } types[] = {{"null", RULE_NULL},     {"boolean", RULE_BOOLEAN}, {"integer", RULE_INTEGER}, {"number", RULE_NUMBER},
               {"string", RULE_STRING}, {"array", RULE_ARRAY},     {"object", RULE_OBJECT}};
  for (size_t i = 0; json_is_string(name) && i < sizeof(types) / sizeof(types[0]); i++)
    if (strcmp(types[i].name, json_string_value(name)) == 0)
      return types[i].bit;
  return 0;
}

static void keyword_type(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  bool is_list = json_is_array(value) && json_array_size(value) > 0;
  size_t count = is_list ? json_array_size(value) : 1;
  for (size_t i = 0; i < count; i++) {
    uint32_t bit = type_bit(is_list ? json_array_get(value, i) : value);
    if (!bit)
      refuse(c, place, "type must be null, boolean, integer, number, string, array or object, or a list of these");
    rule->types |= bit;
  }
}

static struct rule_member *add_member(struct rule *rule, const char *name, size_t name_len) {
  rule->properties = mem_resize(rule->properties, (rule->property_count + 1) * sizeof(*rule->properties));
  struct rule_member *member = &rule->properties[rule->property_count++];
  *member = (struct rule_member){.name = name, .name_len = name_len};
  return member;
}

static struct rule_member *find_member(const struct rule *rule, bp_str name) {
  for (size_t i = 0; i < rule->property_count; i++)
    if (str_eq(name, bp_str_make(rule->properties[i].name, rule->properties[i].name_len)))
      return &rule->properties[i];
  return NULL;
}

static struct rule_member *member_for(struct rule *rule, const char *name, size_t name_len) {
  struct rule_member *member = find_member(rule, bp_str_make(name, name_len));
  return member ? member : add_member(rule, name, name_len);
}

static void keyword_properties(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  if (!json_is_object(value)) {
    refuse(c, place, "properties must be an object");
    return;
  }
  json_t *members = (json_t *)(uintptr_t)value; /* jansson's iterators are not const-correct */
  rule->members = value;
  for (void *at = json_object_iter(members); at && !c->failed; at = json_object_iter_next(members, at)) {
    const struct place here = {place, json_object_iter_key(at)};
    struct rule *described = compile_rule(c, json_object_iter_value(at), &here);
    member_for(rule, json_object_iter_key(at), json_object_iter_key_len(at))->rule = described;
  }
}

static void keyword_required(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  if (!json_is_array(value))
    refuse(c, place, "required must be a list of member names");
  for (size_t i = 0; i < json_array_size(value); i++) {
    const json_t *name = json_array_get(value, i);
    if (json_is_string(name))
      member_for(rule, json_string_value(name), json_string_length(name))->is_required = true;
    else
      refuse(c, place, "required must be a list of member names");
  }
}

static void keyword_additional(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  if (json_is_boolean(value))
    rule->refuses_additional = json_is_false(value);
  else
    rule->additional = compile_rule(c, value, place);
}

static void keyword_enum(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  if (json_array_size(value) == 0)
    refuse(c, place, "enum must be a list of at least one value");
  rule->enumeration = value;
}

static void keyword_const(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  (void)c, (void)place;
  rule->constant = value;
}

static void keyword_minimum(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  if (!json_is_number(value))
    refuse(c, place, "minimum must be a number");
  rule->minimum = value;
}

static void keyword_maximum(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  if (!json_is_number(value))
    refuse(c, place, "maximum must be a number");
  rule->maximum = value;
}

static int64_t natural(struct compiler *c, const json_t *value, const struct place *place) {
  if (json_is_integer(value) && json_integer_value(value) >= 0)
    return json_integer_value(value);
  refuse(c, place, "%s must be an integer of at least 0", place->step);
  return 0;
}

static void keyword_min_length(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  rule->min_length = natural(c, value, place);
}

static void keyword_max_length(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  rule->max_length = natural(c, value, place);
}

static void keyword_min_items(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  rule->min_items = natural(c, value, place);
}

static void keyword_max_items(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  rule->max_items = natural(c, value, place);
}

static void keyword_pattern(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  PCRE2_UCHAR reason[120];
  if (!json_is_string(value)) {
    refuse(c, place, "pattern must be a string");
    return;
  }
  PCRE2_SPTR text = (PCRE2_SPTR)json_string_value(value);
  rule->pattern_text = value;
  rule->pattern = pcre2_compile(text, json_string_length(value), PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
  if (rule->pattern)
    return;
  pcre2_get_error_message(code, reason, sizeof(reason));
  refuse(c, place, "pattern does not compile at offset %zu: %s", offset, (const char *)reason);
}

static void keyword_items(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  rule->items = compile_rule(c, value, place);
}

static void keyword_one_of(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  size_t count = json_array_size(value);
  if (count == 0)
    refuse(c, place, "oneOf must be a list of at least one schema");
  rule->one_of = mem_array(count + 1, sizeof(*rule->one_of));
  for (; rule->one_of_count < count && !c->failed; rule->one_of_count++) {
    char index[24];
    const struct place here = {place, index};
    snprintf(index, sizeof(index), "%zu", rule->one_of_count);
    rule->one_of[rule->one_of_count] = compile_rule(c, json_array_get(value, rule->one_of_count), &here);
  }
}

static void keyword_ref(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  if (!json_is_string(value))
    refuse(c, place, "$ref must be a string");
  rule->reference = value;
}

static void keyword_defs(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  (void)rule, (void)value;
  if (place->up->up)
    refuse(c, place, "$defs is understood at the root only");
}

static void annotation(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place) {
  (void)c, (void)rule, (void)value, (void)place;
}

/* Alphabetical. */
static const struct keyword {
  const char *name;
  void (*compile)(struct compiler *c, struct rule *rule, const json_t *value, const struct place *place);
} keywords[] = {
    {"$defs", keyword_defs},
    {"$ref", keyword_ref},
    {"additionalProperties", keyword_additional},
    {"const", keyword_const},
    {"default", annotation},
    {"deprecated", annotation},
    {"description", annotation},
    {"enum", keyword_enum},
    {"examples", annotation},
    {"format", annotation},
    {"items", keyword_items},
    {"maxItems", keyword_max_items},
    {"maxLength", keyword_max_length},
    {"maximum", keyword_maximum},
    {"minItems", keyword_min_items},
    {"minLength", keyword_min_length},
    {"minimum", keyword_minimum},
    {"oneOf", keyword_one_of},
    {"pattern", keyword_pattern},
    {"properties", keyword_properties},
    {"required", keyword_required},
    {"title", annotation},
    {"type", keyword_type},
};

static const struct keyword *find_keyword(const char *name) {
  for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
    if (strcmp(keywords[i].name, name) == 0)
      return &keywords[i];
  return NULL;
}

static struct rule *compile_rule(struct compiler *c, const json_t *source, const struct place *place) {
  struct rule *rule = new_rule(c);
  if (!json_is_object(source))
    refuse(c, place, "a schema must be an object");
  json_t *members = (json_t *)(uintptr_t)source;
  for (void *at = json_object_iter(members); at && !c->failed; at = json_object_iter_next(members, at)) {
    const struct place here = {place, json_object_iter_key(at)};
    const struct keyword *keyword = find_keyword(here.step);
    if (keyword)
      keyword->compile(c, rule, json_object_iter_value(at), &here);
    else
      refuse(c, &here, "unknown keyword \"%.64s\"", here.step);
  }
  return rule;
}

static void compile_definitions(struct compiler *c) {
  const struct place root = {NULL, NULL}, defs = {&root, "$defs"};
  json_t *definitions = json_object_get(c->schema->source, "$defs");
  if (definitions && !json_is_object(definitions))
    refuse(c, &defs, "$defs must be an object");
  size_t count = 0;
  c->schema->definitions = mem_array(json_object_size(definitions) + 1, sizeof(*c->schema->definitions));
  for (void *at = json_object_iter(definitions); at && !c->failed; at = json_object_iter_next(definitions, at)) {
    const struct place here = {&defs, json_object_iter_key(at)};
    c->schema->definitions[count++] = compile_rule(c, json_object_iter_value(at), &here);
  }
}

static struct rule *find_definition(const struct schema *schema, const char *name) {
  json_t *definitions = json_object_get(schema->source, "$defs");
  size_t index = 0;
  for (void *at = json_object_iter(definitions); at; at = json_object_iter_next(definitions, at), index++)
    if (strcmp(json_object_iter_key(at), name) == 0)
      return schema->definitions[index];
  return NULL;
}

static void resolve_references(struct compiler *c) {
  static const char prefix[] = "#/$defs/";
  const struct place root = {NULL, NULL};
  for (struct rule *rule = c->schema->all; rule && !c->failed; rule = rule->next) {
    const char *text = rule->reference ? json_string_value(rule->reference) : NULL;
    if (!text)
      continue;
    if (strcmp(text, "#") == 0)
      rule->target = c->schema->root;
    else if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
      rule->target = find_definition(c->schema, text + sizeof(prefix) - 1);
    if (!rule->target)
      refuse(c, &root, "$ref \"%.64s\" leads nowhere: use \"#\" or \"#/$defs/NAME\"", text);
  }
}

/* True if following references and alternatives from `rule` comes back to it without a step into the value. */
static bool is_endless(struct rule *rule) {
  if (!rule || rule->is_checked)
    return false;
  if (rule->is_being_checked)
    return true;
  rule->is_being_checked = true;
  bool endless = is_endless(rule->target);
  for (size_t i = 0; i < rule->one_of_count && !endless; i++)
    endless = is_endless(rule->one_of[i]);
  rule->is_checked = true;
  return endless;
}

static void refuse_endless_references(struct compiler *c) {
  const struct place root = {NULL, NULL};
  for (struct rule *rule = c->schema->all; rule && !c->failed; rule = rule->next)
    if (is_endless(rule))
      refuse(c, &root, "$ref leads back to itself");
}

struct schema *schema_compile(bp_str text, bp_error *err) {
  const struct place root = {NULL, NULL};
  json_t *source = doc_parse(text, &doc_default_limits, err);
  if (!source)
    return NULL;
  struct schema *schema = mem_alloc(sizeof(*schema));
  struct compiler c = {.schema = schema, .err = err};
  schema->source = source;
  schema->root = compile_rule(&c, source, &root);
  if (!c.failed)
    compile_definitions(&c);
  if (!c.failed)
    resolve_references(&c);
  if (!c.failed)
    refuse_endless_references(&c);
  if (!c.failed)
    return schema;
  schema_free(schema);
  return NULL;
}

void schema_free(struct schema *schema) {
  if (!schema)
    return;
  while (schema->all) {
    struct rule *rule = schema->all;
    schema->all = rule->next;
    pcre2_code_free(rule->pattern);
    free(rule->one_of);
    free(rule->properties);
    free(rule);
  }
  free(schema->definitions);
  json_decref(schema->source);
  free(schema);
}

const json_t *schema_source(const struct schema *schema) {
  return schema->source;
}
