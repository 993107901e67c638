/* The rules of every kind of element a descriptor's arrays hold; see check.h. */
#include "base/array.h"
#include "base/str.h"
#include "loader/check.h"
#include "loader/syntax.h"

#include <backplane/config.h>
#include <backplane/db.h>
#include <backplane/http.h>
#include <backplane/live.h>
#include <stdbool.h>
#include <string.h>

#define STATUS_CHECK(expression)                                                                                                                     \
  do {                                                                                                                                               \
    bp_status status_ = (expression);                                                                                                                \
    if (status_ != BP_OK)                                                                                                                            \
      return status_;                                                                                                                                \
  } while (0)

/* All text members of an element, so that no later check reads a length without bytes. */
struct text {
  const char *name;
  bp_str text;
};
static bp_status check_texts(const struct check *check, const struct text *texts, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    STATUS_CHECK(check_text(check, texts[i].name, texts[i].text));
  return BP_OK;
}
#define CHECK_TEXTS(check, ...) check_texts((check), (const struct text[]){__VA_ARGS__}, sizeof((struct text[]){__VA_ARGS__}) / sizeof(struct text))

static bp_status check_need(const struct check *check, const void *item) {
  const bp_need *need = item;
  if (need->flags & ~BP_NEED_OPTIONAL)
    return check_newer(check, "flags", need->flags);
  if (!syntax_is_interface(need->interface))
    return check_fail(check, BP_E_INVALID, "interface is not a name with a revision, such as \"bp.http/1\"");
  return BP_OK;
}

static bp_status check_provide(const struct check *check, const void *item) {
  const bp_provide *provide = item;
  if (!syntax_is_interface(provide->interface))
    return check_fail(check, BP_E_INVALID, "interface is not a name with a revision, such as \"org.example.search/1\"");
  if (syntax_is_reserved_id(provide->interface))
    return check_fail(check, BP_E_DENIED, "names under \"bp.\" are the host's");
  return BP_OK;
}

static bp_status check_option(const struct check *check, const void *item) {
  const bp_option *option = item;
  STATUS_CHECK(CHECK_TEXTS(check, {"doc", option->doc}, {"def", option->def}));
  if (option->type < BP_OPTION_STRING || option->type > BP_OPTION_JSON)
    return check_newer(check, "type", option->type);
  if (!syntax_is_word(option->name))
    return check_fail(check, BP_E_INVALID, "name is not [a-z][a-z0-9_]*");
  if (str_eq(option->name, BP_LIT("path")))
    return check_fail(check, BP_E_INVALID, "the name is the configuration's own: it says where the plugin's file is");
  if (option->doc.len == 0)
    return check_fail(check, BP_E_INVALID, "doc is empty: say in one sentence what it sets");
  if (option->minimum > option->maximum && option->maximum != 0)
    return check_fail(check, BP_E_INVALID, "minimum is above maximum");
  if (option->is_secret > 1)
    return check_newer(check, "is_secret", option->is_secret);
  return BP_OK;
}

/* What becomes the value of a response header. */
static bool is_header_text(bp_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] < ' ' || text.ptr[i] > '~')
      return false;
  return true;
}

static bp_status check_family(const struct check *check, const void *item) {
  const bp_family *family = item;
  const uint32_t known = BP_FAMILY_NO_405 | BP_FAMILY_HEAD_405 | BP_FAMILY_DOCS | BP_FAMILY_NOT_BARE | BP_FAMILY_CORS_CREDENTIALS |
                         BP_FAMILY_OWN_AUTHORIZATION | BP_FAMILY_OPTIONS_204;
  STATUS_CHECK(CHECK_TEXTS(check, {"title", family->title}, {"not_found_text", family->not_found_text},
                           {"not_allowed_text", family->not_allowed_text}, {"json_content_type", family->json_content_type},
                           {"refusal_text", family->refusal_text}, {"challenge", family->challenge}));
  if (family->flags & ~known)
    return check_newer(check, "flags", family->flags);
  if (family->error_shape < BP_ERRORS_DETAIL || family->error_shape > BP_ERRORS_PROBLEM)
    return check_newer(check, "error_shape", family->error_shape);
  if (!syntax_is_family(family->name))
    return check_fail(check, BP_E_INVALID, "name is not [a-z][a-z0-9-]*");
  if (str_eq(family->name, BP_LIT("main")) || str_eq(family->name, BP_LIT("control")))
    return check_fail(check, BP_E_DENIED, "the name is the host's");
  if (!is_header_text(family->json_content_type) || !is_header_text(family->challenge))
    return check_fail(check, BP_E_INVALID, "json_content_type and challenge must be printable ASCII: they are sent as headers");
  if (family->validation_status != 400 && family->validation_status != 422)
    return check_fail(check, BP_E_INVALID, "validation_status is %u, must be 400 or 422", (unsigned)family->validation_status);
  return BP_OK;
}

