/* What the files of this module share: its state, what a request asks for, and each concept's entry points.
 *
 * The file manager of the desktop family. Every path goes through bp.fs/1; nothing here opens one (see README.md). */
#ifndef FILES_H
#define FILES_H

#include "kit.h"

#define PATH_BYTES 4096

struct files {
  bp_plugin self;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_stream_1 *stream;
  const bp_db_1 *db;
  const bp_fs_1 *fs;
  const bp_loop_1 *loop;
  bp_root root;      /* 0 while the folder cannot be opened */
  char *root_path;   /* absolute, without a slash at its end ("" for "/") */
  bool shows_hidden; /* also without ?showHidden */
  bool opens_hidden; /* top-level dot entries of the home folder are served */
};

/* root.c */
bool root_configure(struct files *files);
/* Opens the root if it is not open; false: why not is in `err`. */
bool root_ready(struct files *files, bp_error *err);

/* ---- paths.c: paths as clients write them; pure ---- */

enum path_verdict { PATH_FINE, PATH_OUTSIDE, PATH_TOO_LONG };

/* "/a//./b/" as "a/b": relative to the root, without what means nothing; ".." stays, because only the kernel knows where it leads,
 * but a path that climbs over the root by its text alone is PATH_OUTSIDE. The root itself is "". */
enum path_verdict path_read(bp_str given, char ret[PATH_BYTES]);
/* `folder` and `name` in one, read as above. */
enum path_verdict path_join(bp_str folder, bp_str name, char ret[PATH_BYTES]);
/* True if a component is ".git" in any spelling some file system takes for it. */
bool path_is_git(bp_str path);
/* A file name an upload may have: one component, not "." or "..". */
bool path_is_name(bp_str name);
bool path_is_trash(bp_str path);
/* The last component, or the whole. */
bp_str path_name(bp_str path);
/* What a pattern of a client is to the file system: without any of *?[ it may stand anywhere in the name. */
bool path_pattern(bp_str given, char ret[PATH_BYTES]);

/* ---- base64.c; pure ---- */

/* Decodes in place of `ret` (at least 3/4 of the text); false for anything but RFC 4648 with or without padding. */
bool base64_decode(bp_str text, char *ret, size_t *ret_len);

/* ---- order.c: what a change asks for ---- */

enum action { ACTION_NONE, CREATE_FOLDER, DELETE, WRITE, RENAME, MOVE, COPY, EMPTY_TRASH, UPLOAD };

struct order {
  enum action action;
  const char *fault; /* what is wrong with it, or NULL */
  uint32_t fault_status;
  char path[PATH_BYTES];
  char to[PATH_BYTES]; /* of rename, move, copy */
  uint32_t is_permanent, overwrites, makes_parents;
  bp_str content; /* of write; borrowed from the body */
  bool is_base64;
};

/* Reads the body of POST /api/files, or the fields of an upload. */
void order_read(const struct files *files, bp_request request, struct order *ret);
void order_read_upload(const struct files *files, bp_request request, struct order *ret);
/* The name clients and policies know an action by. */
bp_str order_word(enum action action);
/* What the policy allowed takes the place of what was asked; false: it is no path. */
bool order_take_facts(const struct files *files, bp_request request, struct order *order);
bp_status facts_change(void *state, bp_request request, bp_json_writer facts);
bp_status facts_upload(void *state, bp_request request, bp_json_writer facts);

/* ---- answers.c ---- */

/* A request while the file system works for it. */
struct call {
  struct kit_call kit;
  struct files *files;
  enum action action;
  uint32_t overwrites;
  uint32_t part, kept; /* of an upload: the part being kept, and how many are */
  bp_json_writer done; /* of an upload: the array of what is kept */
  uint32_t offset;     /* of a listing */
  bool shows_hidden;
  char path[PATH_BYTES]; /* relative to the root */
  char to[PATH_BYTES];
  char given[PATH_BYTES]; /* as the client wrote it, for its messages */
};

struct call *call_new(struct files *files, bp_request request, bp_str given);
/* Answers a failed operation in the family's words and frees the call. `missing_status`: 404, or 500 for a listing. */
void call_end_failed(struct call *call, const bp_fs_result *result, uint32_t missing_status);
/* The same for an operation that was not taken. */
void call_end_refused(struct call *call, bp_status status);
void answer_outside(const struct files *files, bp_request request);
void answer_git(const struct files *f, bp_request request);
void answer_no_root(const struct files *files, bp_request request, const bp_error *err);
/* {"success": true, ... ; the caller goes on and ends with answer_end. 0: answered. */
bp_json_writer answer_begin(const struct files *files, bp_request request);
/* Members of an item: id, name, path. */
void put_place(const struct files *files, bp_json_writer out, bp_str path);
void put_absolute(const struct files *files, bp_json_writer out, bp_str member, bp_str path);
/* Tells the live log what was changed. */
void tell_changed(const struct files *files, enum action action, bp_str path, bp_str to);

/* ---- Handlers ---- */

void files_list(void *state, bp_request request);   /* list.c */
void files_read(void *state, bp_request request);   /* read.c */
void files_change(void *state, bp_request request); /* change.c */
void files_upload(void *state, bp_request request); /* upload.c */

#define ROUTE_COUNT 4
extern const bp_route files_routes[ROUTE_COUNT];

#endif
