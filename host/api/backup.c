/* POST /api/backplane/backup {"path"}: a consistent copy of the store in a new file of this machine, answered when it is done. */
#include "api/reply.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/store.h"

#include <stdlib.h>
#include <sys/stat.h>

struct backup {
  struct http_exchange *x; /* NULL: the client left; the copy is still made */
  char *path;
};

static void client_gone(struct http_exchange *x, void *ctx, bp_status why) {
  struct backup *backup = ctx;
  (void)x;
  (void)why;
  backup->x = NULL;
}

static void done(void *ctx, bp_status status, const bp_error *err) {
  struct backup *backup = ctx;
  struct stat st = {0};
  if (status == BP_OK)
    log_info("store", "wrote a backup to \"%s\"", backup->path);
  else
    log_error("store", "cannot write a backup to \"%s\": %s", backup->path, err->message);
  if (backup->x)
    request_follow(backup->x, NULL, NULL);
  if (backup->x && status != BP_OK)
    reply_failure(backup->x, status, err);
  else if (backup->x && stat(backup->path, &st) == 0)
    reply_json(backup->x, 201, json_pack("{s:s, s:I}", "path", backup->path, "size_bytes", (json_int_t)st.st_size));
  else if (backup->x)
    reply_problem(backup->x, 500, "the backup is gone", NULL);
  free(backup->path);
  free(backup);
}

/* A relative path would be one of the host's folder, which the caller does not see; an existing file is never overwritten. */
static bool is_usable(struct http_exchange *x, const char *path) {
  struct stat st;
  if (path[0] != '/')
    reply_problem(x, 400, "\"path\" is not absolute", NULL);
  else if (lstat(path, &st) == 0)
    reply_problem(x, 409, "the file exists already, and is not overwritten", "name a new one");
  else
    return true;
  return false;
}

void api_backup(struct http_exchange *x, bp_str body) {
  json_t *object = read_object(x, body);
  const char *path = object ? read_string(x, object, "path") : NULL;
  if (path && is_usable(x, path)) {
    struct backup *backup = mem_alloc(sizeof(*backup));
    backup->path = str_dupz(str_from(path));
    backup->x = x;
    exchange_hold(x);
    request_follow(x, client_gone, backup);
    store_backup(backup->path, done, backup);
  }
  json_decref(object);
}