/* RFC 9110, section 5.6.2. */
static bool is_header_name(bp_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_word && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
      return false;
  }
  return text.len > 0;
}

static bp_status check_param(const struct check *check, const bp_param *param) {
  STATUS_CHECK(CHECK_TEXTS(check, {"parameter name", param->name}, {"parameter doc", param->doc}, {"parameter def", param->def},
                           {"parameter pattern", param->pattern}));
  if (param->name.len == 0)
    return check_fail(check, BP_E_INVALID, "a parameter has no name");
  if (param->in < BP_IN_PATH || param->in > BP_IN_FILE)
    return check_newer(check, "a parameter's `in`", param->in);
  if (param->type < BP_PARAM_STRING || param->type > BP_PARAM_REAL)
    return check_newer(check, "a parameter's type", param->type);
  if (param->flags & ~BP_PARAM_SLASH)
    return check_newer(check, "a parameter's flags", param->flags);
  int len = (int)(param->name.len > 64 ? 64 : param->name.len);
  if ((param->flags & BP_PARAM_SLASH) && param->in != BP_IN_PATH)
    return check_fail(check, BP_E_INVALID, "parameter \"%.*s\" has BP_PARAM_SLASH but is not in the path", len, param->name.ptr);
  if (param->in == BP_IN_HEADER && !is_header_name(param->name))
    return check_fail(check, BP_E_INVALID, "parameter \"%.*s\" is no header's name", len, param->name.ptr);
  if (param->type == BP_PARAM_STRING && (param->minimum < 0 || param->maximum < 0))
    return check_fail(check, BP_E_INVALID, "parameter \"%.*s\" has a length below 0", len, param->name.ptr);
  return BP_OK;
}

static bp_status check_params(const struct check *check, bp_array params) {
  const uint32_t smallest = offsetof(bp_param, maximum) + sizeof(int64_t);
  STATUS_CHECK(check_array_form(check, "params", params, smallest));
  for (uint32_t i = 0; i < params.count; i++) {
    bp_param param;
    array_item(params, i, &param);
    if (param.size < smallest)
      return check_fail(check, BP_E_INVALID, "params[%u]: size is %u, must be at least %u; set it to sizeof", (unsigned)i, (unsigned)param.size,
                        (unsigned)smallest);
    STATUS_CHECK(check_param(check, &param));
  }
  return BP_OK;
}

static bp_status check_route(const struct check *check, const void *item) {
  const bp_route *route = item;
  const uint32_t known = BP_ROUTE_READ_ONLY | BP_ROUTE_STREAM | BP_ROUTE_UPLOAD | BP_ROUTE_WEBSOCKET | BP_ROUTE_MCP_TOOL | BP_ROUTE_OPTIONAL_BODY |
                         BP_ROUTE_IF_FAMILY | BP_ROUTE_NOT_BARE | BP_ROUTE_QUERY_ONCE;
  STATUS_CHECK(CHECK_TEXTS(check, {"method", route->method}, {"path", route->path}, {"summary", route->summary}, {"family", route->family},
                           {"scope", route->scope}, {"body_schema", route->body_schema}, {"response_schema", route->response_schema},
                           {"policy", route->policy}, {"bad_body_text", route->bad_body_text}));
  if (route->bad_body_status != 0 && (route->bad_body_status < 400 || route->bad_body_status > 599))
    return check_fail(check, BP_E_INVALID, "bad_body_status is not 0 or a status from 400 to 599");
  if (route->success_status != 0 && (route->success_status < 200 || route->success_status > 399))
    return check_fail(check, BP_E_INVALID, "success_status is not 0 or a status from 200 to 399");
  if (route->flags & ~known)
    return check_newer(check, "flags", route->flags);
  if (!syntax_is_word(route->operation_id))
    return check_fail(check, BP_E_INVALID, "operation_id is not [a-z][a-z0-9_]*");
  if (route->summary.len == 0)
    return check_fail(check, BP_E_INVALID, "summary is empty: say in one sentence what it does");
  if (!route->handle)
    return check_fail(check, BP_E_INVALID, "handle is NULL");
  if (route->family.len == 0 && check->descriptor->family.len == 0)
    return check_fail(check, BP_E_INVALID, "neither the route nor the descriptor names a family");
  return check_params(check, route->params);
}

