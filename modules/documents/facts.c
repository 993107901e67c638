/* What a policy may know of a request of this module before it decides. */
#include "documents.h"

static void put_member(const bp_json_1 *json, bp_json_writer facts, bp_str name, bp_str value) {
  json->key(facts, name);
  json->put_string(facts, value);
}

/* File name, type and size of what is uploaded, and its tags as one list. */
bp_status facts_upload(void *state, bp_request request, bp_json_writer facts) {
  const struct documents *d = state;
  bp_str tags = {NULL, 0};
  uint32_t count = d->stream->part_count(request);
  d->json->object_begin(facts);
  put_member(d->json, facts, BP_LIT("action"), BP_LIT("upload"));
  for (uint32_t i = 0; i < count; i++) {
    bp_part part = {.size = sizeof(part)};
    if (d->stream->part(request, i, &part) != BP_OK || !part.is_file)
      continue;
    put_member(d->json, facts, BP_LIT("filename"), part.filename);
    put_member(d->json, facts, BP_LIT("content_type"), content_type_of(part.filename, part.content_type));
    d->json->key(facts, BP_LIT("size_bytes"));
    d->json->put_integer(facts, (int64_t)part.size_bytes);
    break;
  }
  d->http->param(request, BP_LIT("tags"), &tags);
  put_member(d->json, facts, BP_LIT("tags"), tags);
  d->json->object_end(facts);
  return BP_OK;
}

/* The document a request is about, and the body where there is one. */
bp_status facts_document(void *state, bp_request request, bp_json_writer facts) {
  const struct documents *d = state;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  d->json->object_begin(facts);
  put_member(d->json, facts, BP_LIT("action"), d->http->method(request));
  if (d->http->param(request, BP_LIT("document_id"), &id) == BP_OK)
    put_member(d->json, facts, BP_LIT("document_id"), id);
  if (d->http->body(request, &body) == BP_OK) {
    d->json->key(facts, BP_LIT("body"));
    d->json->put_value(facts, body);
  }
  d->json->object_end(facts);
  return BP_OK;
}
