/* GET /api/files: the entries of a folder, folders first, a page at a time. With ?read=true it is GET /api/files/read. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bp_str param_text(const struct files *f, bp_request request, bp_str name) {
  bp_str text = BP_STR("");
  f->http->param(request, name, &text);
  return text;
}

/* A listing on its way from the file system's worker to the one that writes the answer: ten thousand entries as JSON are too much
 * for the main thread. */
struct listing {
  struct call *call;
  bp_fs_entry *entries; /* their names lie behind them */
  uint32_t count, more;
  uint64_t total;
  bp_json_writer out;
};

static bool is_folder(const bp_fs_entry *entry) {
  uint32_t kind = entry->kind == BP_FS_LINK && BP_HAS(entry, bp_fs_entry, target_kind) ? entry->target_kind : entry->kind;
  return kind == BP_FS_FOLDER;
}

/* `folder` is "" or ends with a slash: then the path of an entry is what both make together. */
static void put_item(const struct files *f, bp_json_writer out, bp_str folder, const bp_fs_entry *entry) {
  char path[2 * PATH_BYTES], time[KIT_TIME_BYTES];
  int len = snprintf(path, sizeof(path), "%.*s%.*s", (int)folder.len, folder.ptr, (int)entry->name.len, entry->name.ptr);
  f->json->object_begin(out);
  put_place(f, out, bp_str_make(path, (size_t)len));
  json_text_member(f->json, out, BP_LIT("type"), is_folder(entry) ? BP_LIT("folder") : BP_LIT("file"));
  f->json->key(out, BP_LIT("size"));
  f->json->put_integer(out, (int64_t)entry->bytes);
  json_text_member(f->json, out, BP_LIT("modified"), kit_time_text(entry->modified_ns, time));
  if (entry->kind == BP_FS_LINK) {
    f->json->key(out, BP_LIT("isLink"));
    f->json->put_boolean(out, 1);
  }
  f->json->object_end(out);
}

/* The items are written once; the answer has them twice. [worker] */
static bp_json_writer write_items(const struct listing *listing) {
  const struct files *f = listing->call->files;
  char folder[PATH_BYTES + 1];
  bp_json_writer out = 0;
  if (f->json->writer_new(f->self, &out) != BP_OK)
    return 0;
  int len = snprintf(folder, sizeof(folder), "%s%s", listing->call->path, listing->call->path[0] ? "/" : "");
  f->json->array_begin(out);
  for (uint32_t i = 0; i < listing->count; i++)
    put_item(f, out, bp_str_make(folder, (size_t)len), &listing->entries[i]);
  f->json->array_end(out);
  return out;
}

static void put_paging(const struct files *f, bp_json_writer out, const struct listing *listing) {
  f->json->key(out, BP_LIT("total"));
  f->json->put_integer(out, (int64_t)listing->total);
  f->json->key(out, BP_LIT("hasMore"));
  f->json->put_boolean(out, listing->more);
  if (listing->more) {
    f->json->key(out, BP_LIT("nextOffset"));
    f->json->put_integer(out, (int64_t)listing->call->offset + listing->count);
  }
}

static void write_answer(void *ctx) {
  struct listing *listing = ctx;
  const struct call *call = listing->call;
  const struct files *f = call->files;
  bp_str items = BP_STR("[]");
  bp_json_writer out = 0, list = write_items(listing);
  if (!list)
    return;
  if (f->json->writer_text(list, &items, NULL) == BP_OK && f->json->writer_new(f->self, &out) == BP_OK) {
    f->json->object_begin(out);
    f->json->key(out, BP_LIT("success"));
    f->json->put_boolean(out, 1);
    f->json->key(out, BP_LIT("items"));
    f->json->put_raw(out, items);
    f->json->key(out, BP_LIT("files"));
    f->json->put_raw(out, items);
    json_text_member(f->json, out, BP_LIT("currentPath"), call->given[0] ? str_z(call->given) : BP_LIT("/"));
    f->json->key(out, BP_LIT("showHidden"));
    f->json->put_boolean(out, call->shows_hidden);
    put_paging(f, out, listing);
    f->json->object_end(out);
  }
  f->json->writer_free(list);
  listing->out = out;
}

static void on_written(void *ctx, bp_status status) {
  struct listing *listing = ctx;
  struct call *call = listing->call;
  if (status == BP_OK && listing->out) {
    kit_call_json(call, 200, call->files->json, listing->out);
  } else {
    if (listing->out)
      call->files->json->writer_free(listing->out);
    call_end_refused(call, status != BP_OK ? status : BP_E_NO_MEMORY);
  }
  free(listing->entries);
  free(listing);
}