static bp_status check_topic(const struct check *check, const void *item) {
  const bp_topic *topic = item;
  bp_str id = check->descriptor->id;
  STATUS_CHECK(CHECK_TEXTS(check, {"doc", topic->doc}));
  if (topic->kind < BP_TOPIC_DURABLE || topic->kind > BP_TOPIC_TICK)
    return check_newer(check, "kind", topic->kind);
  if (!syntax_is_topic(topic->name) || !str_starts(topic->name, id) || topic->name.len <= id.len + 1 || topic->name.ptr[id.len] != '.')
    return check_fail(check, BP_E_INVALID, "name must be \"%.*s.\" and a word", (int)id.len, id.ptr);
  return BP_OK;
}

static bp_status check_migration(const struct check *check, const void *item) {
  const bp_migration *migration = item;
  STATUS_CHECK(CHECK_TEXTS(check, {"sql", migration->sql}));
  if (migration->version != check->index + 1)
    return check_fail(check, BP_E_INVALID, "version is %u, must be %u: migrations count 1, 2, 3 without gaps", (unsigned)migration->version,
                      (unsigned)(check->index + 1));
  return migration->sql.len ? BP_OK : check_fail(check, BP_E_INVALID, "sql is empty");
}

static bp_status check_statement(const struct check *check, const void *item) {
  const bp_statement *statement = item;
  STATUS_CHECK(CHECK_TEXTS(check, {"sql", statement->sql}));
  if (!syntax_is_word(statement->name))
    return check_fail(check, BP_E_INVALID, "name is not [a-z][a-z0-9_]*");
  return statement->sql.len ? BP_OK : check_fail(check, BP_E_INVALID, "sql is empty");
}

static bp_status check_search(const struct check *check, const void *item) {
  const bp_search_index *search = item;
  STATUS_CHECK(CHECK_TEXTS(check, {"table", search->table}));
  if (!syntax_is_word(search->name))
    return check_fail(check, BP_E_INVALID, "name is not [a-z][a-z0-9_]*");
  if (search->table.len == 0 || search->columns.count == 0 || !search->columns.ptr || search->columns.stride != sizeof(bp_str))
    return check_fail(check, BP_E_INVALID, "needs a table and at least one column");
  const bp_str *columns = search->columns.ptr;
  for (uint32_t i = 0; i < search->columns.count; i++)
    STATUS_CHECK(check_text(check, "a column", columns[i]));
  return BP_OK;
}

/* `smallest` ends at the last member of the first revision: it never grows with the struct. */
#define RULE(array, type, label, last, unique, function)                                                                                             \
  { #array, offsetof(bp_plugin_descriptor, array), offsetof(type, last) + sizeof(((type *)NULL)->last), label, sizeof(type), unique, function }

const struct check_array check_arrays[] = {
    RULE(needs, bp_need, offsetof(bp_need, interface), reserved, false, check_need),
    RULE(provides, bp_provide, offsetof(bp_provide, interface), interface, true, check_provide),
    RULE(options, bp_option, offsetof(bp_option, name), reserved, true, check_option),
    RULE(families, bp_family, offsetof(bp_family, name), body_limit_bytes, false, check_family),
    RULE(routes, bp_route, offsetof(bp_route, operation_id), policy, false, check_route),
    RULE(topics, bp_topic, offsetof(bp_topic, name), doc, false, check_topic),
    RULE(migrations, bp_migration, 0, sql, false, check_migration),
    RULE(statements, bp_statement, offsetof(bp_statement, name), sql, false, check_statement),
    RULE(searches, bp_search_index, offsetof(bp_search_index, name), columns, true, check_search),
};
const unsigned check_array_count = sizeof(check_arrays) / sizeof(check_arrays[0]);
