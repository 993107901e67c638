/* What a policy may know of a request of this module before it decides. The handlers act on these facts, so that what a rule
 * rewrites is what is stored. */
#include "documents.h"

#include <string.h>

static void begin(const bp_json_1 *json, bp_json_writer facts, bp_str action) {
  json->object_begin(facts);
  json_text_member(json, facts, BP_LIT("module"), BP_LIT("documents"));
  json_text_member(json, facts, BP_LIT("action"), action);
}

/* File name, type and size of what is uploaded, and its tags as one list. */
bp_status facts_upload(void *state, bp_request request, bp_json_writer facts) {
  const struct documents *d = state;
  bp_str tags = {NULL, 0};
  uint32_t count = d->stream->part_count(request);
  begin(d->json, facts, BP_LIT("upload"));
  for (uint32_t i = 0; i < count; i++) {
    bp_part part = {.size = sizeof(part)};
    if (d->stream->part(request, i, &part) != BP_OK || !part.is_file)
      continue;
    json_text_member(d->json, facts, BP_LIT("filename"), part.filename);
    json_text_member(d->json, facts, BP_LIT("content_type"), content_type_of(part.filename, part.content_type));
    d->json->key(facts, BP_LIT("size_bytes"));
    d->json->put_integer(facts, (int64_t)part.size_bytes);
    break;
  }
  d->http->param(request, BP_LIT("tags"), &tags);
  json_text_member(d->json, facts, BP_LIT("tags"), tags);
  d->json->object_end(facts);
  return BP_OK;
}

/* The document a request is about, and what would change: `tags` and `description`, where they are given. */
bp_status facts_document(void *state, bp_request request, bp_json_writer facts) {
  static const bp_str names[] = {BP_STR("tags"), BP_STR("description")};
  const struct documents *d = state;
  bp_json body = 0, value = 0;
  bp_str id = {NULL, 0};
  bool is_patch = d->http->body(request, &body) == BP_OK;
  begin(d->json, facts, is_patch ? BP_LIT("patch") : BP_LIT("delete"));
  if (d->http->param(request, BP_LIT("document_id"), &id) == BP_OK)
    json_text_member(d->json, facts, BP_LIT("document_id"), id);
  for (uint32_t i = 0; is_patch && i < 2; i++)
    if (d->json->get(body, names[i], &value) == BP_OK && d->json->type(value) != BP_JSON_NULL) {
      d->json->key(facts, names[i]);
      d->json->put_value(facts, value);
    }
  d->json->object_end(facts);
  return BP_OK;
}

bp_str fact_text(const struct documents *d, bp_request request, bp_str name) {
  bp_json facts = 0, value = 0;
  bp_str text = {NULL, 0};
  if (d->http->facts(request, &facts) == BP_OK && d->json->get(facts, name, &value) == BP_OK)
    d->json->string(value, &text);
  return text;
}
