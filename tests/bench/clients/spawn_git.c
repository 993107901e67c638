/* The peer of POST /api/git: bench_spawn_git FOLDER ROUNDS runs `git status --porcelain` there with posix_spawn, reads all of its output,
 * waits for it, and prints the microseconds of each run. */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int run_once(void) {
  char *const words[] = {"git", "status", "--porcelain", NULL};
  posix_spawn_file_actions_t actions;
  char bytes[65536];
  int ends[2], status = 0;
  pid_t child;
  if (pipe2(ends, O_CLOEXEC) != 0)
    return -1;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  int failed = posix_spawnp(&child, "git", &actions, NULL, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  while (!failed && read(ends[0], bytes, sizeof(bytes)) > 0)
    continue;
  close(ends[0]);
  return failed || waitpid(child, &status, 0) != child ? -1 : status;
}

int main(int argc, char **argv) {
  unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  if (argc != 3 || chdir(argv[1]) != 0)
    return 2;
  for (; rounds > 0; rounds--) {
    double started = now_us();
    if (run_once() != 0)
      return 1;
    printf("%.0f\n", now_us() - started);
  }
  return 0;
}
