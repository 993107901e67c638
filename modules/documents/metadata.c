/* The metadata field of an upload: a JSON object whose values become strings, as every answer has them. */
#include "documents.h"

/* A value that is not a string is kept as its JSON text. */
static void put_as_string(const struct documents *d, bp_json value, bp_json_writer out) {
  bp_str text;
  bp_json_writer scratch = 0;
  if (d->json->string(value, &text) == BP_OK) {
    d->json->put_string(out, text);
    return;
  }
  if (d->json->writer_new(d->self, &scratch) != BP_OK)
    return;
  d->json->put_value(scratch, value);
  if (d->json->writer_text(scratch, &text, NULL) == BP_OK)
    d->json->put_string(out, text);
  d->json->writer_free(scratch);
}

bool metadata_normalise(const struct documents *d, bp_str text, bp_json_writer out) {
  bp_json root = 0, value = 0;
  bp_str key;
  uint64_t cursor = 0;
  d->json->object_begin(out);
  if (text.len == 0) {
    d->json->object_end(out);
    return true;
  }
  if (d->json->parse(d->self, text, &root, NULL) != BP_OK)
    return false;
  bool is_object = d->json->type(root) == BP_JSON_OBJECT;
  while (is_object && d->json->next(root, &cursor, &key, &value) == BP_OK) {
    d->json->key(out, key);
    put_as_string(d, value, out);
  }
  d->json->object_end(out);
  d->json->release(d->self, root);
  return is_object;
}
