/* bp.json/1: the table plugins read and write JSON through. */
#include "base/fail.h"
#include "loader/tables.h"
#include "json/documents.h"
#include "json/writers.h"

static bp_status parse(bp_plugin self, bp_str text, bp_json *ret_root, bp_error *err) {
  json_t *root = doc_parse(text, &doc_default_limits, err);
  if (!root) {
    if (err)
      err->code = BP_E_PARSE;
    return BP_E_PARSE;
  }
  bp_json handle = documents_open(self, root);
  if (!handle)
    return fail(err, BP_E_LIMIT, "too many parsed documents are open: release those that are done with");
  *ret_root = handle;
  return BP_OK;
}

static uint32_t type(bp_json value) {
  static const uint32_t types[] = {
      [JSON_OBJECT] = BP_JSON_OBJECT, [JSON_ARRAY] = BP_JSON_ARRAY, [JSON_STRING] = BP_JSON_STRING, [JSON_INTEGER] = BP_JSON_INTEGER,
      [JSON_REAL] = BP_JSON_REAL,     [JSON_TRUE] = BP_JSON_TRUE,   [JSON_FALSE] = BP_JSON_FALSE,   [JSON_NULL] = BP_JSON_NULL,
  };
  const json_t *found = doc_value(value);
  return found ? types[json_typeof(found)] : 0;
}

static uint32_t count(bp_json value) {
  const json_t *found = doc_value(value);
  return (uint32_t)(json_is_object(found) ? json_object_size(found) : json_array_size(found));
}

/* Hands out `value`, part of the same document as `within`. */
static bp_status hand_out(bp_json within, json_t *value, bp_json *ret) {
  if (!value)
    return BP_E_NOT_FOUND;
  bp_json handle = documents_handle(within, value);
  if (!handle)
    return BP_E_LIMIT;
  *ret = handle;
  return BP_OK;
}

static bp_status get(bp_json object, bp_str key, bp_json *ret) {
  const json_t *found = doc_value(object);
  if (!found)
    return BP_E_STALE;
  if (!json_is_object(found))
    return BP_E_TYPE;
  return hand_out(object, json_object_getn(found, key.ptr ? key.ptr : "", key.len), ret);
}

static bp_status at(bp_json array, uint32_t index, bp_json *ret) {
  const json_t *found = doc_value(array);
  if (!found)
    return BP_E_STALE;
  if (!json_is_array(found))
    return BP_E_TYPE;
  return hand_out(array, json_array_get(found, index), ret);
}

static bp_status next(bp_json object, uint64_t *cursor, bp_str *ret_key, bp_json *ret_value) {
  json_t *found = doc_value(object);
  if (!found)
    return BP_E_STALE;
  if (!json_is_object(found))
    return BP_E_TYPE;
  void *member = documents_iterator(object, found, *cursor);
  if (!member)
    return BP_E_NOT_FOUND;
  bp_status status = hand_out(object, json_object_iter_value(member), ret_value);
  if (status != BP_OK)
    return status;
  *ret_key = bp_str_make(json_object_iter_key(member), json_object_iter_key_len(member));
  ++*cursor;
  return BP_OK;
}

static bp_status string(bp_json value, bp_str *ret) {
  const json_t *found = doc_value(value);
  if (!found)
    return BP_E_STALE;
  if (!json_is_string(found))
    return BP_E_TYPE;
  *ret = bp_str_make(json_string_value(found), json_string_length(found));
  return BP_OK;
}

static bp_status integer(bp_json value, int64_t *ret) {
  const json_t *found = doc_value(value);
  if (!found)
    return BP_E_STALE;
  return doc_integer(found, ret) ? BP_OK : BP_E_TYPE;
}

static bp_status real(bp_json value, double *ret) {
  const json_t *found = doc_value(value);
  if (!found)
    return BP_E_STALE;
  if (!json_is_number(found))
    return BP_E_TYPE;
  *ret = json_number_value(found);
  return BP_OK;
}

static bp_status boolean(bp_json value, uint32_t *ret) {
  const json_t *found = doc_value(value);
  if (!found)
    return BP_E_STALE;
  if (!json_is_boolean(found))
    return BP_E_TYPE;
  *ret = json_is_true(found);
  return BP_OK;
}

static bp_status writer_new(bp_plugin self, bp_json_writer *ret) {
  bp_json_writer handle = writers_new(self);
  if (!handle)
    return BP_E_LIMIT;
  *ret = handle;
  return BP_OK;
}

void doc_forget(bp_plugin owner) {
  documents_forget(owner);
  writers_forget(owner);
}

const bp_json_1 json_table = {
    .size = sizeof(bp_json_1),
    .parse = parse,
    .release = documents_close,
    .type = type,
    .count = count,
    .get = get,
    .at = at,
    .next = next,
    .string = string,
    .integer = integer,
    .real = real,
    .boolean = boolean,
    .writer_new = writer_new,
    .writer_free = writers_free,
    .object_begin = writers_object_begin,
    .object_end = writers_object_end,
    .array_begin = writers_array_begin,
    .array_end = writers_array_end,
    .key = writers_key,
    .put_null = writers_null,
    .put_boolean = writers_boolean,
    .put_integer = writers_integer,
    .put_real = writers_real,
    .put_string = writers_string,
    .put_value = writers_value,
    .put_raw = writers_raw,
    .writer_text = writers_text,
    .writer_reset = writers_reset,
};
