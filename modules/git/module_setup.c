/* Finding the places at the start; see module_setup.h. */
#include "module_setup.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bp_status fail(bp_error *err, bp_status code, const char *text, const char *what) {
  err->code = code;
  snprintf(err->message, sizeof(err->message), "%s \"%.150s\"", text, what);
  return code;
}

static void add_root(struct git *git, const char *path) {
  char *real = path && path[0] == '/' ? realpath(path, NULL) : NULL;
  if (real && strcmp(real, "/") != 0)
    words_add_z(&git->roots, real);
  free(real);
}

static char *option_text(const struct git *git, const char *name) {
  bp_str value;
  if (git->config->string(git->self, str_z(name), &value) != BP_OK || value.len == 0)
    return NULL;
  return str_dup(value);
}

static bp_status find_roots(struct git *git, bp_error *err) {
  uint32_t count = git->config->entry_count(git->self, BP_LIT("roots"));
  bp_str key, value;
  for (uint32_t i = 0; i < count; i++) {
    if (git->config->entry(git->self, BP_LIT("roots"), i, &key, &value) != BP_OK)
      continue;
    char *path = str_dup(value), *real = path && path[0] == '/' ? realpath(path, NULL) : NULL;
    if (real)
      words_add_z(&git->roots, real);
    else
      fail(err, BP_E_NOT_FOUND, "option roots: there is no absolute folder", path ? path : "");
    bool is_there = real != NULL;
    free(real);
    free(path);
    if (!is_there)
      return BP_E_NOT_FOUND;
  }
  if (count == 0) {
    char *start = str_dup(git->core->start_folder(git->self)), *files = option_text(git, "files_root");
    add_root(git, git->home);
    add_root(git, start);
    add_root(git, files);
    free(start);
    free(files);
  }
  return git->roots.has_failed ? BP_E_NO_MEMORY : BP_OK;
}

static char *in_folder(const char *folder, const char *name) {
  char *path = NULL;
  return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static void find_home(struct git *git) {
  const char *home = getenv("HOME");
  const struct passwd *entry = home && home[0] == '/' ? NULL : getpwuid(geteuid());
  git->home = strdup(entry ? entry->pw_dir : home && home[0] == '/' ? home : "/");
}

bp_status setup_places(struct git *git, bp_error *err) {
  const char *agent = getenv("SSH_AUTH_SOCK");
  char *folder = str_dup(git->core->folder(git->self));
  find_home(git);
  if (!folder || !folder[0] || !git->home) {
    free(folder);
    return fail(err, BP_E_IO, "no folder for", "git");
  }
  git->private_home = in_folder(folder, "home");
  git->global_file = in_folder(folder, "gitconfig");
  git->askpass = option_text(git, "askpass");
  git->ssh_folder = option_text(git, "ssh_folder");
  if (!git->ssh_folder)
    git->ssh_folder = in_folder(git->home, ".ssh");
  git->agent_socket = agent && agent[0] == '/' ? strdup(agent) : NULL;
  free(folder);
  if (!git->private_home || !git->global_file || !git->ssh_folder)
    return BP_E_NO_MEMORY;
  if (mkdir(git->private_home, 0700) != 0 && errno != EEXIST)
    return fail(err, BP_E_IO, "cannot make", git->private_home);
  return find_roots(git, err);
}

void setup_release(struct git *git) {
  words_release(&git->roots);
  free(git->home);
  free(git->private_home);
  free(git->global_file);
  free(git->askpass);
  free(git->ssh_folder);
  free(git->agent_socket);
}
