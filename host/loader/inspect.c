/* Descriptors as JSON; see inspect.h. */
#include "loader/inspect.h"
#include "base/array.h"
#include "base/fail.h"
#include "base/str.h"
#include "loader/loader.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_text(json_t *object, const char *key, bp_str text) {
  json_object_set_new(object, key, json_stringn(text.ptr ? text.ptr : "", text.len));
}

static json_t *need_json(bp_array array, uint32_t index) {
  bp_need need;
  json_t *object = json_object();
  array_item(array, index, &need);
  set_text(object, "interface", need.interface);
  json_object_set_new(object, "min_size", json_integer(need.min_size));
  json_object_set_new(object, "optional", json_boolean(need.flags & BP_NEED_OPTIONAL));
  return object;
}

static json_t *provide_json(bp_array array, uint32_t index) {
  bp_provide provide;
  array_item(array, index, &provide);
  return json_stringn(provide.interface.ptr, provide.interface.len);
}

static json_t *option_json(bp_array array, uint32_t index) {
  static const char *const types[] = {"", "string", "integer", "boolean", "real", "string list", "string map", "json"};
  bp_option option;
  json_t *object = json_object();
  array_item(array, index, &option);
  set_text(object, "name", option.name);
  json_object_set_new(object, "type", json_string(types[option.type]));
  set_text(object, "doc", option.doc);
  json_object_set_new(object, "required", json_boolean(option.def.len == 0));
  json_t *value = option.def.len ? doc_parse(option.def, &doc_default_limits, NULL) : NULL;
  if (value)
    json_object_set_new(object, "default", value);
  if (option.minimum || option.maximum) {
    json_object_set_new(object, "minimum", json_integer(option.minimum));
    json_object_set_new(object, "maximum", json_integer(option.maximum));
  }
  if (option.is_secret)
    json_object_set_new(object, "secret", json_true());
  return object;
}

static json_t *family_json(bp_array array, uint32_t index) {
  bp_family family;
  json_t *object = json_object();
  array_item(array, index, &family);
  set_text(object, "name", family.name);
  set_text(object, "title", family.title);
  return object;
}

static json_t *route_json(bp_array array, uint32_t index) {
  bp_route route;
  json_t *object = json_object();
  array_item(array, index, &route);
  set_text(object, "method", route.method);
  set_text(object, "path", route.path);
  set_text(object, "operation_id", route.operation_id);
  set_text(object, "summary", route.summary);
  if (route.family.len)
    set_text(object, "family", route.family);
  if (route.scope.len)
    set_text(object, "scope", route.scope);
  return object;
}

static json_t *topic_json(bp_array array, uint32_t index) {
  bp_topic topic;
  json_t *object = json_object();
  array_item(array, index, &topic);
  set_text(object, "name", topic.name);
  json_object_set_new(object, "kind", json_string(topic.kind == BP_TOPIC_DURABLE ? "durable" : topic.kind == BP_TOPIC_TICK ? "tick" : "ephemeral"));
  set_text(object, "doc", topic.doc);
  return object;
}

static void set_array(json_t *object, const char *key, bp_array array, json_t *(*item)(bp_array array, uint32_t index)) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < array.count; i++)
    json_array_append_new(list, item(array, i));
  json_object_set_new(object, key, list);
}

static json_t *descriptor_json(const bp_plugin_descriptor *d) {
  json_t *object = json_object();
  set_text(object, "id", d->id);
  set_text(object, "version", d->version);
  set_text(object, "summary", d->summary);
  json_object_set_new(object, "abi", json_pack("[i,i]", (int)d->abi_major, (int)d->abi_minor));
  set_text(object, "family", d->family);
  set_array(object, "needs", d->needs, need_json);
  set_array(object, "provides", d->provides, provide_json);
  set_array(object, "options", d->options, option_json);
  set_array(object, "families", d->families, family_json);
  set_array(object, "routes", d->routes, route_json);
  set_array(object, "topics", d->topics, topic_json);
  json_object_set_new(object, "migrations", json_integer(d->migrations.count));
  json_object_set_new(object, "statements", json_integer(d->statements.count));
  json_object_set_new(object, "searches", json_integer(d->searches.count));
  return object;
}

bp_status inspect_json(const char *path, struct buf *out, bp_error *err) {
  char folder[] = "/tmp/backplane-inspect-XXXXXX";
  if (!mkdtemp(folder))
    return fail(err, BP_E_IO, "cannot make a folder under \"/tmp\": %s", strerror(errno));
  bp_error local = BP_ERROR_INIT;
  struct image *image = image_open(path, folder, err ? err : &local);
  if (image) {
    json_t *object = descriptor_json(image_descriptor(image));
    doc_write(out, object);
    json_decref(object);
    image_close(image);
  }
  rmdir(folder);
  if (image)
    return BP_OK;
  return err ? err->code : local.code;
}
