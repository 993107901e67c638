/* Reading the lock files on a worker. They are told apart as a set: name, identity and time of each, not the newest time alone. */
#include "monitor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_lock_name(const char *name) {
  size_t len = strlen(name);
  return len > 5 && strcmp(name + len - 5, ".lock") == 0;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in order; NULL and 0 without a folder. */
static char **lock_names(const char *path, bool *ret_exists, uint32_t *ret_count) {
  DIR *folder = opendir(path);
  const struct dirent *entry;
  char **names = folder ? calloc(LOCKS_MOST, sizeof(*names)) : NULL;
  uint32_t count = 0;
  *ret_exists = folder != NULL;
  while (names && count < LOCKS_MOST && (entry = readdir(folder)))
    if (is_lock_name(entry->d_name) && (names[count] = strdup(entry->d_name)))
      count++;
  if (folder)
    closedir(folder);
  if (names)
    qsort(names, count, sizeof(*names), by_name);
  *ret_count = count;
  return names;
}

/* FNV-1a, 64 bits. */
static uint64_t mix(uint64_t hash, const void *data, size_t len) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < len; i++)
    hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

static uint64_t mix_number(uint64_t hash, uint64_t number) {
  for (int i = 0; i < 64; i += 8)
    hash = (hash ^ (number >> i & 0xFF)) * 1099511628211u;
  return hash;
}

static uint64_t mix_file(uint64_t hash, const char *name, const struct stat *info) {
  hash = mix_number(mix(hash, name, strlen(name) + 1), info->st_ino);
  hash = mix_number(hash, (uint64_t)info->st_size);
  return mix_number(mix_number(hash, (uint64_t)info->st_mtim.tv_sec), (uint64_t)info->st_mtim.tv_nsec);
}

static void put_lock(struct scan *scan, bp_json_writer out, bp_json lock, const char *name) {
  const bp_json_1 *json = scan->json;
  uint64_t cursor = 0;
  bp_str key;
  bp_json value;
  json->object_begin(out);
  while (json->next(lock, &cursor, &key, &value) == BP_OK) {
    if (key.len == 9 && memcmp(key.ptr, "lock_file", 9) == 0)
      continue;
    json->key(out, key);
    json->put_value(out, value);
  }
  json->key(out, BP_LIT("lock_file"));
  json->put_string(out, str_z(name));
  json->object_end(out);
  scan->locks.count++;
}

/* Reads one lock; corrupt ones are skipped. Returns the bytes read. */
static size_t see_lock(struct scan *scan, const char *folder, const char *name, bp_json_writer out, size_t room) {
  char *bytes = NULL;
  struct stat info = {0};
  bp_json root = 0;
  ssize_t got = 0;
  int fd = monitor_open_plain(folder, name);
  if (fd < 0 || fstat(fd, &info) != 0) {
    if (fd >= 0)
      close(fd);
    return 0;
  }
  scan->locks.signature = mix_file(scan->locks.signature, name, &info);
  if (info.st_size > 0 && info.st_size <= LOCK_BYTES && (size_t)info.st_size <= room && (bytes = malloc((size_t)info.st_size)))
    got = read(fd, bytes, (size_t)info.st_size);
  if (got > 0 && scan->json->parse(scan->self, bp_str_make(bytes, (size_t)got), &root, NULL) == BP_OK) {
    if (scan->json->type(root) == BP_JSON_OBJECT)
      put_lock(scan, out, root, name);
    scan->json->release(scan->self, root);
  }
  free(bytes);
  close(fd);
  return got > 0 ? (size_t)got : 0;
}

void scan_locks(struct scan *scan) {
  char path[4200];
  uint32_t count = 0;
  size_t total = 0;
  bp_json_writer out = 0;
  const bp_json_1 *json = scan->json;
  snprintf(path, sizeof(path), "%s/" LOCKS_FOLDER, scan->root);
  char **names = lock_names(path, &scan->locks.exists, &count);
  if (json->writer_new(scan->self, &out) == BP_OK) {
    scan->locks.signature = count > 0 ? 14695981039346656037u : 0;
    json->object_begin(out);
    json->key(out, BP_LIT("locks"));
    json->array_begin(out);
    for (uint32_t i = 0; i < count; i++)
      total += see_lock(scan, path, names[i], out, LOCKS_TOTAL_BYTES - total);
    json->array_end(out);
    json->key(out, BP_LIT("count"));
    json->put_integer(out, scan->locks.count);
    json->object_end(out);
    scan->locks.answer = kit_text_of_writer(json, out);
  }
  for (uint32_t i = 0; i < count; i++)
    free(names[i]);
  free(names);
}
