/* Compiling declarations of parameters; see param.h. Finding values is in param_read.c, their spelling in value_text.c. */
#include "router/param.h"
#include "base/fail.h"
#include "base/str.h"
#include "loader/tables.h"
#include "json/json.h"

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

/* The default is a value like any other. */
static bool default_fits(const bp_param *facts) {
  bool is_bounded = facts->minimum != 0 || facts->maximum != 0;
  int64_t number = 0;
  uint32_t truth;
  double real;
  if (facts->def.len == 0 || facts->in == BP_IN_FILE)
    return facts->def.len == 0;
  if (facts->type == BP_PARAM_INTEGER)
    return param_to_integer(facts->def, &number) && (!is_bounded || (number >= facts->minimum && number <= facts->maximum));
  if (facts->type == BP_PARAM_STRING)
    return facts->maximum == 0 || (facts->def.len <= (uint64_t)facts->maximum && facts->def.len >= (uint64_t)facts->minimum);
  return facts->type == BP_PARAM_BOOLEAN ? param_to_boolean(facts->def, &truth) : param_to_real(facts->def, &real);
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
  if (!default_fits(facts))
    return fail(err, BP_E_INVALID, "parameter \"%.*s\" has a default that does not fit its type or bounds", len, facts->name.ptr);
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
