/* Validating a value against a compiled schema, and the wording of what is wrong: pydantic v2's kinds and sentences, which
 * clients of the FastAPI families already show. Nothing is allocated until something is wrong. */
#include "base/buf.h"
#include "base/str.h"
#include "json/rule.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIOLATIONS_MAX 32u
#define STEPS_MAX 2000000u /* rules applied in one run: alternatives in alternatives end here, not in an hour */
#define MATCH_LIMIT 100000u
#define MATCH_DEPTH 1000u
#define MATCH_HEAP_KIB 1024u

/* The way to the value under test. `key` NULL: an array element. */
struct path {
  const struct path *up;
  const char *key;
  size_t key_len;
  size_t index;
};

struct run {
  void (*report)(void *ctx, const struct schema_violation *v);
  void *ctx;
  unsigned found;
  uint32_t steps;
};

static bool apply(struct run *run, const struct rule *rule, const json_t *value, const struct path *path);

/* RFC 6901: "~" and "/" inside a name are escaped. */
static void append_path(struct buf *out, const struct path *path) {
  if (!path)
    return;
  append_path(out, path->up);
  buf_append_char(out, '/');
  if (!path->key)
    buf_append_u64(out, path->index);
  for (size_t i = 0; path->key && i < path->key_len; i++) {
    char byte = path->key[i];
    if (byte == '~' || byte == '/')
      buf_append_z(out, byte == '~' ? "~0" : "~1");
    else
      buf_append_char(out, byte);
  }
}

/* Always false, so that a check can end with it. */
static bool violate(struct run *run, const struct path *path, const json_t *input, const char *keyword, const char *kind, bp_str message) {
  struct buf pointer = {0};
  if (run->found++ >= VIOLATIONS_MAX || !run->report)
    return false;
  append_path(&pointer, path);
  const struct schema_violation violation = {
      .pointer = buf_str(&pointer), .keyword = keyword, .message = message, .kind = str_from(kind), .input = input};
  run->report(run->ctx, &violation);
  buf_release(&pointer);
  return false;
}

static uint32_t types_of(const json_t *value) {
  int64_t integer;
  switch (json_typeof(value)) {
  case JSON_NULL:
    return RULE_NULL;
  case JSON_TRUE:
  case JSON_FALSE:
    return RULE_BOOLEAN;
  case JSON_INTEGER:
  case JSON_REAL:
    return RULE_NUMBER | (doc_integer(value, &integer) ? RULE_INTEGER : 0);
  case JSON_STRING:
    return RULE_STRING;
  case JSON_ARRAY:
    return RULE_ARRAY;
  case JSON_OBJECT:
    return RULE_OBJECT;
  }
  return 0;
}

static const struct {
  uint32_t bit;
  const char *kind;
  const char *name;
} type_words[] = {
    {RULE_STRING, "string_type", "string"}, {RULE_INTEGER, "int_type", "integer"}, {RULE_NUMBER, "float_type", "number"},
    {RULE_BOOLEAN, "bool_type", "boolean"}, {RULE_ARRAY, "list_type", "list"},     {RULE_OBJECT, "dict_type", "dictionary"},
    {RULE_NULL, "none_required", "null"},
};
#define TYPE_WORDS (sizeof(type_words) / sizeof(type_words[0]))

/* "Input should be a valid string, integer or list". An optional value ("string" or "null") is described by its type. */
static bool wrong_type(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  uint32_t wanted = rule->types == RULE_NULL ? RULE_NULL : rule->types & ~RULE_NULL;
  const char *kind = NULL, *separator = "";
  struct buf message = {0};
  if (wanted == RULE_NULL)
    return violate(run, path, value, "type", "none_required", BP_LIT("Input should be None"));
  if (wanted == RULE_INTEGER && json_is_real(value))
    return violate(run, path, value, "type", "int_from_float", BP_LIT("Input should be a valid integer, got a number with a fractional part"));
  buf_append_z(&message, "Input should be a valid ");
  for (size_t i = 0; i < TYPE_WORDS; i++) {
    if (!(wanted & type_words[i].bit))
      continue;
    wanted &= ~type_words[i].bit;
    buf_append_z(&message, separator);
    buf_append_z(&message, type_words[i].name);
    kind = kind ? kind : type_words[i].kind;
    separator = (wanted & (wanted - 1)) ? ", " : " or ";
  }
  violate(run, path, value, "type", kind, buf_str(&message));
  buf_release(&message);
  return false;
}

static void append_literal(struct buf *out, const json_t *value) {
  if (!json_is_string(value)) {
    doc_write(out, value);
    return;
  }
  buf_append_char(out, '\'');
  buf_append(out, json_string_value(value), json_string_length(value));
  buf_append_char(out, '\'');
}

