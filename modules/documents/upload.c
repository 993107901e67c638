/* Taking a document in: the spooled file is moved to its place first, then row, tags and search text are stored as one
 * unit, then the client hears of it. A file whose row could not be stored is removed again. */
#include "documents.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_id(const struct documents *d, struct call *call) {
  unsigned char random[12];
  d->core->random_bytes(random, sizeof(random));
  size_t at = (size_t)snprintf(call->id, ID_BYTES, "doc_");
  for (size_t i = 0; i < sizeof(random); i++)
    at += (size_t)snprintf(call->id + at, ID_BYTES - at, "%02x", random[i]);
  snprintf(call->path, PATH_BYTES, "files/%s", call->id);
}

static bp_str form_field(const struct documents *d, bp_request request, bp_str name) {
  bp_str text = {NULL, 0};
  d->http->param(request, name, &text);
  return text;
}

/* The number of the part that is the file, or UINT32_MAX. */
static uint32_t find_file(const struct documents *d, bp_request request, bp_part *ret) {
  uint32_t count = d->stream->part_count(request);
  for (uint32_t i = 0; i < count; i++) {
    *ret = (bp_part){.size = sizeof(*ret)};
    if (d->stream->part(request, i, ret) == BP_OK && ret->is_file && ret->name.len == 4 && memcmp(ret->name.ptr, "file", 4) == 0)
      return i;
  }
  return UINT32_MAX;
}

static void forget(void *ctx, bp_status status, const bp_error *err) {
  (void)ctx; /* a file that stays is found by the sweep at the next start */
  (void)status;
  (void)err;
}

static void answer_stored(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct documents *d = call->module;
  if (outcome->status != BP_OK)
    d->stream->file_remove(d->self, str_z(call->path), forget, NULL);
  if (kit_call_failed(call, outcome))
    return;
  uint32_t last = 0;
  while (d->db->columns(outcome->result, last) == 0)
    last++; /* the one step that returns a column is the document as JSON */
  kit_call_text(call, 201, db_column(d->db, outcome, last, 0, 0));
}

#define STEPS_MOST (TAGS_MOST + 4)

struct upload_unit {
  bp_db_value document[7];
  bp_db_value tags[TAGS_MOST][2];
  bp_db_value text[2];
  bp_db_value read[2];
  bp_db_step steps[STEPS_MOST];
  uint32_t count;
  char now[TIMESTAMP_BYTES];
};

static void add_step(struct upload_unit *unit, uint32_t statement, const bp_db_value *values, uint32_t count) {
  unit->steps[unit->count++] =
      (bp_db_step){.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = statement, .params = {values, count, (uint32_t)sizeof(bp_db_value)}};
}

static void build_unit(struct call *call, const bp_part *file, bp_str metadata, bp_str text, struct upload_unit *unit) {
  const struct documents *d = call->module;
  bp_db_value id = db_text(str_z(call->id));
  struct tags tags;
  tags_from_list(fact_text(d, call->kit.request, BP_LIT("tags")), &tags);
  const bp_db_value document[7] = {id,
                                   db_text(fact_text(d, call->kit.request, BP_LIT("filename"))),
                                   db_text(content_type_of(file->filename, file->content_type)),
                                   db_integer((int64_t)file->size_bytes),
                                   db_text(str_z(file->sha256_hex)),
                                   db_text(timestamp_now(d, unit->now)),
                                   db_text(metadata)};
  memcpy(unit->document, document, sizeof(document));
  add_step(unit, INSERT_DOCUMENT, unit->document, 7);
  for (uint32_t i = 0; i < tags.count; i++) {
    unit->tags[i][0] = id;
    unit->tags[i][1] = db_text(tags.items[i]);
    add_step(unit, INSERT_TAG, unit->tags[i], 2);
  }
  unit->text[0] = id;
  unit->text[1] = db_text(text.ptr ? text : BP_LIT(""));
  add_step(unit, INSERT_TEXT, unit->text, 2);
  unit->read[0] = db_text(public_url(d));
  unit->read[1] = id;
  add_step(unit, DOCUMENT_BY_ID, unit->read, 2);
  unit->steps[unit->count] = (bp_db_step){
      .size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_LIT("documents.created"), .key = id.text, .payload_step = unit->count - 1};
  unit->count++;
}

static void store_document(void *ctx, bp_str text) {
  struct call *call = ctx;
  const struct documents *d = call->module;
  bp_part file = {.size = sizeof(file)};
  bp_str metadata = {NULL, 0};
  bp_json_writer out = 0;
  struct upload_unit *unit = calloc(1, sizeof(*unit));
  if (!unit || d->json->writer_new(d->self, &out) != BP_OK || find_file(d, call->kit.request, &file) == UINT32_MAX) {
    d->stream->file_remove(d->self, str_z(call->path), forget, NULL);
    d->http->reply_failure(call->kit.request, BP_E_NO_MEMORY, NULL);
    d->json->writer_free(out);
    free(unit);
    free(call);
    return;
  }
  metadata_normalise(d, form_field(d, call->kit.request, BP_LIT("metadata")), out);
  d->json->writer_text(out, &metadata, NULL);
  build_unit(call, &file, metadata, text, unit);
  kit_call_write(call, unit->steps, unit->count, answer_stored);
  d->json->writer_free(out);
  free(unit);
}

static void file_kept(void *ctx, bp_status status, const bp_error *err) {
  struct call *call = ctx;
  struct documents *d = call->module;
  bp_part file = {.size = sizeof(file)};
  if (status != BP_OK) {
    d->http->reply_failure(call->kit.request, status, err);
    free(call);
    return;
  }
  find_file(d, call->kit.request, &file);
  /* Many clients say application/octet-stream for everything: the name may still tell that it is text. */
  if (content_type_is_text(content_type_of(file.filename, file.content_type)) ||
      content_type_is_text(content_type_of(file.filename, bp_str_make(NULL, 0))))
    text_read(d, call->path, store_document, call);
  else
    store_document(call, BP_LIT(""));
}

/* What is wrong with the form fields, or an empty string. */
static bp_str refuse_fields(const struct documents *d, bp_request request) {
  struct tags tags;
  bp_json_writer scratch = 0;
  tags_from_list(fact_text(d, request, BP_LIT("tags")), &tags);
  if (tags.is_too_many)
    return BP_LIT("Too many tags: at most 64");
  if (d->json->writer_new(d->self, &scratch) != BP_OK)
    return BP_LIT("Out of memory");
  bool is_good = metadata_normalise(d, form_field(d, request, BP_LIT("metadata")), scratch);
  d->json->writer_free(scratch);
  return is_good ? bp_str_make(NULL, 0) : BP_LIT("Invalid JSON in metadata parameter");
}

void documents_upload(void *state, bp_request request) {
  struct documents *d = state;
  bp_part file = {.size = sizeof(file)};
  uint32_t index = find_file(d, request, &file);
  bp_str wrong = refuse_fields(d, request);
  struct call *call = call_new(d, request);
  if (!call)
    return;
  if (wrong.len) {
    kit_call_problem(call, 400, wrong);
    return;
  }
  make_id(d, call);
  bp_status status = d->stream->part_keep(request, index, str_z(call->path), file_kept, call);
  if (status != BP_OK) {
    d->http->reply_failure(request, status, NULL);
    free(call);
  }
}
