/* Places relative to the executable; see places.h. */
#include "places.h"
#include "base/buf.h"
#include "base/str.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the executable joined with `relative`, resolved where it exists. */
static char *beside_executable(const char *relative) {
  char self[PATH_MAX], real[PATH_MAX];
  struct buf path = {0};
  ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
  self[len > 0 ? len : 0] = '\0';
  const char *slash = strrchr(self, '/');
  buf_append(&path, self, slash ? (size_t)(slash - self) : 0);
  buf_append_char(&path, '/');
  buf_append_z(&path, relative);
  buf_append_char(&path, '\0');
  char *found = str_dupz(str_from(!path.failed && realpath(path.data, real) ? real : path.data));
  buf_release(&path);
  return found;
}

/* The installed place, or that of the build tree where only that exists. */
static char *find(const char *installed, const char *built) {
  char *path = beside_executable(installed);
  if (access(path, F_OK) == 0)
    return path;
  char *other = beside_executable(built);
  if (access(other, F_OK) == 0) {
    free(path);
    return other;
  }
  free(other);
  return path;
}

char *places_modules(void) {
  return find(PLACES_MODULES, "../modules");
}

char *places_scripts(void) {
  return beside_executable(PLACES_SHARE "/scripts");
}

char *places_template(void) {
  return find(PLACES_SHARE "/template", "../../../plugins-api/template");
}

char *places_config(void) {
  return beside_executable(PLACES_ETC "/backplane/backplane.lua");
}