/* "Input should be 'a', 'b' or 'c'". `options` is a list, or NULL for the one `only`. */
static bool wrong_literal(struct run *run, const json_t *options, const json_t *only, const json_t *value, const struct path *path) {
  struct buf message = {0};
  size_t count = options ? json_array_size(options) : 1;
  buf_append_z(&message, "Input should be ");
  for (size_t i = 0; i < count; i++) {
    if (i)
      buf_append_z(&message, i + 1 == count ? " or " : ", ");
    append_literal(&message, options ? json_array_get(options, i) : only);
  }
  violate(run, path, value, options ? "enum" : "const", "literal_error", buf_str(&message));
  buf_release(&message);
  return false;
}

/* Equality as JSON Schema has it: 1 and 1.0 are the same number. */
static bool is_same(const json_t *a, const json_t *b) {
  if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
    return json_number_value(a) == json_number_value(b);
  return json_equal(a, b);
}

static bool check_literals(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  if (rule->constant && !is_same(rule->constant, value))
    return wrong_literal(run, NULL, rule->constant, value, path);
  if (!rule->enumeration)
    return true;
  for (size_t i = 0; i < json_array_size(rule->enumeration); i++)
    if (is_same(json_array_get(rule->enumeration, i), value))
      return true;
  return wrong_literal(run, rule->enumeration, NULL, value, path);
}

static bool wrong_number(struct run *run, const struct path *path, const json_t *value, const json_t *bound, bool is_minimum) {
  struct buf message = {0};
  buf_append_z(&message, is_minimum ? "Input should be greater than or equal to " : "Input should be less than or equal to ");
  doc_write(&message, bound);
  violate(run, path, value, is_minimum ? "minimum" : "maximum", is_minimum ? "greater_than_equal" : "less_than_equal", buf_str(&message));
  buf_release(&message);
  return false;
}

/* Negative, 0 or positive; exact for two integers. */
static int compare(const json_t *a, const json_t *b) {
  if (json_is_integer(a) && json_is_integer(b))
    return (json_integer_value(a) > json_integer_value(b)) - (json_integer_value(a) < json_integer_value(b));
  double x = json_number_value(a), y = json_number_value(b);
  return (x > y) - (x < y);
}

static bool check_number(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  bool good = true;
  if (rule->minimum && compare(value, rule->minimum) < 0)
    good = wrong_number(run, path, value, rule->minimum, true);
  if (rule->maximum && compare(value, rule->maximum) > 0)
    good = wrong_number(run, path, value, rule->maximum, false);
  return good;
}

/* "String should have at least 3 characters" and its relatives. */
static bool wrong_size(struct run *run, const struct path *path, const json_t *value, const char *keyword, const char *kind, int64_t bound,
                       int64_t actual) {
  char message[128];
  bool is_string = json_is_string(value);
  int len = snprintf(message, sizeof(message), "%s should have at %s %lld %s%s", is_string ? "String" : "List",
                     strncmp(keyword, "min", 3) == 0 ? "least" : "most", (long long)bound, is_string ? "character" : "item", bound == 1 ? "" : "s");
  if (!is_string)
    len += snprintf(message + len, sizeof(message) - (size_t)len, " after validation, not %lld", (long long)actual);
  return violate(run, path, value, keyword, kind, bp_str_make(message, (size_t)len));
}

static int64_t code_points(const json_t *string) {
  const char *text = json_string_value(string);
  int64_t count = 0;
  for (size_t i = 0; i < json_string_length(string); i++)
    count += ((unsigned char)text[i] & 0xC0) != 0x80;
  return count;
}

/* What one match needs; made once a thread, because it is not to be shared. */
struct matcher {
  pcre2_match_data *data;
  pcre2_match_context *context;
};

static pthread_key_t matcher_key;

static void matcher_free(void *arg) {
  struct matcher *m = arg;
  pcre2_match_data_free(m->data);
  pcre2_match_context_free(m->context);
  free(m);
}

static void matcher_init(void) {
  pthread_key_create(&matcher_key, matcher_free);
}

/* This thread's matcher, or NULL without memory. */
static struct matcher *matcher_get(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, matcher_init);
  struct matcher *m = pthread_getspecific(matcher_key);
  if (m)
    return m;
  m = calloc(1, sizeof(*m));
  if (!m)
    return NULL;
  m->data = pcre2_match_data_create(1, NULL);
  m->context = pcre2_match_context_create(NULL);
  if (!m->data || !m->context || pthread_setspecific(matcher_key, m) != 0) {
    matcher_free(m);
    return NULL;
  }
  pcre2_set_match_limit(m->context, MATCH_LIMIT);
  pcre2_set_depth_limit(m->context, MATCH_DEPTH);
  pcre2_set_heap_limit(m->context, MATCH_HEAP_KIB);
  return m;
}

