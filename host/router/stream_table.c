/* bp.stream/1: the table, and the parts of an upload. The rest is behind stream_calls.h. */
#include "loader/tables.h"
#include "loop/loop.h"
#include "router/stream_calls.h"
#include "router/upload.h"

static uint32_t part_count(bp_request request) {
  const struct upload *upload = loop_is_main() ? request_upload(request) : NULL;
  return upload != NULL ? upload_part_count(upload) : 0;
}

static bp_status part(bp_request request, uint32_t index, bp_part *ret) {
  if (!loop_is_main())
    return BP_E_THREAD;
  const struct upload *upload = request_upload(request);
  if (upload == NULL)
    return BP_E_STALE;
  return upload_part(upload, index, ret) ? BP_OK : BP_E_NOT_FOUND;
}

const bp_stream_1 stream_table = {
    .size = sizeof(bp_stream_1),
    .body_read = stream_body_read,
    .body_pause = stream_body_pause,
    .body_resume = stream_body_resume,
    .part_count = part_count,
    .part = part,
    .part_keep = stream_part_keep,
    .file_remove = stream_file_remove,
    .send_file = stream_send_file,
    .begin = stream_begin,
    .write = stream_write,
    .buffered = stream_buffered,
    .end = stream_end,
};
