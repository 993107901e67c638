/* Giving a document back: the stored bytes with ranges and validators, and the service's health. */
#include "documents.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMN_FILENAME, COLUMN_CONTENT_TYPE, COLUMN_CHECKSUM };

#define TYPE_BYTES 320

/* text/... is sent with its charset, as the original does. */
static bp_str sent_type(bp_str stored, char buffer[TYPE_BYTES]) {
  bool is_text = stored.len >= 5 && __builtin_memcmp(stored.ptr, "text/", 5) == 0;
  bool has_charset = false;
  for (size_t i = 0; i + 8 <= stored.len; i++)
    has_charset |= __builtin_memcmp(stored.ptr + i, "charset=", 8) == 0;
  if (!is_text || has_charset)
    return stored;
  int len = snprintf(buffer, TYPE_BYTES, "%.*s; charset=utf-8", (int)stored.len, stored.ptr);
  return bp_str_make(buffer, (size_t)len);
}

static void send_document(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct documents *d = call->module;
  char type[TYPE_BYTES], path[PATH_BYTES];
  bp_str id = {NULL, 0};
  if (kit_call_failed(call, outcome))
    return;
  if (d->db->rows(outcome->result, 0) == 0) {
    kit_call_problem(call, 404, BP_LIT("Document not found"));
    return;
  }
  d->http->param(call->kit.request, BP_LIT("document_id"), &id);
  snprintf(path, sizeof(path), "files/%.*s", (int)id.len, id.ptr);
  bp_file_reply options = {.size = sizeof(options),
                           .flags = BP_FILE_ATTACHMENT,
                           .content_type = sent_type(db_column(d->db, outcome, 0, 0, COLUMN_CONTENT_TYPE), type),
                           .filename = db_column(d->db, outcome, 0, 0, COLUMN_FILENAME),
                           .etag = db_column(d->db, outcome, 0, 0, COLUMN_CHECKSUM)};
  d->http->header_add(call->kit.request, BP_LIT("X-Content-Type-Options"), BP_LIT("nosniff"));
  d->stream->send_file(call->kit.request, str_z(path), &options);
  free(call);
}

void documents_download(void *state, bp_request request) {
  struct documents *d = state;
  bp_str id = {NULL, 0};
  d->http->param(request, BP_LIT("document_id"), &id);
  struct call *call = call_new(d, request);
  if (!call)
    return;
  bp_db_value key = db_text(id);
  bp_db_query query = {.size = sizeof(query), .statement = FILE_OF_DOCUMENT, .max_rows = 1, .params = {&key, 1, sizeof(key)}};
  kit_call_read(call, &query, 1, send_document);
}

void documents_health(void *state, bp_request request) {
  const struct documents *d = state;
  d->http->reply_text(request, 200, BP_LIT("application/json"), BP_LIT("{\"status\":\"healthy\",\"service\":\"document-sync-server\"}"));
}
