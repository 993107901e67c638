/* Finding the values of a request's parameters and saying what is wrong with them; see param.h. */
#include "base/str.h"
#include "router/param.h"
#include "router/upload.h"
#include "json/json.h"

#include <string.h>

static const char *const parts[] = {
    [BP_IN_PATH] = "path", [BP_IN_QUERY] = "query", [BP_IN_HEADER] = "header", [BP_IN_FORM] = "body", [BP_IN_FILE] = "body"};

/* ---- Decoding ---- */

static bool is_encoded(bp_str text) {
  return str_find(text, '%') >= 0 || str_find(text, '+') >= 0;
}

static bool decoded(struct request *r, bp_str text, bp_str *ret) {
  if (!is_encoded(text))
    return request_copy(r, text, ret);
  char *out = request_alloc(r, text.len);
  if (!out)
    return false;
  *ret = bp_str_make(out, query_decode(text, out));
  return true;
}

/* ---- Finding ---- */

static bool find_paths(struct request *r) {
  bp_str path = request_path(r);
  for (uint32_t i = 0; i < r->span_count; i++) {
    struct request_value *value = &r->values[r->route->path_params[i]];
    value->is_present = true;
    if (!request_copy(r, bp_str_make(path.ptr + r->spans[i].offset, r->spans[i].len), &value->text))
      return false;
  }
  return true;
}

/* Cuts the next "name=value" off a query. */
static bool next_pair(bp_str *query, bp_str *ret_name, bp_str *ret_value) {
  if (query->len == 0)
    return false;
  ptrdiff_t amp = str_find(*query, '&');
  bp_str pair = bp_str_make(query->ptr, amp < 0 ? query->len : (size_t)amp);
  size_t taken = amp < 0 ? query->len : (size_t)amp + 1;
  *query = bp_str_make(query->ptr + taken, query->len - taken);
  ptrdiff_t eq = str_find(pair, '=');
  *ret_name = bp_str_make(pair.ptr, eq < 0 ? pair.len : (size_t)eq);
  *ret_value = eq < 0 ? bp_str_make(pair.ptr + pair.len, 0) : bp_str_make(pair.ptr + eq + 1, pair.len - (size_t)eq - 1);
  return true;
}

static struct request_value *query_value(struct request *r, bp_str name) {
  for (uint32_t i = 0; i < r->route->param_count; i++)
    if (r->route->params[i].facts.in == BP_IN_QUERY && str_eq(r->route->params[i].facts.name, name))
      return &r->values[i];
  return NULL;
}

/* The first of equal names counts; undeclared names mean nothing. */
static bool find_queries(struct request *r) {
  bp_str query = r->x->query, raw_name, raw_value;
  while (next_pair(&query, &raw_name, &raw_value)) {
    char plain[256];
    bp_str name = raw_name;
    if (raw_name.len > sizeof(plain))
      continue;
    if (is_encoded(raw_name))
      name = bp_str_make(plain, query_decode(raw_name, plain));
    struct request_value *value = query_value(r, name);
    if (value && value->is_present)
      value->is_repeated = (r->route->facts.flags & BP_ROUTE_QUERY_ONCE) != 0;
    if (!value || value->is_present)
      continue;
    value->is_present = true;
    if (!decoded(r, raw_value, &value->text))
      return false;
  }
  return true;
}

static bool find_header(struct request *r, bp_str name, struct request_value *value) {
  for (uint32_t i = 0; i < r->x->header_count; i++)
    if (str_ieq(r->x->headers[i].name, name)) {
      value->is_present = true;
      return request_copy(r, r->x->headers[i].value, &value->text);
    }
  return true;
}

static void find_part(struct request *r, const bp_param *facts, struct request_value *value) {
  bp_part part = {.size = sizeof(part)};
  int32_t index = upload_find(r->upload, facts->name);
  if (index < 0 || !upload_part(r->upload, (uint32_t)index, &part) || (part.is_file != 0) != (facts->in == BP_IN_FILE))
    return;
  value->is_present = true;
  value->text = part.is_file ? part.filename : part.text;
}

static bool find_all(struct request *r) {
  uint32_t places = r->route->places;
  if (!find_paths(r) || ((places & 1u << BP_IN_QUERY) && !find_queries(r)))
    return false;
  for (uint32_t i = 0; i < r->route->param_count; i++) {
    const bp_param *facts = &r->route->params[i].facts;
    if (facts->in == BP_IN_HEADER && !find_header(r, facts->name, &r->values[i]))
      return false;
    if ((facts->in == BP_IN_FORM || facts->in == BP_IN_FILE) && r->upload)
      find_part(r, facts, &r->values[i]);
  }
  return true;
}

/* ---- Checking ---- */

static void complain(struct error_list *errors, const bp_param *facts, const struct request_value *value, const char *kind, bp_str message) {
  char pointer[128] = "/";
  size_t len = facts->name.len < sizeof(pointer) - 1 ? facts->name.len : sizeof(pointer) - 1;
  memcpy(pointer + 1, facts->name.ptr, len);
  struct error_item *item = error_add(errors, parts[facts->in], bp_str_make(pointer, len + 1), kind, message);
  item->input = value->is_present ? ERROR_INPUT_TEXT : ERROR_INPUT_NULL;
  item->text = value->text;
}

