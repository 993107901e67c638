/* Reading /proc; see facts.h. Nothing is signalled here. */
#include "proc/facts.h"
#include "base/buf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAT_BYTES 1024
#define ENVIRONMENT_MAX (256u * 1024)
#define BOOT_ID_BYTES 37

static int open_file(pid_t pid, const char *name) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
  return open(path, O_RDONLY | O_CLOEXEC);
}

/* The fields from the third on stand after the command name, which may itself hold parentheses. */
static bool parse_stat(const char *text, struct proc_fact *ret) {
  const char *at = strrchr(text, ')');
  if (!at || at[1] != ' ' || !at[2])
    return false;
  ret->is_dead = at[2] == 'Z' || at[2] == 'X';
  char *end = (char *)(uintptr_t)at + 3;
  long long fields[23] = {0};
  for (int number = 4; number <= 22; number++)
    fields[number] = strtoll(end, &end, 10);
  ret->parent = (pid_t)fields[4];
  ret->group = (pid_t)fields[5];
  ret->session = (pid_t)fields[6];
  ret->started = fields[22];
  return true;
}

bool fact_read(pid_t pid, struct proc_fact *ret) {
  char text[STAT_BYTES];
  struct stat info;
  if (pid <= 0)
    return false;
  int fd = open_file(pid, "stat");
  if (fd < 0)
    return false;
  ssize_t len = fstat(fd, &info) == 0 ? read(fd, text, sizeof(text) - 1) : -1;
  close(fd);
  if (len <= 0)
    return false;
  text[len] = '\0';
  ret->pid = pid;
  ret->owner = info.st_uid;
  return parse_stat(text, ret);
}

bool fact_is_same(pid_t pid, int64_t started) {
  struct proc_fact fact;
  return fact_read(pid, &fact) && fact.started == started && !fact.is_dead;
}

static int by_pid(const void *a, const void *b) {
  pid_t left = ((const struct proc_fact *)a)->pid, right = ((const struct proc_fact *)b)->pid;
  return (left > right) - (left < right);
}

struct proc_fact *facts_all(size_t *ret_count) {
  struct buf facts = {0};
  DIR *folder = opendir("/proc");
  if (!folder)
    return NULL;
  for (const struct dirent *entry; (entry = readdir(folder));) {
    struct proc_fact fact;
    char *end;
    long pid = strtol(entry->d_name, &end, 10);
    if (*end == '\0' && fact_read((pid_t)pid, &fact))
      buf_append(&facts, &fact, sizeof(fact));
  }
  closedir(folder);
  if (facts.failed || !facts.data) {
    buf_release(&facts);
    return NULL;
  }
  *ret_count = facts.len / sizeof(struct proc_fact);
  struct proc_fact *all = (struct proc_fact *)(void *)facts.data;
  qsort(all, *ret_count, sizeof(*all), by_pid);
  return all;
}

bool fact_is_host_or_above(pid_t pid) {
  struct proc_fact fact;
  if (pid == 1)
    return true;
  for (pid_t at = getpid(); at > 0; at = fact_read(at, &fact) ? fact.parent : 0)
    if (at == pid)
      return true;
  return false;
}

static bool is_known(pid_t pid, const pid_t *known, size_t count) {
  for (size_t low = 0, high = count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (known[middle] == pid)
      return true;
    if (known[middle] < pid)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* The kernel's list of children, one of a thread; without it (an old kernel) the answer is "maybe", which is true. */
bool fact_has_other_child(const pid_t *known, size_t count) {
  char path[64], text[8192];
  snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
  FILE *file = fopen(path, "re");
  bool is_found = !file;
  if (file)
    setvbuf(file, text, _IOFBF, sizeof(text));
  struct proc_fact fact;
  for (int pid; !is_found && fscanf(file, "%d", &pid) == 1;)
    is_found = !is_known(pid, known, count) && fact_read(pid, &fact) && !fact.is_dead;
  if (file)
    fclose(file);
  return is_found;
}

const char *fact_boot_id(void) {
  static _Thread_local char id[BOOT_ID_BYTES];
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, id, sizeof(id) - 1) : 0;
  if (fd >= 0)
    close(fd);
  id[len > 0 ? len : 0] = '\0';
  id[strcspn(id, "\n")] = '\0';
  return id;
}

static bool read_environment(pid_t pid, struct buf *ret) {
  int fd = open_file(pid, "environ");
  ssize_t got = 0;
  if (fd < 0)
    return false;
  do {
    ret->len += (size_t)got;
    char *room = ret->len < ENVIRONMENT_MAX ? buf_reserve(ret, 4096) : NULL;
    got = room ? read(fd, room, 4096) : 0;
  } while (got > 0);
  close(fd);
  buf_append_char(ret, '\0');
  return !ret->failed;
}

bool fact_environment(pid_t pid, const char *name, char *ret, size_t ret_bytes) {
  struct buf text = {0};
  size_t name_len = strlen(name);
  bool is_found = false;
  if (read_environment(pid, &text))
    for (const char *at = text.data; at < text.data + text.len && !is_found; at += strlen(at) + 1)
      if (strncmp(at, name, name_len) == 0 && at[name_len] == '=')
        is_found = (size_t)snprintf(ret, ret_bytes, "%s", at + name_len + 1) < ret_bytes;
  buf_release(&text);
  return is_found;
}
