/* Uploads: multipart parser in, fields and spooled files out; see upload.h. Keeping files is in stream_file.c. */
#include "router/upload.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/exchange.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "router/body.h"
#include "router/folder_file.h"
#include "router/multipart.h"
#include "router/spool.h"
#include "router/upload_keep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELD_BYTES_MAX (64u * 1024)
#define FIELDS_BYTES_MAX (1024u * 1024) /* all fields of a form together */
/* The body is paused above the one and read on below the other. */
#define WAITING_HIGH_BYTES (512u * 1024)
#define WAITING_LOW_BYTES (256u * 1024)

enum part_place { PART_SPOOLED, PART_KEEPING, PART_KEPT };

struct part {
  struct buf strings; /* name, file name and content type, one after the other */
  size_t name_len, filename_len;
  bool is_file;
  struct buf text;
  struct spool_file *file;
  enum part_place place;
};

struct upload {
  unsigned references; /* the router's, each keep under way, a spool at work, a posted end */
  struct http_exchange *x;
  upload_done_fn done; /* NULL once called, or when nobody waits any more */
  char *folder;
  struct multipart parser;
  struct spool spool;
  bool is_paused;
  bool is_complete; /* the whole body has been parsed */
  size_t field_bytes;
  unsigned problem_status; /* 0: none */
  struct buf problem;
  uint32_t part_count;
  struct part parts[MULTIPART_PARTS_MAX];
};

/* ---- Removing what was not kept ---- */

struct removal {
  struct work work;
  char *folder;
  unsigned count;
  char names[MULTIPART_PARTS_MAX][SPOOL_NAME_BYTES];
};

static void removal_run(struct work *work) {
  struct removal *removal = (struct removal *)work;
  int spool = folder_open_spool(removal->folder);
  for (unsigned i = 0; i < removal->count && spool >= 0; i++)
    (void)unlinkat(spool, removal->names[i], 0);
  if (spool >= 0)
    close(spool);
}

/* Cancelled: the host stops, and the next start cleans up. */
static void removal_done(struct work *work, bool cancelled) {
  struct removal *removal = (struct removal *)work;
  (void)cancelled;
  free(removal->folder);
  free(removal);
}

static void remove_files(struct upload *upload) {
  struct removal *removal = mem_alloc(sizeof(*removal));
  for (uint32_t i = 0; i < upload->part_count; i++) {
    const struct part *part = &upload->parts[i];
    if (part->file != NULL && part->file->is_made && part->place != PART_KEPT)
      memcpy(removal->names[removal->count++], part->file->name, SPOOL_NAME_BYTES);
  }
  removal->folder = str_dupz(str_from(upload->folder));
  removal->work = (struct work){.run = removal_run, .done = removal_done};
  if (removal->count > 0)
    workers_submit(&removal->work);
  else
    removal_done(&removal->work, true);
}

/* ---- Life ---- */

static void upload_unref(struct upload *upload) {
  if (--upload->references > 0)
    return;
  spool_release(&upload->spool);
  remove_files(upload);
  multipart_release(&upload->parser);
  for (uint32_t i = 0; i < upload->part_count; i++) {
    buf_release(&upload->parts[i].strings);
    buf_release(&upload->parts[i].text);
    free(upload->parts[i].file);
  }
  buf_release(&upload->problem);
  free(upload->folder);
  free(upload);
}

void upload_free(struct upload *upload) {
  if (upload == NULL)
    return;
  LOOP_MAIN();
  upload->x = NULL;
  upload->done = NULL;
  spool_abandon(&upload->spool);
  upload_unref(upload);
}

/* Tells the router, once. The upload may be gone when this returns. */
static void tell_done(struct upload *upload) {
  upload_done_fn done = upload->done;
  upload->done = NULL;
  if (done == NULL)
    return;
  const bp_problem problem = {.size = sizeof(problem), .status = upload->problem_status, .message = buf_str(&upload->problem)};
  done(upload->x, upload, upload->problem_status != 0 ? &problem : NULL);
}

static void tell_posted(void *arg) {
  struct upload *upload = arg;
  tell_done(upload);
  upload_unref(upload);
}

static void pause_body(struct upload *upload, bool pause) {
  if (upload->is_paused == pause || upload->x == NULL || upload->is_complete)
    return;
  upload->is_paused = pause;
  exchange_body_pause(upload->x, pause);
}

/* The first problem counts; what still comes of the body is thrown away. It is told from a later tick: this may run inside upload_begin or the
 * parser. */
