/* Paths; see paths.h. */
#include "cli/paths.h"
#include "base/buf.h"
#include "base/str.h"
#include "cli/say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *path_join(const char *folder, const char *name) {
  struct buf path = {0};
  buf_append_z(&path, folder);
  if (path.len == 0 || path.data[path.len - 1] != '/')
    buf_append_char(&path, '/');
  buf_append_z(&path, name);
  char *joined = str_dupz(buf_str(&path));
  buf_release(&path);
  return joined;
}

char *path_absolute(const char *path) {
  if (path[0] == '/')
    return str_dupz(str_from(path));
  char *current = getcwd(NULL, 0);
  if (!current) {
    say_failure("cannot find the current folder: %s", strerror(errno));
    return NULL;
  }
  char *joined = path_join(current, path);
  free(current);
  return joined;
}
