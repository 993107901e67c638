/* cgroup v2; see cgroup.h. Only cgroup.kill and pids.max are used, so no controller has to be there. */
#include "proc/cgroup.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIDS_MAX "256"
#define PREFIX "backplane-"

static int own_group = -1; /* the folder of the host's own cgroup */

/* The path after "0::" in /proc/self/cgroup, relative to the mount. */
static bool own_path(char *ret, size_t ret_bytes) {
  FILE *file = fopen("/proc/self/cgroup", "re");
  char line[PATH_MAX];
  bool is_found = false;
  while (file && !is_found && fgets(line, sizeof(line), file)) {
    line[strcspn(line, "\n")] = '\0';
    is_found = strncmp(line, "0::/", 4) == 0 && (size_t)snprintf(ret, ret_bytes, "./%s", line + 4) < ret_bytes;
  }
  if (file)
    fclose(file);
  return is_found;
}

/* Groups of children that have ended since we last could not remove them; those with members refuse. */
static void remove_empty(void) {
  int copy = openat(own_group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
  if (!folder)
    return;
  for (const struct dirent *entry; (entry = readdir(folder));)
    if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
      unlinkat(own_group, entry->d_name, AT_REMOVEDIR);
  closedir(folder);
}

/* Delegated means: the folder is ours to make folders in, and so is the file that moves processes. */
void cgroup_init(const char *root) {
  char path[PATH_MAX];
  int mount = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (mount < 0)
    return;
  int fd = own_path(path, sizeof(path)) ? openat(mount, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  close(mount);
  bool is_ours = fd >= 0 && faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0 && faccessat(fd, ".", W_OK, AT_EACCESS) == 0;
  bool can_kill = is_ours && faccessat(fd, "cgroup.kill", F_OK, 0) == 0; /* not in the root group */
  if (!can_kill && fd >= 0)
    close(fd);
  own_group = can_kill ? fd : -1;
  if (!can_kill)
    return;
  log_info("proc", "every child gets a cgroup of its own");
  remove_empty();
}

static int open_in(const char *name, const char *file) {
  char path[NAME_MAX + 32];
  if (own_group < 0 || (size_t)snprintf(path, sizeof(path), PREFIX "%s/%s", name, file) >= sizeof(path))
    return -1;
  return openat(own_group, path, O_WRONLY | O_CLOEXEC);
}

static void write_in(const char *name, const char *file, const char *text) {
  int fd = open_in(name, file);
  if (fd < 0)
    return;
  if (write(fd, text, strlen(text)) < 0)
    log_debug("proc", "cannot write \"%s\" to %s of cgroup \"%s\"", text, file, name);
  close(fd);
}

int cgroup_make(const char *name) {
  char path[NAME_MAX + 32];
  if (own_group < 0)
    return -1;
  snprintf(path, sizeof(path), PREFIX "%s", name);
  if (mkdirat(own_group, path, 0755) != 0)
    return -1;
  write_in(name, "pids.max", PIDS_MAX);
  return open_in(name, "cgroup.procs");
}

void cgroup_kill(const char *name) {
  write_in(name, "cgroup.kill", "1");
}

void cgroup_remove(const char *name) {
  char path[NAME_MAX + 32];
  if (own_group < 0)
    return;
  snprintf(path, sizeof(path), PREFIX "%s", name);
  unlinkat(own_group, path, AT_REMOVEDIR);
}

void cgroup_release(void) {
  if (own_group < 0)
    return;
  remove_empty();
  close(own_group);
  own_group = -1;
}
