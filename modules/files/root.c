/* The one folder that is served: which it is, and opening it. A folder that is not there yet is tried again by each request. */
#include "files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_home(const char *path) {
  struct stat here, home;
  const char *home_path = getenv("HOME");
  return home_path && stat(path, &here) == 0 && stat(home_path, &home) == 0 && here.st_ino == home.st_ino && here.st_dev == home.st_dev;
}

/* The option, or the home folder. */
bool root_configure(struct files *f) {
  bp_str path = BP_STR("");
  uint32_t flag = 0;
  const char *home = getenv("HOME");
  f->config->string(f->self, BP_LIT("root"), &path);
  if (path.len == 0 && home)
    path = str_z(home);
  while (path.len > 0 && path.ptr[path.len - 1] == '/')
    path.len--;
  f->root_path = str_dup(path);
  f->config->boolean(f->self, BP_LIT("show_hidden"), &flag);
  f->shows_hidden = flag != 0;
  f->config->boolean(f->self, BP_LIT("home_dot_entries"), &flag);
  f->opens_hidden = flag != 0;
  return f->root_path != NULL;
}

bool root_ready(struct files *f, bp_error *err) {
  if (f->root)
    return true;
  const char *path = f->root_path[0] ? f->root_path : "/";
  uint32_t flags = BP_ROOT_SINGLE_LINK | BP_ROOT_NO_GIT | (!f->opens_hidden && is_home(path) ? BP_ROOT_NO_DOT : 0);
  return f->fs->root_open(f->self, str_z(path), flags, &f->root, err) == BP_OK;
}
