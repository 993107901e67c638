/* Files of the scripts folder; see rule_file.h. */
#include "policy/rule_file.h"
#include "base/fail.h"
#include "base/str.h"
#include "policy/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
}

bool rule_file_name_is_safe(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > 200 || name[len - 1] == '/')
    return false;
  for (size_t i = 0; i < len; i++) {
    bool at_start = i == 0 || name[i - 1] == '/';
    if (!is_name_byte(name[i]) || (at_start && (name[i] == '.' || name[i] == '/')))
      return false;
  }
  return true;
}

static bp_status read_all(int fd, struct rule_file *ret) {
  size_t room = SANDBOX_SOURCE_BYTES + 1;
  ret->text = malloc(room);
  if (!ret->text)
    return BP_E_NO_MEMORY;
  while (ret->len < room) {
    ssize_t got = read(fd, ret->text + ret->len, room - ret->len);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return got == 0 ? BP_OK : BP_E_IO;
    ret->len += (size_t)got;
  }
  return BP_OK;
}

bp_status rule_file_read(const char *dir, const char *file, struct rule_file *ret, bp_error *err) {
  char path[4096];
  struct stat info;
  *ret = (struct rule_file){0};
  snprintf(path, sizeof(path), "%s/%s", dir, file);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fail(err, errno == ENOENT ? BP_E_NOT_FOUND : BP_E_IO, "cannot open \"%s\": %s", path, strerror(errno));
  bp_status status = BP_E_INVALID;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    status = read_all(fd, ret);
  close(fd);
  if (status != BP_OK)
    fail(err, status, "cannot read \"%s\": %s", path, status == BP_E_INVALID ? "not a plain file" : status_name(status));
  return status;
}

void rule_file_release(struct rule_file *file) {
  free(file->text);
  *file = (struct rule_file){0};
}

static int is_rule(const struct dirent *entry) {
  bp_str name = str_from(entry->d_name);
  return str_ends(name, BP_LIT(".lua")) && !str_ends(name, BP_LIT(".test.lua")) && rule_file_name_is_safe(entry->d_name);
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

bp_status rule_file_each(const char *dir, const char *set, bp_status (*each)(void *ctx, const char *file, bp_error *err), void *ctx, bp_error *err) {
  char path[4096], file[RULE_NAME_BYTES];
  struct dirent **entries = NULL;
  if (!rule_file_name_is_safe(set))
    return fail(err, BP_E_INVALID, "\"%s\" is no name of a rule set", set);
  snprintf(path, sizeof(path), "%s/%s", dir, set);
  int count = scandir(path, &entries, is_rule, by_bytes);
  if (count < 0)
    return errno == ENOENT ? BP_OK : fail(err, BP_E_IO, "cannot list \"%s\": %s", path, strerror(errno));
  bp_status status = BP_OK;
  for (int i = 0; i < count; i++) {
    if (status == BP_OK && snprintf(file, sizeof(file), "%s/%s", set, entries[i]->d_name) < RULE_NAME_BYTES)
      status = each(ctx, file, err);
    free(entries[i]);
  }
  free(entries);
  return status;
}
