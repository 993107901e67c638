/* Notes of temporary files; see temps.h. */
#include "fs/temps.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "fs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define NAME_LEN (sizeof(".backplane-0123456789abcdef.tmp") - 1)

static int notes = -1;

void temps_note(int folder, const char *name) {
  char link[64], path[PATH_MAX];
  if (notes < 0)
    return;
  snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
  ssize_t len = readlink(link, path, sizeof(path) - 1);
  if (len <= 0 || path[0] != '/')
    return;
  path[len] = '\0';
  if (symlinkat(path, notes, name) != 0 && errno != EEXIST)
    log_warn("fs", "cannot note a temporary file: %s", strerror(errno));
}

void temps_forget(const char *name) {
  if (notes >= 0)
    unlinkat(notes, name, 0);
}

/* ---- After a kill ---- */

/* Only names of the form that durable_temp_name makes are ever removed, whatever lies among the notes. */
static bool is_temp_name(const char *name) {
  static const char before[] = ".backplane-", after[] = ".tmp";
  return strlen(name) == NAME_LEN && strncmp(name, before, sizeof(before) - 1) == 0 && strspn(name + sizeof(before) - 1, "0123456789abcdef") == 16 &&
         strcmp(name + NAME_LEN - sizeof(after) + 1, after) == 0;
}

static bool remove_noted(const char *name) {
  char path[PATH_MAX];
  ssize_t len = readlinkat(notes, name, path, sizeof(path) - 1);
  if (len <= 0)
    return false;
  path[len] = '\0';
  int folder = open(path, FOLDER_FLAGS);
  bool is_there = folder >= 0 && faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  bool is_removed = is_there && tree_remove(folder, name, NULL, NULL);
  if (folder >= 0)
    close(folder);
  return is_removed;
}

static void sweep(void) {
  DIR *entries = tree_read(notes);
  unsigned removed = 0;
  if (!entries)
    return;
  for (const struct dirent *entry; (entry = readdir(entries));) {
    if (!is_temp_name(entry->d_name))
      continue;
    removed += remove_noted(entry->d_name);
    temps_forget(entry->d_name);
  }
  closedir(entries);
  if (removed > 0)
    log_info("fs", "removed %u temporary files that a killed host had left", removed);
}

bp_status temps_open(const char *state_dir, bp_error *err) {
  struct buf path = {0};
  buf_printf(&path, "%s/fs-temps", state_dir);
  buf_append_char(&path, '\0');
  if (path.failed)
    return fail(err, BP_E_NO_MEMORY, "there is no memory for the notes of temporary files");
  bool is_made = mkdir(path.data, 0700) == 0 || errno == EEXIST;
  notes = is_made ? open(path.data, FOLDER_FLAGS | O_NOFOLLOW) : -1;
  bp_status status = notes >= 0 ? BP_OK : fail(err, BP_E_IO, "cannot open \"%s\": %s", path.data, strerror(errno));
  buf_release(&path);
  if (status == BP_OK)
    sweep();
  return status;
}

void temps_close(void) {
  if (notes >= 0)
    close(notes);
  notes = -1;
}