static bool refuse(struct upload *upload, unsigned status, const char *text) {
  if (upload->problem_status != 0)
    return false;
  upload->problem_status = status;
  buf_append_z(&upload->problem, text);
  spool_abandon(&upload->spool);
  pause_body(upload, false);
  upload->references++;
  loop_post(tell_posted, upload);
  return false;
}

/* ---- What the parser says ---- */

static bool on_part(void *ctx, const struct multipart_head *head) {
  struct upload *upload = ctx;
  struct part *part = &upload->parts[upload->part_count++];
  part->name_len = head->name.len;
  part->filename_len = head->filename.len;
  part->is_file = head->is_file;
  buf_append_str(&part->strings, head->name);
  buf_append_str(&part->strings, head->filename);
  buf_append_str(&part->strings, head->content_type);
  if (part->strings.failed)
    return refuse(upload, 503, "no memory for this upload; try again later");
  if (!head->is_file)
    return true;
  part->file = mem_alloc(sizeof(*part->file));
  return spool_begin(&upload->spool, part->file) || refuse(upload, 503, "no memory for this upload; try again later");
}

static bool on_data(void *ctx, bp_str bytes) {
  struct upload *upload = ctx;
  struct part *part = &upload->parts[upload->part_count - 1];
  if (part->is_file)
    return spool_write(&upload->spool, bytes) || refuse(upload, 503, "no memory for this upload; try again later");
  upload->field_bytes += bytes.len;
  if (part->text.len + bytes.len > FIELD_BYTES_MAX)
    return refuse(upload, 413, "a form field is larger than 64 KiB; send long content as a file");
  if (upload->field_bytes > FIELDS_BYTES_MAX)
    return refuse(upload, 413, "the fields of the form are larger than 1 MiB together; send long content as files");
  buf_append_str(&part->text, bytes);
  return !part->text.failed || refuse(upload, 503, "no memory for this upload; try again later");
}

static bool on_end(void *ctx) {
  struct upload *upload = ctx;
  struct part *part = &upload->parts[upload->part_count - 1];
  if (part->is_file)
    return spool_end(&upload->spool) || refuse(upload, 503, "no memory for this upload; try again later");
  return str_is_utf8(buf_str(&part->text)) || refuse(upload, 400, "a form field is not UTF-8 text");
}

static const struct multipart_events parser_events = {on_part, on_data, on_end};

static void refuse_for_parser(struct upload *upload) {
  if (upload->parser.error != NULL)
    (void)refuse(upload, upload->parser.is_limit ? 413 : 400, upload->parser.error);
}

/* ---- The flow: body -> parser -> spool ---- */

/* Keeps the spool going; it holds a reference while it works. */
static void pump(struct upload *upload) {
  if (spool_start(&upload->spool))
    upload->references++;
  if (spool_waiting(&upload->spool) > WAITING_HIGH_BYTES)
    pause_body(upload, true);
  else if (spool_waiting(&upload->spool) < WAITING_LOW_BYTES)
    pause_body(upload, false);
}

static void on_spool_failure(struct upload *upload) {
  if (upload->spool.status == BP_E_CANCELLED) {
    (void)refuse(upload, 503, "the host is stopping");
    return;
  }
  log_error("router", "%s", upload->spool.error.message);
  if (upload->spool.status == BP_E_FULL)
    (void)refuse(upload, 507, "there is no space left for this upload");
  else
    (void)refuse(upload, 500, "the upload could not be written; the log says why");
}

static void on_spool_moved(void *ctx) {
  struct upload *upload = ctx;
  if (upload->done != NULL && upload->spool.status != BP_OK)
    on_spool_failure(upload);
  else if (upload->done != NULL && upload->problem_status == 0)
    pump(upload);
  if (upload->is_complete && upload->problem_status == 0 && spool_is_empty(&upload->spool))
    tell_done(upload);
  upload_unref(upload);
}

static void on_chunk(struct http_exchange *x, void *ctx, bp_str bytes) {
  struct upload *upload = ctx;
  (void)x;
  if (upload->problem_status != 0 || upload->done == NULL)
    return;
  if (multipart_feed(&upload->parser, bytes))
    pump(upload);
  else
    refuse_for_parser(upload);
}

static void on_body_end(struct http_exchange *x, void *ctx) {
  struct upload *upload = ctx;
  (void)x;
  if (upload->problem_status != 0 || upload->done == NULL)
    return;
  upload->is_complete = true;
  if (!multipart_finish(&upload->parser)) {
    refuse_for_parser(upload);
    return;
  }
  pump(upload);
  if (spool_is_empty(&upload->spool))
    tell_done(upload);
}

