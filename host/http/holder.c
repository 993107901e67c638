/* The holder of a port; see holder.h. /proc/net/tcp gives the socket's inode, /proc/PID/fd who has it. */
#include "http/holder.h"
#include "base/str.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_LISTEN 0x0A

static uint64_t inode_in(const char *table, uint16_t port) {
  FILE *file = fopen(table, "re");
  if (!file)
    return 0;
  char line[512];
  uint64_t found = 0;
  while (!found && fgets(line, sizeof(line), file)) {
    unsigned local_port, state;
    uint64_t inode;
    int read = sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %" SCNu64, &local_port, &state, &inode);
    if (read == 3 && local_port == port && state == STATE_LISTEN)
      found = inode;
  }
  fclose(file);
  return found;
}

static bool holds(const char *pid, const char *wanted_link) {
  char path[64 + NAME_MAX], link[64];
  snprintf(path, sizeof(path), "/proc/%s/fd", pid);
  DIR *fds = opendir(path);
  if (!fds)
    return false;
  bool is_found = false;
  struct dirent *entry;
  while (!is_found && (entry = readdir(fds))) {
    ssize_t len = readlinkat(dirfd(fds), entry->d_name, link, sizeof(link) - 1);
    if (len <= 0)
      continue;
    link[len] = '\0';
    is_found = strcmp(link, wanted_link) == 0;
  }
  closedir(fds);
  return is_found;
}

static void read_name(const char *pid, char ret_name[32]) {
  char path[64 + NAME_MAX];
  snprintf(path, sizeof(path), "/proc/%s/comm", pid);
  FILE *file = fopen(path, "re");
  if (!file || !fgets(ret_name, 32, file))
    ret_name[0] = '\0';
  ret_name[strcspn(ret_name, "\n")] = '\0';
  if (file)
    fclose(file);
}

bool port_holder(uint16_t port, pid_t *ret_pid, char ret_name[32]) {
  uint64_t inode = inode_in("/proc/net/tcp", port);
  if (!inode)
    inode = inode_in("/proc/net/tcp6", port);
  DIR *processes = inode ? opendir("/proc") : NULL;
  if (!processes)
    return false;
  char link[64];
  snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", inode);
  bool is_found = false;
  struct dirent *entry;
  while (!is_found && (entry = readdir(processes))) {
    int64_t pid;
    if (!str_to_i64(str_from(entry->d_name), &pid) || !holds(entry->d_name, link))
      continue;
    *ret_pid = (pid_t)pid;
    read_name(entry->d_name, ret_name);
    is_found = true;
  }
  closedir(processes);
  return is_found;
}
