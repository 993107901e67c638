/* Reading documents back: the list with its filters, full-text search, one document's metadata, all tags. */
#include "documents.h"
#include "statements.h"

#include <stdlib.h>

#define LIST_MOST 10000
#define SEARCH_MOST 100
#define NEEDLE_BYTES 4096

/* Rows of one JSON text each, as a bare array; `step_count` results of any number of rows. */
static void answer_array(struct call *call, const bp_db_outcome *outcome, uint32_t step_count) {
  const struct documents *d = call->module;
  bp_json_writer out = 0;
  d->json->writer_new(d->self, &out);
  d->json->array_begin(out);
  for (uint32_t step = 0; step < step_count; step++) {
    uint32_t rows = d->db->rows(outcome->result, step);
    for (uint32_t row = 0; row < rows; row++)
      d->json->put_raw(out, db_column(d->db, outcome, step, row, 0));
  }
  d->json->array_end(out);
  d->http->reply_json(call->kit.request, 200, out);
  d->json->writer_free(out);
  free(call);
}

static void answer_list(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (!kit_call_failed(call, outcome))
    answer_array(call, outcome, 1);
}

static void answer_found(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (!kit_call_failed(call, outcome))
    answer_array(call, outcome, call->found);
}

/* The search gave row ids, best first: fetch the documents in that order. */
static void fetch_found(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct documents *d = call->module;
  bp_db_value params[SEARCH_MOST][2];
  bp_db_query queries[SEARCH_MOST];
  if (kit_call_failed(call, outcome))
    return;
  uint32_t rows = d->db->rows(outcome->result, 0);
  call->found = rows < SEARCH_MOST ? rows : SEARCH_MOST;
  if (call->found == 0) {
    kit_call_text(call, 200, BP_LIT("[]"));
    return;
  }
  for (uint32_t i = 0; i < call->found; i++) {
    params[i][0] = db_text(public_url(d));
    params[i][1] = (bp_db_value){.size = sizeof(bp_db_value)};
    d->db->value(outcome->result, 0, i, 0, &params[i][1]);
    queries[i] =
        (bp_db_query){.size = sizeof(bp_db_query), .statement = DOCUMENT_BY_ROW, .max_rows = 1, .params = {params[i], 2, sizeof(bp_db_value)}};
  }
  kit_call_read(call, queries, call->found, answer_found);
}

static void search(struct call *call, bp_str words, int64_t limit, int64_t offset) {
  const struct documents *d = call->module;
  uint32_t most = limit > SEARCH_MOST ? SEARCH_MOST : (uint32_t)limit;
  bp_status status = d->db->search(d->self, BP_LIT("texts"), words, most, (uint32_t)offset, fetch_found, call);
  if (status != BP_OK) {
    d->http->reply_failure(call->kit.request, status, NULL);
    free(call);
  }
}

static void list(struct call *call, bp_str filename, bp_str tag_list, int64_t limit, int64_t offset) {
  const struct documents *d = call->module;
  struct tags tags;
  char needle[NEEDLE_BYTES];
  tags_from_list(tag_list, &tags);
  if (tags.is_too_many || !tags_as_needle(&tags, needle, sizeof(needle))) {
    kit_call_problem(call, 400, BP_LIT("Too many tags in \"tags\": at most 64"));
    return;
  }
  bp_db_value params[] = {
      db_text(public_url(d)), db_text(filename), db_text(str_z(needle)), db_integer(tags.count), db_integer(limit < LIST_MOST ? limit : LIST_MOST),
      db_integer(offset)};
  bp_db_query query = {.size = sizeof(query), .statement = LIST_DOCUMENTS, .max_rows = LIST_MOST, .params = BP_ARRAY(params)};
  kit_call_read(call, &query, 1, answer_list);
}

void documents_list(void *state, bp_request request) {
  struct documents *d = state;
  bp_str filename = {NULL, 0}, tags = {NULL, 0}, words = {NULL, 0};
  int64_t limit = 0, offset = 0;
  d->http->param(request, BP_LIT("filename"), &filename);
  d->http->param(request, BP_LIT("tags"), &tags);
  d->http->param_integer(request, BP_LIT("limit"), &limit);
  d->http->param_integer(request, BP_LIT("offset"), &offset);
  bool is_search = d->http->param(request, BP_LIT("q"), &words) == BP_OK;
  struct call *call = call_new(d, request);
  if (call && is_search)
    search(call, words, limit, offset);
  else if (call)
    list(call, filename, tags, limit, offset);
}

static void answer_tags(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct documents *d = call->module;
  bp_json_writer out = 0;
  if (kit_call_failed(call, outcome))
    return;
  d->json->writer_new(d->self, &out);
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("tags"));
  d->json->array_begin(out);
  for (uint32_t row = 0; row < d->db->rows(outcome->result, 0); row++) {
    bp_db_value count = {.size = sizeof(count)};
    d->db->value(outcome->result, 0, row, 1, &count);
    d->json->object_begin(out);
    d->json->key(out, BP_LIT("name"));
    d->json->put_string(out, db_column(d->db, outcome, 0, row, 0));
    d->json->key(out, BP_LIT("count"));
    d->json->put_integer(out, count.integer);
    d->json->object_end(out);
  }
  d->json->array_end(out);
  d->json->object_end(out);
  d->http->reply_json(call->kit.request, 200, out);
  d->json->writer_free(out);
  free(call);
}

void documents_tags(void *state, bp_request request) {
  struct call *call = call_new(state, request);
  bp_db_query query = {.size = sizeof(query), .statement = COUNT_TAGS, .max_rows = LIST_MOST};
  if (call)
    kit_call_read(call, &query, 1, answer_tags);
}

static void answer_metadata(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (kit_call_failed(call, outcome))
    return;
  if (call->module->db->rows(outcome->result, 0) == 0)
    kit_call_problem(call, 404, BP_LIT("Document not found"));
  else
    kit_call_text(call, 200, db_column(call->module->db, outcome, 0, 0, 0));
}

void documents_get_metadata(void *state, bp_request request) {
  struct documents *d = state;
  bp_str id = {NULL, 0};
  d->http->param(request, BP_LIT("document_id"), &id);
  struct call *call = call_new(d, request);
  if (!call)
    return;
  bp_db_value params[] = {db_text(public_url(d)), db_text(id)};
  bp_db_query query = {.size = sizeof(query), .statement = DOCUMENT_BY_ID, .max_rows = 1, .params = BP_ARRAY(params)};
  kit_call_read(call, &query, 1, answer_metadata);
}