static void take_body(struct upload *upload, uint64_t limit_bytes) {
  static const struct http_body_sink sink = {on_chunk, on_body_end};
  struct http_exchange *x = upload->x;
  bp_str type = {0}, encoding, boundary;
  exchange_header(x, "Content-Type", &type);
  if (exchange_header(x, "Content-Encoding", &encoding) && !str_ieq(encoding, BP_LIT("identity"))) {
    (void)refuse(upload, 415, "Content-Encoding is not supported; send the body without compression");
    return;
  }
  bp_status status = multipart_boundary(type, &boundary);
  if (type.len == 0 || body_is_json_type(type)) { /* no part came: the module names the one it misses */
    upload->references++;
    loop_post(tell_posted, upload);
  } else if (status == BP_E_UNSUPPORTED) {
    (void)refuse(upload, 415, "Content-Type must be multipart/form-data");
  } else if (status != BP_OK) {
    (void)refuse(upload, 400, "the boundary of the multipart body is missing or not valid");
  } else if (!x->has_body) {
    (void)refuse(upload, 400, "the multipart body is missing");
  } else {
    multipart_init(&upload->parser, boundary, &parser_events, upload);
    exchange_body_stream(x, limit_bytes, &sink, upload);
  }
}

struct upload *upload_begin(struct http_exchange *x, struct plugin *owner, uint64_t limit_bytes, upload_done_fn done) {
  LOOP_MAIN();
  struct upload *upload = mem_alloc(sizeof(*upload));
  bp_str folder = core_table.folder(owner->handle);
  upload->references = 1;
  upload->x = x;
  upload->done = done;
  upload->folder = str_dupz(folder);
  spool_init(&upload->spool, upload->folder, on_spool_moved, upload);
  exchange_hold(x);
  if (folder.len == 0)
    (void)refuse(upload, 500, "the upload cannot be written: the module has no folder; the log says why");
  else
    take_body(upload, limit_bytes);
  return upload;
}

/* ---- What came ---- */

uint32_t upload_part_count(const struct upload *upload) {
  return upload->part_count;
}

static bp_str name_of(const struct part *part) {
  return bp_str_make(part->strings.data, part->name_len);
}

bool upload_part(const struct upload *upload, uint32_t index, bp_part *ret) {
  if (index >= upload->part_count)
    return false;
  const struct part *part = &upload->parts[index];
  const struct spool_file *file = part->file;
  size_t before = part->name_len + part->filename_len;
  bp_part full = {.size = ret->size, .is_file = part->is_file, .name = name_of(part)};
  full.filename = bp_str_make(part->strings.data + part->name_len, part->filename_len);
  full.content_type = bp_str_make(part->strings.data + before, part->strings.len - before);
  full.text = buf_str(&part->text);
  full.size_bytes = file != NULL ? file->size_bytes : part->text.len;
  if (file != NULL)
    memcpy(full.sha256_hex, file->sha256_hex, sizeof(full.sha256_hex));
  memcpy(ret, &full, ret->size < sizeof(full) ? ret->size : sizeof(full));
  return true;
}

int32_t upload_find(const struct upload *upload, bp_str name) {
  for (uint32_t i = 0; i < upload->part_count; i++)
    if (str_eq(name_of(&upload->parts[i]), name))
      return (int32_t)i;
  return -1;
}

/* ---- Keeping (upload_keep.h) ---- */

bp_status upload_keep_begin(struct upload *upload, uint32_t index, const char **ret_spool_name) {
  if (index >= upload->part_count || upload->parts[index].file == NULL)
    return BP_E_NOT_FOUND;
  struct part *part = &upload->parts[index];
  if (part->place != PART_SPOOLED)
    return part->place == PART_KEPT ? BP_E_STATE : BP_E_BUSY;
  part->place = PART_KEEPING;
  upload->references++;
  *ret_spool_name = part->file->name;
  return BP_OK;
}

void upload_keep_end(struct upload *upload, uint32_t index, bool is_kept) {
  upload->parts[index].place = is_kept ? PART_KEPT : PART_SPOOLED;
  upload_unref(upload);
}

/* ---- Leftovers ---- */

static void clean_run(struct work *work) {
  spool_clean(((struct removal *)work)->folder);
}

void upload_clean_folder(struct plugin *owner) {
  bp_str folder = core_table.folder(owner->handle);
  if (folder.len == 0)
    return;
  struct removal *removal = mem_alloc(sizeof(*removal));
  removal->folder = str_dupz(folder);
  removal->work = (struct work){.run = clean_run, .done = removal_done};
  workers_submit(&removal->work);
}
