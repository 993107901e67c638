/* Types of parameters: compiling a declaration and checking a value; see param.h. Finding values is in param_read.c. */
#include "router/param.h"
#include "base/fail.h"
#include "base/str.h"
#include "loader/tables.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A pattern is compiled as the schema {"pattern": …}: one place has the limits on matching, and the wording. */
static struct schema *compile_pattern(bp_str pattern, bp_error *err) {
  bp_json_writer w = doc_writer_new(0);
  bp_str text;
  json_table.object_begin(w);
  json_table.key(w, BP_LIT("pattern"));
  json_table.put_string(w, pattern);
  json_table.object_end(w);
  struct schema *schema = doc_writer_text(w, &text, err) ? schema_compile(text, err) : NULL;
  doc_writer_free(w);
  return schema;
}

bp_status param_compile(struct param *param, const bp_param *declared, bp_error *err) {
  *param = (struct param){.facts = *declared};
  const bp_param *facts = &param->facts;
  int len = (int)(facts->name.len > 64 ? 64 : facts->name.len);
  if (facts->name.len == 0 || facts->in < BP_IN_PATH || facts->in > BP_IN_FILE)
    return fail(err, BP_E_INVALID, "parameter \"%.*s\" has no name or an unknown place %u", len, facts->name.ptr ? facts->name.ptr : "", facts->in);
  if (facts->type < BP_PARAM_STRING || facts->type > BP_PARAM_REAL)
    return fail(err, BP_E_INVALID, "parameter \"%.*s\" has an unknown type %u", len, facts->name.ptr, facts->type);
  if (facts->minimum > facts->maximum && facts->maximum != 0)
    return fail(err, BP_E_INVALID, "parameter \"%.*s\" has a minimum over its maximum", len, facts->name.ptr);
  if (facts->pattern.len == 0)
    return BP_OK;
  if (facts->type != BP_PARAM_STRING)
    return fail(err, BP_E_INVALID, "parameter \"%.*s\" has a pattern but is not a string", len, facts->name.ptr);
  param->pattern = compile_pattern(facts->pattern, err);
  return param->pattern ? BP_OK : BP_E_INVALID;
}

void param_release(struct param *param) {
  if (param->pattern)
    schema_free(param->pattern);
}

bool param_to_integer(bp_str text, int64_t *ret) {
  return str_to_i64(text, ret);
}

bool param_to_boolean(bp_str text, uint32_t *ret) {
  static const struct {
    const char *word;
    uint32_t value;
  } words[] = {{"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}, {"yes", 1}, {"no", 0}, {"on", 1}, {"off", 0}};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (str_ieq(text, str_from(words[i].word))) {
      *ret = words[i].value;
      return true;
    }
  return false;
}

/* Decimal with an optional fraction and exponent; no hexadecimal, no "inf", no blanks. */
bool param_to_real(bp_str text, double *ret) {
  char copy[64];
  if (text.len == 0 || text.len >= sizeof(copy))
    return false;
  for (size_t i = 0; i < text.len; i++)
    if (!text.ptr[i] || !strchr("0123456789+-.eE", text.ptr[i]))
      return false;
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = '\0';
  char *end;
  double value = strtod(copy, &end);
  if (end != copy + text.len || !isfinite(value))
    return false;
  *ret = value;
  return true;
}