static void complain_bound(struct error_list *errors, const bp_param *facts, const struct request_value *value, const char *kind, const char *text,
                           int64_t bound, const char *unit) {
  struct buf message = {0};
  buf_append_z(&message, text);
  if (bound < 0)
    buf_append_char(&message, '-');
  buf_append_u64(&message, bound < 0 ? 0 - (uint64_t)bound : (uint64_t)bound);
  buf_append_z(&message, unit);
  complain(errors, facts, value, kind, buf_str(&message));
  buf_release(&message);
}

static void check_integer(struct error_list *errors, const bp_param *facts, const struct request_value *value) {
  int64_t number;
  if (!param_to_integer(value->text, &number)) {
    complain(errors, facts, value, "int_parsing", BP_LIT("Input should be a valid integer, unable to parse string as an integer"));
  } else if (facts->minimum != 0 || facts->maximum != 0) {
    if (number < facts->minimum)
      complain_bound(errors, facts, value, "greater_than_equal", "Input should be greater than or equal to ", facts->minimum, "");
    else if (number > facts->maximum)
      complain_bound(errors, facts, value, "less_than_equal", "Input should be less than or equal to ", facts->maximum, "");
  }
}

static void check_boolean(struct error_list *errors, const bp_param *facts, const struct request_value *value) {
  uint32_t truth;
  if (!param_to_boolean(value->text, &truth))
    complain(errors, facts, value, "bool_parsing", BP_LIT("Input should be a valid boolean, unable to interpret input"));
}

static void check_real(struct error_list *errors, const bp_param *facts, const struct request_value *value) {
  double number;
  if (!param_to_real(value->text, &number))
    complain(errors, facts, value, "float_parsing", BP_LIT("Input should be a valid number, unable to parse string as a number"));
}

struct pattern_report {
  struct error_list *errors;
  const bp_param *facts;
  const struct request_value *value;
};

static void report_pattern(void *ctx, const struct schema_violation *violation) {
  const struct pattern_report *report = ctx;
  complain(report->errors, report->facts, report->value, "string_pattern_mismatch", violation->message);
}

static void check_pattern(struct error_list *errors, const struct param *param, const struct request_value *value) {
  json_t *text = json_stringn_nocheck(value->text.ptr, value->text.len);
  struct pattern_report report = {errors, &param->facts, value};
  if (text)
    schema_validate(param->pattern, text, report_pattern, &report);
  else
    complain(errors, &param->facts, value, "value_error", BP_LIT("no memory left to check it"));
  json_decref(text);
}

/* The number of bytes is what an author can rely on; for ASCII they are characters. */
static void check_string(struct error_list *errors, const struct param *param, const struct request_value *value) {
  const bp_param *facts = &param->facts;
  size_t len = value->text.len;
  if (!str_is_utf8(value->text) || str_find(value->text, '\0') >= 0)
    complain(errors, facts, &(struct request_value){.is_present = true}, "string_unicode",
             BP_LIT("Input should be a valid string, unable to parse raw data as a unicode string"));
  else if (facts->minimum > 0 && len < (uint64_t)facts->minimum)
    complain_bound(errors, facts, value, "string_too_short", "String should have at least ", facts->minimum,
                   facts->minimum == 1 ? " character" : " characters");
  else if (facts->maximum > 0 && len > (uint64_t)facts->maximum)
    complain_bound(errors, facts, value, "string_too_long", "String should have at most ", facts->maximum,
                   facts->maximum == 1 ? " character" : " characters");
  else if (param->pattern)
    check_pattern(errors, param, value);
}

static void check_value(struct error_list *errors, const struct param *param, const struct request_value *value) {
  switch (param->facts.type) {
  case BP_PARAM_INTEGER:
    check_integer(errors, &param->facts, value);
    break;
  case BP_PARAM_BOOLEAN:
    check_boolean(errors, &param->facts, value);
    break;
  case BP_PARAM_REAL:
    check_real(errors, &param->facts, value);
    break;
  default:
    check_string(errors, param, value);
  }
}

bool params_read(struct request *r, struct error_list *errors) {
  if (r->route->param_count == 0)
    return true;
  if (!find_all(r))
    return false;
  for (uint32_t i = 0; i < r->route->param_count; i++) {
    const struct param *param = &r->route->params[i];
    struct request_value *value = &r->values[i];
    if (value->is_repeated) {
      complain(errors, &param->facts, value, "value_error", BP_LIT("it is given more than once"));
    } else if (value->is_present) {
      if (param->facts.in != BP_IN_FILE)
        check_value(errors, param, value);
    } else if (param->facts.def.len > 0) {
      value->is_present = true;
      value->text = param->facts.def;
    } else if (param->facts.required) {
      complain(errors, &param->facts, value, "missing", BP_LIT("Field required"));
    }
  }
  return true;
}
