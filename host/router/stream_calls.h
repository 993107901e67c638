/* The functions behind bp.stream/1, by subject. What each means is said in <backplane/stream.h>; all are called on main. */
#ifndef HOST_ROUTER_STREAM_CALLS_H
#define HOST_ROUTER_STREAM_CALLS_H

#include <backplane/stream.h>

/* stream_body.c: request bodies in pieces. */
bp_status stream_body_read(bp_request request, const bp_body_sink *sink, void *ctx);
bp_status stream_body_pause(bp_request request);
bp_status stream_body_resume(bp_request request);

/* stream_file.c: files of the plugin's folder. */
bp_status stream_part_keep(bp_request request, uint32_t index, bp_str path, bp_file_done_fn done, void *ctx);
bp_status stream_file_remove(bp_plugin self, bp_str path, bp_file_done_fn done, void *ctx);
bp_status stream_send_file(bp_request request, bp_str path, const bp_file_reply *options);

/* stream_response.c: responses of unknown length. */
bp_status stream_begin(bp_request request, uint32_t status, bp_str content_type, const bp_stream_events *events, void *ctx, bp_stream *ret);
bp_status stream_write(bp_stream stream, bp_str bytes);
uint64_t stream_buffered(bp_stream stream);
bp_status stream_end(bp_stream stream);

#endif
