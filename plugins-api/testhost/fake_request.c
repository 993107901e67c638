/* Reading a request: which route, which parameters, which body; see fake_request.h. The real host's host/router does the same
 * with schemas, families and limits. */
#include "fake_request.h"
#include "router/route.h"
#include "router/value_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- Replies ---- */

void fake_request_answer(struct fake_request *r, uint32_t status, bp_str content_type, bp_str body) {
  r->is_finished = true;
  r->reply.status = status;
  r->reply.content_type = fake_keep(content_type);
  r->reply.body = fake_keep(body);
  r->reply.headers = fake_keep(buf_str(&r->added_headers));
}

static json_t *text_value(bp_str text) {
  return json_stringn(text.ptr ? text.ptr : "", text.len);
}

void fake_request_refuse(struct fake_request *r, uint32_t status, bp_str message, bp_str code, bp_str hint) {
  json_t *body = json_object();
  struct buf text = {0};
  json_object_set_new(body, "error", text_value(message));
  json_object_set_new(body, "code", text_value(code));
  json_object_set_new(body, "hint", text_value(hint));
  doc_write(&text, body);
  fake_request_answer(r, status, BP_LIT("application/json"), buf_str(&text));
  buf_release(&text);
  json_decref(body);
}

static const bp_str none = {NULL, 0};

/* ---- The route ---- */

/* True if the path fits the template; its variables then are in `values`. */
static bool path_fits(bp_str template, bp_str path, json_t *values) {
  size_t at = 0, path_at = 0;
  bp_str part, found;
  json_object_clear(values);
  while (segment_next(template, &at, &part)) {
    struct segment segment = segment_of(part);
    size_t start = path_at + 1;
    if (!segment_next(path, &path_at, &found))
      return false;
    if (segment.kind == SEGMENT_TAIL) {
      json_object_setn_new(values, segment.text.ptr, segment.text.len, text_value(bp_str_make(path.ptr + start, path.len - start)));
      return true;
    }
    if (segment.kind == SEGMENT_PARAM)
      json_object_setn_new(values, segment.text.ptr, segment.text.len, text_value(found));
    else if (!str_eq(segment.text, found))
      return false;
  }
  return path_at == path.len;
}

static bool find_route(struct fake_request *r) {
  bp_array routes = fake_plugin()->routes;
  for (uint32_t i = 0; i < routes.count; i++) {
    array_item(routes, i, &r->route);
    bool fits_method = str_eq(r->route.method, str_from(r->method)) || str_eq(r->route.method, BP_LIT("*"));
    if (fits_method && path_fits(r->route.path, str_from(r->path), r->values))
      return true;
  }
  return false;
}

/* ---- Parameters ---- */

static json_t *decoded(bp_str text) {
  char *out = mem_alloc(text.len + 1);
  json_t *value = json_stringn(out, query_decode(text, out));
  free(out);
  return value;
}

/* Cuts off what comes before `separator`, and the separator. */
static bp_str cut(bp_str *text, char separator) {
  ptrdiff_t at = str_find(*text, separator);
  size_t len = at < 0 ? text->len : (size_t)at;
  size_t taken = at < 0 ? len : len + 1;
  bp_str part = bp_str_make(text->ptr, len);
  *text = bp_str_make(text->ptr + taken, text->len - taken);
  return part;
}

static json_t *read_query(bp_str query) {
  json_t *values = json_object();
  while (query.len) {
    bp_str pair = cut(&query, '&');
    bp_str name = cut(&pair, '=');
    json_object_setn_new(values, name.ptr, name.len, decoded(pair));
  }
  return values;
}

static json_t *read_headers(bp_str lines) {
  json_t *values = json_object();
  while (lines.len) {
    bp_str line = cut(&lines, '\n');
    bp_str name = cut(&line, ':');
    char *lower = str_dupz(str_trim(name));
    for (char *c = lower; *c; c++)
      *c = (char)tolower((unsigned char)*c);
    json_object_set_new(values, lower, text_value(str_trim(line)));
    free(lower);
  }
  return values;
}

static bool has_type(const bp_param *param, bp_str text) {
  int64_t integer;
  uint32_t truth;
  double real;
  switch (param->type) {
  case BP_PARAM_INTEGER:
    return param_to_integer(text, &integer) && (param->minimum == param->maximum || (integer >= param->minimum && integer <= param->maximum));
  case BP_PARAM_BOOLEAN:
    return param_to_boolean(text, &truth);
  case BP_PARAM_REAL:
    return param_to_real(text, &real);
  default:
    return param->maximum == 0 || ((int64_t)text.len >= param->minimum && (int64_t)text.len <= param->maximum);
  }
}

/* The parameter's text from where it is declared to be, or its default; NULL where there is neither. */
static json_t *find_value(const struct fake_request *r, const bp_param *param, const json_t *query) {
  const json_t *place = param->in == BP_IN_HEADER ? r->headers : param->in == BP_IN_QUERY ? query : r->values;
  json_t *found = json_object_getn(place, param->name.ptr, param->name.len);
  if (found)
    return json_incref(found);
  return param->def.len ? text_value(param->def) : NULL;
}

/* False after answering: a parameter is missing or of another type. */
static bool read_params(struct fake_request *r, const json_t *query, uint32_t invalid_status) {
  bp_param param;
  for (uint32_t i = 0; i < r->route.params.count; i++) {
    array_item(r->route.params, i, &param);
    json_t *value = find_value(r, &param, query);
    bool is_wrong = value ? !has_type(&param, bp_str_make(json_string_value(value), json_string_length(value))) : param.required != 0;
    if (is_wrong) {
      json_decref(value);
      fake_request_refuse(r, invalid_status, param.name, BP_LIT("parameter"), BP_LIT("missing, or of another type"));
      return false;
    }
    if (value)
      json_object_setn_new(r->values, param.name.ptr, param.name.len, value);
  }
  return true;
}

/* ---- The whole ---- */

static bool read_body(struct fake_request *r) {
  bp_error err = BP_ERROR_INIT;
  if (r->route.body_schema.len == 0)
    return true;
  if (r->body_text.len == 0 && r->route.flags & BP_ROUTE_OPTIONAL_BODY)
    return true;
  json_t *root = doc_parse(r->body_text, &doc_default_limits, &err);
  if (!root) {
    fake_request_refuse(r, 400, str_from(err.message), BP_LIT("body"), none);
    return false;
  }
  r->body = doc_open(root);
  return true;
}

static uint32_t validation_status(void) {
  bp_family family;
  bp_array families = fake_plugin()->families;
  for (uint32_t i = 0; i < families.count; i++) {
    array_item(families, i, &family);
    if (str_eq(family.name, fake_plugin()->family))
      return family.validation_status;
  }
  return 422;
}

bool fake_request_read(struct fake_request *r, const struct bp_testhost_request *asked) {
  bp_str query = str_from(asked->target);
  r->path = fake_keep(cut(&query, '?'));
  r->method = fake_keep(str_from(asked->method));
  r->principal = fake_keep(str_from(asked->principal ? asked->principal : "uid:1000"));
  r->body_text = str_from(fake_keep(str_from(asked->body)));
  r->headers = read_headers(str_from(asked->headers));
  r->values = json_object();
  if (!find_route(r)) {
    fake_request_refuse(r, 404, BP_LIT("no route of the plugin fits"), none, none);
    return false;
  }
  json_t *values = read_query(query);
  bool ok = read_params(r, values, validation_status()) && read_body(r);
  json_decref(values);
  return ok;
}
