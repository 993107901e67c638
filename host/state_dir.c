/* The state folder; see state_dir.h. */
#include "state_dir.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void append_absolute(struct buf *path, const char *given) {
  char cwd[PATH_MAX];
  if (given[0] != '/' && getcwd(cwd, sizeof(cwd)))
    buf_printf(path, "%s/", cwd);
  buf_append_z(path, given);
}

char *state_dir_find(const char *from_command_line) {
  const char *state_home = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  struct buf path = {0};
  if (from_command_line && from_command_line[0])
    append_absolute(&path, from_command_line);
  else if (state_home && state_home[0] == '/')
    buf_printf(&path, "%s/backplane", state_home);
  else if (home && home[0] == '/')
    buf_printf(&path, "%s/.local/state/backplane", home);
  while (path.len > 1 && path.data[path.len - 1] == '/')
    path.len--;
  char *found = path.len ? str_dupz(buf_str(&path)) : NULL;
  buf_release(&path);
  return found;
}

/* Makes every missing parent of `path`, closed to others. */
static bp_status make_parents(const char *path, bp_error *err) {
  char *copy = str_dupz(str_from(path));
  bp_status status = BP_OK;
  for (char *slash = strchr(copy + 1, '/'); slash && status == BP_OK; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(copy, 0700) != 0 && errno != EEXIST)
      status = fail(err, BP_E_IO, "cannot make folder \"%s\": %s", copy, strerror(errno));
    *slash = '/';
  }
  free(copy);
  return status;
}

bp_status state_dir_prepare(const char *path, bp_error *err) {
  bp_status status = make_parents(path, err);
  if (status != BP_OK)
    return status;
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return fail(err, BP_E_IO, "cannot make the state folder \"%s\": %s", path, strerror(errno));
  struct stat st;
  if (lstat(path, &st) != 0)
    return fail(err, BP_E_IO, "cannot read the state folder \"%s\": %s", path, strerror(errno));
  if (!S_ISDIR(st.st_mode))
    return fail(err, BP_E_INVALID, "the state path \"%s\" is not a folder", path);
  if (st.st_uid != geteuid()) {
    fail(err, BP_E_DENIED, "the state folder \"%s\" belongs to user %u, not to this user (%u)", path, (unsigned)st.st_uid, (unsigned)geteuid());
    fail_hint(err, "choose another folder with --state, or run as that user");
    return BP_E_DENIED;
  }
  if (st.st_mode & 077) {
    fail(err, BP_E_DENIED, "the state folder \"%s\" is open to other users (mode %04o)", path, (unsigned)(st.st_mode & 07777));
    fail_hint(err, "it holds tokens and data: chmod 700 \"%s\"", path);
    return BP_E_DENIED;
  }
  return BP_OK;
}
