/* bp.stream/1: bodies that are larger than memory should hold, both ways.
 *
 * File names here are relative to the plugin's own folder (core.h), made of plain components: no "..", no leading "/", no
 * symbolic links are followed. */
#ifndef BACKPLANE_STREAM_H
#define BACKPLANE_STREAM_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_STREAM_1 "bp.stream/1"

/* Receives a request body in pieces (routes with BP_ROUTE_STREAM). The reply's time-out counts from the last piece. */
typedef struct bp_body_sink {
  uint32_t size;
  uint32_t reserved;
  void (*chunk)(void *ctx, bp_request request, bp_str bytes); /* borrowed for the call [main] */
  void (*end)(void *ctx, bp_request request);                 /* the body is complete: reply now or later [main] */
  /* The body will not complete (client gone, too large, too slow): the host has answered; the request is stale. It is
   * called in the place of an `on_cancel` given to defer, which is used once the body is complete. May be NULL. [main] */
  void (*failed)(void *ctx, bp_request request, bp_status status);
} bp_body_sink;

/* One part of a multipart body, spooled before the handler of a BP_ROUTE_UPLOAD route runs. Caller-owned, set `size`. */
typedef struct bp_part {
  uint32_t size;
  uint32_t is_file;    /* 1: the part has a file name */
  bp_str name;         /* field name */
  bp_str filename;     /* as sent, never a path to use; empty unless is_file */
  bp_str content_type; /* as sent, or empty */
  bp_str text;         /* the value of a non-file field (at most 64 KiB), UTF-8 checked */
  uint64_t size_bytes;
  char sha256_hex[65]; /* of a file part, NUL-terminated */
} bp_part;

/* Options of send_file. */
#define BP_FILE_ATTACHMENT 1u /* Content-Disposition: attachment */

typedef struct bp_file_reply {
  uint32_t size;
  uint32_t flags;      /* BP_FILE_* */
  bp_str content_type; /* sent as given */
  bp_str filename;     /* for Content-Disposition: filename="x" when plain ASCII, else filename*=utf-8''... (RFC 6266) */
  bp_str etag;         /* strong tag without quotes; empty: made of size and modification time */
} bp_file_reply;

/* After a file operation on a worker. [main] */
typedef void (*bp_file_done_fn)(void *ctx, bp_status status, const bp_error *err);

/* Events of a response stream. */
typedef struct bp_stream_events {
  uint32_t size;
  uint32_t reserved;
  void (*drained)(void *ctx, bp_stream stream); /* everything written so far has left for the kernel [main] */
  /* The client left or was cut, or the plugin drains: the stream is stale. Not called after `end`. [main] */
  void (*closed)(void *ctx, bp_stream stream, bp_status status);
} bp_stream_events;

typedef struct bp_stream_1 {
  uint32_t size;

  /* Starts reading the body; call it in the handler, which may then return without defer. `pause` stops reading from the
   * socket until `resume`. [main] */
  bp_status (*body_read)(bp_request request, const bp_body_sink *sink, void *ctx);
  bp_status (*body_pause)(bp_request request);
  bp_status (*body_resume)(bp_request request);

  /* The spooled parts of an upload, in order. Files not kept are removed with the request. [main] */
  uint32_t (*part_count)(bp_request request);
  bp_status (*part)(bp_request request, uint32_t index, bp_part *ret);
  /* Moves a spooled file to `path` in the plugin's folder: fsync, rename, fsync of the folder, on a worker. The request
   * must be deferred. BP_E_EXISTS in `done` when the path is taken. [main] */
  bp_status (*part_keep)(bp_request request, uint32_t index, bp_str path, bp_file_done_fn done, void *ctx);
  /* Removes a file of the plugin's folder on a worker. [main] */
  bp_status (*file_remove)(bp_plugin self, bp_str path, bp_file_done_fn done, void *ctx);

  /* Answers with a file of the plugin's folder: sendfile, single ranges (RFC 9110 section 14), ETag, conditional requests,
   * 404 in the family's shape if it is gone. Finishes the request. [main] */
  bp_status (*send_file)(bp_request request, bp_str path, const bp_file_reply *options);

  /* Starts a response of unknown length (chunked, or close-delimited for HTTP/1.0). The request handle is finished; the
   * stream lives on until `end` or `closed`. Headers added before are sent. [main] */
  bp_status (*begin)(bp_request request, uint32_t status, bp_str content_type, const bp_stream_events *events, void *ctx, bp_stream *ret);
  /* Queues bytes (copied). BP_E_BUSY when 1 MiB waits already: nothing was taken, go on at `drained`.
   * BP_E_LIMIT for more than 1 MiB at once. [main] */
  bp_status (*write)(bp_stream stream, bp_str bytes);
  uint64_t (*buffered)(bp_stream stream); /* bytes not yet taken by the kernel */
  bp_status (*end)(bp_stream stream);
} bp_stream_1;

#ifdef __cplusplus
}
#endif

#endif
