/* Reading what /proc tells of a process a client names. Nothing is signalled here. */
#include "observability.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAT_BYTES 1024
#define PID_LARGEST 4194304 /* PID_MAX_LIMIT of 64-bit kernels */

/* The text after the command name of /proc/PID/stat (which may itself hold parentheses), and the owner's uid. */
static char *read_stat(int64_t pid, char buffer[STAT_BYTES], uid_t *ret_owner) {
  char path[40];
  struct stat info;
  snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  ssize_t len = fstat(fd, &info) == 0 ? read(fd, buffer, STAT_BYTES - 1) : -1;
  close(fd);
  if (len <= 0)
    return NULL;
  buffer[len] = '\0';
  *ret_owner = info.st_uid;
  char *name_end = strrchr(buffer, ')');
  return name_end ? name_end + 2 : NULL;
}

/* Field `number` of proc_pid_stat(5), counted from 3 at `text`. */
static int64_t stat_field(const char *text, int number) {
  for (int field = 3; field < number && text; field++) {
    text = strchr(text, ' ');
    if (text)
      text++;
  }
  return text ? strtoll(text, NULL, 10) : -1;
}

static bool is_host_or_ancestor(int64_t pid) {
  char buffer[STAT_BYTES];
  uid_t owner;
  for (int64_t at = getpid(); at > 0;) {
    if (at == pid)
      return true;
    const char *text = read_stat(at, buffer, &owner);
    at = text ? stat_field(text, 4) : 0;
  }
  return false;
}

int64_t process_fact_host_ticks(void) {
  char buffer[STAT_BYTES];
  uid_t owner;
  const char *text = read_stat(getpid(), buffer, &owner);
  return text ? stat_field(text, 22) : 0;
}

bool process_fact_read(int64_t pid, struct process_fact *ret) {
  char buffer[STAT_BYTES];
  uid_t owner;
  if (pid <= 1 || pid > PID_LARGEST)
    return false;
  const char *text = read_stat(pid, buffer, &owner);
  if (!text || owner != geteuid() || is_host_or_ancestor(pid))
    return false;
  ret->pid = pid;
  ret->started_ticks = stat_field(text, 22);
  return ret->started_ticks >= 0;
}