/* A pattern that runs into its limits counts as no match. */
static bool is_match(const pcre2_code *pattern, const json_t *string) {
  struct matcher *m = matcher_get();
  if (!m)
    return false;
  PCRE2_SPTR text = (PCRE2_SPTR)json_string_value(string);
  return pcre2_match(pattern, text, json_string_length(string), 0, 0, m->data, m->context) >= 0;
}

static bool wrong_pattern(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  struct buf message = {0};
  buf_append_z(&message, "String should match pattern ");
  append_literal(&message, rule->pattern_text);
  violate(run, path, value, "pattern", "string_pattern_mismatch", buf_str(&message));
  buf_release(&message);
  return false;
}

static bool check_string(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  if (rule->min_length > 0 || rule->max_length < INT64_MAX) {
    int64_t length = code_points(value);
    if (length < rule->min_length)
      return wrong_size(run, path, value, "minLength", "string_too_short", rule->min_length, length);
    if (length > rule->max_length)
      return wrong_size(run, path, value, "maxLength", "string_too_long", rule->max_length, length);
  }
  if (rule->pattern && !is_match(rule->pattern, value))
    return wrong_pattern(run, rule, value, path);
  return true;
}

static bool check_array(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  int64_t count = (int64_t)json_array_size(value);
  if (count < rule->min_items)
    return wrong_size(run, path, value, "minItems", "too_short", rule->min_items, count);
  if (count > rule->max_items)
    return wrong_size(run, path, value, "maxItems", "too_long", rule->max_items, count);
  bool good = true;
  for (size_t i = 0; rule->items && i < (size_t)count && run->found < VIOLATIONS_MAX; i++) {
    const struct path here = {path, NULL, 0, i};
    good &= apply(run, rule->items, json_array_get(value, i), &here);
  }
  return good;
}

static bool check_additional(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  json_t *members = (json_t *)(uintptr_t)value; /* jansson's iterators are not const-correct */
  bool good = true;
  for (void *at = json_object_iter(members); at && run->found < VIOLATIONS_MAX; at = json_object_iter_next(members, at)) {
    const struct path here = {path, json_object_iter_key(at), json_object_iter_key_len(at), 0};
    const json_t *member = json_object_iter_value(at);
    if (rule->members && json_object_getn(rule->members, here.key, here.key_len))
      continue;
    if (rule->refuses_additional)
      good = violate(run, &here, member, "additionalProperties", "extra_forbidden", BP_LIT("Extra inputs are not permitted"));
    else
      good &= apply(run, rule->additional, member, &here);
  }
  return good;
}

static bool check_object(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  bool good = true;
  size_t present = 0;
  for (size_t i = 0; i < rule->property_count; i++) {
    const struct rule_member *member = &rule->properties[i];
    const struct path here = {path, member->name, member->name_len, 0};
    const json_t *found = json_object_getn(value, member->name, member->name_len);
    present += found && member->rule;
    if (found && member->rule)
      good &= apply(run, member->rule, found, &here);
    else if (!found && member->is_required)
      good = violate(run, &here, value, "required", "missing", BP_LIT("Field required"));
  }
  if ((rule->refuses_additional || rule->additional) && present < json_object_size(value))
    good &= check_additional(run, rule, value, path);
  return good;
}

static bool check_one_of(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  size_t fitting = 0;
  for (size_t i = 0; i < rule->one_of_count; i++) {
    struct run silent = {.steps = run->steps};
    fitting += apply(&silent, rule->one_of[i], value, path);
    run->steps = silent.steps;
  }
  if (fitting == 1)
    return true;
  return violate(run, path, value, "oneOf", "one_of",
                 fitting ? BP_LIT("Input fits more than one of the allowed forms") : BP_LIT("Input fits none of the allowed forms"));
}

static bool apply(struct run *run, const struct rule *rule, const json_t *value, const struct path *path) {
  if (++run->steps > STEPS_MAX)
    return violate(run, path, value, "oneOf", "too_complex", BP_LIT("Input takes too long to validate"));
  if (rule->types && !(rule->types & types_of(value)))
    return wrong_type(run, rule, value, path);
  if ((rule->enumeration || rule->constant) && !check_literals(run, rule, value, path))
    return false;
  bool good = true;
  if (json_is_object(value))
    good = check_object(run, rule, value, path);
  else if (json_is_array(value))
    good = check_array(run, rule, value, path);
  else if (json_is_string(value))
    good = check_string(run, rule, value, path);
  else if (json_is_number(value))
    good = check_number(run, rule, value, path);
  if (rule->one_of_count)
    good &= check_one_of(run, rule, value, path);
  if (rule->target)
    good &= apply(run, rule->target, value, path);
  return good;
}

bool schema_validate(const struct schema *schema, const json_t *value, void (*report)(void *ctx, const struct schema_violation *v), void *ctx) {
  struct run run = {.report = report, .ctx = ctx};
  return apply(&run, schema->root, value, NULL);
}
