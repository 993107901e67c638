/* Changing tags and description, and deleting. */
#include "documents.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MOST (TAGS_MOST + 6)
#define MESSAGE_BYTES 200

static bp_str id_param(const struct documents *d, bp_request request) {
  bp_str id = {NULL, 0};
  d->http->param(request, BP_LIT("document_id"), &id);
  return id;
}

struct patch_unit {
  bp_db_value touch[2];
  bp_db_value describe[2];
  bp_db_value tags[TAGS_MOST][2];
  bp_db_value read[2];
  bp_db_step steps[STEPS_MOST];
  uint32_t count;
  char now[TIMESTAMP_BYTES];
};

static bp_db_step *add_step(struct patch_unit *unit, uint32_t statement, const bp_db_value *values, uint32_t count) {
  bp_db_step *step = &unit->steps[unit->count++];
  *step =
      (bp_db_step){.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = statement, .params = {values, count, (uint32_t)sizeof(bp_db_value)}};
  return step;
}

static void answer_patched(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct documents *d = call->module;
  if (outcome->status == BP_E_CONFLICT) {
    kit_call_problem(call, 404, BP_LIT("Document not found"));
    return;
  }
  if (kit_call_failed(call, outcome))
    return;
  uint32_t read = 0;
  while (d->db->columns(outcome->result, read) == 0)
    read++;
  kit_call_text(call, 200, db_column(d->db, outcome, read, 0, 0));
}

static void read_tags(const struct documents *d, bp_json list, struct tags *ret) {
  uint32_t count = d->json->count(list);
  *ret = (struct tags){.count = 0};
  for (uint32_t i = 0; i < count; i++) {
    bp_json item = 0;
    bp_str tag = {NULL, 0};
    d->json->at(list, i, &item);
    if (d->json->string(item, &tag) == BP_OK)
      tags_add(ret, tag);
  }
}

static void build_patch(const struct documents *d, bp_str id, const struct tags *tags, bp_str description, struct patch_unit *unit) {
  unit->touch[0] = db_text(id);
  unit->touch[1] = db_text(timestamp_now(d, unit->now));
  add_step(unit, TOUCH_DOCUMENT, unit->touch, 2)->expect = BP_DB_ONE;
  if (description.ptr) {
    unit->describe[0] = db_text(id);
    unit->describe[1] = db_text(description);
    add_step(unit, DESCRIBE_DOCUMENT, unit->describe, 2);
  }
  if (tags)
    add_step(unit, CLEAR_TAGS, unit->touch, 1);
  for (uint32_t i = 0; tags && i < tags->count; i++) {
    unit->tags[i][0] = db_text(id);
    unit->tags[i][1] = db_text(tags->items[i]);
    add_step(unit, INSERT_TAG, unit->tags[i], 2);
  }
  add_step(unit, REFRESH_TEXT, unit->touch, 1);
  unit->read[0] = db_text(public_url(d));
  unit->read[1] = db_text(id);
  add_step(unit, DOCUMENT_BY_ID, unit->read, 2);
  unit->steps[unit->count] = (bp_db_step){
      .size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_LIT("documents.updated"), .key = id, .payload_step = unit->count - 1};
  unit->count++;
}

void documents_patch(void *state, bp_request request) {
  struct documents *d = state;
  struct tags tags;
  bp_json facts = 0, value = 0;
  bp_status status = d->http->facts(request, &facts);
  struct patch_unit *unit = status == BP_OK ? calloc(1, sizeof(*unit)) : NULL;
  if (!unit) {
    d->http->reply_failure(request, status == BP_OK ? BP_E_NO_MEMORY : status, NULL);
    return;
  }
  bool has_tags = d->json->get(facts, BP_LIT("tags"), &value) == BP_OK;
  if (has_tags)
    read_tags(d, value, &tags);
  struct call *call = call_new(d, request);
  if (call) {
    build_patch(d, id_param(d, request), has_tags ? &tags : NULL, fact_text(d, request, BP_LIT("description")), unit);
    kit_call_write(call, unit->steps, unit->count, answer_patched);
  }
  free(unit);
}

/* ---- Deleting ---- */

static void file_removed(void *ctx, bp_status status, const bp_error *err) {
  const struct documents *d = ctx;
  if (status != BP_OK && status != BP_E_NOT_FOUND)
    d->log->write(d->self, BP_LOG_WARN, str_z(err->message), (bp_array){NULL, 0, 0});
}

static void write_answer(const struct documents *d, bp_json_writer out, bp_str id) {
  char message[MESSAGE_BYTES];
  snprintf(message, sizeof(message), "Document %.*s deleted successfully", (int)id.len, id.ptr);
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("success"));
  d->json->put_boolean(out, 1);
  d->json->key(out, BP_LIT("message"));
  d->json->put_string(out, str_z(message));
  d->json->key(out, BP_LIT("document_id"));
  d->json->put_string(out, id);
  d->json->object_end(out);
}

static void answer_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct documents *d = call->module;
  bp_json_writer out = 0;
  if (outcome->status == BP_E_CONFLICT) {
    kit_call_problem(call, 404, BP_LIT("Document not found"));
    return;
  }
  if (kit_call_failed(call, outcome))
    return;
  d->stream->file_remove(d->self, str_z(call->path), file_removed, d);
  d->json->writer_new(d->self, &out);
  write_answer(d, out, id_param(d, call->kit.request));
  d->http->reply_json(call->kit.request, 200, out);
  d->json->writer_free(out);
  free(call);
}

/* {"id": id}: what the live log tells of a deletion. */
static bp_json_writer deletion_payload(const struct documents *d, bp_str id) {
  bp_json_writer out = 0;
  d->json->writer_new(d->self, &out);
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("id"));
  d->json->put_string(out, id);
  d->json->object_end(out);
  return out;
}

void documents_delete(void *state, bp_request request) {
  struct documents *d = state;
  bp_str payload = {NULL, 0};
  struct call *call = call_new(d, request);
  if (!call)
    return;
  bp_str id = id_param(d, request);
  bp_db_value key = db_text(id);
  bp_array params = {&key, 1, sizeof(key)};
  bp_json_writer gone = deletion_payload(d, id);
  d->json->writer_text(gone, &payload, NULL);
  snprintf(call->path, PATH_BYTES, "files/%.*s", (int)id.len, id.ptr);
  bp_db_step steps[] = {
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = DELETE_TEXT, .params = params},
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = DELETE_DOCUMENT, .expect = BP_DB_ONE, .params = params},
      {.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_LIT("documents.deleted"), .key = id, .payload = payload},
  };
  kit_call_write(call, steps, 3, answer_deleted);
  d->json->writer_free(gone);
}
