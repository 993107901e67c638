/* Files that no row knows: a crash between moving a file and storing its row leaves one. Looked for once at each start,
 * on a worker, and only among files older than an hour, so that an upload under way is never touched. */
#include "documents.h"
#include "statements.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BATCH 100
#define SETTLED_S 3600

struct sweep {
  struct documents *module;
  char folder[4096];
  char (*ids)[ID_BYTES];
  uint32_t count, next;
  uint32_t batch; /* ids asked about in the running read */
};

static void sweep_free(struct sweep *sweep) {
  free(sweep->ids);
  free(sweep);
}

static bool is_settled(int folder_fd, const char *name) {
  struct stat info;
  return fstatat(folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) && info.st_mtime < time(NULL) - SETTLED_S;
}

static void collect(void *ctx) {
  struct sweep *sweep = ctx;
  DIR *folder = opendir(sweep->folder);
  const struct dirent *entry;
  uint32_t room = 0;
  while (folder && (entry = readdir(folder))) {
    if (strlen(entry->d_name) != ID_BYTES - 1 || strncmp(entry->d_name, "doc_", 4) != 0 || !is_settled(dirfd(folder), entry->d_name))
      continue;
    if (sweep->count == room) {
      room = room ? room * 2 : 64;
      char(*grown)[ID_BYTES] = realloc(sweep->ids, (size_t)room * ID_BYTES);
      if (!grown)
        break;
      sweep->ids = grown;
    }
    memcpy(sweep->ids[sweep->count++], entry->d_name, ID_BYTES);
  }
  if (folder)
    closedir(folder);
}

static void ask_next(struct sweep *sweep);

static void removed(void *ctx, bp_status status, const bp_error *err) {
  (void)ctx; /* the next start finds it again */
  (void)status;
  (void)err;
}

static void remove_unknown(void *ctx, const bp_db_outcome *outcome) {
  struct sweep *sweep = ctx;
  const struct documents *d = sweep->module;
  if (outcome->status != BP_OK) {
    sweep_free(sweep);
    return;
  }
  for (uint32_t i = 0; i < sweep->batch; i++) {
    char path[PATH_BYTES];
    if (d->db->rows(outcome->result, i) > 0)
      continue;
    snprintf(path, sizeof(path), "files/%s", sweep->ids[sweep->next + i]);
    d->stream->file_remove(d->self, str_z(path), removed, NULL);
  }
  sweep->next += sweep->batch;
  ask_next(sweep);
}

static void ask_next(struct sweep *sweep) {
  const struct documents *d = sweep->module;
  bp_db_value ids[BATCH];
  bp_db_query queries[BATCH];
  sweep->batch = sweep->count - sweep->next < BATCH ? sweep->count - sweep->next : BATCH;
  for (uint32_t i = 0; i < sweep->batch; i++) {
    ids[i] = db_text(str_z(sweep->ids[sweep->next + i]));
    queries[i] = (bp_db_query){.size = sizeof(bp_db_query), .statement = FILE_OF_DOCUMENT, .max_rows = 1, .params = {&ids[i], 1, sizeof(ids[i])}};
  }
  bp_array all = {queries, sweep->batch, sizeof(bp_db_query)};
  if (sweep->batch == 0 || d->db->read(d->self, all, 0, remove_unknown, sweep) != BP_OK)
    sweep_free(sweep);
}

static void collected(void *ctx, bp_status status) {
  struct sweep *sweep = ctx;
  if (status == BP_OK)
    ask_next(sweep);
  else
    sweep_free(sweep);
}

void sweep_start(struct documents *d) {
  struct sweep *sweep = calloc(1, sizeof(*sweep));
  bp_str folder = d->core->folder(d->self);
  if (!sweep)
    return;
  sweep->module = d;
  snprintf(sweep->folder, sizeof(sweep->folder), "%.*s/files", (int)folder.len, folder.ptr);
  if (d->loop->work(d->self, collect, collected, sweep) != BP_OK)
    sweep_free(sweep);
}
