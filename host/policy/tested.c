/* Rules that have passed; see tested.h. The fingerprint is a sum of one hash a file, so that the order of folders does not count. */
#include "policy/tested.h"
#include "base/io.h"
#include "base/str.h"
#include "policy/rule_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE_FILE "rules.tested"
#define NOTE_BYTES 17 /* 16 digits and a line end */
#define LEVELS_MOST 4

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t value, const void *data, size_t len) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < len; i++)
    value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
  return value;
}

static uint64_t hash_text(const char *text) {
  return hash(UINT64_C(0xcbf29ce484222325), text, strlen(text) + 1);
}

static uint64_t print_of_file(const char *dir, const char *file) {
  struct rule_file rules = {0};
  uint64_t value = hash_text(file);
  if (rule_file_read(dir, file, &rules, NULL) != BP_OK)
    return value;
  value = hash(value, rules.text, rules.len);
  rule_file_release(&rules);
  return value;
}

/* Of all there is below, the tests included. */
static uint64_t print_of_folder(const char *dir, const char *below, unsigned level) {
  char path[4096], name[RULE_NAME_BYTES];
  uint64_t sum = 0;
  DIR *folder = snprintf(path, sizeof(path), "%s/%s", dir, below) < (int)sizeof(path) ? opendir(path) : NULL;
  const struct dirent *entry;
  while (folder && (entry = readdir(folder))) {
    bool fits = snprintf(name, sizeof(name), "%s%s%s", below, below[0] ? "/" : "", entry->d_name) < (int)sizeof(name);
    if (!fits || !rule_file_name_is_safe(name))
      continue;
    if (str_ends(str_from(name), BP_LIT(".lua")))
      sum += print_of_file(dir, name);
    else if (level < LEVELS_MOST)
      sum += print_of_folder(dir, name, level + 1);
  }
  if (folder)
    closedir(folder);
  return sum;
}

uint64_t tested_print(const char *dir) {
  struct stat program = {0};
  if (stat("/proc/self/exe", &program) != 0)
    return 0;
  uint64_t value = hash_text(dir);
  value = hash(value, &program.st_size, sizeof(program.st_size));
  value = hash(value, &program.st_mtim, sizeof(program.st_mtim));
  return value + print_of_folder(dir, "", 1);
}

static int open_note(const char *state_dir, int flags) {
  char path[4096];
  return snprintf(path, sizeof(path), "%s/" NOTE_FILE, state_dir) < (int)sizeof(path) ? open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
}

static void render(uint64_t print, char text[NOTE_BYTES + 1]) {
  snprintf(text, NOTE_BYTES + 1, "%016" PRIx64 "\n", print);
}

bool tested_is(const char *state_dir, uint64_t print) {
  char wanted[NOTE_BYTES + 1], found[NOTE_BYTES];
  int fd = open_note(state_dir, O_RDONLY);
  if (fd < 0)
    return false;
  ssize_t got = read(fd, found, sizeof(found));
  close(fd);
  render(print, wanted);
  return print != 0 && got == NOTE_BYTES && memcmp(wanted, found, NOTE_BYTES) == 0;
}

void tested_note(const char *state_dir, uint64_t print) {
  char text[NOTE_BYTES + 1];
  int fd = open_note(state_dir, O_WRONLY | O_CREAT | O_TRUNC);
  if (fd < 0)
    return;
  render(print, text);
  (void)io_write_all(fd, bp_str_make(text, NOTE_BYTES));
  close(fd);
}
