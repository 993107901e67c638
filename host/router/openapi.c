/* OpenAPI; see openapi.h. Each route's schemas become components named <plugin>.<operation>.body and .answer, so that their
 * local references can be rebased onto them. */
#include "router/openapi.h"
#include "base/array.h"
#include "base/str.h"
#include "host.h"
#include "loader/plugin.h"
#include "router/family_object.h"
#include "router/router.h"
#include "json/schema.h"

#include <string.h>

struct document {
  const struct family *family;
  json_t *paths, *schemas;
  json_t *operation_ids; /* those used, to keep them unique */
};

static json_t *text_of(bp_str s) {
  return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static void set_text(json_t *object, const char *key, bp_str text) {
  if (text.len > 0)
    json_object_set_new(object, key, text_of(text));
}

/* A string glued from pieces, as a buffer that ends in NUL. */
static struct buf glue(bp_str a, const char *b, bp_str c, const char *d) {
  struct buf out = {0};
  buf_append_str(&out, a);
  buf_append_z(&out, b);
  buf_append_str(&out, c);
  buf_append_z(&out, d);
  buf_append_char(&out, '\0');
  return out;
}

/* ---- Schemas ---- */

static void rebase(json_t *schema, const char *base);

static void rebase_members(json_t *object, const char *base) {
  const char *key;
  json_t *member;
  json_object_foreach(object, key, member) rebase(member, base);
}

/* Walks where the schema subset has subschemas; values under const, enum, default and examples are data. */
static void rebase(json_t *schema, const char *base) {
  if (!json_is_object(schema))
    return;
  const char *reference = json_string_value(json_object_get(schema, "$ref"));
  if (reference && reference[0] == '#') {
    struct buf rebased = glue(str_from(base), "", str_from(reference + 1), "");
    if (!rebased.failed)
      json_object_set_new(schema, "$ref", json_string(rebased.data));
    buf_release(&rebased);
  }
  rebase_members(json_object_get(schema, "properties"), base);
  rebase_members(json_object_get(schema, "$defs"), base);
  rebase(json_object_get(schema, "items"), base);
  rebase(json_object_get(schema, "additionalProperties"), base);
  json_t *one_of = json_object_get(schema, "oneOf");
  for (size_t i = 0; i < json_array_size(one_of); i++)
    rebase(json_array_get(one_of, i), base);
}

static json_t *reference_to(const char *component) {
  struct buf target = glue(BP_LIT("#/components/schemas/"), component, BP_LIT(""), "");
  json_t *reference = json_pack("{s:s}", "$ref", target.failed ? "" : target.data);
  buf_release(&target);
  return reference;
}

/* Makes the schema a component and returns a reference to it. */
static json_t *add_component(struct document *doc, const struct route_info *info, const struct schema *schema, const char *suffix) {
  // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): only a plugin's routes have schemas
  struct buf name = glue(str_from(info->owner->id), ".", info->route->operation_id, suffix);
  struct buf base = glue(BP_LIT("#/components/schemas/"), name.failed ? "" : name.data, BP_LIT(""), "");
  json_t *reference = NULL;
  if (!name.failed && !base.failed) {
    json_t *copy = json_deep_copy(schema_source(schema));
    rebase(copy, base.data);
    json_object_set_new(doc->schemas, name.data, copy);
    reference = reference_to(name.data);
  }
  buf_release(&name);
  buf_release(&base);
  return reference;
}

static json_t *content_of(bp_str type, json_t *schema) {
  json_t *content = json_object();
  json_object_setn_new(content, type.ptr, type.len, json_pack("{s:o}", "schema", schema));
  return content;
}

/* ---- Parameters ---- */

static const char *const type_names[] = {
    [BP_PARAM_STRING] = "string", [BP_PARAM_INTEGER] = "integer", [BP_PARAM_BOOLEAN] = "boolean", [BP_PARAM_REAL] = "number"};

static json_t *param_schema(const bp_param *param) {
  json_t *schema = json_pack("{s:s}", "type", type_names[param->type]);
  bool is_string = param->type == BP_PARAM_STRING;
  if (param->minimum != 0 || (!is_string && param->maximum != 0))
    json_object_set_new(schema, is_string ? "minLength" : "minimum", json_integer(param->minimum));
  if (param->maximum != 0)
    json_object_set_new(schema, is_string ? "maxLength" : "maximum", json_integer(param->maximum));
  set_text(schema, "pattern", param->pattern);
  set_text(schema, "description", param->in >= BP_IN_FORM ? param->doc : BP_LIT(""));
  return schema;
}

static json_t *param_object(const bp_param *param) {
  static const char *const places[] = {[BP_IN_PATH] = "path", [BP_IN_QUERY] = "query", [BP_IN_HEADER] = "header"};
  bool is_required = param->required || param->in == BP_IN_PATH;
  json_t *object = json_pack("{s:s, s:b, s:o}", "in", places[param->in], "required", is_required, "schema", param_schema(param));
  set_text(object, "name", param->name);
  set_text(object, "description", param->doc);
  return object;
}

static bp_param param_at(const bp_route *route, uint32_t index) {
  bp_param param;
  array_item(route->params, index, &param);
  return param;
}

static bool is_declared(const bp_route *route, bp_str name) {
  for (uint32_t i = 0; i < route->params.count; i++) {
    bp_param param = param_at(route, i);
    if (param.in == BP_IN_PATH && str_eq(param.name, name))
      return true;
  }
  return false;
}

static json_t *parameters_of(const bp_route *route) {
  json_t *list = json_array();
  bp_str text;
  for (size_t at = 0; segment_next(route->path, &at, &text);) {
    struct segment segment = segment_of(text);
    bp_param implied = {.in = BP_IN_PATH, .type = BP_PARAM_STRING, .name = segment.text};
    if (segment.kind != SEGMENT_LITERAL && !is_declared(route, segment.text))
      json_array_append_new(list, param_object(&implied));
  }
  for (uint32_t i = 0; i < route->params.count; i++) {
    bp_param param = param_at(route, i);
    if (param.in <= BP_IN_HEADER)
      json_array_append_new(list, param_object(&param));
  }
  return list;
}

static json_t *form_schema(const bp_route *route) {
  json_t *properties = json_object(), *required = json_array();
  for (uint32_t i = 0; i < route->params.count; i++) {
    bp_param param = param_at(route, i);
    if (param.in < BP_IN_FORM)
      continue;
    json_t *schema = param_schema(&param);
    if (param.in == BP_IN_FILE)
      json_object_set_new(schema, "contentMediaType", json_string("application/octet-stream"));
    json_object_setn_new(properties, param.name.ptr, param.name.len, schema);
    if (param.required)
      json_array_append_new(required, text_of(param.name));
  }
  return json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required", required);
}

/* ---- Operations ---- */

static json_t *request_body(struct document *doc, const struct route_info *info) {
  const bp_route *route = info->route;
  bp_str type = BP_LIT("application/octet-stream");
  json_t *schema = NULL;
  if (info->body_schema) {
    type = BP_LIT("application/json");
    schema = add_component(doc, info, info->body_schema, ".body");
  } else if (route->flags & BP_ROUTE_UPLOAD) {
    type = BP_LIT("multipart/form-data");
    schema = form_schema(route);
  } else if (route->flags & BP_ROUTE_STREAM) {
    schema = json_object();
  }
  if (!schema)
    return NULL;
  return json_pack("{s:b, s:o}", "required", !(route->flags & BP_ROUTE_OPTIONAL_BODY), "content", content_of(type, schema));
}

static bp_str error_type(const struct family *family) {
  return family->facts.error_shape == BP_ERRORS_PROBLEM ? BP_LIT("application/problem+json") : family_json_type(family);
}

static json_t *responses_of(struct document *doc, const struct route_info *info) {
  json_t *success = json_pack("{s:s}", "description", "Success");
  unsigned status = info->route && info->route->success_status ? info->route->success_status : 200;
  if (info->response_schema)
    json_object_set_new(success, "content", content_of(family_json_type(doc->family), add_component(doc, info, info->response_schema, ".answer")));
  struct buf code = {0};
  buf_append_u64(&code, status);
  buf_append_char(&code, '\0');
  json_t *failure = json_pack("{s:s, s:o}", "description", "Failure", "content", content_of(error_type(doc->family), reference_to("Error")));
  json_t *responses = json_pack("{s:o, s:o}", code.failed ? "200" : code.data, success, "default", failure);
  buf_release(&code);
  return responses;
}

/* Operation ids are unique in a plugin, not in a family: the second of a name gets its plugin's. */
static json_t *operation_id(struct document *doc, const char *owner, bp_str id) {
  struct buf longer = glue(str_from(owner), ".", id, "");
  bool is_taken = json_object_getn(doc->operation_ids, id.ptr, id.len) != NULL;
  json_t *text = is_taken && !longer.failed ? json_string(longer.data) : text_of(id);
  json_object_setn_new(doc->operation_ids, id.ptr, id.len, json_true());
  buf_release(&longer);
  return text;
}

static json_t *operation_of(struct document *doc, const struct route_info *info) {
  const char *owner = info->owner ? info->owner->id : "host";
  bp_str id = info->route ? info->route->operation_id : str_from(info->host_route->operation_id);
  json_t *operation = json_pack("{s:o, s:[s]}", "operationId", operation_id(doc, owner, id), "tags", owner);
  set_text(operation, "summary", info->route ? info->route->summary : str_from(info->host_route->summary));
  json_object_set_new(operation, "responses", responses_of(doc, info));
  if (!info->route)
    return operation;
  json_t *parameters = parameters_of(info->route);
  if (json_array_size(parameters) > 0)
    json_object_set(operation, "parameters", parameters);
  json_decref(parameters);
  json_t *body = request_body(doc, info);
  if (body)
    json_object_set_new(operation, "requestBody", body);
  return operation;
}

/* OpenAPI writes methods in lower case; "*" stands for those that people use. */
static void add_operation(json_t *path, bp_str method, json_t *operation) {
  static const char *const methods[] = {"get", "post", "put", "patch", "delete", "options"};
  bool is_any = str_eq(method, BP_LIT("*"));
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (str_ieq(method, str_from(methods[i])) || (is_any && i < 5 && !json_object_get(path, methods[i])))
      json_object_set(path, methods[i], operation);
  json_decref(operation);
}

/* "/files/{path*}" is written "/files/{path}". */
static struct buf path_text(bp_str path) {
  struct buf out = {0};
  for (size_t i = 0; i < path.len; i++)
    if (path.ptr[i] != '*')
      buf_append_char(&out, path.ptr[i]);
  buf_append_char(&out, '\0');
  return out;
}

static void add_route(void *ctx, const struct route_info *info) {
  struct document *doc = ctx;
  if (info->family != doc->family)
    return;
  struct buf name = path_text(info->route ? info->route->path : str_from(info->host_route->path));
  json_t *path = name.failed ? NULL : json_object_get(doc->paths, name.data);
  if (!path && !name.failed) {
    path = json_object();
    json_object_set_new(doc->paths, name.data, path);
  }
  if (path)
    add_operation(path, info->route ? info->route->method : str_from(info->host_route->method), operation_of(doc, info));
  buf_release(&name);
}

/* ---- The document ---- */

static json_t *error_schema(uint32_t shape) {
  static const char *const texts[] = {
      [BP_ERRORS_DETAIL] = "{\"type\":\"object\",\"required\":[\"detail\"],\"properties\":{\"detail\":{\"oneOf\":[{\"type\":\"string\"},"
                           "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"type\",\"loc\",\"msg\"],\"properties\":{"
                           "\"type\":{\"type\":\"string\"},\"loc\":{\"type\":\"array\"},\"msg\":{\"type\":\"string\"},\"input\":{}}}}]}}}",
      [BP_ERRORS_ERROR] = "{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"string\"}}}",
      [BP_ERRORS_SUCCESS] = "{\"type\":\"object\",\"required\":[\"success\",\"error\"],\"properties\":{\"success\":{\"const\":false},"
                            "\"error\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"}}}",
      [BP_ERRORS_PROBLEM] = "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\"],\"properties\":{"
                            "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
                            "\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"hint\":{\"type\":\"string\"},"
                            "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"pointer\",\"detail\"],\"properties\":{"
                            "\"pointer\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}}}}",
  };
  return json_loads(texts[shape], 0, NULL);
}

void family_openapi(const struct family *family, struct buf *out) {
  struct document doc = {.family = family, .paths = json_object(), .schemas = json_object(), .operation_ids = json_object()};
  json_object_set_new(doc.schemas, "Error", error_schema(family->facts.error_shape));
  router_each(add_route, &doc);
  json_t *root = json_pack("{s:s, s:{s:o, s:s}, s:o, s:{s:o}}", "openapi", "3.1.0", "info", "title", text_of(family->facts.title), "version",
                           HOST_VERSION, "paths", doc.paths, "components", "schemas", doc.schemas);
  if (root)
    doc_write(out, root);
  json_decref(root);
  json_decref(doc.operation_ids);
}
