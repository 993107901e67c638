/* The main of a fuzz target outside libFuzzer: runs every file of the folders and files given, and the empty input. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

static unsigned inputs;

static void run_file(const char *path) {
  struct stat info;
  FILE *file = fopen(path, "re");
  if (!file || fstat(fileno(file), &info) != 0) {
    perror(path);
    exit(1);
  }
  size_t size = (size_t)info.st_size;
  uint8_t *data = malloc(size); /* no terminator, so that a sanitizer sees a read past the end */
  if (size && (!data || fread(data, 1, size, file) != size)) {
    perror(path);
    exit(1);
  }
  fprintf(stderr, "%s\n", path);
  LLVMFuzzerTestOneInput(data, size);
  inputs++;
  free(data);
  fclose(file);
}

static void run_folder(const char *folder, DIR *entries) {
  char path[4096];
  for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
    if (entry->d_name[0] == '.')
      continue;
    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    run_file(path);
  }
}

int main(int argc, char **argv) {
  LLVMFuzzerTestOneInput(NULL, 0);
  for (int i = 1; i < argc; i++) {
    DIR *entries = opendir(argv[i]);
    if (entries)
      run_folder(argv[i], entries);
    else
      run_file(argv[i]);
    if (entries)
      closedir(entries);
  }
  printf("%u inputs\n", inputs);
  return 0;
}