/* What the file system lends for the call, as a copy in one piece. */
static bool copy_entries(struct listing *listing, bp_array entries) {
  size_t bytes = (size_t)entries.count * sizeof(bp_fs_entry);
  for (uint32_t i = 0; i < entries.count; i++)
    bytes += ((const bp_fs_entry *)((const char *)entries.ptr + (size_t)i * entries.stride))->name.len;
  listing->entries = malloc(bytes ? bytes : 1);
  if (!listing->entries)
    return false;
  listing->count = entries.count;
  char *names = (char *)(listing->entries + entries.count);
  for (uint32_t i = 0; i < entries.count; i++) {
    const bp_fs_entry *from = (const bp_fs_entry *)((const char *)entries.ptr + (size_t)i * entries.stride);
    memcpy(names, from->name.ptr, from->name.len);
    listing->entries[i] = (bp_fs_entry){0};
    memcpy(&listing->entries[i], from, from->size < sizeof(*from) ? from->size : sizeof(*from));
    listing->entries[i].name.ptr = names;
    names += from->name.len;
  }
  return true;
}

static void on_listed(void *ctx, const bp_fs_result *result) {
  struct call *call = ctx;
  const struct files *f = call->files;
  if (result->status == BP_E_TYPE) {
    char text[PATH_BYTES + 64];
    snprintf(text, sizeof(text), "Path is not a directory: %s", call->given);
    kit_call_problem(call, 400, str_z(text));
    return;
  }
  if (result->status != BP_OK) {
    call_end_failed(call, result, 500);
    return;
  }
  struct listing *listing = calloc(1, sizeof(*listing));
  bp_status status = BP_E_NO_MEMORY;
  if (listing) {
    *listing = (struct listing){.call = call, .total = result->total, .more = result->more};
    if (copy_entries(listing, result->entries))
      status = f->loop->work(f->self, write_answer, on_written, listing);
  }
  if (status == BP_OK)
    return;
  call_end_refused(call, status);
  if (listing)
    free(listing->entries);
  free(listing);
}

/* A bare `showHidden` is what the original took it for: not sent. */
static bool read_flag(bp_str text, bool *ret) {
  static const struct {
    const char *word;
    bool value;
  } words[] = {{"true", true}, {"false", false}, {"1", true}, {"0", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (text.len == strlen(words[i].word) && strncasecmp(text.ptr, words[i].word, text.len) == 0) {
      *ret = words[i].value;
      return true;
    }
  return text.len == 0;
}

static void list(struct files *f, bp_request request, bp_str given, const char *path) {
  char pattern[PATH_BYTES];
  int64_t offset = 0, limit = 0;
  bool is_hidden = f->shows_hidden;
  if (!path_pattern(param_text(f, request, BP_LIT("pattern")), pattern)) {
    kit_problem(f->http, request, 400, BP_LIT("pattern is longer than 255 bytes"));
    return;
  }
  if (!read_flag(param_text(f, request, BP_LIT("showHidden")), &is_hidden)) {
    kit_problem(f->http, request, 400, BP_LIT("showHidden must be true or false"));
    return;
  }
  f->http->param_integer(request, BP_LIT("offset"), &offset);
  f->http->param_integer(request, BP_LIT("limit"), &limit);
  struct call *call = call_new(f, request, given);
  if (!call)
    return;
  call->offset = (uint32_t)offset;
  call->shows_hidden = is_hidden;
  memcpy(call->path, path, strlen(path) + 1);
  bp_status status = f->fs->list(f->root, str_z(path), str_z(pattern), is_hidden ? BP_FS_HIDDEN : 0, call->offset, (uint32_t)limit, on_listed, call);
  if (status != BP_OK)
    call_end_refused(call, status);
}

void files_list(void *state, bp_request request) {
  struct files *f = state;
  char path[PATH_BYTES];
  uint32_t wants_content = 0;
  bp_error err = BP_ERROR_INIT;
  bp_str given = param_text(f, request, BP_LIT("path"));
  f->http->param_boolean(request, BP_LIT("read"), &wants_content);
  if (wants_content) {
    files_read(state, request);
    return;
  }
  enum path_verdict verdict = path_read(given, path);
  if (verdict == PATH_OUTSIDE)
    answer_outside(f, request);
  else if (verdict == PATH_TOO_LONG)
    kit_problem(f->http, request, 400, BP_LIT("path is longer than 4095 bytes"));
  else if (!root_ready(f, &err))
    answer_no_root(f, request, &err);
  else
    list(f, request, given, path);
}
