/* Output files and records of surviving children; see surviving.h.
 *
 * Records are replaced atomically and not synced: after a power cut no child lives that one could be about. */
#include "proc/surviving.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"
#include "host.h"
#include "proc/facts.h"
#include "proc/follow.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RECORD_BYTES_MAX 4096
#define RING_PRIMED_BYTES (64 * 1024)

static const char *const suffixes[CHILD_STREAMS] = {".out", ".err"};

static bool path_of(const struct child *child, const char *suffix, char ret[PATH_MAX]) {
  return snprintf(ret, PATH_MAX, "%s/modules/%s/proc/%s%s", host_run.state_dir, child->plugin_id, child->spec.name, suffix) < PATH_MAX;
}

/* ---- Output files ---- */

static void make_folders(const char *path) {
  char copy[PATH_MAX];
  snprintf(copy, sizeof(copy), "%s", path);
  char *slash = strrchr(copy, '/');
  if (!slash)
    return;
  *slash = '\0';
  mkdir(copy, 0700);
}

int surviving_open_output(const struct child *child, unsigned stream) {
  char path[PATH_MAX], former[PATH_MAX];
  char former_suffix[8];
  snprintf(former_suffix, sizeof(former_suffix), "%s.1", suffixes[stream]);
  if (!path_of(child, suffixes[stream], path) || !path_of(child, former_suffix, former)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  make_folders(path);
  rename(path, former);
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void prime_ring(struct child *child, int fd) {
  char *text = malloc(RING_PRIMED_BYTES);
  off_t end = lseek(fd, 0, SEEK_END);
  off_t from = end > RING_PRIMED_BYTES ? end - RING_PRIMED_BYTES : 0;
  ssize_t got = text ? pread(fd, text, RING_PRIMED_BYTES, from) : 0;
  if (got > 0)
    tail_ring_add(&child->ring, bp_str_make(text, (size_t)got));
  free(text);
}

void surviving_follow(struct child *child, bool is_adopted) {
  char path[PATH_MAX];
  surviving_close(child);
  for (unsigned i = 0; i < CHILD_STREAMS; i++) {
    int fd = path_of(child, suffixes[i], path) ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0)
      continue;
    if (is_adopted)
      prime_ring(child, fd);
    spout_open(&child->spouts[i], fd, i + 1, child->spec.flags & BP_PROC_RAW_OUTPUT, true, &child->reader);
    child->follows[i] = follow_begin(path, &child->spouts[i]);
  }
}

void surviving_close(struct child *child) {
  if (child->spec.lifetime != BP_PROC_SURVIVING)
    return;
  for (unsigned i = 0; i < CHILD_STREAMS; i++) {
    follow_end(child->follows[i]);
    child->follows[i] = 0;
    spout_close(&child->spouts[i]);
  }
}

/* ---- Records ---- */

static void record_text(const struct child *child, struct buf *out) {
  json_t *record = json_object();
  json_object_set_new(record, "boot_id", json_string(fact_boot_id()));
  json_object_set_new(record, "marker", json_string(child->marker));
  json_object_set_new(record, "name", json_string(child->spec.name));
  json_object_set_new(record, "pid", json_integer(child->pid));
  json_object_set_new(record, "started", json_integer(child->started));
  doc_write(out, record);
  json_decref(record);
}

static bool write_file(const char *path, bp_str text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  bool is_written = fd >= 0 && io_write_all(fd, text);
  if (fd >= 0 && close(fd) != 0)
    is_written = false;
  return is_written;
}

void surviving_record(const struct child *child) {
  char path[PATH_MAX], fresh[PATH_MAX];
  struct buf text = {0};
  record_text(child, &text);
  if (!path_of(child, ".json", path) || !path_of(child, ".json.new", fresh) || text.failed || !write_file(fresh, buf_str(&text)) ||
      rename(fresh, path) != 0)
    log_error(child->plugin_id, "cannot record child \"%s\": after a restart of the host it will not be found again: %s", child->spec.name,
              strerror(errno));
  buf_release(&text);
}

void surviving_forget(const struct child *child) {
  char path[PATH_MAX];
  if (path_of(child, ".json", path))
    unlink(path);
}

static json_t *read_record(const char *path) {
  char text[RECORD_BYTES_MAX];
  bp_error err = BP_ERROR_INIT;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
  if (fd >= 0)
    close(fd);
  return len > 0 ? doc_parse(bp_str_make(text, (size_t)len), &doc_default_limits, &err) : NULL;
}

/* A pidfd of the process the record is about, or -1: opened first, then checked, so that it cannot be a later one. */
static int find_process(const json_t *record, const char *name) {
  const char *boot_id = json_string_value(json_object_get(record, "boot_id"));
  const char *recorded_name = json_string_value(json_object_get(record, "name"));
  const char *marker = json_string_value(json_object_get(record, "marker"));
  pid_t pid = (pid_t)json_integer_value(json_object_get(record, "pid"));
  struct proc_fact fact;
  if (!boot_id || !marker || !recorded_name || pid <= 1 || strcmp(boot_id, fact_boot_id()) != 0 || strcmp(recorded_name, name) != 0)
    return -1;
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0)
    return -1;
  if (fact_read(pid, &fact) && !fact.is_dead && fact.owner == geteuid() && fact.started == json_integer_value(json_object_get(record, "started")))
    return pidfd;
  close(pidfd);
  return -1;
}

static void load_one(const char *folder, const char *plugin_id, const char *file) {
  char path[PATH_MAX];
  size_t name_len = strlen(file) - strlen(".json");
  bp_str name = bp_str_make(file, name_len);
  if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= PATH_MAX || !spec_is_file_name(name))
    return;
  char *copy = str_dupz(name);
  json_t *record = read_record(path);
  int pidfd = record ? find_process(record, copy) : -1;
  if (pidfd < 0) {
    unlink(path);
    free(copy);
  } else {
    const char *marker = json_string_value(json_object_get(record, "marker"));
    pid_t pid = (pid_t)json_integer_value(json_object_get(record, "pid"));
    child_found(str_dupz(str_from(plugin_id)), copy, marker, pid, json_integer_value(json_object_get(record, "started")), pidfd);
    log_info(plugin_id, "child \"%s\" of an earlier run still runs as process %d", copy, (int)pid);
  }
  json_decref(record);
}

static void load_plugin(const char *modules, const char *plugin_id) {
  char folder[PATH_MAX];
  if (plugin_id[0] == '.' || snprintf(folder, sizeof(folder), "%s/%s/proc", modules, plugin_id) >= PATH_MAX)
    return;
  DIR *files = opendir(folder);
  if (!files)
    return;
  for (const struct dirent *entry; (entry = readdir(files));)
    if (str_ends(str_from(entry->d_name), BP_LIT(".json")))
      load_one(folder, plugin_id, entry->d_name);
  closedir(files);
}

void surviving_load(const char *state_dir) {
  char modules[PATH_MAX];
  if (snprintf(modules, sizeof(modules), "%s/modules", state_dir) >= PATH_MAX)
    return;
  DIR *folders = opendir(modules);
  if (!folders)
    return;
  for (const struct dirent *entry; (entry = readdir(folders));)
    load_plugin(modules, entry->d_name);
  closedir(folders);
}
