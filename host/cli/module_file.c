/* The files of modules.d; see module_file.h. */
#include "cli/module_file.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_BYTES_MAX 128

bool module_id_is_valid(const char *id) {
  bool starts = true;
  if (strlen(id) > ID_BYTES_MAX)
    return false;
  for (; *id; id++) {
    bool is_letter = *id >= 'a' && *id <= 'z';
    bool is_more = (*id >= '0' && *id <= '9') || *id == '-';
    if (!is_letter && (starts || (!is_more && *id != '.')))
      return false;
    starts = *id == '.';
  }
  return !starts;
}

/* modules.d beside the configuration, opened; made where it is missing. -1 with `err`. */
static int open_folder(const char *config_file, bp_error *err) {
  const char *slash = strrchr(config_file, '/');
  char *base = slash ? str_dupz(bp_str_make(config_file, (size_t)(slash - config_file) + 1)) : str_dupz(BP_LIT("."));
  char *folder = path_join(base, "modules.d");
  int fd = -1;
  if (mkdir(folder, 0755) != 0 && errno != EEXIST)
    fail(err, BP_E_IO, "cannot make the folder \"%s\": %s", folder, strerror(errno));
  else if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
    fail(err, BP_E_IO, "cannot open the folder \"%s\": %s", folder, strerror(errno));
  free(folder);
  free(base);
  return fd;
}

struct names {
  char file[ID_BYTES_MAX + 16];
  char kept[ID_BYTES_MAX + 16];
  char making[ID_BYTES_MAX + 16];
};

static void make_names(struct names *names, const char *id) {
  snprintf(names->file, sizeof(names->file), "%s.lua", id);
  snprintf(names->kept, sizeof(names->kept), "%s.lua.disabled", id);
  snprintf(names->making, sizeof(names->making), "%s.lua.new", id);
}

static void default_text(struct buf *text, const char *id) {
  buf_printf(text, "-- Written by `backplane module enable %s`; options go between the braces.\nmodule \"%s\" {}\n", id, id);
}

static bool write_text(int folder, const char *name, bp_str text) {
  int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0)
    return false;
  bool ok = io_write_all(fd, text) && fsync(fd) == 0;
  return close(fd) == 0 && ok;
}

static bp_status write_in(int folder, const struct names *names, const char *id, bp_error *err) {
  struct stat st;
  struct buf text = {0};
  if (fstatat(folder, names->file, &st, AT_SYMLINK_NOFOLLOW) == 0)
    return fail(err, BP_E_EXISTS, "\"modules.d/%s\" exists already", names->file);
  if (renameat(folder, names->kept, folder, names->file) == 0)
    return BP_OK;
  default_text(&text, id);
  bool ok = write_text(folder, names->making, buf_str(&text)) && renameat(folder, names->making, folder, names->file) == 0;
  buf_release(&text);
  if (ok && fsync(folder) == 0)
    return BP_OK;
  fail(err, BP_E_IO, "cannot write \"modules.d/%s\": %s", names->file, strerror(errno));
  unlinkat(folder, names->making, 0);
  return BP_E_IO;
}

bp_status module_file_write(const char *config_file, const char *id, bp_error *err) {
  struct names names;
  int folder = open_folder(config_file, err);
  if (folder < 0)
    return BP_E_IO;
  make_names(&names, id);
  bp_status status = write_in(folder, &names, id, err);
  close(folder);
  return status;
}

/* True if the file holds exactly what module_file_write wrote. */
static bool is_untouched(int folder, const char *name, const char *id) {
  char found[512];
  struct buf expected = {0};
  int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  ssize_t got = fd >= 0 ? read(fd, found, sizeof(found)) : -1;
  if (fd >= 0)
    close(fd);
  default_text(&expected, id);
  bool same = got >= 0 && str_eq(bp_str_make(found, (size_t)got), buf_str(&expected));
  buf_release(&expected);
  return same;
}

bp_status module_file_remove(const char *config_file, const char *id, bp_error *err) {
  struct names names;
  int folder = open_folder(config_file, err);
  if (folder < 0)
    return BP_E_IO;
  make_names(&names, id);
  bool untouched = is_untouched(folder, names.file, id);
  int failed = untouched ? unlinkat(folder, names.file, 0) : renameat(folder, names.file, folder, names.kept);
  int reason = errno;
  close(folder);
  if (!failed)
    return BP_OK;
  return fail(err, reason == ENOENT ? BP_E_NOT_FOUND : BP_E_IO, "cannot remove \"modules.d/%s\": %s", names.file, strerror(reason));
}
