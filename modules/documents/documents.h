/* What the files of this module share: its state, the call context of one request, and each concept's entry points.
 *
 * Documents with tags, as an existing family of clients on port 8766 speaks them (see README.md). */
#ifndef DOCUMENTS_H
#define DOCUMENTS_H

#include "kit.h"

#define ID_BYTES 29   /* "doc_", 24 hex digits, NUL */
#define PATH_BYTES 40 /* "files/" and an id */
#define TAGS_MOST 64

struct documents {
  bp_plugin self;
  const bp_host *host;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_stream_1 *stream;
  const bp_db_1 *db;
  const bp_loop_1 *loop;
};

/* One request while files and the store are worked on. */
struct call {
  struct kit_call kit;
  struct documents *module;
  char id[ID_BYTES];
  char path[PATH_BYTES];
  uint32_t found; /* rows a search gave */
};

/* call.c */
struct call *call_new(struct documents *module, bp_request request);
/* What the url of a document begins with, from the configuration as it is now. */
bp_str public_url(const struct documents *module);

/* tags.c: a comma list or JSON array as single tags, without empty ones and doubles. */
struct tags {
  bp_str items[TAGS_MOST];
  uint32_t count;
  bool is_too_many;
};
void tags_from_list(bp_str list, struct tags *ret);
void tags_add(struct tags *tags, bp_str tag);
/* ",a,b," as the statement that filters by all tags wants it, at most `size` bytes; false when it does not fit. */
bool tags_as_needle(const struct tags *tags, char *needle, size_t size);

/* metadata.c: the multipart field as an object of strings. */
bool metadata_normalise(const struct documents *module, bp_str text, bp_json_writer out);

/* content_type.c: the type of a part, by what the client said, else by the file name. */
bp_str content_type_of(bp_str filename, bp_str said);
bool content_type_is_text(bp_str content_type);

/* text.c: what of a document is worth searching, read on a worker. */
typedef void (*text_fn)(void *ctx, bp_str text);
void text_read(struct documents *module, const char *path, text_fn done, void *ctx);

/* Local time as "2026-11-21T08:17:00.123456" (26 characters), the way the original writes it. */
#define TIMESTAMP_BYTES 27
bp_str timestamp_now(const struct documents *module, char text[TIMESTAMP_BYTES]);

/* Handlers. */
void documents_health(void *state, bp_request request);
void documents_upload(void *state, bp_request request);       /* upload.c */
void documents_list(void *state, bp_request request);         /* queries.c */
void documents_tags(void *state, bp_request request);         /* queries.c */
void documents_get_metadata(void *state, bp_request request); /* queries.c */
void documents_download(void *state, bp_request request);     /* download.c */
void documents_patch(void *state, bp_request request);        /* change.c */
void documents_delete(void *state, bp_request request);       /* change.c */
/* facts.c */
bp_status facts_upload(void *state, bp_request request, bp_json_writer facts);
bp_status facts_document(void *state, bp_request request, bp_json_writer facts);
/* A text among the facts the request was allowed on; empty where it is absent. Lives until the reply. */
bp_str fact_text(const struct documents *module, bp_request request, bp_str name);
/* sweep.c: removes files that no row knows, left by a crash between the two. */
void sweep_start(struct documents *module);

#define ROUTE_COUNT 8
extern const bp_route documents_routes[ROUTE_COUNT];

#endif
